/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a verifier makes of logs that the engine itself has written, and of such that no engine writes. */

#include "core/conduct.h"

#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "tests/sample.h"
#include "tests/snp-case.h"
#include "tests/unit/rig.h"

DEFINE_CLEANUP(LogReader *, log_reader_free)

#define ENFORCE "[Policy]\nMode=enforce\n"
#define OBSERVE "[Policy]\nMode=observe\n"
#define RULES                                                                                                         \
        "[Reference base]\n[Rule l]\nPath=/lock\nAction=lock\n[Rule u]\nEvent=exec\nReference=!base\n"                \
        "Action=deny\n"

static void follow(const Buffer *log, Conduct *ret) {
        _cleanup_(log_reader_freep) LogReader *reader = NULL;
        LogEntry entry;

        *ret = (Conduct){};
        assert_int_equal(log_reader_new(log->data, log->size, 0, &reader), 0);
        while (log_reader_next(reader, &entry) == LOG_ENTRY)
                assert_int_equal(conduct_take(ret, &entry), 0);
        assert_int_equal(log_reader_next(reader, &entry), LOG_END);
}

typedef struct Case {
        Rig rig;
        GuestRequirements q;
        ConductClaims claims;
        PcrInputs pcrs;
        const char *mode;
} Case;

static void new_case(Case *c, const char *policy, const char *mode) {
        uint8_t event[SHA256_SIZE], zero[SHA256_SIZE] = {};
        Digest capped;

        rig_new(&c->rig, policy);
        c->q = guest_requirements_default();
        c->q.proof = WANTED_PROOF_NONE;
        c->mode = mode;
        c->pcrs = (PcrInputs){ .banks = bank(HASH_SHA256), .files[HASH_SHA256].present = 1U << 12 };
        assert_int_equal(sha256("sealwatch:cap", 13, event), 0);
        assert_int_equal(digest_pair(HASH_SHA256, zero, SHA256_SIZE, event, SHA256_SIZE, &capped), 0);
        memcpy(c->pcrs.files[HASH_SHA256].values[12], capped.bytes, SHA256_SIZE);
}

static void done_case(Case *c) {
        rig_done(&c->rig);
        guest_requirements_done(&c->q);
}

/* Expects exactly these checks to fail. */
static void expect_of(Case *c, const Buffer *log, const char *fails) {
        _cleanup_(check_list_done) CheckList checks = {};
        Conduct conduct;

        follow(log, &conduct);
        static const uint8_t canary[SHA256_SIZE];
        static const EvidenceTexts none;

        c->claims = (ConductClaims){ .nonce = "00",
                                     .canary = canary,
                                     .pcrs = &c->pcrs,
                                     .resets = 1,
                                     .entries = conduct.entries,
                                     .mode = c->mode,
                                     .policy = conduct.policy,
                                     .levels = &none };
        conduct_judge(&conduct, &c->q, &c->claims, &checks);
        assert_list_fails(&checks, fails);
}

static void expect(Case *c, const char *fails) {
        Conduct conduct;

        rig_settle(&c->rig);
        follow(&c->rig.log, &conduct);
        assert_int_equal(conduct.state, rig_state(&c->rig));
        expect_of(c, &c->rig.log, fails);
}

static void a_guest_at_work(void **state _unused_) {
        Case c;

        new_case(&c, ENFORCE RULES, "enforce");
        rig_start(&c.rig);
        expect(&c, "");
        rig_exec(&c.rig, 1, RIG_KNOWN, _FAILURE_INVALID);
        rig_exec(&c.rig, 2, "/opt/x", _FAILURE_INVALID);
        expect(&c, "");
        c.q.modes = UINT64_C(1) << MODE_OBSERVE;
        expect(&c, "mode");
        c.mode = "observe";
        c.q.modes = UINT64_C(3);
        expect(&c, "mode");
        done_case(&c);
}

