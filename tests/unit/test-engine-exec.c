/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The gate: what is answered, when, and what is recorded. */

#include "tests/unit/rig.h"

#define RULES                                                                                                         \
        "[Reference base]\n[Rule d]\nPath=/deny/*\nAction=deny\nSeverity=error\nTechnique=T1204\n"                    \
        "[Rule k]\nPath=/kill/*\nAction=kill\n[Rule l]\nPath=/lock/*\nAction=lock\n"                                  \
        "[Rule a]\nPath=/alert/*\nAction=alert\n[Rule i]\nPath=/ignore/*\nAction=ignore\n"                            \
        "[Rule k2]\nPath=" RIG_KNOWN "\nUser=7\nAction=ignore\n"
#define ENFORCE "[Policy]\nMode=enforce\n" RULES
#define OBSERVE "[Policy]\nMode=observe\n" RULES

static void known_code_is_answered_at_once_and_recorded_once(void **state _unused_) {
        static const char *const policies[] = { ENFORCE, OBSERVE };

        for (size_t i = 0; i < ELEMENTSOF(policies); i++) {
                Rig rig;

                rig_new(&rig, policies[i]);
                rig_start(&rig);
                rig_exec(&rig, 1, RIG_KNOWN, _FAILURE_INVALID);
                assert_true(rig_answered(&rig, 1, true));
                assert_int_equal(rig_count(&rig, ACTION_RECORD), 1);
                assert_true(rig_find(&rig, ACTION_RECORD)->record.known);
                assert_int_equal(rig_count(&rig, ACTION_ALERT), 0);
                rig_exec(&rig, 2, RIG_KNOWN, _FAILURE_INVALID);
                assert_true(rig_answered(&rig, 2, true));
                assert_int_equal(rig_count(&rig, ACTION_RECORD), 0);
                rig_done(&rig);
        }
}

/* In every mode. */
static void unknown_code_waits_for_its_extend(void **state _unused_) {
        static const char *const policies[] = { ENFORCE, OBSERVE };

        for (size_t i = 0; i < ELEMENTSOF(policies); i++) {
                Rig rig;

                rig_new(&rig, policies[i]);
                rig_start(&rig);
                rig_exec(&rig, 1, "/opt/x", _FAILURE_INVALID);
                assert_int_equal(rig_count(&rig, ACTION_ANSWER), 0);
                assert_int_equal(rig_count(&rig, ACTION_COMMIT), 1);
                assert_false(rig_find(&rig, ACTION_RECORD)->record.known);
                rig_exec(&rig, 2, "/opt/x", _FAILURE_INVALID); /* the same, meanwhile */
                assert_int_equal(rig_count(&rig, ACTION_ANSWER) + rig_count(&rig, ACTION_RECORD), 0);
                rig_settle(&rig);
                assert_true(rig_answered(&rig, 1, true) && rig_answered(&rig, 2, true));
                rig_exec(&rig, 3, "/opt/x", _FAILURE_INVALID); /* it is in the register */
                assert_true(rig_answered(&rig, 3, true));
                assert_int_equal(rig_count(&rig, ACTION_RECORD), 0);
                rig_done(&rig);
        }
}

static void a_denied_file(void **state _unused_) {
        const Action *alert;
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        rig_exec(&rig, 1, "/deny/x", _FAILURE_INVALID);
        assert_true(rig_answered(&rig, 1, false));
        rig_expect(&rig, KIND_EXEC, "verdict", "deny");
        rig_expect(&rig, KIND_EXEC, "rule", "d");
        rig_expect(&rig, KIND_EXEC, "technique", "T1204");
        rig_expect(&rig, KIND_EXEC, "exe", "/bin/sh");
        alert = rig_find(&rig, ACTION_ALERT);
        assert_int_equal(alert->alert.severity, SEVERITY_ERROR);
        assert_int_equal(alert->alert.seq, rig_find(&rig, ACTION_RECORD)->record.seq);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED); /* else any user could pull the trigger */
        rig_exec(&rig, 2, "/deny/x", _FAILURE_INVALID);
        assert_true(rig_answered(&rig, 2, false));
        assert_int_equal(rig_count(&rig, ACTION_RECORD), 0); /* said already */
        rig_done(&rig);
        rig_new(&rig, OBSERVE);
        rig_start(&rig);
        rig_exec(&rig, 1, "/deny/x", _FAILURE_INVALID);
        assert_int_equal(rig_count(&rig, ACTION_ANSWER), 0);
        rig_expect(&rig, KIND_EXEC, "verdict", "would-deny");
        assert_int_equal(rig_count(&rig, ACTION_RECORD), 2);
        rig_settle(&rig);
        assert_true(rig_answered(&rig, 1, true));
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        rig_done(&rig);
}

