/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rounds of attestation as the engine conducts them: what comes after what, what is recorded, and what it does to the guard. */

#include <errno.h>

#include "lib/base/cleanup.h"
#include "tests/unit/rig.h"

#define ENFORCE                                                                                                       \
        "[Policy]\nMode=enforce\n[Reference base]\n[Rule unknown]\nReference=!base\nAction=deny kill lock alert\n"
#define OBSERVE                                                                                                       \
        "[Policy]\nMode=observe\n[Reference base]\n[Rule unknown]\nReference=!base\nAction=deny kill lock alert\n"
#define MINUTE (60 * USEC_PER_SEC)

/* Nothing can hold programs: rounds have no canary. */
static void start(Rig *rig, const char *policy) {
        const Input provider = { .type = INPUT_PROVIDER, .provider.name = "simulator" };

        rig_new(rig, policy);
        rig->config.attestation = (AttestSettings){ .interval = 10 * MINUTE, .grace = 60 * MINUTE };
        rig_again(rig, policy);
        rig->facts.levels[WATCHED_EXEC] = LEVEL_OFF;
        rig_feed(rig, &provider);
        rig_start(rig);
}

/* Extends until the action comes; it stays in the list. */
static const Action *wait_for(Rig *rig, ActionType type) {
        const Input extended = { .type = INPUT_EXTENDED };

        for (unsigned i = 0; i < 20 && rig_count(rig, type) == 0 && rig->on_its_way; i++)
                rig_feed(rig, &extended);
        return rig_find(rig, type);
}

static void proved(Rig *rig, uint64_t round, CanaryOutcome outcome) {
        const Input in = { .type = INPUT_PROVED, .proved = { .round = round, .outcome = outcome } };

        rig_feed(rig, &in);
}

static void attested(Rig *rig, uint64_t round, CheckResult result, const char *reason, const Pins *pins) {
        _cleanup_(check_list_done) CheckList checks = {};
        const Input in = {
                .type = INPUT_ATTESTED,
                .attested = { .round = round, .reason = reason, .checks = &checks, .pins = pins },
        };

        check_add(&checks, "signature", result, "said so");
        rig_feed(rig, &in);
}

static Observation canary_of(const Action *prove) {
        Observation o = rig_observation(500, "/var/lib/sealwatch/canary", _FAILURE_INVALID);

        assert_int_equal(canary_digest(prove->attest.nonce, prove->attest.nonce_size, o.digest), 0);
        o.subject.uid = o.subject.euid = 0;
        return o;
}

static uint64_t to_gathering(Rig *rig) {
        return wait_for(rig, ACTION_ATTEST)->attest.round;
}

static void the_first_round_follows_the_start(void **state _unused_) {
        Rig rig;

        start(&rig, ENFORCE);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        attested(&rig, 1, CHECK_PASS, NULL, NULL);
        rig_expect(&rig, KIND_ATTEST, "result", "passed");
        rig_expect(&rig, KIND_ATTEST, "cause", "start");
        rig_expect(&rig, KIND_ATTEST, "provider", "simulator");
        rig_expect(&rig, KIND_ATTEST, "verdict", "trust");
        assert_int_equal(rig_count(&rig, ACTION_ATTESTED), 1);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        rig_settle(&rig);
        rig_tick(&rig, 8 * MINUTE);
        assert_int_equal(rig_count(&rig, ACTION_ATTEST), 0);
        rig_tick(&rig, 4 * MINUTE);
        assert_int_equal(to_gathering(&rig), 2);
        rig_done(&rig);
}