static void violations_lock(void **state _unused_) {
        static const char *const modes[] = { "observe", "enforce" };
        static const char *const policies[] = { OBSERVE RULES, ENFORCE RULES };
        const Input tamper = { .type = INPUT_TAMPER, .tamper = { "log", "somebody was here" } };

        for (size_t i = 0; i < ELEMENTSOF(modes); i++) {
                Case c;

                new_case(&c, policies[i], modes[i]);
                rig_start(&c.rig);
                rig_feed(&c.rig, &tamper);
                /* observe: degraded; enforce: the plan is not through yet */
                expect(&c, i == 0 ? "guard-state" : "guard-state lock-plan");
                for (LockStep step = 0; i == 1 && step < _LOCK_STEP_MAX; step++) {
                        const Input in = { .type = INPUT_LOCK_STEP, .lock_step = { .step = step } };

                        rig_feed(&c.rig, &in);
                }
                expect(&c, "guard-state");
                c.q.allow_degraded = true;
                expect(&c, i == 0 ? "" : "guard-state"); /* nothing allows a locked one */
                done_case(&c);
        }
}

static void a_step_of_the_lock_plan_that_failed(void **state _unused_) {
        const Input tamper = { .type = INPUT_TAMPER, .tamper = { "log", "somebody was here" } };
        Case c;

        new_case(&c, ENFORCE RULES, "enforce");
        rig_start(&c.rig);
        rig_feed(&c.rig, &tamper);
        for (LockStep step = 0; step < _LOCK_STEP_MAX; step++) {
                const Input in = { .type = INPUT_LOCK_STEP, .lock_step = { .step = step, .failure = "no TPM" } };

                rig_feed(&c.rig, &in);
        }
        expect(&c, "guard-state lock-plan");
        done_case(&c);
}

static void losses_and_levels(void **state _unused_) {
        const Input lost = { .type = INPUT_LOST, .lost = { "bpf", 1, 3, 3 } };
        Input levels = { .type = INPUT_LEVELS };
        Case c;

        new_case(&c, OBSERVE RULES, "observe");
        rig_start(&c.rig);
        rig_feed(&c.rig, &levels); /* all off */
        expect(&c, "guard-state levels");
        memcpy(levels.levels.levels, c.rig.facts.levels, sizeof(levels.levels.levels));
        rig_feed(&c.rig, &levels);
        expect(&c, "");
        rig_feed(&c.rig, &lost);
        expect(&c, "guard-state losses");
        c.q.allow_losses = c.q.allow_degraded = true;
        expect(&c, "");
        done_case(&c);
}

static void a_killed_daemon_is_a_gap(void **state _unused_) {
        const Input stop = { .type = INPUT_STOP, .stop = { "SIGTERM" } };
        Case c;

        new_case(&c, OBSERVE RULES, "observe");
        rig_start(&c.rig);
        rig_feed(&c.rig, &stop);
        rig_settle(&c.rig);
        rig_resume(&c.rig, OBSERVE RULES);
        rig_start(&c.rig);
        expect(&c, "");
        c.q.gaps = ALLOWED_GAPS_NONE;
        expect(&c, "gaps");
        c.q.gaps = ALLOWED_GAPS_CLEAN;
        rig_resume(&c.rig, OBSERVE RULES); /* nobody has asked it to stop */
        rig_start(&c.rig);
        expect(&c, "gaps");
        c.q.gaps = ALLOWED_GAPS_ALL;
        expect(&c, "");
        done_case(&c);
}

/* An event of the same time as all the others. */
static void append(Buffer *log, EventBuilder *event) {
        sample_put(log, 13, event);
}

static EventBuilder tampered(const char *verdict) {
        const Now now = { 1, 1 };
        EventBuilder e = event_begin(KIND_TAMPER, &now);

        event_text(&e, "what", "log");
        event_text(&e, "verdict", verdict);
        return e;
}

static EventBuilder changed(const char *from, const char *to) {
        const Now now = { 1, 1 };
        EventBuilder e = event_begin(KIND_STATE, &now);

        event_text(&e, "from", from);
        event_text(&e, "to", to);
        event_list(&e, "reasons");
        return e;
}

static EventBuilder released(void) {
        const Now now = { 1, 1 };
        EventBuilder e = event_begin(KIND_RELEASE, &now);

        event_text(&e, "name", "s");
        event_count(&e, "uid", 0);
        event_count(&e, "pid", 1);
        event_text(&e, "verdict", "released");
        return e;
}

static void put_subject_of(EventBuilder *event, uint64_t pid) {
        event_count(event, "pid", pid);
        event_count(event, "uid", 0);
        event_count(event, "euid", 0);
}