static void rules_that_kill_and_lock(void **state _unused_) {
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        rig_exec(&rig, 1, "/kill/x", _FAILURE_INVALID);
        assert_true(rig_answered(&rig, 1, false));
        assert_int_equal(rig_find(&rig, ACTION_KILL)->kill.pid, 101);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        rig_exec(&rig, 2, "/lock/x", _FAILURE_INVALID);
        assert_true(rig_answered(&rig, 2, false));
        assert_int_equal(rig_state(&rig), STATE_VIOLATED);
        assert_int_equal(rig_find(&rig, ACTION_LOCK_STEP)->lock_step.step, LOCK_WIPE);
        rig_expect(&rig, KIND_LOCK, "reason", "rule");
        rig_done(&rig);
        rig_new(&rig, OBSERVE);
        rig_start(&rig);
        rig_exec(&rig, 1, "/kill/x", _FAILURE_INVALID);
        rig_expect(&rig, KIND_EXEC, "verdict", "would-kill");
        assert_int_equal(rig_count(&rig, ACTION_KILL), 0);
        rig_exec(&rig, 2, "/lock/x", _FAILURE_INVALID);
        rig_expect(&rig, KIND_EXEC, "verdict", "would-lock");
        assert_int_equal(rig_state(&rig), STATE_DEGRADED);
        assert_int_equal(rig_reasons(&rig), REASON_WOULD_LOCK);
        rig_settle(&rig);
        assert_true(rig_answered(&rig, 2, true));
        rig_done(&rig);
}

static void rules_that_ignore_and_alert(void **state _unused_) {
        const Input as_user = { .type = INPUT_EXEC, .exec = rig_observation(1, RIG_KNOWN, _FAILURE_INVALID) };
        Input in = as_user;
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        in.exec.subject.uid = 7;
        rig_feed(&rig, &in);
        assert_true(rig_answered(&rig, 1, true));
        assert_int_equal(rig_count(&rig, ACTION_RECORD), 0); /* known, and ignored */
        rig_exec(&rig, 2, "/ignore/x", _FAILURE_INVALID);
        assert_int_equal(rig_count(&rig, ACTION_RECORD), 1); /* unknown is recorded all the same */
        assert_int_equal(rig_count(&rig, ACTION_ANSWER), 0);
        rig_exec(&rig, 3, "/alert/x", _FAILURE_INVALID);
        rig_expect(&rig, KIND_EXEC, "verdict", "alert");
        assert_int_equal(rig_count(&rig, ACTION_ALERT), 1);
        rig_done(&rig);
}