/* The digest is in the register before the program exists, the refusal before the quote. */
static void the_canary_is_refused_and_nothing_else_comes_of_it(void **state _unused_) {
        const Input extended = { .type = INPUT_EXTENDED };
        Input in = { .type = INPUT_EXEC };
        json_auto_t *canary = NULL;
        Status status;
        Action prove;
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig.config.attestation = (AttestSettings){ .interval = 10 * MINUTE, .grace = 60 * MINUTE };
        rig_again(&rig, ENFORCE);
        rig_start(&rig);
        rig_feed(&rig, &(const Input){ .type = INPUT_PROVIDER, .provider.name = "simulator" });
        canary = rig_event(&rig, KIND_CANARY);
        assert_non_null(canary);
        assert_int_equal(rig_count(&rig, ACTION_PROVE), 0);
        prove = *wait_for(&rig, ACTION_PROVE);
        in.exec = canary_of(&prove);
        rig_feed(&rig, &in);
        assert_true(rig_answered(&rig, 500, false));
        rig_expect(&rig, KIND_EXEC, "verdict", "deny");
        assert_int_equal(rig_count(&rig, ACTION_ALERT), 0);
        assert_int_equal(rig_count(&rig, ACTION_KILL), 0);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        proved(&rig, prove.attest.round, CANARY_REFUSED);
        assert_int_equal(rig_count(&rig, ACTION_ATTEST), 0); /* not in the register yet */
        rig_feed(&rig, &extended);
        assert_int_equal(rig_count(&rig, ACTION_ATTEST), 1);
        attested(&rig, prove.attest.round, CHECK_PASS, NULL, NULL);
        rig_expect(&rig, KIND_ATTEST, "result", "passed");
        engine_status(rig.engine, &status);
        assert_int_equal(status.denied, 0);
        /* Valid once: the same program is any unknown program from now on. */
        in.exec.token = 501;
        rig_feed(&rig, &in);
        assert_int_equal(rig_state(&rig), STATE_VIOLATED);
        rig_done(&rig);
}

static void in_observe_it_runs_and_is_measured(void **state _unused_) {
        Input in = { .type = INPUT_EXEC };
        Action prove;
        Rig rig;

        rig_new(&rig, OBSERVE);
        rig_start(&rig);
        rig_feed(&rig, &(const Input){ .type = INPUT_PROVIDER, .provider.name = "simulator" });
        rig_feed(&rig, &(const Input){ .type = INPUT_ATTEST, .attest.request = 4 });
        prove = *wait_for(&rig, ACTION_PROVE);
        in.exec = canary_of(&prove);
        rig_feed(&rig, &in);
        rig_expect(&rig, KIND_EXEC, "verdict", "would-deny");
        assert_int_equal(rig_count(&rig, ACTION_ALERT), 0);
        assert_false(rig_answered(&rig, 500, true)); /* measured first */
        rig_settle(&rig);
        assert_true(rig_answered(&rig, 500, true));
        proved(&rig, 1, CANARY_RAN);
        attested(&rig, 1, CHECK_PASS, NULL, NULL);
        rig_expect(&rig, KIND_ATTEST, "result", "passed");
        assert_int_equal(rig_find(&rig, ACTION_ATTESTED)->attest.request, 4);
        assert_int_equal(rig_reasons(&rig), 0);
        rig_done(&rig);
}

static void a_canary_that_nobody_saw_is_a_failure(void **state _unused_) {
        uint64_t round;
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        rig_feed(&rig, &(const Input){ .type = INPUT_PROVIDER, .provider.name = "simulator" });
        rig_feed(&rig, &(const Input){ .type = INPUT_ATTEST, .attest.request = 4 });
        round = wait_for(&rig, ACTION_PROVE)->attest.round;
        proved(&rig, round, CANARY_RAN);
        assert_int_equal(rig_count(&rig, ACTION_ATTEST), 0); /* it may still be seen */
        rig_tick(&rig, ATTEST_SEEN_DEADLINE);
        assert_int_equal(rig_count(&rig, ACTION_ATTEST), 1);
        attested(&rig, round, CHECK_NA, "no-provider", NULL);
        rig_expect(&rig, KIND_ATTEST, "result", "failed");
        assert_int_equal(rig_state(&rig), STATE_VIOLATED);
        rig_done(&rig);
}

static void each_result_in_each_mode(void **state _unused_) {
        static const struct {
                const char *policy;
                CheckResult result;
                const char *reason, *said, *verdict;
                State state;
                unsigned reasons;
        } table[] = {
                { ENFORCE, CHECK_PASS, NULL, "passed", "trust", STATE_TRUSTED, 0 },
                { OBSERVE, CHECK_PASS, NULL, "passed", "trust", STATE_TRUSTED, 0 },
                { ENFORCE, CHECK_FAIL, NULL, "failed", "lock", STATE_VIOLATED, 0 },
                { OBSERVE, CHECK_FAIL, NULL, "failed", "would-lock", STATE_DEGRADED, REASON_WOULD_LOCK },
                { ENFORCE, CHECK_UNDECIDED, NULL, "undecided", "degrade", STATE_DEGRADED, REASON_ATTEST },
                { OBSERVE, CHECK_UNDECIDED, NULL, "undecided", "degrade", STATE_DEGRADED, REASON_ATTEST },
                { ENFORCE, CHECK_PASS, "tpm-busy", "undecided", "degrade", STATE_DEGRADED, REASON_ATTEST },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Rig rig;

                start(&rig, table[i].policy);
                attested(&rig, 1, table[i].result, table[i].reason, NULL);
                rig_expect(&rig, KIND_ATTEST, "result", table[i].said);
                rig_expect(&rig, KIND_ATTEST, "verdict", table[i].verdict);
                rig_expect(&rig, KIND_ATTEST, "reason", strempty(table[i].reason));
                assert_int_equal(rig_state(&rig), table[i].state);
                assert_int_equal(rig_reasons(&rig), table[i].reasons);
                rig_done(&rig);
        }
}

