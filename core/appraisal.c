/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Judging a guest. */

#include "core/appraisal.h"

#include <errno.h>
#include <inttypes.h>

#include "lib/base/hex.h"
#include "lib/canary.h"

/* Following the log: from where it was seen before, or from its beginning. */
typedef struct Follow {
        const Conduct *from; /* NULL: the beginning */
        Conduct now;
} Follow;

static int follow_restart(void *userdata) {
        Follow *f = userdata;

        f->now = f->from ? *f->from : (Conduct){};
        return 0;
}

static int follow_entry(void *userdata, const LogEntry *entry) {
        return conduct_take(&((Follow *) userdata)->now, entry);
}

int guest_name(const Evidence *e, TpmName *ret) {
        const Buffer *b = &e->parts[EVIDENCE_AK_PUBLIC];
        TpmPublic public;
        const char *why;

        if (b->size == 0 || tpm_public_parse(b->data, b->size, &public, &why) < 0)
                return -EINVAL;
        return tpm_public_name(&public, ret);
}

static const char *order_problem(const KnownGuest *known, const Attest *quote) {
        if (quote->resets != known->resets)
                return quote->resets < known->resets ? "it is of an earlier life of the TPM than was seen before"
                                                     : NULL;
        if (quote->restarts < known->restarts)
                return "it is from before a resume that was seen";
        return quote->clock <= known->clock ? "it is not newer than the last one: a replay" : NULL;
}

static void judge_order(const GuestAppraisal *a, const Attest *quote, CheckList *checks) {
        const char *why = a->known ? order_problem(a->known, quote) : NULL;

        if (!a->known)
                check_add(checks, "quote-order", CHECK_NA, "this guest was not seen before");
        else if (why)
                check_add(checks, "quote-order", CHECK_FAIL, "%s", why);
        else if (quote->resets != a->known->resets)
                check_add(checks, "quote-order", CHECK_PASS,
                          "the TPM was reset since it was seen before (%" PRIu64 ", now %u): a new log",
                          a->known->resets, (unsigned) quote->resets);
        else
                check_add(checks, "quote-order", CHECK_PASS, "it is newer than what was seen before");
}

/* The checks by which what is kept of a guest is proven. */
static bool is_authentic(const CheckList *checks) {
        static const char *const needed[] = { "evidence-nonce",     "quote-structure", "quote-signature",
                                              "quote-nonce",        "quote-selection", "pcr-digest",
                                              "ak-binding",         "signature",       "event-log-replay",
                                              "event-log-structure" };
        static const char *const not_failed[] = { "event-log-continuity", "quote-order", "ak-attributes", "chain",
                                                  "root" };

        for (size_t i = 0; i < ELEMENTSOF(needed); i++)
                if (!check_list_passed(checks, needed[i]))
                        return false;
        for (size_t i = 0; i < ELEMENTSOF(not_failed); i++) {
                const Check *c = check_list_find(checks, not_failed[i]);

                if (!c || c->result == CHECK_FAIL || c->result == CHECK_UNDECIDED)
                        return false;
        }
        return true;
}

/* An increment of the list is not judged for what is wrong with its beginning: whether there was nothing. */
static bool ima_list_passed(const Evidence *e, const CheckList *checks) {
        const Check *aggregate = check_list_find(checks, "boot-aggregate");
        bool carried = aggregate && aggregate->result == CHECK_NA && e->ima_since > 0;

        return check_list_passed(checks, "violations") && (carried || check_list_passed(checks, "boot-aggregate"));
}

static void note(const GuestAppraisal *a, const EvidenceFindings *found, const Conduct *conduct,
                 const CheckList *checks, GuestFindings *ret) {
        ret->ak_name = found->ak_name;
        ret->has_report = found->report != NULL;
        ret->is_authentic = is_authentic(checks);
        ret->next = (KnownGuest){ .resets = found->quote.resets,
                                  .restarts = found->quote.restarts,
                                  .clock = found->quote.clock,
                                  .base = found->base,
                                  .conduct = *conduct };
        if (!ima_list_passed(a->evidence, checks)) {
                ret->next.base.ima_entries = 0;
                ret->next.base.ima_value = (BankDigests){};
        }
        if (found->report)
                memcpy(ret->next.report_id, found->report->report_id, sizeof(ret->next.report_id));
}

int guest_appraise(const GuestAppraisal *a, CheckList *checks, GuestFindings *ret) {
        const Evidence *e = a->evidence;
        const Buffer *quote = &e->parts[EVIDENCE_QUOTE];
        Follow follow = {};
        const EvidenceSink sink = { &follow, follow_restart, follow_entry };
        char nonce[2 * EVIDENCE_NONCE_MAX + 1];
        uint8_t canary[SHA256_SIZE];
        EvidenceAppraisal all = {
                .evidence = e,
                .nonce = a->nonce,
                .snp = &a->policy->snp,
                .tpm = &a->policy->tpm,
                .firmware = &a->policy->firmware,
                .ima = &a->policy->log,
                .log_pcr = (uint32_t) a->policy->guest.log_pcr,
                .endorsements = a->endorsements,
                .sink = &sink,
                .at = a->at,
                .allow_simulated = a->allow_simulated,
        };
        EvidenceFindings found;
        Attest attest;
        const char *why;
        size_t offset;
        int r;

        *ret = (GuestFindings){};
        if (a->nonce.size > EVIDENCE_NONCE_MAX)
                return -EINVAL;
        r = canary_digest(a->nonce.data, a->nonce.size, canary);
        if (r < 0)
                return r;
        if (attest_parse(quote->data, quote->size, &attest, &offset, &why) < 0)
                attest = (Attest){};
        if (a->known && a->known->resets == attest.resets) {
                all.base = &a->known->base;
                follow.from = e->log_since > 0 ? &a->known->conduct : NULL;
        }
        follow_restart(&follow);
        r = evidence_appraise(&all, checks, &found);
        if (r < 0)
                return r;
        judge_order(a, &attest, checks);
        conduct_judge(&follow.now, &a->policy->guest,
                      &(ConductClaims){ .nonce = hex_encode(a->nonce.data, a->nonce.size, nonce),
                                        .canary = canary,
                                        .pcrs = &e->pcrs,
                                        .resets = attest.resets,
                                        .entries = e->heartbeat_sequence,
                                        .mode = e->mode,
                                        .policy = e->policy,
                                        .levels = &e->levels,
                                        .allow_simulated = a->allow_simulated },
                      checks);
        note(a, &found, &follow.now, checks, ret);
        return 0;
}
