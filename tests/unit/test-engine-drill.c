/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Drills: what was announced leads to nothing, everything else to what it always does. */

#include "core/conduct.h"
#include "lib/base/cleanup.h"
#include "tests/unit/rig.h"

#define ID "0123456789abcdef0123456789abcdef"
#define ENFORCE "[Policy]\nMode=enforce\n[Reference base]\n"
#define OBSERVE "[Policy]\nMode=observe\n[Reference base]\n"
#define HARSH                                                                                                         \
        "[Rule self]\nEvent=self\nAction=deny lock\n[Rule code]\nEvent=exec\nReference=!base\nAction=deny kill "      \
        "lock\n"

enum { PID = 44, REQUEST = 7, TICK = 10000 };

DEFINE_CLEANUP(LogReader *, log_reader_free)

static void begin(Rig *rig, const char *policy) {
        rig_new(rig, policy);
        rig->facts.levels[WATCHED_SELF] = rig->facts.levels[WATCHED_EXEC] = LEVEL_ENFORCE;
        rig_start(rig);
}

static Input request(const DrillAsked *asked, size_t n) {
        return (Input){ .type = INPUT_DRILL,
                        .drill = { .request = REQUEST, .pid = 40, .id = ID, .asked = asked, .asked_size = n } };
}

static void announce(Rig *rig) {
        static const DrillAsked asked[] = { { DRILL_SIGNAL, PID, 50 * TICK, TICK },
                                            { DRILL_LOG, PID + 1, 50 * TICK, TICK },
                                            { DRILL_EXEC, 0, 0, 0 } };
        const Input in = request(asked, ELEMENTSOF(asked));

        rig_feed(rig, &in);
        assert_int_equal(rig->result, 0);
        rig_expect(rig, KIND_DRILL, "phase", "begin");
}

static void open_drill(Rig *rig) {
        announce(rig);
        assert_int_equal(rig_count(rig, ACTION_DRILL), 0);
        rig_settle(rig);
        assert_int_equal(rig_find(rig, ACTION_DRILL)->drill, REQUEST);
        assert_int_equal(engine_drill(rig->engine)->phase, DRILL_OPEN);
}

static Input signal_from(uint32_t pid, usec_t started, bool denied) {
        return (Input){ .type = INPUT_ACTIVITY,
                        .activity = { .event = EVENT_SELF,
                                      .target = "/usr/libexec/sealwatch/sealwatchd",
                                      .subject = { .pid = pid },
                                      .details = { { "how", "signal" } },
                                      .denied = denied,
                                      .privileged = true,
                                      .started = started } };
}

static void strike(Rig *rig, uint32_t pid, bool denied) {
        const Input in = signal_from(pid, 50 * TICK + 3, denied);

        rig_feed(rig, &in);
}

static void expect_closed(const Rig *rig) {
        assert_true(rig_state(rig) == STATE_VIOLATED || rig_state(rig) == STATE_LOCKED);
}

/* What a verifier makes of the log. */
static void follow(Rig *rig, Conduct *ret) {
        _cleanup_(log_reader_freep) LogReader *reader = NULL;
        LogEntry entry;

        rig_settle(rig);
        *ret = (Conduct){};
        assert_int_equal(log_reader_new(rig->log.data, rig->log.size, 0, &reader), 0);
        while (log_reader_next(reader, &entry) == LOG_ENTRY)
                assert_int_equal(conduct_take(ret, &entry), 0);
}