static void undecided_recovers_or_becomes_a_violation(void **state _unused_) {
        const struct {
                const char *policy;
                State after;
        } table[] = { { ENFORCE, STATE_VIOLATED }, { OBSERVE, STATE_DEGRADED } };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                uint64_t round;
                Rig rig;

                start(&rig, table[i].policy);
                attested(&rig, 1, CHECK_UNDECIDED, NULL, NULL);
                rig_settle(&rig);
                rig_tick(&rig, MINUTE);
                round = to_gathering(&rig);
                attested(&rig, round, CHECK_PASS, NULL, NULL);
                assert_int_equal(rig_state(&rig), STATE_TRUSTED);
                rig_settle(&rig);
                rig_tick(&rig, 11 * MINUTE);
                round = to_gathering(&rig);
                attested(&rig, round, CHECK_UNDECIDED, NULL, NULL);
                rig_settle(&rig);
                rig_tick(&rig, 60 * MINUTE);
                rig_expect(&rig, KIND_TAMPER, "what", "attestation-stale");
                assert_int_equal(rig_state(&rig), table[i].after);
                rig_done(&rig);
        }
}

static void a_round_that_hangs_is_undecided(void **state _unused_) {
        Rig rig;

        start(&rig, ENFORCE);
        rig_tick(&rig, ATTEST_ROUND_DEADLINE);
        rig_expect(&rig, KIND_ATTEST, "result", "undecided");
        rig_settle(&rig);
        attested(&rig, 1, CHECK_PASS, NULL, NULL); /* too late */
        assert_null(rig_event(&rig, KIND_ATTEST));
        assert_int_equal(rig_state(&rig), STATE_DEGRADED);
        rig_done(&rig);
}

static void a_tpm_that_takes_no_record_does_not_hold_it_up(void **state _unused_) {
        const Input failed = { .type = INPUT_EXTEND_FAILED, .failure = { .row = FAILURE_TPM_BUSY } };
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        rig_feed(&rig, &(const Input){ .type = INPUT_PROVIDER, .provider.name = "simulator" });
        rig_feed(&rig, &(const Input){ .type = INPUT_ATTEST, .attest.request = 4 });
        assert_int_equal(rig_count(&rig, ACTION_ATTEST), 0);
        rig_feed(&rig, &failed);
        assert_int_equal(rig_count(&rig, ACTION_ATTEST), 1);
        attested(&rig, 1, CHECK_PASS, NULL, NULL);
        rig_expect(&rig, KIND_ATTEST, "result", "undecided");
        rig_done(&rig);
}

static void required_means_degraded_until_it_has_passed(void **state _unused_) {
        const Input provider = { .type = INPUT_PROVIDER, .provider.name = "simulator" };
        const Input nobody = { .type = INPUT_PROVIDER };
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig.config.attestation = (AttestSettings){ .required = true, .interval = MINUTE, .grace = MINUTE };
        rig_again(&rig, ENFORCE);
        rig_feed(&rig, &nobody);
        rig_start(&rig);
        assert_int_equal(rig_state(&rig), STATE_DEGRADED);
        assert_int_equal(rig_reasons(&rig), REASON_ATTEST);
        rig.facts.levels[WATCHED_EXEC] = LEVEL_OFF;
        rig_feed(&rig, &(const Input){ .type = INPUT_LEVELS });
        rig_feed(&rig, &provider);
        attested(&rig, to_gathering(&rig), CHECK_PASS, NULL, NULL);
        assert_int_equal(rig_reasons(&rig) & REASON_ATTEST, 0);
        rig_done(&rig);
}

