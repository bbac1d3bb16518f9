/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What ties a report to a nonce and to the key that quotes. */

#include "lib/tpm/public.h"

enum { AK_REPORT_DATA_SIZE = 64 };

/* SHA-512("sealwatch-evidence-v1" || nonce || SHA-256(Name of the attestation key)): the report data of a report, on Azure
 * the user data in the paravisor's claims, with an SVSM the nonce that svsm_report_data() takes. 0, -ENOMEM or -EIO. */
int ak_report_data(const void *nonce, size_t n, const TpmName *ak_name, uint8_t ret[AK_REPORT_DATA_SIZE]);