static void nothing_comes_of_it(void **state _unused_) {
        static const struct {
                const char *policy, *verdict;
                bool denied;
        } cases[] = {
                { ENFORCE HARSH, "deny", true },
                { OBSERVE HARSH, "would-deny", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Conduct c;
                Rig rig;

                begin(&rig, cases[i].policy);
                open_drill(&rig);
                strike(&rig, PID, cases[i].denied);
                rig_expect(&rig, KIND_ACTIVITY, "drill", "signal");
                rig_expect(&rig, KIND_ACTIVITY, "verdict", cases[i].verdict);
                assert_int_equal(rig_find(&rig, ACTION_ALERT)->alert.severity, SEVERITY_NOTICE);
                assert_int_equal(rig_count(&rig, ACTION_LOCK_STEP), 0);
                assert_int_equal(rig_state(&rig), STATE_TRUSTED);
                follow(&rig, &c);
                assert_int_equal(c.exemptions.count, 0);
                assert_int_equal(c.drill_let.count, 0);
                assert_int_equal(c.drill_used, 1);
                assert_int_equal(c.drills, 1);
                rig_done(&rig);
        }
}

/* Once; by the announced process; in the announced way; between the two records. */
static void everything_else_is_judged(void **state _unused_) {
        Input end = { .type = INPUT_DRILL_END, .drill = { .request = 8, .id = ID } };
        Input other = signal_from(PID, 50 * TICK + 3, true);
        Rig rig;

        for (unsigned i = 0; i < 7; i++) {
                begin(&rig, ENFORCE HARSH);
                if (i == 0)
                        announce(&rig);
                else
                        open_drill(&rig);
                if (i == 1)
                        strike(&rig, PID, true);
                else if (i == 2)
                        other.activity.subject.pid = PID + 1;
                else if (i == 3)
                        other.activity.started = 80 * TICK;
                else if (i == 4)
                        other.activity.details[0].text = "ptrace";
                else if (i == 5)
                        rig_feed(&rig, &end);
                else if (i == 6)
                        rig_tick(&rig, DRILL_TIME_MAX);
                assert_int_equal(rig_state(&rig), STATE_TRUSTED);
                rig_feed(&rig, &other);
                expect_closed(&rig);
                other = signal_from(PID, 50 * TICK + 3, true);
                rig_done(&rig);
        }
}

/* An event may wait to be read until after the deadline: only the timer, which comes behind all that waited, ends the drill. */
static void what_waited_to_be_read_is_exempt(void **state _unused_) {
        Input other = signal_from(PID + 1, 50 * TICK, true);
        Conduct c;
        Rig rig;

        begin(&rig, ENFORCE HARSH);
        open_drill(&rig);
        rig.now.boottime += DRILL_TIME_MAX;
        strike(&rig, PID, true);
        rig_expect(&rig, KIND_ACTIVITY, "drill", "signal");
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        rig_tick(&rig, 0);
        rig_expect(&rig, KIND_DRILL, "reason", "time");
        follow(&rig, &c);
        assert_int_equal(c.exemptions.count, 0);
        assert_int_equal(c.drill_used, 1);
        other.activity.details[0].text = "write";
        rig_feed(&rig, &other);
        expect_closed(&rig);
        rig_done(&rig);
}

static Input code(const uint8_t digest[SHA256_SIZE]) {
        Input in = { .type = INPUT_CODE,
                     .code = { .observation = { .event = EVENT_EXEC,
                                                .path = "/var/tmp/exec",
                                                .has_digest = true,
                                                .failure = _FAILURE_INVALID,
                                                .subject = { .pid = 90 } },
                               .denied = true,
                               .privileged = true } };

        memcpy(in.code.observation.digest, digest, SHA256_SIZE);
        return in;
}

/* By its digest, whoever runs it, as often as a race wants; and only what the engine itself has made. */
static void code_is_known_by_its_digest(void **state _unused_) {
        uint8_t digest[SHA256_SIZE];
        Conduct c;
        Input in;
        Rig rig;

        assert_int_equal(drill_digest(ID, DRILL_EXEC, digest), 0);
        in = code(digest);
        begin(&rig, ENFORCE HARSH);
        open_drill(&rig);
        rig_feed(&rig, &in);
        rig_expect(&rig, KIND_EXEC, "drill", "exec");
        rig_expect(&rig, KIND_EXEC, "verdict", "deny");
        rig_feed(&rig, &in);
        in.code.denied = false; /* it ran */
        rig_feed(&rig, &in);
        assert_int_equal(rig_count(&rig, ACTION_KILL), 0);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        follow(&rig, &c);
        assert_int_equal(c.exemptions.count, 0);
        assert_int_equal(c.drill_let.count, 1);
        assert_int_equal(drill_digest(ID, DRILL_LIBRARY, digest), 0); /* not announced */
        in = code(digest);
        rig_feed(&rig, &in);
        expect_closed(&rig);
        rig_done(&rig);
}

static void refused(Rig *rig, const Input *in) {
        rig_feed(rig, in);
        assert_int_equal(rig_count(rig, ACTION_REFUSE), 1);
        assert_int_equal(rig_count(rig, ACTION_RECORD), 0);
}

static void one_at_a_time(void **state _unused_) {
        static const DrillAsked asked[] = { { DRILL_SIGNAL, PID, 50 * TICK, TICK } };
        const Input again = request(asked, 1), nothing = request(asked, 0);
        Input end = { .type = INPUT_DRILL_END, .drill = { .request = 8, .id = "fedcba98765432100123456789abcdef" } };
        Rig rig;

        begin(&rig, ENFORCE);
        refused(&rig, &nothing);
        refused(&rig, &end);
        open_drill(&rig);
        refused(&rig, &again);
        refused(&rig, &end);
        end.drill.id = ID;
        rig_feed(&rig, &end);
        rig_expect(&rig, KIND_DRILL, "reason", "request");
        assert_int_equal(rig_find(&rig, ACTION_DRILL)->drill, 0); /* the answer waits for the register */
        rig_settle(&rig);
        assert_int_equal(rig_find(&rig, ACTION_DRILL)->drill, 8);
        open_drill(&rig);
        rig_tick(&rig, DRILL_TIME_MAX);
        rig_expect(&rig, KIND_DRILL, "reason", "time");
        rig_settle(&rig);
        rig_done(&rig);
        begin(&rig, ENFORCE);
        strike(&rig, PID, false);
        expect_closed(&rig);
        refused(&rig, &again);
        rig_done(&rig);
}

/* Where nothing would refuse it, it is left out: trying it would be the violation. */
static void what_would_happen_is_left_out(void **state _unused_) {
        static const struct {
                const char *policy;
                Level level;
                bool open;
        } cases[] = {
                { ENFORCE, LEVEL_ENFORCE, true }, { ENFORCE, LEVEL_OBSERVE, false }, { ENFORCE, LEVEL_OFF, false },
                { OBSERVE, LEVEL_OBSERVE, true }, { OBSERVE, LEVEL_OFF, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Rig rig;

                rig_new(&rig, cases[i].policy);
                rig.facts.levels[WATCHED_SELF] = cases[i].level;
                rig_start(&rig);
                announce(&rig);
                assert_int_equal(engine_drill(rig.engine)->items[DRILL_SIGNAL].open, cases[i].open);
                assert_int_equal(!engine_drill(rig.engine)->items[DRILL_SIGNAL].why, cases[i].open);
                rig_done(&rig);
        }
}

/* The kernel did not refuse it, announced or not. */
static void what_happens_in_enforce_is_judged(void **state _unused_) {
        static const char *const policies[] = { ENFORCE, ENFORCE HARSH };

        for (size_t i = 0; i < ELEMENTSOF(policies); i++) {
                Rig rig;

                begin(&rig, policies[i]);
                open_drill(&rig);
                strike(&rig, PID, false);
                expect_closed(&rig);
                rig_done(&rig);
        }
}

/* A rule that may decide only afterwards refuses nothing in time. */
static void only_what_the_kernel_refuses_to_all(void **state _unused_) {
#define BPF "[Rule bpf]\nEvent=bpf\nAction=lock\n"
        static const struct {
                const char *policy;
                bool open;
        } cases[] = {
                { ENFORCE BPF, true },
                { ENFORCE BPF "User=root\n", false },
                { ENFORCE "[Rule let]\nEvent=bpf\nUnit=a.service\nAction=allow\n" BPF, false },
                { ENFORCE, false },
                { OBSERVE BPF "User=root\n", true },
        };
        static const DrillAsked asked[] = { { DRILL_BPF, PID, 50 * TICK, TICK } };
        const Input in = request(asked, 1);

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Rig rig;

                rig_new(&rig, cases[i].policy);
                rig.facts.levels[WATCHED_BPF] = LEVEL_ENFORCE;
                rig_start(&rig);
                rig_feed(&rig, &in);
                assert_int_equal(engine_drill(rig.engine)->items[DRILL_BPF].open, cases[i].open);
                rig_done(&rig);
        }
#undef BPF
}

static void a_process_has_one_item(void **state _unused_) {
        static const DrillAsked asked[] = { { DRILL_SIGNAL, PID, 50 * TICK, TICK },
                                            { DRILL_PTRACE, PID, 50 * TICK, TICK } };
        const Input in = request(asked, 2);
        Rig rig;

        begin(&rig, ENFORCE);
        rig_feed(&rig, &in);
        assert_true(engine_drill(rig.engine)->items[DRILL_SIGNAL].open);
        assert_false(engine_drill(rig.engine)->items[DRILL_PTRACE].open);
        assert_non_null(engine_drill(rig.engine)->items[DRILL_PTRACE].why);
        rig_done(&rig);
}

/* As often as its races need. */
static void code_is_exempt_so_often(void **state _unused_) {
        uint8_t digest[SHA256_SIZE];
        Input in;
        Rig rig;

        assert_int_equal(drill_digest(ID, DRILL_EXEC, digest), 0);
        in = code(digest);
        begin(&rig, ENFORCE HARSH);
        open_drill(&rig);
        for (unsigned i = 0; i < DRILL_CODE_MAX; i++) {
                rig_feed(&rig, &in);
                assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        }
        rig_feed(&rig, &in);
        expect_closed(&rig);
        rig_done(&rig);
}

static void fill_log(Rig *rig) {
        for (unsigned i = 0; rig_reasons(rig) == 0; i++) {
                Input in = { .type = INPUT_EXEC, .exec = rig_observation(i, RIG_KNOWN, _FAILURE_INVALID) };
                char path[16];

                snprintf(path, sizeof(path), "/%u", i);
                in.exec.path = path;
                rig_feed(rig, &in);
                rig_settle(rig);
        }
}

/* What cannot be recorded is nobody's drill, and none begins in the room that is kept for the guard. */
static void without_room_there_is_no_drill(void **state _unused_) {
        static const DrillAsked asked[] = { { DRILL_SIGNAL, PID, 50 * TICK, TICK } };
        const Input again = request(asked, 1), end = { .type = INPUT_DRILL_END, .drill = { .request = 8, .id = ID } };
        uint8_t digest[SHA256_SIZE];
        Input in;
        Rig rig;

        assert_int_equal(drill_digest(ID, DRILL_EXEC, digest), 0);
        in = code(digest);
        rig_new(&rig, OBSERVE);
        rig.config.log_max_size = 1 << 20;
        rig_again(&rig, OBSERVE);
        rig.facts.levels[WATCHED_SELF] = rig.facts.levels[WATCHED_EXEC] = LEVEL_ENFORCE;
        rig_start(&rig);
        open_drill(&rig);
        fill_log(&rig);
        assert_int_equal(engine_drill(rig.engine)->phase, DRILL_OPEN);
        rig_feed(&rig, &in);
        assert_false(engine_drill(rig.engine)->items[DRILL_EXEC].used);
        rig_feed(&rig, &end);
        rig_expect(&rig, KIND_DRILL, "reason", "request");
        rig_settle(&rig);
        refused(&rig, &again);
        rig_done(&rig);
}

/* It was announced under another policy, or where more was refused. */
static void a_change_ends_it(void **state _unused_) {
        static const char *const reasons[] = { "policy", "level", "stop" };

        for (size_t i = 0; i < ELEMENTSOF(reasons); i++) {
                Input in = { .type = INPUT_STOP, .stop = { "SIGTERM" } };
                Rig rig;

                begin(&rig, ENFORCE);
                open_drill(&rig);
                if (i == 0)
                        in = (Input){ .type = INPUT_POLICY, .policy = { rig_policy(ENFORCE HARSH) } };
                else if (i == 1)
                        in = (Input){ .type = INPUT_LEVELS };
                rig_feed(&rig, &in);
                rig_expect(&rig, KIND_DRILL, "reason", reasons[i]);
                assert_int_equal(rig_find(&rig, ACTION_DRILL)->drill, 0);
                assert_int_not_equal(engine_drill(rig.engine)->phase, DRILL_OPEN);
                rig_done(&rig);
        }
}

/* All of it has room in one record. */
static void the_whole_list(void **state _unused_) {
        DrillAsked asked[_DRILL_MAX];
        Input in = request(asked, _DRILL_MAX);
        Rig rig;

        rig_new(&rig, ENFORCE "[Rule all]\nEvent=bpf device\nAction=deny\n");
        for (Watched w = 0; w < _WATCHED_MAX; w++)
                rig.facts.levels[w] = LEVEL_ENFORCE;
        rig_start(&rig);
        for (DrillItem item = 0; item < _DRILL_MAX; item++) {
                asked[item] = (DrillAsked){ item, 4194304 - (uint32_t) item, 50 * TICK, TICK };
                assert_int_equal(drill_item_from_name(drill_row(item)->name), item);
                assert_true(strlen(drill_row(item)->name) <= DRILL_NAME_MAX);
        }
        assert_int_equal(drill_item_from_name("nothing"), _DRILL_INVALID);
        rig_feed(&rig, &in);
        for (DrillItem item = 0; item < _DRILL_MAX; item++)
                assert_true(engine_drill(rig.engine)->items[item].open);
        rig_done(&rig);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_comes_of_it),
                cmocka_unit_test(everything_else_is_judged),
                cmocka_unit_test(what_waited_to_be_read_is_exempt),
                cmocka_unit_test(code_is_known_by_its_digest),
                cmocka_unit_test(one_at_a_time),
                cmocka_unit_test(what_would_happen_is_left_out),
                cmocka_unit_test(what_happens_in_enforce_is_judged),
                cmocka_unit_test(only_what_the_kernel_refuses_to_all),
                cmocka_unit_test(a_process_has_one_item),
                cmocka_unit_test(code_is_exempt_so_often),
                cmocka_unit_test(without_room_there_is_no_drill),
                cmocka_unit_test(a_change_ends_it),
                cmocka_unit_test(the_whole_list),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
