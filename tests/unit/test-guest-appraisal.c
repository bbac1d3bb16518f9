/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The whole judgement, of guests at work: what is proven is kept, and what comes later is held against it. */

#include "core/appraisal.h"

#include "lib/base/cleanup.h"
#include "lib/sim/ima.h"
#include "tests/guest-case.h"
#include "tests/pki.h"
#include "tests/sample.h"

static uint8_t nonce[EVIDENCE_CASE_NONCE];

static void judge(const GuestCase *g, const KnownGuest *known, CheckList *checks, GuestFindings *found) {
        AppraisalPolicy policy = appraisal_policy_default();
        const GuestAppraisal a = {
                .evidence = &g->evidence.evidence,
                .nonce = { g->evidence.asked, EVIDENCE_CASE_NONCE },
                .policy = &policy,
                .known = known,
                .at = g->evidence.snp.at,
                .allow_simulated = true,
        };

        policy.log.forbid_violations = true;
        assert_int_equal(guest_appraise(&a, checks, found), 0);
        for (size_t i = 0; i < checks->size; i++)
                for (size_t j = 0; j < i; j++)
                        if (streq(checks->items[i].name, checks->items[j].name))
                                fail_msg("%s is there twice", checks->items[i].name);
        appraisal_policy_done(&policy);
}

static KnownGuest expect(const GuestCase *g, const KnownGuest *known, const char *fails, bool authentic) {
        _cleanup_(check_list_done) CheckList checks = {};
        GuestFindings found;

        judge(g, known, &checks, &found);
        assert_list_fails(&checks, fails);
        assert_int_equal(found.is_authentic, authentic);
        return found.next;
}

static void next_nonce(void) {
        nonce[0]++;
}

static void a_guest_at_work_passes(void **state _unused_) {
        for (int enforce = 0; enforce <= 1; enforce++)
                for (EvidenceProvider p = EVIDENCE_PROVIDER_CONFIGFS; p < _EVIDENCE_PROVIDER_MAX; p++) {
                        GuestCase g;

                        guest_case_new(&g, &pki, p, enforce);
                        guest_case_work(&g, 0, 10);
                        next_nonce();
                        guest_case_round(&g, nonce);
                        (void) expect(&g, NULL, "", true);
                        guest_case_done(&g);
                }
}

static void rounds_go_on_from_each_other(void **state _unused_) {
        KnownGuest known;
        GuestCase g;

        guest_case_new(&g, &pki, EVIDENCE_PROVIDER_SEV_GUEST, true);
        next_nonce();
        guest_case_round(&g, nonce);
        known = expect(&g, NULL, "", true);
        (void) expect(&g, &known, "quote-order", false); /* a replay */
        for (unsigned i = 0; i < 5; i++) {
                KnownGuest before = known;

                guest_case_seen(&g, &known.base);
                guest_case_work(&g, 10 * i, 10);
                next_nonce();
                guest_case_round(&g, nonce);
                known = expect(&g, &known, "", true);
                assert_true(known.base.records > before.base.records);
                assert_true(known.conduct.entries > before.conduct.entries);
                (void) expect(&g, NULL,
                              "event-log-structure ima-list boot-record guard-state levels mode policy-digest "
                              "proof-of-denial heartbeat",
                              false); /* without what is known it says nothing */
        }
        guest_case_done(&g);
}

static void a_stale_or_missing_proof(void **state _unused_) {
        GuestCase g;

        guest_case_new(&g, &pki, EVIDENCE_PROVIDER_SEV_GUEST, true);
        next_nonce();
        guest_case_round(&g, nonce);
        nonce[1]++; /* a quote for another nonce over the same log: nobody ran an unknown program for it */
        memcpy(g.evidence.nonce, nonce, sizeof(nonce));
        memcpy(g.evidence.asked, nonce, sizeof(nonce));
        {
                Evidence old = g.evidence.evidence;

                g.evidence.evidence = (Evidence){};
                evidence_case_seal(&g.evidence);
                g.evidence.evidence.mode = strdup(old.mode);
                memcpy(g.evidence.evidence.policy, old.policy, sizeof(old.policy));
                evidence_done(&old);
        }
        (void) expect(&g, NULL, "proof-of-denial", true);
        guest_case_done(&g);
}

static void a_violation_is_followed(void **state _unused_) {
        const Input tamper = { .type = INPUT_TAMPER, .tamper = { "log", "somebody was here" } };
        KnownGuest known;
        GuestCase g;

        guest_case_new(&g, &pki, EVIDENCE_PROVIDER_SEV_GUEST, true);
        next_nonce();
        guest_case_round(&g, nonce);
        known = expect(&g, NULL, "", true);
        guest_case_seen(&g, &known.base);
        rig_feed(&g.rig, &tamper);
        for (LockStep step = 0; step < _LOCK_STEP_MAX; step++) {
                const Input in = { .type = INPUT_LOCK_STEP, .lock_step = { .step = step } };

                rig_feed(&g.rig, &in);
        }
        rig_settle(&g.rig);
        next_nonce();
        guest_case_round(&g, nonce);
        known = expect(&g, &known, "guard-state", true); /* it did what it must, and is not to be trusted */
        guest_case_seen(&g, &known.base);
        next_nonce();
        guest_case_round(&g, nonce);
        (void) expect(&g, &known, "guard-state", true); /* and never again */
        guest_case_done(&g);
}

static void a_reset_begins_a_new_log(void **state _unused_) {
        KnownGuest known;
        GuestCase g;

        guest_case_new(&g, &pki, EVIDENCE_PROVIDER_SEV_GUEST, true);
        next_nonce();
        guest_case_round(&g, nonce);
        known = expect(&g, NULL, "", true);
        g.evidence.resets = 2; /* the TPM was reset, the log is of its life before */
        next_nonce();
        guest_case_round(&g, nonce);
        (void) expect(&g, &known, "boot-record", true);
        guest_case_done(&g);
}

/* What was wrong with the first entries is not forgotten with them. */
static void a_list_that_failed_must_come_whole(void **state _unused_) {
        static const char *const fails[] = { "boot-aggregate", "violations" };

        for (size_t i = 0; i < ELEMENTSOF(fails); i++) {
                SimIma ima = sim_ima_default();
                KnownGuest known;
                GuestCase g;

                guest_case_new(&g, &pki, EVIDENCE_PROVIDER_SEV_GUEST, true);
                ima.boot = i == 0 ? NULL : &g.evidence.pcrs;
                ima.violate_every = i == 0 ? 0 : 2;
                g.evidence.ima.size = 0;
                assert_int_equal(sim_ima_list(&ima, &g.evidence.ima), 0);
                evidence_case_replay_ima(&g.evidence);
                next_nonce();
                guest_case_round(&g, nonce);
                known = expect(&g, NULL, fails[i], true);
                assert_int_equal(known.base.ima_entries, 0);
                guest_case_seen(&g, &known.base);
                next_nonce();
                guest_case_round(&g, nonce);
                known = expect(&g, &known, fails[i], true); /* the whole list, again */
                guest_case_seen(&g, &known.base);
                g.evidence.ima_from = g.evidence.ima.size;
                g.evidence.ima_since = 10;
                next_nonce();
                guest_case_round(&g, nonce);
                (void) expect(&g, &known, "ima-list", true);
                guest_case_done(&g);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_guest_at_work_passes),   TEST(rounds_go_on_from_each_other),
                TEST(a_stale_or_missing_proof), TEST(a_violation_is_followed),
                TEST(a_reset_begins_a_new_log), TEST(a_list_that_failed_must_come_whole),
        };
        return RUN_WITH_PKI(tests);
}