/* Each row about one file, in its default, opened, and as a lock; and in observe, where the gate is always open. */
static void every_gate_row_in_every_mode(void **state _unused_) {
        static const char *const actions[] = { "", "allow", "lock" };

        for (Failure row = 0; row < _FAILURE_GATE_MAX; row++)
                for (Mode mode = 0; mode < _MODE_MAX; mode++)
                        for (size_t a = 0; a < ELEMENTSOF(actions); a++) {
                                bool open = mode == MODE_OBSERVE || a == 1;
                                const char *verdict = a == 1   ? "allow"
                                                      : a == 2 ? (open ? "would-lock" : "lock")
                                                      : open   ? "would-deny"
                                                               : "deny";
                                State expected = a != 2 ? STATE_TRUSTED : open ? STATE_DEGRADED : STATE_VIOLATED;
                                char policy[256];
                                Rig rig;

                                snprintf(policy, sizeof(policy),
                                         "[Policy]\nMode=%s\n[Reference base]\n[Failures]\n%s%s%s\n", mode_names[mode],
                                         *actions[a] ? failure_key(row) : "#", *actions[a] ? "=" : "", actions[a]);
                                rig_new(&rig, policy);
                                rig_start(&rig);
                                rig_exec(&rig, 1, "/opt/x", row);
                                rig_expect(&rig, KIND_EXEC, "failure", failure_name(row));
                                rig_expect(&rig, KIND_EXEC, "verdict", verdict);
                                assert_int_equal(rig_state(&rig), expected);
                                assert_int_equal(rig_count(&rig, ACTION_ALERT) > 0, true);
                                if (open) { /* not before its record is in the register */
                                        assert_int_equal(rig_count(&rig, ACTION_ANSWER), 0);
                                        rig_settle(&rig);
                                }
                                assert_true(rig_answered(&rig, 1, open));
                                rig_done(&rig);
                        }
}

static void an_open_row_opens_nothing_that_a_rule_refuses(void **state _unused_) {
        Rig rig;

        rig_new(&rig, ENFORCE "[Failures]\nReadError=allow\nNoLease=allow\n");
        rig_start(&rig);
        rig_exec(&rig, 1, "/deny/x", FAILURE_READ_ERROR);
        assert_true(rig_answered(&rig, 1, false));
        rig_exec(&rig, 2, "/opt/x", FAILURE_READ_ERROR);
        rig_settle(&rig);
        assert_true(rig_answered(&rig, 2, true));
        rig_done(&rig);
}

/* A file that is open for writing: IMA's violation, and what binds it. */
static void open_writers_are_a_violation_record(void **state _unused_) {
        size_t pairs = 0;
        Rig rig;

        rig_new(&rig, OBSERVE);
        rig_start(&rig);
        rig_exec(&rig, 1, "/opt/x", FAILURE_OPEN_WRITERS);
        assert_int_equal(rig_count(&rig, ACTION_RECORD), 3);
        rig_expect(&rig, KIND_OPEN_WRITERS, "path", "/opt/x");
        rig_settle(&rig);
        assert_true(rig_answered(&rig, 1, true));
        for (uint64_t i = 2; i < 1000; i++) { /* no user can fill the log with them */
                rig_exec(&rig, i, "/opt/x", FAILURE_OPEN_WRITERS);
                pairs += rig_count(&rig, ACTION_RECORD) > 0;
                rig_settle(&rig);
        }
        assert_true(pairs > 100 && pairs <= 600);
        rig_done(&rig);
}

static void the_deadline(void **state _unused_) {
        static const struct {
                const char *policy;
                bool allow;
                const char *verdict;
                State after;
        } cases[] = {
                { ENFORCE, false, "deny", STATE_TRUSTED },
                { OBSERVE, true, "would-deny", STATE_TRUSTED },
                { ENFORCE "[Failures]\nExtendDeadline=allow\n", true, "allow", STATE_TRUSTED },
                { ENFORCE "[Failures]\nExtendDeadline=lock\n", false, "deny", STATE_VIOLATED },
                { OBSERVE "[Failures]\nExtendDeadline=lock\n", true, "would-lock", STATE_DEGRADED },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Rig rig;

                rig_new(&rig, cases[i].policy);
                rig_start(&rig);
                rig_exec(&rig, 1, "/opt/x", _FAILURE_INVALID);
                assert_int_equal(engine_deadline(rig.engine), rig.now.boottime + 2 * USEC_PER_SEC);
                rig_tick(&rig, 2 * USEC_PER_SEC - 1);
                assert_int_equal(rig_count(&rig, ACTION_ANSWER), 0);
                rig_tick(&rig, 1);
                assert_true(rig_answered(&rig, 1, cases[i].allow));
                rig_expect(&rig, KIND_EXEC, "failure", "extend-deadline");
                rig_expect(&rig, KIND_EXEC, "verdict", cases[i].verdict);
                assert_int_equal(rig_state(&rig), cases[i].after);
                rig_settle(&rig);
                rig_done(&rig);
        }
}

