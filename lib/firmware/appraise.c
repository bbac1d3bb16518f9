/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The log itself: structure, data, replay.
 *
 * Which PCRs must be explained by this log: 0 to 9 and 14 are written by firmware, boot loaders and the kernel's stub only,
 * so a value without events is a log with events left out. The others belong to the OS as well: without events the log
 * says nothing about them, and what they hold comes from others (IMA, systemd, sealwatch): that is named. With events they are compared, unless the OS is said to have gone on extending them. */

#include "lib/firmware/appraise.h"

#include <inttypes.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/firmware/appraise-internal.h"
#include "lib/firmware/eventtype.h"

DEFINE_CLEANUP(FirmwareAppraisal *, firmware_appraisal_free)

static const PcrSet must_explain = 0x3ff | 1U << 14;
static const PcrSet os_and_firmware = 0xffff;

void firmware_requirements_done(FirmwareRequirements *q) {
        for (size_t i = 0; i < _ITEMS_MAX; i++)
                digest_list_done(&q->lists[i]);
}

int firmware_appraisal_new(const FirmwareRequirements *q, const PcrInputs *pcrs, FirmwareAppraisal **ret) {
        _cleanup_(firmware_appraisal_freep) FirmwareAppraisal *a = new0(FirmwareAppraisal, 1);
        int r;

        if (!a)
                return -ENOMEM;
        a->requirements = q;
        a->pcrs = pcrs;
        a->result = LOG_TRUNCATED;
        r = firmware_log_new(pcrs->banks, &a->log);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(a);
        return 0;
}

FirmwareAppraisal *firmware_appraisal_free(FirmwareAppraisal *a) {
        if (!a)
                return NULL;
        firmware_log_free(a->log);
        firmware_facts_done(&a->facts);
        free(a);
        return NULL;
}

/* What the log says, or that and the first few of what came later. */
static bool holds(const FirmwareAppraisal *a, HashAlg alg, unsigned pcr) {
        const FirmwareRequirements *q = a->requirements;
        const uint8_t *held = a->pcrs->files[alg].values[pcr], *said = firmware_log_values(a->log)->values[alg][pcr];
        size_t n = hash_size(alg);
        Digest value = { .alg = alg }, next;

        memcpy(value.bytes, said, n);
        for (size_t i = 0; i < q->n_later && memcmp(held, value.bytes, n) != 0; i++)
                if (q->later[i].pcrs & 1U << pcr && q->later[i].digest.banks & bank(alg)) {
                        if (digest_pair(alg, value.bytes, n, q->later[i].digest.values[alg], n, &next) < 0)
                                return false;
                        value = next;
                }
        return memcmp(held, value.bytes, n) == 0;
}

/* Compares one bank. */
static void compare_bank(FirmwareAppraisal *a, HashAlg alg) {
        const PcrFile *file = &a->pcrs->files[alg];
        const PcrValues *values = firmware_log_values(a->log);

        a->anchored &= file->present;
        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
                if (!(a->anchored & 1U << pcr) || (values->banks & bank(alg) && holds(a, alg, pcr)))
                        continue;
                if ((must_explain | firmware_log_extended(a->log)) & 1U << pcr)
                        a->mismatched |= 1U << pcr;
                else
                        a->foreign |= 1U << pcr;
        }
        if (firmware_log_gap(a->log, alg) != 0)
                a->anchored = 0;
}

/* Compares what was replayed; only a whole log can be compared. */
static void compare(FirmwareAppraisal *a) {
        a->anchored = a->pcrs->banks ? (os_and_firmware | firmware_log_extended(a->log)) : 0;
        a->anchored &= ~a->requirements->continued;
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                if (a->pcrs->banks & bank(alg))
                        compare_bank(a, alg);
        a->anchored &= ~a->mismatched & ~a->foreign;
}

int firmware_appraisal_feed(FirmwareAppraisal *a, const void *data, size_t n, bool last, size_t *ret_used) {
        uint64_t before = firmware_log_offset(a->log);
        FirmwareEvent e;

        firmware_log_more(a->log, data, n);
        while ((a->result = firmware_log_next(a->log, &e)) == LOG_ENTRY) {
                int r = firmware_facts_add(&a->facts, &e);

                if (r < 0)
                        return r;
        }
        *ret_used = (size_t) (firmware_log_offset(a->log) - before);
        if (a->result == LOG_FAILED)
                return -EIO;
        if (!last && (a->result == LOG_END || a->result == LOG_TRUNCATED))
                return 1;
        if (a->result == LOG_END)
                compare(a);
        return 0;
}

