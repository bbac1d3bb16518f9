/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/guard.h"
#include "tests/test.h"

static void every_transition(void **state _unused_) {
        static const struct {
                State from;
                State to[_CAUSE_MAX]; /* ready, degrade, recover, violate, locked */
        } table[] = {
                { STATE_STARTING, { STATE_TRUSTED, STATE_STARTING, STATE_STARTING, STATE_VIOLATED, STATE_STARTING } },
                { STATE_TRUSTED, { STATE_TRUSTED, STATE_DEGRADED, STATE_TRUSTED, STATE_VIOLATED, STATE_TRUSTED } },
                { STATE_DEGRADED, { STATE_DEGRADED, STATE_DEGRADED, STATE_TRUSTED, STATE_VIOLATED, STATE_DEGRADED } },
                { STATE_VIOLATED, { STATE_VIOLATED, STATE_VIOLATED, STATE_VIOLATED, STATE_VIOLATED, STATE_LOCKED } },
                { STATE_LOCKED, { STATE_LOCKED, STATE_LOCKED, STATE_LOCKED, STATE_LOCKED, STATE_LOCKED } },
        };

        assert_int_equal(ELEMENTSOF(table), _STATE_MAX);
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                for (Cause c = 0; c < _CAUSE_MAX; c++)
                        assert_int_equal(guard_next(table[i].from, c), table[i].to[c]);
}

/* Whatever happens afterwards, in any order: no way back. */
static void nothing_leads_back_from_a_violation(void **state _unused_) {
        for (State s = 0; s < _STATE_MAX; s++) {
                State now = guard_next(s, CAUSE_VIOLATE);

                assert_true(guard_is_closed(now));
                for (unsigned order = 0; order < _CAUSE_MAX * _CAUSE_MAX * _CAUSE_MAX; order++) {
                        now = guard_next(now, order % _CAUSE_MAX);
                        now = guard_next(now, order / _CAUSE_MAX % _CAUSE_MAX);
                        assert_true(guard_is_closed(guard_next(now, order / _CAUSE_MAX / _CAUSE_MAX)));
                }
        }
}

static void who_gets_secrets(void **state _unused_) {
        for (State s = 0; s < _STATE_MAX; s++) {
                assert_int_equal(guard_releases(s, false), s == STATE_TRUSTED);
                assert_int_equal(guard_releases(s, true), s == STATE_TRUSTED || s == STATE_DEGRADED);
        }
}

static void names(void **state _unused_) {
        unsigned bits = 0;

        for (State s = 0; s < _STATE_MAX; s++)
                assert_int_equal(state_from_name(state_names[s]), s);
        assert_null(state_names[_STATE_MAX]);
        assert_int_equal(state_from_name("Locked"), _STATE_INVALID);
        assert_int_equal(state_from_name(""), _STATE_INVALID);
        while (reason_names[bits])
                bits++;
        assert_int_equal((1U << bits) - 1, _REASON_ALL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(every_transition),
                TEST(nothing_leads_back_from_a_violation),
                TEST(who_gets_secrets),
                TEST(names),
        };

        return RUN(tests);
}