static void a_guest_that_does_not_do_its_duty(void **state _unused_) {
        static const struct {
                const char *verdict, *from, *to;
                bool release;
                const char *fails;
        } cases[] = {
                { "lock", NULL, NULL, false, "lock-on-violation" },
                { "lock", NULL, NULL, true, "lock-on-violation" },
                { "lock", "trusted", "degraded", false, "lock-on-violation guard-state" },
                { "would-lock", NULL, NULL, false, "guard-transitions" },
                { "alert", NULL, NULL, false, "guard-transitions" },
                { NULL, "degraded", "trusted", false, "guard-transitions" },
                { NULL, "trusted", "locked", false, "guard-transitions guard-state lock-plan" },
                { NULL, "trusted", "trusted", false, "guard-transitions" },
                { "lock", "trusted", "violated", false, "guard-state lock-plan" },
                { "lock", "trusted", "violated", true, "guard-state lock-plan releases" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(buffer_done) Buffer log = {};
                EventBuilder event;
                Case c;

                new_case(&c, ENFORCE RULES, "enforce");
                rig_start(&c.rig);
                rig_settle(&c.rig);
                buffer_bytes(&log, c.rig.log.data, c.rig.log.size);
                if (cases[i].verdict) {
                        event = tampered(cases[i].verdict);
                        append(&log, &event);
                }
                if (cases[i].from) {
                        event = changed(cases[i].from, cases[i].to);
                        append(&log, &event);
                }
                if (cases[i].release) {
                        event = released();
                        append(&log, &event);
                }
                expect_of(&c, &log, cases[i].fails);
                done_case(&c);
        }
}

static void begin_log(Case *c, bool enforce, Buffer *log) {
        new_case(c, enforce ? ENFORCE RULES : OBSERVE RULES, enforce ? "enforce" : "observe");
        rig_start(&c->rig);
        rig_settle(&c->rig);
        buffer_bytes(log, c->rig.log.data, c->rig.log.size);
}

static EventBuilder begun(const Case *c) {
        const Now now = { 1, 1 };
        EventBuilder e = event_begin(KIND_START, &now);

        event_text(&e, "version", "0.1.0");
        event_count(&e, "pid", 1);
        event_text(&e, "bootid", "boot");
        event_text(&e, "scope", "machine");
        event_map(&e, "levels");
        for (Watched w = 0; w < _WATCHED_MAX; w++)
                event_map_text(&e, "levels", watched_names[w], level_names[c->rig.facts.levels[w]]);
        event_list(&e, "taints");
        return e;
}

/* The daemon died before the lock that it owed: the next one may say first what else is wrong, but must not begin its work. */
static void a_lock_that_the_next_daemon_owes(void **state _unused_) {
        static const struct {
                const char *to[3];
                const char *fails;
        } cases[] = {
                { { "starting", "violated" }, "guard-state lock-plan" },
                { { "violated" }, "guard-state lock-plan" },
                { { "starting" }, "lock-on-violation guard-state" },
                { { "degraded", "violated" }, "lock-on-violation guard-state lock-plan" },
                { { "starting", "trusted" }, "lock-on-violation" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(buffer_done) Buffer log = {};
                const char *from = "starting";
                EventBuilder event = tampered("lock");
                Case c;

                begin_log(&c, true, &log);
                append(&log, &event);
                event = begun(&c);
                append(&log, &event);
                for (size_t j = 0; j < ELEMENTSOF(cases[i].to) && cases[i].to[j]; j++) {
                        event = changed(from, cases[i].to[j]);
                        append(&log, &event);
                        from = cases[i].to[j];
                }
                expect_of(&c, &log, cases[i].fails);
                done_case(&c);
        }
}

#define DRILL_ID "0123456789abcdef0123456789abcdef"

static void put_drill(Buffer *log, bool begins, const char *const items[][2], const char *used) {
        static const Now now = { 1, 2 };
        EventBuilder event = event_begin(KIND_DRILL, &now);

        event_text(&event, "phase", begins ? "begin" : "end");
        event_text(&event, "id", DRILL_ID);
        event_map(&event, "items");
        for (size_t i = 0; begins && i < 2 && items[i][0]; i++)
                event_map_text(&event, "items", items[i][0], items[i][1]);
        event_list(&event, "used");
        if (!begins && used)
                event_list_text(&event, "used", used);
        append(log, &event);
}

static void put_drilled(Buffer *log, unsigned pid, const char *how, const char *verdict) {
        static const Now now = { 1, 2 };
        EventBuilder event = event_begin(KIND_ACTIVITY, &now);

        put_subject_of(&event, pid);
        event_text(&event, "event", "self");
        event_text(&event, "target", "/");
        event_bool(&event, "privileged", true);
        event_text(&event, "rule", "default");
        event_text(&event, "verdict", verdict);
        event_text(&event, "severity", "error");
        event_text(&event, "drill", "signal");
        event_map(&event, "details");
        event_map_text(&event, "details", "how", how);
        append(log, &event);
}

/* Whoever claims that something was a drill's must have announced it, what demands a lock demands it all the same, and in enforce
 * a drill is excused from nothing that was let happen. */
static void drills_are_announced(void **state _unused_) {
        enum { NONE = ALLOWED_DRILLS_NONE, DENIED = ALLOWED_DRILLS_DENIED, ALL = ALLOWED_DRILLS_ALL };
        static const char *const items[][2] = { { "signal", "self signal 44" }, {} };
        static const struct {
                bool begin, end;
                unsigned used, pid;
                const char *how, *verdict, *fails;
                int allowed;
                bool observe;
        } cases[] = {
                { true, true, 0, 44, "signal", "deny", "", DENIED },
                { true, false, 1, 44, "signal", "deny", "", DENIED },
                { true, false, 1, 44, "signal", "deny", "drills", NONE },
                { false, false, 0, 44, "signal", "deny", "", NONE },
                { false, false, 1, 44, "signal", "deny", "drills", ALL },
                { true, true, 1, 44, "signal", "deny", "drills", ALL },
                { true, false, 2, 44, "signal", "deny", "drills", ALL },
                { true, false, 1, 45, "signal", "deny", "drills", ALL },
                { true, false, 1, 44, "ptrace", "deny", "drills", ALL },
                { true, false, 1, 44, "signal", "lock", "lock-on-violation", ALL },
                { false, true, 0, 44, "signal", "deny", "drills", ALL },
                { true, false, 1, 44, "signal", "seen", "drills", DENIED },
                { true, false, 1, 44, "signal", "would-deny", "drills", DENIED },
                { true, false, 1, 44, "signal", "allow", "drills", DENIED },
                { true, false, 1, 44, "signal", "allow", "", ALL },
                { true, false, 1, 44, "signal", "would-deny", "", DENIED, true },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(buffer_done) Buffer log = {};
                Case c;

                begin_log(&c, !cases[i].observe, &log);
                c.q.drills = cases[i].allowed;
                if (cases[i].begin)
                        put_drill(&log, true, items, NULL);
                if (cases[i].end)
                        put_drill(&log, false, items, NULL);
                for (unsigned n = 0; n < cases[i].used; n++)
                        put_drilled(&log, cases[i].pid, cases[i].how, cases[i].verdict);
                expect_of(&c, &log, cases[i].fails);
                done_case(&c);
        }
}

/* A drill says at its end what it tried, and each of that has a record. */
static void what_a_drill_used_is_recorded(void **state _unused_) {
        static const char *const items[][2] = { { "signal", "self signal 44" }, {} };
        static const struct {
                bool record;
                const char *used, *fails;
        } cases[] = { { true, "signal", "" }, { false, "signal", "drills" }, { true, "ptrace", "drills" } };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(buffer_done) Buffer log = {};
                Case c;

                begin_log(&c, true, &log);
                put_drill(&log, true, items, NULL);
                if (cases[i].record)
                        put_drilled(&log, 44, "signal", "deny");
                put_drill(&log, false, items, cases[i].used);
                expect_of(&c, &log, cases[i].fails);
                done_case(&c);
        }
}

/* Announcements that no daemon makes: of other code than its own, of other ways, of one process for two items. */
static void a_drill_is_the_daemons_own(void **state _unused_) {
        uint8_t digest[SHA256_SIZE];
        char own[128], hex[2 * SHA256_SIZE + 1];
        const struct {
                const char *items[2][2], *fails;
        } cases[] = {
                { { { "exec", own }, { "signal", "self signal 44" } }, "" },
                { { { "memfd", own } }, "drills" },
                { { { "exec", "exec 00" } }, "drills" },
                { { { "nothing", "self signal 44" } }, "drills" },
                { { { "signal", "self ptrace 44" } }, "drills" },
                { { { "signal", "self signal 44" }, { "ptrace", "self ptrace 44" } }, "drills" },
                { { { "signal", "self signal 44" }, { "ptrace", "self ptrace 45" } }, "" },
        };

        assert_int_equal(drill_digest(DRILL_ID, DRILL_EXEC, digest), 0);
        snprintf(own, sizeof(own), "exec %s", hex_encode(digest, SHA256_SIZE, hex));
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(buffer_done) Buffer log = {};
                Case c;

                begin_log(&c, true, &log);
                put_drill(&log, true, cases[i].items, NULL);
                expect_of(&c, &log, cases[i].fails);
                done_case(&c);
        }
}