static void judge_structure(const FirmwareAppraisal *a, CheckList *checks) {
        uint64_t n = firmware_log_events(a->log);
        char banks[BANK_SET_TEXT_MAX], locality[32] = "";

        if (a->result != LOG_END)
                check_add(checks, "log-structure", CHECK_FAIL, "event %" PRIu64 " at byte %" PRIu64 ": %s", n,
                          firmware_log_offset(a->log), firmware_log_why(a->log));
        else if (firmware_log_banks(a->log) == 0)
                check_add(checks, "log-structure", CHECK_FAIL, "the log has no bank that this tool knows");
        else {
                if (firmware_log_locality(a->log) >= 0)
                        snprintf(locality, sizeof(locality), ", startup locality %d", firmware_log_locality(a->log));
                check_add(checks, "log-structure", CHECK_PASS, "crypto-agile, %" PRIu64 " events in the banks %s%s%s",
                          n, bank_set_text(firmware_log_banks(a->log), banks),
                          firmware_log_unknown_algorithms(a->log) > 0 ? " (and unknown ones)" : "", locality);
        }
}

static void judge_data(const FirmwareAppraisal *a, CheckList *checks) {
        const FirmwareFacts *f = &a->facts;

        if (f->broken != 0)
                check_add(checks, "event-data", CHECK_FAIL,
                          "event %" PRIu64 " (%s, PCR %" PRIu32 "): its digest is not that of what it says", f->broken,
                          event_type(f->broken_type)->name, f->broken_pcr);
        else if (f->bound + f->unbound == 0)
                check_add(checks, "event-data", CHECK_NA, "the log has no event that extends");
        else
                check_add(checks, "event-data", CHECK_PASS,
                          "%" PRIu64 " events say what was measured; %" PRIu64
                          " only name it, and no digest covers the names",
                          f->bound, f->unbound);
}

/* A bank that cannot be compared at all. True when it said so. */
static bool complain_bank(const FirmwareAppraisal *a, CheckList *checks) {
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++) {
                if (!(a->pcrs->banks & bank(alg)))
                        continue;
                if (!(firmware_log_banks(a->log) & bank(alg))) {
                        check_add(checks, "log-replay", CHECK_FAIL, "the log does not have the bank %s",
                                  hash_name(alg));
                        return true;
                }
                if (firmware_log_gap(a->log, alg) != 0) {
                        check_add(checks, "log-replay", CHECK_FAIL, "event %" PRIu64 " has no %s digest",
                                  firmware_log_gap(a->log, alg), hash_name(alg));
                        return true;
                }
        }
        return false;
}

static void judge_replay(const FirmwareAppraisal *a, CheckList *checks) {
        PcrSet explained = must_explain | firmware_log_extended(a->log), right = a->anchored & explained;
        PcrSet left = ((firmware_log_extended(a->log) | a->requirements->continued) & ~a->anchored) | a->foreign;
        char good[PCR_SET_TEXT_MAX], other[PCR_SET_TEXT_MAX], banks[BANK_SET_TEXT_MAX];

        if (a->result != LOG_END)
                check_add(checks, "log-replay", CHECK_NA, "the log cannot be read to its end");
        else if (a->pcrs->banks == 0)
                check_add(checks, "log-replay", CHECK_NA,
                          "no PCR values were given (--pcrs): nothing anchors the log");
        else if (complain_bank(a, checks))
                return;
        else if (a->mismatched & ~firmware_log_extended(a->log) & ~UINT32_C(1))
                check_add(checks, "log-replay", CHECK_FAIL, "PCRs %s were extended, and the log has no event of them",
                          pcr_set_text(a->mismatched & ~firmware_log_extended(a->log), other));
        else if (a->mismatched)
                check_add(checks, "log-replay", CHECK_FAIL,
                          "PCRs %s do not hold what the log says (%s do): events are missing, changed or added, or "
                          "something else was extended as well",
                          pcr_set_text(a->mismatched, other), pcr_set_text(right, good));
        else if (right == 0)
                check_add(checks, "log-replay", CHECK_UNDECIDED,
                          "none of the given values is of a PCR that this log explains");
        else
                check_add(checks, "log-replay", CHECK_PASS,
                          "PCRs %s hold what the log says, in %s; extended by others, or not compared: %s",
                          pcr_set_text(right, good), bank_set_text(a->pcrs->banks, banks), pcr_set_text(left, other));
}

void firmware_appraisal_end(const FirmwareAppraisal *a, CheckList *checks) {
        judge_structure(a, checks);
        judge_data(a, checks);
        judge_replay(a, checks);
        firmware_judge_facts(a, checks);
}

int firmware_appraise(const FirmwareRequirements *q, const PcrInputs *pcrs, const void *log, size_t n,
                      CheckList *checks) {
        _cleanup_(firmware_appraisal_freep) FirmwareAppraisal *a = NULL;
        size_t used;
        int r;

        r = firmware_appraisal_new(q, pcrs, &a);
        if (r >= 0)
                r = firmware_appraisal_feed(a, log, n, true, &used);
        if (r < 0)
                return r;
        firmware_appraisal_end(a, checks);
        return 0;
}
