/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is done to the machine's running state. */

#include "tests/unit/rig.h"

#define OBSERVE "[Policy]\nMode=observe\n[Reference base]\n"
#define ENFORCE "[Policy]\nMode=enforce\n[Reference base]\n"
#define NO_MOUNTS "[Rule mounts]\nEvent=mount\nAction=deny alert\nSeverity=error\nTechnique=T1000\n"

static Input activity(Event event, const char *target, bool denied, bool privileged) {
        return (Input){ .type = INPUT_ACTIVITY,
                        .activity = { .event = event,
                                      .target = target,
                                      .subject = { .pid = 44, .uid = 1000, .euid = 1000, .exe = "/usr/bin/x" },
                                      .details = { { "how", "mount" }, { "from", "a\nb" } },
                                      .denied = denied,
                                      .privileged = privileged,
                                      .started = 7 } };
}

static void begin(Rig *rig, const char *policy) {
        rig_new(rig, policy);
        rig_start(rig);
}

static size_t feed(Rig *rig, const Input *in) {
        rig_feed(rig, in);
        assert_int_equal(rig->result, 0);
        return rig_count(rig, ACTION_RECORD);
}

/* A rule that names no event is about code, whatever it says. */
static void no_rule_lets_it_be(void **state _unused_) {
        Input in = activity(EVENT_MOUNT, "/mnt", false, true);
        json_t *event;
        Rig rig;

        begin(&rig, ENFORCE "[Rule unknown]\nReference=!base\nAction=lock\n");
        assert_int_equal(feed(&rig, &in), 1);
        event = rig_event(&rig, KIND_ACTIVITY);
        assert_string_equal(json_string_value(json_object_get(event, "event")), "mount");
        assert_string_equal(json_string_value(json_object_get(event, "target")), "/mnt");
        assert_string_equal(json_string_value(json_object_get(event, "rule")), "default");
        assert_string_equal(json_string_value(json_object_get(event, "verdict")), "allow");
        assert_string_equal(json_string_value(json_object_get(json_object_get(event, "details"), "from")), "a\\x0ab");
        assert_true(json_is_true(json_object_get(event, "privileged")));
        json_decref(event);
        assert_int_equal(rig_count(&rig, ACTION_ALERT), 0);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        rig_done(&rig);
}

