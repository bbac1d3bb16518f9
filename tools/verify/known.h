/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The folder in which a verifier keeps what it knows of guests: "<Name of the AK>.json" for each, and "report-<REPORT_ID>",
 * which names the key that a launched guest had. Files are replaced whole and synced. */

#include "core/appraisal.h"

/* Opens (or makes) the folder, and waits until no other verifier uses it. 0 with a descriptor, or a negative errno. */
int known_open(const char *path, int *ret_fd);

/* 1 with *ret, 0: this guest was not seen before; -EBADMSG: the file is not what known_store() writes; another errno. */
int known_load(int dir, const TpmName *name, KnownGuest *ret);

/* 0 or a negative errno. */
int known_store(int dir, const TpmName *name, const KnownGuest *guest);

/* The key that the guest of that report had: 1 with its Name in hexadecimal, 0: not seen before, or a negative errno. */
int known_key_of_report(int dir, const uint8_t report_id[SNP_REPORT_ID_SIZE], char ret[2 * TPM_NAME_MAX + 1]);
int known_store_report(int dir, const uint8_t report_id[SNP_REPORT_ID_SIZE], const TpmName *name);
