/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A simulated paravisor's claims and blobs, in the form of Azure's. */

#include "lib/azure/claims.h"
#include "lib/azure/hcl.h"
#include "lib/sim/quote.h"

/* Appends claims that name an RSA key as HCLAkPub, a machine, and user data (NULL: as old paravisors, which have none).
 * 0, or -ENOMEM. */
int sim_hcl_claims(const SimKey *ak, const char *vm_id, const uint8_t user_data[HCL_USER_DATA_SIZE], Buffer *ret);

/* Appends the blob: claims as they are, a report of SNP_REPORT_SIZE bytes, zeros up to `room` bytes. Its version, hash,
 * report and claims count; the stated size is computed. */
void sim_hcl_write(const HclBlob *blob, size_t room, Buffer *ret);