/* Without a rule a busy machine does not fill the log; what a rule names is said for each target. */
static void how_often_it_is_said(void **state _unused_) {
        static const struct {
                const char *policy;
                Event event;
                size_t again, elsewhere;
        } cases[] = {
                { OBSERVE, EVENT_MOUNT, 0, 0 },
                { OBSERVE, EVENT_MEMORY, 0, 0 },
                { OBSERVE, EVENT_PTRACE, 0, 1 },
                { OBSERVE, EVENT_CONFIG, 1, 1 },
                { OBSERVE, EVENT_DM, 1, 1 },
                { OBSERVE NO_MOUNTS, EVENT_MOUNT, 0, 1 },
                { OBSERVE, EVENT_MODULE_REQUEST, 0, 1 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Input in = activity(cases[i].event, "/one", false, false);
                Rig rig;

                begin(&rig, cases[i].policy);
                assert_int_equal(feed(&rig, &in), 1);
                assert_int_equal(feed(&rig, &in), cases[i].again);
                in.activity.target = "/two";
                assert_int_equal(feed(&rig, &in), cases[i].elsewhere);
                in.activity.subject.exe = "/usr/bin/y";
                assert_int_equal(feed(&rig, &in), 1);
                in.activity.subject.uid = 5;
                assert_int_equal(feed(&rig, &in), 1);
                rig_done(&rig);
        }
}

static void ignore_says_nothing(void **state _unused_) {
        Input in = activity(EVENT_BPF, "sd_devices", false, true);
        Rig rig;

        begin(&rig, OBSERVE "[Rule a]\nEvent=bpf\nPath=*sd_*\nAction=ignore\n");
        assert_int_equal(feed(&rig, &in), 0);
        in.activity.target = "other";
        assert_int_equal(feed(&rig, &in), 1);
        rig_done(&rig);
}

static void denied_changes_no_state(void **state _unused_) {
        Input in = activity(EVENT_MOUNT, "/mnt", true, true);
        Status status;
        Rig rig;

        begin(&rig, ENFORCE NO_MOUNTS);
        assert_int_equal(feed(&rig, &in), 1);
        rig_expect(&rig, KIND_ACTIVITY, "verdict", "deny");
        rig_expect(&rig, KIND_ACTIVITY, "rule", "mounts");
        rig_expect(&rig, KIND_ACTIVITY, "severity", "error");
        rig_expect(&rig, KIND_ACTIVITY, "technique", "T1000");
        assert_int_equal(rig_count(&rig, ACTION_ALERT), 1);
        assert_int_equal(rig_count(&rig, ACTION_KILL), 0);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        engine_status(rig.engine, &status);
        assert_int_equal(status.denied, 1);
        rig_done(&rig);
}

/* The table of sealwatch.policy(5) for what a rule refuses and nothing held up. */
static void done_all_the_same(void **state _unused_) {
        static const struct {
                const char *policy;
                bool privileged, stale;
                const char *verdict;
                State state;
                size_t kills;
        } cases[] = {
                { ENFORCE NO_MOUNTS, false, false, "kill", STATE_DEGRADED, 1 },
                { ENFORCE NO_MOUNTS, true, false, "lock", STATE_VIOLATED, 0 },
                { ENFORCE NO_MOUNTS, true, true, "would-deny", STATE_TRUSTED, 0 },
                { OBSERVE NO_MOUNTS, true, false, "would-deny", STATE_TRUSTED, 0 },
                { OBSERVE "[Rule a]\nEvent=mount\nAction=lock\n", true, false, "would-lock", STATE_DEGRADED, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Input in = activity(EVENT_MOUNT, "/mnt", false, cases[i].privileged);
                Rig rig;

                begin(&rig, cases[i].policy);
                in.activity.stale = cases[i].stale;
                feed(&rig, &in);
                rig_expect(&rig, KIND_ACTIVITY, "verdict", cases[i].verdict);
                assert_int_equal(rig_state(&rig), cases[i].state);
                assert_int_equal(rig_count(&rig, ACTION_KILL), cases[i].kills);
                if (cases[i].kills)
                        assert_int_equal(rig_find(&rig, ACTION_KILL)->kill.started, 7);
                assert_int_equal(!!(rig_reasons(&rig) & REASON_ACTIVITY), cases[i].kills);
                rig_done(&rig);
        }
}

static void rules_that_kill_and_lock(void **state _unused_) {
        Input in = activity(EVENT_PTRACE, "/usr/bin/y", true, false);
        Rig rig;

        begin(&rig, ENFORCE "[Rule a]\nEvent=ptrace\nAction=kill\n");
        feed(&rig, &in);
        rig_expect(&rig, KIND_ACTIVITY, "verdict", "kill");
        assert_int_equal(rig_find(&rig, ACTION_KILL)->kill.pid, 44);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        rig_done(&rig);

        begin(&rig, ENFORCE "[Rule a]\nEvent=ptrace\nAction=lock\n");
        feed(&rig, &in);
        assert_true(guard_is_closed(rig_state(&rig)));
        rig_done(&rig);
}

/* Nobody's process is nobody to kill, and nobody to name. */
static void without_a_process(void **state _unused_) {
        static const char *const subject[] = { "pid", "uid", "euid", "exe", "comm" };
        Input in = { .type = INPUT_ACTIVITY,
                     .activity = { .event = EVENT_PCR, .target = "11", .alert = true, .severity = SEVERITY_NOTICE } };
        json_t *event;
        Rig rig;

        begin(&rig, ENFORCE "[Rule a]\nEvent=unit\nAction=kill\n");
        feed(&rig, &in);
        event = rig_event(&rig, KIND_ACTIVITY);
        for (size_t i = 0; i < ELEMENTSOF(subject); i++)
                assert_null(json_object_get(event, subject[i]));
        json_decref(event);
        rig_expect(&rig, KIND_ACTIVITY, "verdict", "alert");
        assert_int_equal(rig_find(&rig, ACTION_ALERT)->alert.severity, SEVERITY_NOTICE);
        in.activity.target = "12";
        in.activity.started = 7; /* somebody outside of the daemon's PID namespace */
        in.activity.subject.uid = 1000;
        feed(&rig, &in);
        event = rig_event(&rig, KIND_ACTIVITY);
        assert_int_equal(json_integer_value(json_object_get(event, "uid")), 1000);
        json_decref(event);
        in.activity.started = 0;
        in.activity.event = EVENT_UNIT;
        in.activity.target = NULL;
        feed(&rig, &in);
        rig_expect(&rig, KIND_ACTIVITY, "verdict", "kill");
        rig_expect(&rig, KIND_ACTIVITY, "target", "");
        assert_int_equal(rig_count(&rig, ACTION_KILL), 0);
        assert_int_equal(rig_state(&rig), STATE_DEGRADED);
        rig_done(&rig);
}

/* What is done to the daemon is tampering: refused without a rule where the kernel can, a violation where it happened. */
static void ourselves(void **state _unused_) {
        Input in = activity(EVENT_SELF, "signal", true, true);
        Rig rig;

        begin(&rig, ENFORCE);
        feed(&rig, &in);
        rig_expect(&rig, KIND_ACTIVITY, "verdict", "deny");
        rig_expect(&rig, KIND_ACTIVITY, "severity", "error");
        assert_int_equal(rig_count(&rig, ACTION_ALERT), 1);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        in.activity.denied = false;
        feed(&rig, &in);
        rig_expect(&rig, KIND_ACTIVITY, "verdict", "lock");
        assert_true(guard_is_closed(rig_state(&rig)));
        rig_done(&rig);

        begin(&rig, OBSERVE);
        feed(&rig, &in);
        rig_expect(&rig, KIND_ACTIVITY, "verdict", "would-lock");
        assert_int_equal(rig_find(&rig, ACTION_ALERT)->alert.severity, SEVERITY_CRITICAL);
        assert_int_equal(rig_state(&rig), STATE_DEGRADED);
        rig_done(&rig);

        begin(&rig, ENFORCE "[Rule upgrade]\nEvent=self\nPath=*signal\nAction=allow\n");
        feed(&rig, &in);
        rig_expect(&rig, KIND_ACTIVITY, "verdict", "allow");
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        rig_done(&rig);
}

/* Where the sensor says how loud it is, nobody is punished without a rule: a livepatch's module was let in by the policy. */
static void told_and_no_more(void **state _unused_) {
        Input in = activity(EVENT_SELF, "patch", false, true);
        Rig rig;

        in.activity.alert = true;
        in.activity.severity = SEVERITY_WARNING;
        begin(&rig, ENFORCE);
        feed(&rig, &in);
        rig_expect(&rig, KIND_ACTIVITY, "verdict", "alert");
        assert_int_equal(rig_find(&rig, ACTION_ALERT)->alert.severity, SEVERITY_WARNING);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        rig_done(&rig);

        begin(&rig, ENFORCE "[Rule none]\nEvent=self\nPath=*patch\nAction=lock\n");
        feed(&rig, &in);
        rig_expect(&rig, KIND_ACTIVITY, "verdict", "lock");
        assert_true(guard_is_closed(rig_state(&rig)));
        rig_done(&rig);
}

/* A configuration file's new content can be in a reference set. */
static void content_that_is_known(void **state _unused_) {
        Input in = activity(EVENT_CONFIG, "/etc/passwd", false, true);
        uint8_t digest[SHA256_SIZE];
        Rig rig;

        assert_int_equal(sha256(RIG_KNOWN, strlen(RIG_KNOWN), digest), 0);
        begin(&rig, OBSERVE "[Rule a]\nEvent=config\nReference=!base\nAction=alert\n");
        in.activity.digest = digest;
        feed(&rig, &in);
        rig_expect(&rig, KIND_ACTIVITY, "verdict", "allow");
        digest[0] ^= 1;
        feed(&rig, &in);
        rig_expect(&rig, KIND_ACTIVITY, "verdict", "alert");
        rig_done(&rig);
}

static void floods_are_limited(void **state _unused_) {
        Input in = activity(EVENT_MODULE_REQUEST, NULL, false, false);
        size_t records = 0;
        char target[32];
        Status status;
        Rig rig;

        begin(&rig, OBSERVE);
        in.activity.target = target;
        for (unsigned i = 0; i < 1000; i++) {
                snprintf(target, sizeof(target), "net-pf-%u", i);
                records += feed(&rig, &in);
        }
        assert_int_equal(records, 600);
        engine_status(rig.engine, &status);
        assert_int_equal(status.suppressed, 400);
        rig_done(&rig);
}

static void the_largest(void **state _unused_) {
        Input in = activity(EVENT_CONFIG, NULL, false, true);
        char text[5000];
        Rig rig;

        memset(text, '\n', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        in.activity.target = in.activity.subject.exe = in.activity.subject.comm = in.activity.subject.cgroup =
                in.activity.subject.unit = text;
        for (size_t i = 0; i < ACTIVITY_DETAILS_MAX; i++)
                in.activity.details[i] = (ActivityDetail){ text + sizeof(text) - 10 * (i + 1), text };
        begin(&rig, OBSERVE);
        assert_int_equal(feed(&rig, &in), 1);
        rig_done(&rig);
}

/* A restarted daemon does not say again what is in the log. */
static void remembered(void **state _unused_) {
        Input in = activity(EVENT_PTRACE, "/usr/bin/\x01y", false, false);
        Input start = { .type = INPUT_START };
        Rig rig;

        begin(&rig, OBSERVE);
        assert_int_equal(feed(&rig, &in), 1);
        start.start = rig.facts;
        start.start.fresh = false;
        rig_settle(&rig);
        rig_resume(&rig, OBSERVE);
        start.start.pcrs = &rig.pcrs;
        rig_feed(&rig, &start);
        assert_int_equal(feed(&rig, &in), 0);
        in.activity.target = "/usr/bin/z";
        assert_int_equal(feed(&rig, &in), 1);
        rig_done(&rig);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(no_rule_lets_it_be),  TEST(how_often_it_is_said),
                TEST(ignore_says_nothing), TEST(denied_changes_no_state),
                TEST(done_all_the_same),   TEST(rules_that_kill_and_lock),
                TEST(without_a_process),   TEST(ourselves),
                TEST(told_and_no_more),    TEST(content_that_is_known),
                TEST(floods_are_limited),  TEST(the_largest),
                TEST(remembered),
        };

        return RUN(tests);
}
