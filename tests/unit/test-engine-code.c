/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Code that the kernel side decided about. */

#include "tests/unit/rig.h"

#define ENFORCE "[Policy]\nMode=enforce\n[Reference base]\n"
#define UNKNOWN "[Rule unknown]\nReference=!base\nAction=deny alert\n"

static Input code(const char *path, Failure failure, bool denied) {
        Input in = { .type = INPUT_CODE,
                     .code = { .observation = rig_observation(0, path, failure), .denied = denied, .started = 7 } };

        in.code.observation.event = EVENT_LIBRARY;
        return in;
}

static void begin(Rig *rig, const char *policy) {
        rig_new(rig, policy);
        rig_start(rig);
}

static uint64_t denied(const Rig *rig) {
        Status status;

        engine_status(rig->engine, &status);
        return status.denied;
}

static void known_code_is_measured_once(void **state _unused_) {
        Input in = code(RIG_KNOWN, _FAILURE_INVALID, false);
        Rig rig;

        begin(&rig, ENFORCE UNKNOWN);
        rig_feed(&rig, &in);
        assert_int_equal(rig_count(&rig, ACTION_RECORD), 1);
        assert_int_equal(rig_count(&rig, ACTION_ANSWER), 0);
        rig_feed(&rig, &in);
        assert_int_equal(rig_count(&rig, ACTION_RECORD), 0);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        rig_done(&rig);
}

static void a_refusal_is_told_and_nothing_else(void **state _unused_) {
        Input in = code("/opt/x.so", _FAILURE_INVALID, true);
        Rig rig;

        begin(&rig, ENFORCE UNKNOWN);
        rig_feed(&rig, &in);
        rig_expect(&rig, KIND_EXEC, "verdict", "deny");
        rig_expect(&rig, KIND_EXEC, "event", "library");
        rig_expect(&rig, KIND_EXEC, "rule", "unknown");
        assert_int_equal(rig_count(&rig, ACTION_ALERT), 1);
        assert_int_equal(rig_count(&rig, ACTION_KILL), 0);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        assert_int_equal(denied(&rig), 1);
        rig_done(&rig);
}

/* Nothing runs of what is only asked about, so a wrong answer is nothing but told. */
static void a_question_runs_nothing(void **state _unused_) {
        Input in = code("/opt/x", _FAILURE_INVALID, false);
        json_t *event;
        Rig rig;

        begin(&rig, ENFORCE UNKNOWN);
        in.code.privileged = true;
        in.code.observation.event = EVENT_EXEC;
        in.code.observation.check = true;
        in.code.observation.file.backing_device = 8 << 20 | 1;
        in.code.observation.file.backing_inode = 77;
        rig_feed(&rig, &in);
        event = rig_event(&rig, KIND_EXEC);
        assert_string_equal(json_string_value(json_object_get(event, "verdict")), "would-deny");
        assert_int_equal(json_integer_value(json_object_get(event, "backing")), 77);
        assert_int_equal(json_integer_value(json_object_get(event, "backingdev")), 8 << 20 | 1);
        assert_true(json_is_true(json_object_get(event, "check")));
        json_decref(event);
        assert_int_equal(rig_count(&rig, ACTION_KILL), 0);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        in.code.observation.check = false;
        in.code.observation.path = "/opt/y";
        rig_feed(&rig, &in);
        rig_expect(&rig, KIND_EXEC, "verdict", "lock");
        rig_done(&rig);
}

/* No rule refuses it, but the kernel side could have no digest that binds. */
static void a_refusal_for_want_of_a_digest(void **state _unused_) {
        Input in = code(RIG_KNOWN, FAILURE_OPEN_WRITERS, true);
        Rig rig;

        begin(&rig, ENFORCE UNKNOWN);
        in.code.observation.has_digest = false;
        rig_feed(&rig, &in);
        rig_expect(&rig, KIND_EXEC, "verdict", "deny");
        rig_expect(&rig, KIND_EXEC, "failure", "open-writers");
        rig_done(&rig);
}

static void rules_that_kill_and_lock(void **state _unused_) {
        Input in = code("/opt/x.so", _FAILURE_INVALID, true);
        Rig rig;

        begin(&rig, ENFORCE "[Rule a]\nReference=!base\nAction=kill\n");
        rig_feed(&rig, &in);
        rig_expect(&rig, KIND_EXEC, "verdict", "kill");
        assert_int_equal(rig_find(&rig, ACTION_KILL)->kill.pid, in.code.observation.subject.pid);
        assert_int_equal(rig_find(&rig, ACTION_KILL)->kill.started, 7);
        rig_done(&rig);

        begin(&rig, ENFORCE "[Rule a]\nReference=!base\nAction=lock\n");
        rig_feed(&rig, &in);
        assert_true(guard_is_closed(rig_state(&rig)));
        rig_done(&rig);
}

/* What the rules refuse ran all the same: the kernel side cannot see Path=. */
static void what_ran_all_the_same(void **state _unused_) {
        Input in = code("/opt/x.so", _FAILURE_INVALID, false);
        Rig rig;

        begin(&rig, ENFORCE "[Rule a]\nPath=/opt/*\nAction=deny\n");
        rig_feed(&rig, &in);
        rig_expect(&rig, KIND_EXEC, "verdict", "kill");
        assert_int_equal(rig_find(&rig, ACTION_KILL)->kill.pid, in.code.observation.subject.pid);
        assert_int_equal(rig_reasons(&rig), REASON_UNGATED);
        rig_done(&rig);

        begin(&rig, ENFORCE "[Rule a]\nPath=/opt/*\nAction=deny\n");
        in.code.privileged = true;
        rig_feed(&rig, &in);
        rig_expect(&rig, KIND_EXEC, "verdict", "lock");
        assert_true(guard_is_closed(rig_state(&rig)));
        rig_done(&rig);
}

