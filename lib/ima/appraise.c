/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Judging an IMA list.
 *
 * The kernel appends an entry before it extends it, and a list can be read between the two; so what matched is the longest
 * prefix, and what is behind it is named. Entries of a register of which no value is given would ride along unseen: they
 * fail, unless the caller asks for one register only.
 *
 * Not in any digest, and so not believed: the name of the template, and all that a violation says of its file. */

#include "lib/ima/appraise.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"

enum { IMA_PCR = 10, NAME_SHOWN = 256 };

struct ImaAppraisal {
        const ImaRequirements *requirements;
        const PcrInputs *pcrs;
        bool padded;
        ImaList *list;
        LogResult result;
        uint64_t resumed;                               /* entries before the first one here */
        bool resumed_matches;                           /* those alone replay to the value of PCR 10 */
        uint64_t counts[PCR_COUNT], matched[PCR_COUNT]; /* entries of a PCR; those that replay to its value */
        PcrSet given;                                   /* in every bank given */

        uint64_t violations, first_violation;
        char violation_name[NAME_SHOWN];

        bool has_aggregate;
        HashAlg aggregate_alg; /* _HASH_INVALID: none that this project computes */
        uint8_t aggregate[IMA_DIGEST_MAX];
};

DEFINE_CLEANUP(ImaAppraisal *, ima_appraisal_free)

ImaRequirements ima_requirements_default(void) {
        return (ImaRequirements){ .pcr = -1 };
}

int ima_appraisal_new(const ImaRequirements *q, const PcrInputs *pcrs, bool padded, ImaAppraisal **ret) {
        _cleanup_(ima_appraisal_freep) ImaAppraisal *a = new0(ImaAppraisal, 1);
        int r;

        if (!a)
                return -ENOMEM;
        a->requirements = q;
        a->pcrs = pcrs;
        a->padded = padded;
        a->result = LOG_TRUNCATED;
        a->given = pcrs->banks ? 0xffffff : 0;
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                if (pcrs->banks & bank(alg))
                        a->given &= pcrs->files[alg].present;
        r = ima_list_new(pcrs->banks, padded, &a->list);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(a);
        return 0;
}

ImaAppraisal *ima_appraisal_free(ImaAppraisal *a) {
        if (!a)
                return NULL;
        ima_list_free(a->list);
        free(a);
        return NULL;
}

/* True when the register holds, in every bank given, what was replayed so far. */
static bool matches(const ImaAppraisal *a, unsigned pcr) {
        const PcrValues *values = ima_list_values(a->list);

        if (!(a->given & 1U << pcr))
                return false;
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                if (a->pcrs->banks & bank(alg) &&
                    memcmp(a->pcrs->files[alg].values[pcr], values->values[alg][pcr], hash_size(alg)) != 0)
                        return false;
        return true;
}

void ima_appraisal_resume(ImaAppraisal *a, uint64_t entries, const BankDigests *value) {
        ima_list_resume(a->list, entries, IMA_PCR, value);
        a->resumed = entries;
        a->resumed_matches = matches(a, IMA_PCR);
}

static void take_entry(ImaAppraisal *a, const ImaEntry *e) {
        static const char aggregate[] = "boot_aggregate";

        a->counts[e->pcr]++;
        if (matches(a, e->pcr))
                a->matched[e->pcr] = a->counts[e->pcr];
        if (e->violation && a->violations++ == 0) {
                a->first_violation = e->number;
                snprintf(a->violation_name, sizeof(a->violation_name), "%.*s",
                         (int) MIN(e->name_size, (size_t) NAME_SHOWN), e->name ? e->name : "");
        }
        if (e->number == 0 && e->name_size == sizeof(aggregate) - 1 &&
            memcmp(e->name, aggregate, sizeof(aggregate) - 1) == 0 && e->digest) {
                a->has_aggregate = true;
                a->aggregate_alg = e->violation ? _HASH_INVALID : e->alg;
                memcpy(a->aggregate, e->digest, MIN(e->digest_size, sizeof(a->aggregate)));
        }
}

int ima_appraisal_feed(ImaAppraisal *a, const void *data, size_t n, bool last, size_t *ret_used) {
        uint64_t before = ima_list_offset(a->list);
        ImaEntry e;

        ima_list_more(a->list, data, n);
        while ((a->result = ima_list_next(a->list, &e)) == LOG_ENTRY)
                take_entry(a, &e);
        *ret_used = (size_t) (ima_list_offset(a->list) - before);
        if (a->result == LOG_FAILED)
                return -EIO;
        return !last && (a->result == LOG_END || a->result == LOG_TRUNCATED);
}

/* The registers to compare: those that the list extends, and IMA's own, whose entries may all be missing. */
static PcrSet judged(const ImaAppraisal *a) {
        if (a->requirements->pcr >= 0)
                return 1U << a->requirements->pcr;
        return ima_list_extended(a->list) | (a->given & 1U << IMA_PCR);
}

