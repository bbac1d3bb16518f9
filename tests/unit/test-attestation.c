/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* When rounds begin, and what is kept from one to the next. */

#include <errno.h>

#include "core/attestation.h"
#include "lib/base/cleanup.h"
#include "tests/test.h"

#define MINUTE (60 * USEC_PER_SEC)
static const AttestSettings settings = { .interval = 10 * MINUTE, .grace = 60 * MINUTE };

static Attestation with_provider(const AttestSettings *s, uint8_t seed) {
        Attestation a;

        attestation_init(&a, s, (const uint8_t[16]){ seed });
        attestation_provider(&a, "simulator", 5);
        return a;
}

static void without_a_provider_nothing_begins(void **state _unused_) {
        const AttestRequest q = { .request = 1 };
        Attestation a;

        attestation_init(&a, &settings, (const uint8_t[16]){});
        attestation_provider(&a, NULL, 5);
        attestation_resumed(&a, 6);
        assert_int_equal(attestation_ask(&a, &q), -EOPNOTSUPP);
        assert_false(attestation_begin(&a, 1000 * MINUTE, true));
        assert_true(attestation_deadline(&a, true) == USEC_INFINITY);
}

static void the_first_round_is_due_at_once_the_next_after_the_interval(void **state _unused_) {
        usec_t due[20];

        for (uint8_t seed = 0; seed < ELEMENTSOF(due); seed++) {
                Attestation a = with_provider(&settings, seed);

                assert_true(attestation_deadline(&a, true) == 5);
                assert_false(attestation_begin(&a, 4, true));
                assert_true(attestation_begin(&a, 5, true));
                assert_int_equal(a.round.asked.cause, ATTEST_AT_START);
                assert_false(attestation_begin(&a, 6, true)); /* one at a time */
                assert_true(attestation_deadline(&a, true) == 5 + ATTEST_ROUND_DEADLINE);
                attestation_end(&a, ATTEST_PASSED, MINUTE, 77);
                due[seed] = attestation_deadline(&a, true) - MINUTE;
                assert_in_range(due[seed], 9 * MINUTE, 11 * MINUTE);
                assert_false(attestation_begin(&a, MINUTE + due[seed] - 1, true));
                assert_true(attestation_begin(&a, MINUTE + due[seed], true));
                assert_int_equal(a.round.asked.cause, ATTEST_SCHEDULED);
                assert_int_equal(a.round.number, 2);
        }
        for (size_t i = 1; i < ELEMENTSOF(due); i++)
                assert_true(due[i] != due[0]); /* machines that were started together part */
}

static void nonces_differ(void **state _unused_) {
        Attestation a = with_provider(&settings, 1), b = with_provider(&settings, 2);
        AttestRound first;

        assert_true(attestation_begin(&a, 5, true) && attestation_begin(&b, 5, true));
        assert_int_equal(a.round.asked.nonce_size, ROUND_NONCE_SIZE);
        assert_memory_not_equal(a.round.asked.nonce, b.round.asked.nonce, ROUND_NONCE_SIZE);
        first = a.round;
        attestation_end(&a, ATTEST_PASSED, 6, 6);
        assert_true(attestation_begin(&a, 100 * MINUTE, true));
        assert_memory_not_equal(a.round.asked.nonce, first.asked.nonce, ROUND_NONCE_SIZE);
}

static void undecided_rounds_are_tried_again_slower_and_slower(void **state _unused_) {
        Attestation a = with_provider(&settings, 1);
        usec_t now = 5, wait = ATTEST_RETRY;

        for (unsigned i = 0; i < 40; i++) {
                usec_t due;

                assert_true(attestation_begin(&a, now, true));
                attestation_end(&a, ATTEST_UNDECIDED, now, 1);
                due = a.due - now;
                assert_in_range(due, MIN(wait, settings.interval) * 9 / 10, MIN(wait, settings.interval) * 11 / 10);
                wait = MIN(2 * wait, settings.interval);
                now = a.due;
        }
        assert_true(attestation_begin(&a, now, true));
        attestation_end(&a, ATTEST_PASSED, now, 1);
        assert_true(attestation_begin(&a, a.due, true));
        attestation_end(&a, ATTEST_UNDECIDED, now, 1);
        assert_in_range(a.due - now, ATTEST_RETRY * 9 / 10, ATTEST_RETRY * 11 / 10);
}