/* The kernel side could not tell the path that a rule looks at: whatever it did then, nobody is punished for it. */
static void what_nobody_can_judge(void **state _unused_) {
        static const char *const texts[] = {
                ENFORCE "[Rule a]\nPath=/opt/*\nAction=lock\n",
                ENFORCE "[Rule a]\nPath=/opt/*\nAction=allow\n[Rule b]\nAction=kill lock\n",
        };

        for (size_t i = 0; i < 2 * ELEMENTSOF(texts); i++) {
                Input in = code("x.so", _FAILURE_INVALID, i % 2 == 0);
                Rig rig;

                begin(&rig, texts[i / 2]);
                in.code.observation.no_path = in.code.privileged = true;
                rig_feed(&rig, &in);
                rig_expect(&rig, KIND_EXEC, "verdict", in.code.denied ? "deny" : "would-deny");
                rig_expect(&rig, KIND_EXEC, "failure", "no-path");
                rig_expect(&rig, KIND_EXEC, "rule", "default");
                assert_int_equal(rig_count(&rig, ACTION_KILL), 0);
                assert_int_equal(rig_state(&rig), STATE_TRUSTED);
                rig_done(&rig);
        }
}

static void a_path_that_no_rule_needs(void **state _unused_) {
        Input in = code("x.so", _FAILURE_INVALID, true);
        Rig rig;

        begin(&rig, ENFORCE UNKNOWN);
        in.code.observation.no_path = true;
        rig_feed(&rig, &in);
        rig_expect(&rig, KIND_EXEC, "rule", "unknown");
        rig_done(&rig);
}

static void paths_that_may_be_missing(void **state _unused_) {
        Input in = code("x.so", _FAILURE_INVALID, false);
        Rig rig;

        begin(&rig, ENFORCE "[Failures]\nNoPath=allow\n[Rule a]\nPath=/opt/*\nAction=lock\n");
        in.code.observation.no_path = true;
        rig_feed(&rig, &in);
        rig_expect(&rig, KIND_EXEC, "verdict", "alert");
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        rig_done(&rig);
}

/* Decided by the policy before or after this one: recorded, and nobody is punished. */
static void another_policy_decided(void **state _unused_) {
        Input in = code("/opt/x.so", _FAILURE_INVALID, false);
        Rig rig;

        begin(&rig, ENFORCE UNKNOWN);
        in.code.stale = in.code.privileged = true;
        rig_feed(&rig, &in);
        rig_expect(&rig, KIND_EXEC, "verdict", "would-deny");
        assert_int_equal(rig_count(&rig, ACTION_KILL), 0);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        rig_done(&rig);
}

/* Let go where the kernel has no digests, and gone before anybody could hash it. */
static void what_nobody_could_read_is_told(void **state _unused_) {
        Input in = code("/opt/x.so", FAILURE_READ_ERROR, false);
        Rig rig;

        begin(&rig, ENFORCE UNKNOWN);
        in.code.unread = in.code.privileged = true;
        in.code.observation.has_digest = false;
        rig_feed(&rig, &in);
        rig_expect(&rig, KIND_EXEC, "verdict", "seen");
        assert_int_equal(rig_count(&rig, ACTION_KILL), 0);
        assert_int_equal(rig_state(&rig), STATE_DEGRADED);
        rig_done(&rig);
}

static void observe_says_what_would_be(void **state _unused_) {
        Input in = code("/opt/x.so", _FAILURE_INVALID, false);
        Rig rig;

        begin(&rig, "[Reference base]\n" UNKNOWN);
        rig_feed(&rig, &in);
        rig_expect(&rig, KIND_EXEC, "verdict", "would-deny");
        assert_int_equal(rig_count(&rig, ACTION_RECORD), 2); /* and the file itself */
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        rig_done(&rig);
}

/* It runs while somebody can change it: IMA's violation record, bound by ours, instead of a digest. */
static void writers_in_observe(void **state _unused_) {
        Input in = code("/opt/x.so", FAILURE_OPEN_WRITERS, false);
        Rig rig;

        begin(&rig, "");
        in.code.observation.has_digest = false;
        rig_feed(&rig, &in);
        rig_expect(&rig, KIND_OPEN_WRITERS, "path", "/opt/x.so");
        rig_done(&rig);
}

static void code_without_a_file(void **state _unused_) {
        Input in = code("", _FAILURE_INVALID, true);
        Rig rig;

        begin(&rig, ENFORCE UNKNOWN);
        in.code.observation.event = EVENT_MODULE;
        in.code.observation.has_digest = false;
        rig_feed(&rig, &in);
        rig_expect(&rig, KIND_EXEC, "path", "(memory)");
        rig_expect(&rig, KIND_EXEC, "event", "module");
        rig_done(&rig);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(known_code_is_measured_once),
                TEST(a_refusal_is_told_and_nothing_else),
                TEST(a_question_runs_nothing),
                TEST(a_refusal_for_want_of_a_digest),
                TEST(rules_that_kill_and_lock),
                TEST(what_nobody_can_judge),
                TEST(a_path_that_no_rule_needs),
                TEST(paths_that_may_be_missing),
                TEST(what_ran_all_the_same),
                TEST(another_policy_decided),
                TEST(what_nobody_could_read_is_told),
                TEST(observe_says_what_would_be),
                TEST(writers_in_observe),
                TEST(code_without_a_file),
        };

        return RUN(tests);
}
