/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "policy/failure.h"
#include "policy/policy.h"
#include "tests/test.h"

static void every_row_is_whole(void **state _unused_) {
        for (Failure f = 0; f < _FAILURE_MAX; f++) {
                const char *name = failure_name(f), *key = failure_key(f);
                size_t k = 0;

                assert_true(*failure_description(f));
                assert_int_equal(failure_from_key(key), f);
                assert_int_equal(failure_from_key(name), _FAILURE_INVALID);
                for (size_t i = 0; name[i]; i++) { /* "hash-deadline" is "HashDeadline" */
                        bool start = i == 0 || name[i - 1] == '-';

                        if (name[i] == '-')
                                continue;
                        assert_int_equal(key[k++], start ? name[i] - 'a' + 'A' : name[i]);
                }
                assert_int_equal(key[k], '\0');
                for (Failure other = 0; other < f; other++)
                        assert_string_not_equal(name, failure_name(other));
        }
}

/* The design: enforce is closed unless named, and no row has an action that it does not take. */
static void defaults_are_closed(void **state _unused_) {
        for (Failure f = 0; f < _FAILURE_MAX; f++) {
                FailureAction action = failure_default(f);

                assert_true(failure_accepts(f, action));
                if (f < _FAILURE_GATE_MAX)
                        assert_int_equal(action, ON_FAILURE_DENY);
                else
                        assert_true(action == ON_FAILURE_COUNT || action == ON_FAILURE_DEGRADE ||
                                    action == ON_FAILURE_LOCK);
        }
        assert_int_equal(failure_default(FAILURE_TPM_LOST), ON_FAILURE_LOCK);
        assert_int_equal(failure_default(FAILURE_TPM_RESET), ON_FAILURE_LOCK);
        assert_int_equal(failure_default(FAILURE_HOOKS_DEAD), ON_FAILURE_LOCK);
        assert_int_equal(failure_default(FAILURE_EVENTS_LOST), ON_FAILURE_DEGRADE);
}

static void gate_rows_and_guard_rows(void **state _unused_) {
        for (Failure f = 0; f < _FAILURE_MAX; f++) {
                bool gate = f < _FAILURE_GATE_MAX;

                assert_int_equal(failure_accepts(f, ON_FAILURE_ALLOW), gate);
                assert_int_equal(failure_accepts(f, ON_FAILURE_DENY), gate);
                assert_int_equal(failure_accepts(f, ON_FAILURE_COUNT), !gate);
                assert_int_equal(failure_accepts(f, ON_FAILURE_DEGRADE), !gate);
                assert_true(failure_accepts(f, ON_FAILURE_LOCK));
        }
        assert_int_equal(_FAILURE_GATE_MAX, FAILURE_EVENTS_LOST);
}

static void observe_is_open_and_locks_nothing(void **state _unused_) {
        for (Failure f = 0; f < _FAILURE_MAX; f++)
                for (FailureAction a = 0; a < _ON_FAILURE_MAX; a++) {
                        Policy p = { .mode = MODE_OBSERVE };
                        FailureAction done;

                        if (!failure_accepts(f, a))
                                continue;
                        p.failures[f] = a;
                        done = policy_on_failure(&p, f);
                        if (f < _FAILURE_GATE_MAX)
                                assert_int_equal(done, ON_FAILURE_ALLOW);
                        else
                                assert_int_equal(done, a == ON_FAILURE_LOCK ? ON_FAILURE_DEGRADE : a);
                        p.mode = MODE_ENFORCE;
                        assert_int_equal(policy_on_failure(&p, f), a);
                }
}

static void names_of_actions(void **state _unused_) {
        static const char *const names[] = { "allow", "deny", "count", "degrade", "lock" };

        for (FailureAction a = 0; a < _ON_FAILURE_MAX; a++)
                assert_string_equal(failure_action_names[a], names[a]);
        assert_null(failure_action_names[_ON_FAILURE_MAX]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(every_row_is_whole),       TEST(defaults_are_closed),
                TEST(gate_rows_and_guard_rows), TEST(observe_is_open_and_locks_nothing),
                TEST(names_of_actions),
        };

        return RUN(tests);
}
