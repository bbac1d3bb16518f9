/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A simulated processor with endorsements of its own (lib/sim), for tests and demonstrations. What shall be wrong with it is
 * read before each report from the file that AttesterOptions.simulator_path names, which root writes: words with blanks
 * between them, none or no file for nothing.
 *
 *     tcb-rollback   the firmware is older than that which the signing key is of
 *     debug          the guest's policy allows debugging
 *     other-chip     another processor, with a certificate of its own
 *     other-guest    another REPORT_ID
 *     other-measurement
 *     stale-nonce    report data of no nonce of ours
 *     bad-signature  one bit of the report is another one than was signed
 *     expired-vlek   a provider's certificate that was valid until yesterday
 *     revoked-ask    the list of revoked authorities names the VCEK's
 *     unendorsed     no certificates, as where nobody hands them out */

#include <stdbool.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/snp/report.h"

typedef struct Simulator Simulator;

/* With new keys, which takes seconds. 0, -ENOMEM or -EIO. */
int simulator_new(Simulator **ret);
Simulator *simulator_free(Simulator *s);
DEFINE_CLEANUP(Simulator *, simulator_free)

/* Appends a report with this data, and what endorses it as of now (seconds since 1970). `faults` is the text of the file. 0;
 * -EINVAL for a word that is not in the list above; -ENOMEM, -EIO. */
int simulator_report(Simulator *s, const char *faults, const uint8_t report_data[SNP_REPORT_DATA_SIZE], int64_t now,
                     Buffer *report, Buffer *vek, Buffer *chain, Buffer *crl);
