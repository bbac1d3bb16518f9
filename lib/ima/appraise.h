/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Appraisal of the kernel's IMA list: is it whole, and is it what was extended?
 *
 * Checks: log-structure, violations, boot-aggregate, log-replay, other-registers. */

#include "lib/check.h"
#include "lib/ima/list.h"
#include "lib/pcrfile.h"

/* [Log] of sealwatch.appraisal(5). */
typedef struct ImaRequirements {
        bool forbid_violations;
        bool allow_padded_sha1; /* as kernels before 5.8 extend: the other banks are no stronger than SHA-1 */
        bool allow_tail;        /* entries at the end that are not extended yet */
        bool require_boot_aggregate;
        PcrSet continued; /* registers that were extended after the kernel took the boot aggregate */
        int pcr;          /* the register to judge; -1: every one that the list names, and 10 */
} ImaRequirements;

/* Nothing is allowed that weakens what the registers hold. Violations are not forbidden: they happen on healthy machines,
 * and are named. */
ImaRequirements ima_requirements_default(void);

/* Takes a list in pieces. */
typedef struct ImaAppraisal ImaAppraisal;

/* pcrs: what the PCRs hold; without banks there is nothing to compare with, and log-replay does not apply. padded: replays
 * as kernels before 5.8 did, for a second pass over a list that ima_appraisal_wants_padded(). Both pointers are borrowed.
 * 0 or -ENOMEM. */
int ima_appraisal_new(const ImaRequirements *q, const PcrInputs *pcrs, bool padded, ImaAppraisal **ret);
ImaAppraisal *ima_appraisal_free(ImaAppraisal *a);

/* Before the first bytes: they are those behind so many entries, which extended PCR 10 alone, to the value. What the first
 * entries say was judged before. */
void ima_appraisal_resume(ImaAppraisal *a, uint64_t entries, const BankDigests *value);

/* As firmware_appraisal_feed(). */
int ima_appraisal_feed(ImaAppraisal *a, const void *data, size_t n, bool last, size_t *ret_used);

/* True when the list was read to its end and replays; and when it does not, and might in the old way. */
bool ima_appraisal_replays(const ImaAppraisal *a);
bool ima_appraisal_wants_padded(const ImaAppraisal *a);

/* How many entries, from the start of the list, are in PCR 10 as it was given; 0 where that cannot be said: the list does
 * not replay, or other registers are in it as well. */
uint64_t ima_appraisal_anchored(const ImaAppraisal *a);

/* Adds the checks; behind the last feed. */
void ima_appraisal_end(const ImaAppraisal *a, CheckList *checks);

/* All of it for a list in memory. 0 or a negative errno (undecided). */
int ima_appraise(const ImaRequirements *q, const PcrInputs *pcrs, const void *list, size_t n, CheckList *checks);
