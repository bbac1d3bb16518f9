/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a Secure VM Service Module (AMD 58019; COCONUT-SVSM, protocols/attest.rs) says of its services beside the report
 * that it asks for at VMPL 0: the manifest of one service as it is, or of all as a table. Integers are little endian, GUIDs
 * in their mixed order.
 *
 *  0  GUID 63849ebb-3d92-4670-a1ff-58f9c94b87bb | size of the whole u32 | number of services u32
 * 24  for each service its GUID | offset from the start of the table u32 | size u32
 *     the services' manifests
 *
 * The manifest of the vTPM, c476f1eb-0123-45a5-9641-b4e7dde5bfe3, version 0, is the public area of its endorsement key. */

#include "lib/snp/report.h"
#include "lib/tpm/ids.h"

enum { SVSM_NONCE_SIZE = 64, SVSM_MANIFEST_MAX = 65536, SVSM_SERVICES_MAX = 64 };

/* Finds the vTPM's manifest in n bytes that are one table, or, when they do not start as one, the vTPM's manifest alone.
 * 0 with *ret (borrowed); -EINVAL with a static sentence: the table is not whole, parts overlap or leave something out, a
 * service is there twice, the vTPM is not there. */
int svsm_manifest_vtpm(const void *data, size_t n, Bytes *ret, const char **reterr_why);

/* The report data that binds a manifest to a nonce: SHA-512 of both. 0, -ENOMEM, -EIO. */
int svsm_report_data(const uint8_t nonce[SVSM_NONCE_SIZE], const void *manifest, size_t n,
                     uint8_t ret[SNP_REPORT_DATA_SIZE]);