static void undecided_for_too_long_is_said_once(void **state _unused_) {
        Attestation a = with_provider(&settings, 1);

        assert_true(attestation_begin(&a, 5, true));
        attestation_end(&a, ATTEST_UNDECIDED, MINUTE, 1);
        assert_false(attestation_is_overdue(&a, 61 * MINUTE - 1));
        assert_true(attestation_begin(&a, a.due, true));
        attestation_end(&a, ATTEST_UNDECIDED, 2 * MINUTE, 1); /* counted from the first one */
        a.due = USEC_INFINITY;
        assert_true(attestation_deadline(&a, true) == 61 * MINUTE);
        assert_true(attestation_deadline(&a, false) == USEC_INFINITY);
        assert_true(attestation_is_overdue(&a, 61 * MINUTE));
        assert_false(attestation_is_overdue(&a, 62 * MINUTE));
        attestation_end(&a, ATTEST_PASSED, 63 * MINUTE, 1);
        attestation_end(&a, ATTEST_UNDECIDED, 64 * MINUTE, 1);
        assert_true(attestation_is_overdue(&a, 124 * MINUTE));
}

static void who_asks_gets_a_round_of_his_own(void **state _unused_) {
        Attestation a = with_provider(&(const AttestSettings){}, 1);
        AttestRequest q = { .request = 9, .cause = ATTEST_ASKED, .nonce_size = 3, .nonce = { 7, 8, 9 } };

        assert_false(attestation_begin(&a, 100, true)); /* interval 0: only on demand */
        assert_int_equal(attestation_ask(&a, &q), 0);
        q.request = 10;
        q.nonce_size = 0;
        assert_int_equal(attestation_ask(&a, &q), 0);
        assert_true(attestation_begin(&a, 100, false));
        assert_int_equal(a.round.asked.request, 9);
        assert_int_equal(a.round.asked.nonce_size, 3);
        assert_memory_equal(a.round.asked.nonce, q.nonce, 3);
        attestation_end(&a, ATTEST_PASSED, 101, 1);
        assert_true(attestation_begin(&a, 101, false));
        assert_int_equal(a.round.asked.request, 10);
        assert_int_equal(a.round.asked.nonce_size, ROUND_NONCE_SIZE);
        for (unsigned i = 0; i < ATTEST_QUEUE_MAX; i++)
                assert_int_equal(attestation_ask(&a, &q), 0);
        assert_int_equal(attestation_ask(&a, &q), -EBUSY);
        q.nonce_size = ROUND_NONCE_MAX + 1;
        assert_int_equal(attestation_ask(&a, &q), -EINVAL);
}

static void a_round_is_due_on_resume(void **state _unused_) {
        Attestation a = with_provider(&settings, 1);

        assert_true(attestation_begin(&a, 5, true));
        attestation_end(&a, ATTEST_PASSED, 5, 1);
        attestation_resumed(&a, 9);
        assert_true(attestation_begin(&a, 9, true));
        assert_int_equal(a.round.asked.cause, ATTEST_RESUMED);
}

static void the_canary_must_fare_as_the_policy_says(void **state _unused_) {
        static const struct {
                CanaryOutcome outcome;
                bool seen, must_refuse;
                CheckResult result;
        } table[] = {
                { CANARY_NOT_ASKED, false, false, CHECK_NA }, { CANARY_TROUBLE, false, false, CHECK_UNDECIDED },
                { CANARY_REFUSED, true, true, CHECK_PASS },   { CANARY_RAN, true, false, CHECK_PASS },
                { CANARY_RAN, false, false, CHECK_FAIL },     { CANARY_REFUSED, false, false, CHECK_FAIL },
                { CANARY_RAN, true, true, CHECK_FAIL },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_(check_list_done) CheckList checks = {};
                const AttestRound round = { .outcome = table[i].outcome,
                                            .seen = table[i].seen,
                                            .must_refuse = table[i].must_refuse,
                                            .trouble = "no disk" };

                attestation_judge_canary(&round, &checks);
                assert_int_equal(checks.size, 1);
                assert_int_equal(checks.items[0].result, table[i].result);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(without_a_provider_nothing_begins),
                TEST(the_first_round_is_due_at_once_the_next_after_the_interval),
                TEST(nonces_differ),
                TEST(undecided_rounds_are_tried_again_slower_and_slower),
                TEST(undecided_for_too_long_is_said_once),
                TEST(who_asks_gets_a_round_of_his_own),
                TEST(a_round_is_due_on_resume),
                TEST(the_canary_must_fare_as_the_policy_says),
        };

        return RUN(tests);
}