static void the_kernel_has_waited_too_long(void **state _unused_) {
        Input late = { .type = INPUT_ANSWER_LATE, .token = 1 };
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        rig_exec(&rig, 1, "/opt/x", _FAILURE_INVALID);
        rig_feed(&rig, &late);
        assert_true(rig_answered(&rig, 1, false));
        rig_expect(&rig, KIND_EXEC, "failure", "answer-deadline");
        late.token = 99; /* forgotten: still, somebody waits for an answer */
        rig_feed(&rig, &late);
        assert_true(rig_answered(&rig, 99, false));
        rig_done(&rig);
        rig_new(&rig, OBSERVE);
        rig_start(&rig);
        rig_feed(&rig, &late);
        assert_true(rig_answered(&rig, 99, true));
        rig_done(&rig);
}

static void a_file_without_a_name(void **state _unused_) {
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        rig_exec(&rig, 1, "", _FAILURE_INVALID);
        assert_int_equal(rig_count(&rig, ACTION_RECORD), 1);
        rig_settle(&rig);
        assert_true(rig_answered(&rig, 1, true));
        rig_done(&rig);
}

/* By rule, user, path, and what is judged: each is a judgement of its own. */
static void what_makes_a_judgement_another_one(void **state _unused_) {
        Input in = { .type = INPUT_EXEC, .exec = rig_observation(1, "/deny/x", _FAILURE_INVALID) };
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        for (unsigned i = 0; i < 5; i++) {
                if (i == 1)
                        in.exec.subject.uid++;
                else if (i == 2)
                        in.exec.digest[0]++;
                else if (i == 3)
                        in.exec.path = "/deny/y";
                else if (i == 4)
                        in.exec.failure = FAILURE_NO_LEASE;
                in.exec.token = 2 * i;
                rig_feed(&rig, &in);
                assert_int_equal(rig_count(&rig, ACTION_RECORD), 1);
                in.exec.token++;
                rig_feed(&rig, &in);
                assert_int_equal(rig_count(&rig, ACTION_RECORD), 0);
        }
        rig_done(&rig);
}

static void a_flood_of_refusals_is_summed_up(void **state _unused_) {
        size_t records = 0;
        json_t *event;
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        for (uint64_t i = 0; i < 700; i++) {
                char path[32];

                snprintf(path, sizeof(path), "/deny/%u", (unsigned) i);
                rig_exec(&rig, i, path, _FAILURE_INVALID);
                assert_true(rig_answered(&rig, i, false));
                records += rig_count(&rig, ACTION_RECORD);
        }
        assert_int_equal(records, 600);
        rig_tick(&rig, 60 * USEC_PER_SEC);
        event = rig_event(&rig, KIND_SUPPRESSED);
        assert_non_null(event);
        assert_int_equal(json_integer_value(json_object_get(event, "count")), 100);
        json_decref(event);
        rig_exec(&rig, 1000, "/deny/more", _FAILURE_INVALID);
        assert_int_equal(rig_count(&rig, ACTION_RECORD), 1);
        rig_done(&rig);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(known_code_is_answered_at_once_and_recorded_once),
                TEST(unknown_code_waits_for_its_extend),
                TEST(a_denied_file),
                TEST(rules_that_kill_and_lock),
                TEST(rules_that_ignore_and_alert),
                TEST(every_gate_row_in_every_mode),
                TEST(an_open_row_opens_nothing_that_a_rule_refuses),
                TEST(open_writers_are_a_violation_record),
                TEST(the_deadline),
                TEST(the_kernel_has_waited_too_long),
                TEST(a_file_without_a_name),
                TEST(what_makes_a_judgement_another_one),
                TEST(a_flood_of_refusals_is_summed_up),
        };

        return RUN(tests);
}
