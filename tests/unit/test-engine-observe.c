/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What sensors report after the fact. What it does to the guard is in test-engine-guard. */

#include "tests/unit/rig.h"

#define ENFORCE "[Policy]\nMode=enforce\n[Reference base]\n"

static Input execed_of(const Observation *o) {
        return (Input){ .type = INPUT_EXECED,
                        .execed = { .subject = o->subject,
                                    .path = o->path,
                                    .file = o->file,
                                    .started = 1,
                                    .when = USEC_INFINITY } };
}

static uint64_t ungated(const Rig *rig) {
        Status status;

        engine_status(rig->engine, &status);
        return status.ungated;
}

static void an_answer_is_used_up_by_its_exec(void **state _unused_) {
        const Observation o = rig_observation(1, RIG_KNOWN, _FAILURE_INVALID);
        Input in = execed_of(&o);
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        rig_exec(&rig, 1, RIG_KNOWN, _FAILURE_INVALID);
        rig_feed(&rig, &in);
        assert_int_equal(rig_find(&rig, ACTION_CONFIRMED)->confirmed.token, 1);
        assert_true(rig_find(&rig, ACTION_CONFIRMED)->confirmed.ran);
        assert_int_equal(ungated(&rig), 0);
        rig_feed(&rig, &in); /* the same once more */
        assert_int_equal(ungated(&rig), 1);
        assert_int_equal(rig_find(&rig, ACTION_KILL)->kill.pid, o.subject.pid);
        assert_int_equal(rig_find(&rig, ACTION_KILL)->kill.started, 1);
        rig_done(&rig);
}

static void a_refusal_is_no_answer_to_run_by(void **state _unused_) {
        const Observation o = rig_observation(1, "/opt/x", FAILURE_READ_ERROR);
        const Input in = execed_of(&o);
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        rig_exec(&rig, 1, "/opt/x", FAILURE_READ_ERROR);
        assert_true(rig_answered(&rig, 1, false));
        rig_feed(&rig, &in);
        assert_int_equal(ungated(&rig), 1);
        rig_done(&rig);
}

static void a_file_that_was_changed_after_its_answer(void **state _unused_) {
        const Observation o = rig_observation(1, RIG_KNOWN, _FAILURE_INVALID);
        Input in = execed_of(&o);
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        rig_exec(&rig, 1, RIG_KNOWN, _FAILURE_INVALID);
        in.execed.changed = true;
        rig_feed(&rig, &in);
        rig_expect(&rig, KIND_UNGATED, "reason", "its file was changed after the gate's answer");
        assert_int_equal(rig_reasons(&rig), REASON_UNGATED);
        rig_done(&rig);
}

/* A violation is never left out, whoever floods the log. */
static void a_flood_hides_no_violation(void **state _unused_) {
        Input in = { .type = INPUT_EXECED, .execed = { .subject = { .pid = 9, .uid = 5 }, .path = "/x" } };
        size_t records = 0;
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        for (unsigned i = 0; i < 1000; i++) {
                json_t *event;

                rig_feed(&rig, &in);
                event = rig_event(&rig, KIND_UNGATED);
                records += event != NULL;
                json_decref(event);
                assert_int_equal(rig_count(&rig, ACTION_KILL), 1);
        }
        assert_int_equal(records, 600);
        in.execed.privileged = true;
        rig_feed(&rig, &in);
        rig_expect(&rig, KIND_UNGATED, "verdict", "lock");
        assert_int_equal(rig_state(&rig), STATE_VIOLATED);
        rig_done(&rig);
}

static bool is_recorded(Rig *rig, const Input *in) {
        json_t *event;
        bool is;

        rig_feed(rig, in);
        event = rig_event(rig, KIND_UNGATED);
        is = event != NULL;
        json_decref(event);
        return is;
}

static void what_ran_before_the_gate_is_said_once(void **state _unused_) {
        Input in = { .type = INPUT_EXECED,
                     .execed = { .subject = { .pid = 9, .uid = 5 },
                                 .path = "/x",
                                 .file = { .device = 3, .inode = 4 },
                                 .privileged = true,
                                 .before_gate = true } };
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        assert_true(is_recorded(&rig, &in));
        rig_expect(&rig, KIND_UNGATED, "verdict", "seen");
        assert_false(is_recorded(&rig, &in));
        for (unsigned i = 0; i < 1000; i++) { /* no limit but what the ring holds */
                in.execed.file.inode++;
                assert_true(is_recorded(&rig, &in));
        }
        in.execed.subject.uid = 6;
        assert_true(is_recorded(&rig, &in));
        assert_int_equal(ungated(&rig), 1003);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        rig_done(&rig);
}

static void refusals_that_were_only_counted(void **state _unused_) {
        const Input in = { .type = INPUT_UNTOLD, .untold = { .count = 70 } };
        Status status;
        json_t *event;
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        rig_feed(&rig, &in);
        engine_status(rig.engine, &status);
        assert_int_equal(status.denied, 70);
        assert_int_equal(status.lost, 0);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        rig_tick(&rig, 61 * USEC_PER_SEC);
        event = rig_event(&rig, KIND_SUPPRESSED);
        assert_non_null(event);
        assert_int_equal(json_integer_value(json_object_get(event, "count")), 70);
        json_decref(event);
        rig_done(&rig);
}

static void lost_events_are_counted(void **state _unused_) {
        const Input in = { .type = INPUT_LOST, .lost = { .sensor = "exec", .first = 5, .last = 9, .count = 5 } };
        Status status;
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        rig_feed(&rig, &in);
        rig_feed(&rig, &in);
        rig_expect(&rig, KIND_LOST, "sensor", "exec");
        engine_status(rig.engine, &status);
        assert_int_equal(status.lost, 10);
        rig_done(&rig);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(an_answer_is_used_up_by_its_exec),
                TEST(a_refusal_is_no_answer_to_run_by),
                TEST(a_file_that_was_changed_after_its_answer),
                TEST(a_flood_hides_no_violation),
                TEST(what_ran_before_the_gate_is_said_once),
                TEST(refusals_that_were_only_counted),
                TEST(lost_events_are_counted),
        };

        return RUN(tests);
}