/* Registers that hold nothing which a part of the list replays to. */
static PcrSet mismatched(const ImaAppraisal *a) {
        PcrSet set = 0;

        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
                if (judged(a) & a->given & 1U << pcr && a->matched[pcr] == 0 &&
                    !(pcr == IMA_PCR && a->resumed_matches) && (a->counts[pcr] > 0 || !matches(a, pcr)))
                        set |= 1U << pcr;
        return set;
}

static uint64_t tail(const ImaAppraisal *a) {
        uint64_t n = 0;

        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
                if (judged(a) & 1U << pcr)
                        n += a->counts[pcr] - a->matched[pcr];
        return n;
}

bool ima_appraisal_replays(const ImaAppraisal *a) {
        return a->result == LOG_END && mismatched(a) == 0;
}

uint64_t ima_appraisal_anchored(const ImaAppraisal *a) {
        if (!ima_appraisal_replays(a) || a->padded || (ima_list_extended(a->list) & ~(1U << IMA_PCR)))
                return 0;
        return a->resumed + a->matched[IMA_PCR];
}

bool ima_appraisal_wants_padded(const ImaAppraisal *a) {
        return !a->padded && a->result == LOG_END && a->pcrs->banks & ~bank(HASH_SHA1) && mismatched(a) != 0;
}

static void judge_structure(const ImaAppraisal *a, CheckList *checks) {
        uint64_t n = ima_list_entries(a->list);
        char pcrs[PCR_SET_TEXT_MAX];

        if (a->result != LOG_END)
                check_add(checks, "log-structure", CHECK_FAIL, "entry %" PRIu64 " at byte %" PRIu64 ": %s", n,
                          ima_list_offset(a->list), ima_list_why(a->list));
        else if (n == 0)
                check_add(checks, "log-structure", CHECK_FAIL, "the list is empty");
        else
                check_add(checks, "log-structure", CHECK_PASS,
                          "%" PRIu64 " entries of PCRs %s, %s with %s template digests", n,
                          pcr_set_text(ima_list_extended(a->list), pcrs),
                          ima_list_is_text(a->list) ? "text" : "binary", hash_name(ima_list_digest(a->list)));
}

static void judge_violations(const ImaAppraisal *a, CheckList *checks) {
        if (a->violations == 0)
                check_add(checks, "violations", CHECK_PASS, "none");
        else
                check_add(checks, "violations", a->requirements->forbid_violations ? CHECK_FAIL : CHECK_PASS,
                          "%" PRIu64 ", the first is entry %" PRIu64
                          " (%s); a register holds how many there are, not what they say",
                          a->violations, a->first_violation, a->violation_name);
}

/* H(PCR 0 … last) from the values given. 1, 0 when one is not given, or a negative errno. */
static int compute_aggregate(const ImaAppraisal *a, unsigned last, Digest *ret) {
        const PcrFile *file = &a->pcrs->files[a->aggregate_alg];
        uint8_t all[10 * DIGEST_MAX];
        size_t size = hash_size(a->aggregate_alg);
        int r;

        if (!(a->pcrs->banks & bank(a->aggregate_alg)))
                return 0;
        for (unsigned pcr = 0; pcr <= last; pcr++) {
                if (!(file->present & 1U << pcr))
                        return 0;
                memcpy(all + pcr * size, file->values[pcr], size);
        }
        r = digest_data(a->aggregate_alg, all, (last + 1) * size, ret);
        return r < 0 ? r : 1;
}

static bool aggregate_is(const ImaAppraisal *a, const Digest *d) {
        return memcmp(d->bytes, a->aggregate, hash_size(a->aggregate_alg)) == 0;
}

static void compare_aggregate(const ImaAppraisal *a, CheckList *checks) {
        unsigned last = a->aggregate_alg == HASH_SHA1 ? 7 : 9;
        CheckResult missing = a->requirements->require_boot_aggregate ? CHECK_UNDECIDED : CHECK_NA;
        Digest all, firmware;
        int r = compute_aggregate(a, last, &all), old = compute_aggregate(a, 7, &firmware);

        if (r < 0 || old < 0)
                check_add(checks, "boot-aggregate", CHECK_UNDECIDED, "no crypto");
        else if (old == 0 || r == 0)
                check_add(checks, "boot-aggregate", missing, "the values of the PCRs 0-%u in %s were not given", last,
                          hash_name(a->aggregate_alg));
        else if (a->requirements->continued & 0x3ff)
                check_add(checks, "boot-aggregate", missing,
                          "a register among 0-9 is said to have been extended since the kernel took it");
        else if (aggregate_is(a, &all) || aggregate_is(a, &firmware))
                check_add(checks, "boot-aggregate", CHECK_PASS, "it is that of the PCRs 0-%u",
                          aggregate_is(a, &all) ? last : 7);
        else
                check_add(checks, "boot-aggregate", CHECK_FAIL,
                          "it is not that of the PCRs 0-%u: this list is of another boot, or one of them was extended "
                          "since",
                          last);
}