static void the_quotes_life_and_the_cap(void **state _unused_) {
        _cleanup_(check_list_done) CheckList checks = {};
        Conduct conduct;
        Case c;

        new_case(&c, OBSERVE RULES, "observe");
        rig_start(&c.rig);
        rig_settle(&c.rig);
        expect(&c, "");
        c.pcrs.files[HASH_SHA256].values[12][0] ^= 1;
        expect(&c, "cap"); /* the door is open, says the register */
        c.pcrs.files[HASH_SHA256].present = 1U << 13;
        expect(&c, "cap"); /* or nobody asked it */
        c.pcrs.files[HASH_SHA256].present = 1U << 12;
        c.pcrs.files[HASH_SHA256].values[12][0] ^= 1;
        expect(&c, "");
        follow(&c.rig.log, &conduct);
        c.claims.policy = conduct.policy;
        c.claims.resets = 2;
        c.claims.entries++;
        conduct_judge(&conduct, &c.q, &c.claims, &checks);
        assert_list_fails(&checks, "boot-record heartbeat");
        done_case(&c);
}

static void taints_of_the_log(void **state _unused_) {
        static const char *const taints[] = { "software-tpm", NULL };
        Case c;

        new_case(&c, OBSERVE RULES, "observe");
        c.rig.facts.taints = taints;
        rig_start(&c.rig);
        expect(&c, "guest-taints");
        done_case(&c);
}