static void who_asks_without_a_provider_is_refused(void **state _unused_) {
        const Input in = { .type = INPUT_ATTEST, .attest.request = 7 };
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        rig_feed(&rig, &in);
        assert_int_equal(rig_find(&rig, ACTION_NO_ROUND)->no_round.request, 7);
        assert_int_equal(rig_find(&rig, ACTION_NO_ROUND)->no_round.error, -EOPNOTSUPP);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        assert_true(engine_deadline(rig.engine) == USEC_INFINITY);
        rig_done(&rig);
}

/* The pins are those of the last round that passed, and outlive the daemon. */
static void pins_are_kept(void **state _unused_) {
        const Input provider = { .type = INPUT_PROVIDER, .provider.name = "simulator" };
        Pins pins = { .has_report = true, .report_id = { 1 }, .has_clock = true, .resets = 3, .clock = 10 }, other;
        Rig rig;

        start(&rig, ENFORCE);
        attested(&rig, 1, CHECK_PASS, NULL, &pins);
        rig_settle(&rig);
        rig_resume(&rig, ENFORCE);
        rig_start(&rig);
        rig_feed(&rig, &provider);
        pins.clock = 11;
        attested(&rig, to_gathering(&rig), CHECK_PASS, NULL, &pins);
        rig_expect(&rig, KIND_ATTEST, "result", "passed");
        rig_settle(&rig);
        rig_tick(&rig, 11 * MINUTE);
        other = pins;
        other.report_id[0] = 2;
        attested(&rig, to_gathering(&rig), CHECK_PASS, NULL, &other);
        rig_expect(&rig, KIND_ATTEST, "result", "failed");
        assert_int_equal(rig_state(&rig), STATE_VIOLATED);
        rig_done(&rig);
}

static void a_locked_guard_attests_only_when_it_is_asked(void **state _unused_) {
        Rig rig;

        start(&rig, ENFORCE);
        attested(&rig, 1, CHECK_FAIL, NULL, NULL);
        rig_settle(&rig);
        rig_tick(&rig, 100 * MINUTE);
        assert_int_equal(rig_count(&rig, ACTION_ATTEST), 0);
        rig_feed(&rig, &(const Input){ .type = INPUT_ATTEST, .attest.request = 3 });
        attested(&rig, to_gathering(&rig), CHECK_PASS, NULL, NULL);
        assert_int_equal(rig_find(&rig, ACTION_ATTESTED)->attest.request, 3);
        assert_int_equal(rig_state(&rig), STATE_VIOLATED);
        rig_done(&rig);
}

static void a_long_list_of_checks_fits(void **state _unused_) {
        _cleanup_(check_list_done) CheckList checks = {};
        Input in = { .type = INPUT_ATTESTED, .attested = { .round = 1, .checks = &checks } };
        static char names[120][32], text[900];
        json_t *event;
        Rig rig;

        memset(text, 'x', sizeof(text) - 1);
        start(&rig, OBSERVE);
        for (unsigned i = 0; i < ELEMENTSOF(names); i++) {
                snprintf(names[i], sizeof(names[i]), "a-check-of-some-length-%u", i);
                check_add(&checks, names[i], (CheckResult) (i % _CHECK_MAX), "%s", text);
        }
        rig_feed(&rig, &in);
        event = rig_event(&rig, KIND_ATTEST);
        assert_non_null(event);
        assert_true(json_integer_value(json_object_get(event, "more")) > 0);
        assert_true(json_object_size(json_object_get(event, "failed")) > 10);
        json_decref(event);
        rig_done(&rig);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(the_first_round_follows_the_start),
                TEST(the_canary_is_refused_and_nothing_else_comes_of_it),
                TEST(in_observe_it_runs_and_is_measured),
                TEST(a_canary_that_nobody_saw_is_a_failure),
                TEST(each_result_in_each_mode),
                TEST(undecided_recovers_or_becomes_a_violation),
                TEST(a_round_that_hangs_is_undecided),
                TEST(a_tpm_that_takes_no_record_does_not_hold_it_up),
                TEST(required_means_degraded_until_it_has_passed),
                TEST(who_asks_without_a_provider_is_refused),
                TEST(pins_are_kept),
                TEST(a_locked_guard_attests_only_when_it_is_asked),
                TEST(a_long_list_of_checks_fits),
        };

        return RUN(tests);
}