static void judge_aggregate(const ImaAppraisal *a, CheckList *checks) {
        CheckResult missing = a->requirements->require_boot_aggregate ? CHECK_FAIL : CHECK_NA;

        if (a->result != LOG_END)
                check_add(checks, "boot-aggregate", missing, "the list cannot be read to its end");
        else if (a->resumed > 0)
                check_add(checks, "boot-aggregate", CHECK_NA, "judged before, with the first entries");
        else if (!a->has_aggregate)
                check_add(checks, "boot-aggregate", missing, "the list does not start with a boot_aggregate entry");
        else if (a->aggregate_alg == _HASH_INVALID)
                check_add(checks, "boot-aggregate", missing, "its algorithm is none that this tool computes");
        else
                compare_aggregate(a, checks);
}

/* Registers of which a whole list says nothing. */
static bool complain_missing(const ImaAppraisal *a, CheckList *checks) {
        PcrSet missing = judged(a) & ~a->given, unnamed = judged(a) & ~ima_list_extended(a->list);
        char pcrs[PCR_SET_TEXT_MAX];

        if (missing)
                check_add(checks, "log-replay", CHECK_FAIL, "no value was given of PCRs %s (--pcr N judges one alone)",
                          pcr_set_text(missing, pcrs));
        else if (unnamed && a->requirements->pcr >= 0)
                check_add(checks, "log-replay", CHECK_FAIL, "the list has no entry of PCR %d", a->requirements->pcr);
        return missing || (unnamed && a->requirements->pcr >= 0);
}

static void judge_replay(const ImaAppraisal *a, CheckList *checks) {
        PcrSet wrong = mismatched(a), right = judged(a) & ~wrong;
        char pcrs[PCR_SET_TEXT_MAX], banks[BANK_SET_TEXT_MAX];
        bool padded = a->padded && a->pcrs->banks != bank(HASH_SHA1);

        if (a->result != LOG_END)
                check_add(checks, "log-replay", CHECK_NA, "the list cannot be read to its end");
        else if (a->pcrs->banks == 0)
                check_add(checks, "log-replay", CHECK_NA,
                          "no PCR values were given (--pcrs): nothing anchors the list");
        else if (complain_missing(a, checks))
                return;
        else if (wrong)
                check_add(checks, "log-replay", CHECK_FAIL,
                          "no part of the list replays to the value of PCRs %s in %s", pcr_set_text(wrong, pcrs),
                          bank_set_text(a->pcrs->banks, banks));
        else if (padded && !a->requirements->allow_padded_sha1)
                check_add(checks, "log-replay", CHECK_FAIL,
                          "PCRs %s hold SHA-1 digests and zeros, as before Linux 5.8: no stronger than SHA-1",
                          pcr_set_text(right, pcrs));
        else if (tail(a) > 0 && !a->requirements->allow_tail)
                check_add(checks, "log-replay", CHECK_FAIL,
                          "the last %" PRIu64 " entries are not in PCRs %s (--allow-tail would report them only)",
                          tail(a), pcr_set_text(right, pcrs));
        else
                check_add(checks, "log-replay", CHECK_PASS,
                          "the list replays to PCRs %s in %s%s, %" PRIu64 " entries are not anchored yet",
                          pcr_set_text(right, pcrs), bank_set_text(a->pcrs->banks, banks),
                          padded ? " (SHA-1 and zeros)" : "", tail(a));
}

static void judge_others(const ImaAppraisal *a, CheckList *checks) {
        PcrSet others = ima_list_extended(a->list) & ~judged(a);
        char pcrs[PCR_SET_TEXT_MAX];
        uint64_t n = 0;

        if (!others) {
                check_add(checks, "other-registers", CHECK_NA, "none");
                return;
        }
        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
                if (others & 1U << pcr)
                        n += a->counts[pcr];
        check_add(checks, "other-registers", CHECK_NA, "%" PRIu64 " entries are of PCRs %s, which were not asked for",
                  n, pcr_set_text(others, pcrs));
}

void ima_appraisal_end(const ImaAppraisal *a, CheckList *checks) {
        judge_structure(a, checks);
        judge_violations(a, checks);
        judge_aggregate(a, checks);
        judge_replay(a, checks);
        judge_others(a, checks);
}

static int appraise_once(const ImaRequirements *q, const PcrInputs *pcrs, bool padded, const void *list, size_t n,
                         ImaAppraisal **ret) {
        _cleanup_(ima_appraisal_freep) ImaAppraisal *a = NULL;
        size_t used;
        int r = ima_appraisal_new(q, pcrs, padded, &a);

        if (r >= 0)
                r = ima_appraisal_feed(a, list, n, true, &used);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(a);
        return 0;
}

int ima_appraise(const ImaRequirements *q, const PcrInputs *pcrs, const void *list, size_t n, CheckList *checks) {
        _cleanup_(ima_appraisal_freep) ImaAppraisal *a = NULL, *padded = NULL;
        int r = appraise_once(q, pcrs, false, list, n, &a);

        if (r >= 0 && ima_appraisal_wants_padded(a))
                r = appraise_once(q, pcrs, true, list, n, &padded);
        if (r < 0)
                return r;
        ima_appraisal_end(padded && ima_appraisal_replays(padded) ? padded : a, checks);
        return 0;
}