/* A later daemon does not wash off what an earlier one of the same life said. */
static void a_restart_forgets_nothing(void **state _unused_) {
        static const char *const first[] = { "software-tpm", NULL }, *const second[] = { "tpm", NULL },
                                 *const none[] = { NULL };
        Conduct conduct;
        Case c;

        new_case(&c, OBSERVE RULES, "observe");
        c.q.gaps = ALLOWED_GAPS_ALL;
        c.q.allow_degraded = true;
        c.rig.facts.taints = first;
        rig_start(&c.rig);
        expect(&c, "guest-taints");
        c.rig.facts.taints = second;
        rig_resume(&c.rig, OBSERVE RULES);
        rig_start(&c.rig);
        c.rig.facts.taints = none;
        rig_resume(&c.rig, OBSERVE RULES);
        rig_start(&c.rig);
        expect(&c, "guest-taints");
        follow(&c.rig.log, &conduct);
        assert_string_equal(conduct.taints, "software-tpm, tpm");
        done_case(&c);

        new_case(&c, OBSERVE RULES, "observe");
        c.q.gaps = ALLOWED_GAPS_ALL;
        c.q.allow_degraded = true;
        rig_start(&c.rig);
        expect(&c, "");
        c.rig.facts.levels[WATCHED_EXEC] = LEVEL_OFF;
        rig_resume(&c.rig, OBSERVE RULES);
        rig_start(&c.rig);
        expect(&c, "levels");
        done_case(&c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_guest_at_work),
                TEST(violations_lock),
                TEST(a_step_of_the_lock_plan_that_failed),
                TEST(losses_and_levels),
                TEST(a_killed_daemon_is_a_gap),
                TEST(a_guest_that_does_not_do_its_duty),
                TEST(a_lock_that_the_next_daemon_owes),
                TEST(drills_are_announced),
                TEST(what_a_drill_used_is_recorded),
                TEST(a_drill_is_the_daemons_own),
                TEST(the_quotes_life_and_the_cap),
                TEST(taints_of_the_log),
                TEST(a_restart_forgets_nothing),
        };
        return RUN(tests);
}
