/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "policy/policy.h"
#include "tests/memory-source.h"
#include "tests/test.h"

#define KNOWN "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static Policy *load(const char *text) {
        Policy *p = memory_policy(text, KNOWN "  /usr/bin/known\n");

        assert_non_null(p);
        return p;
}

static Observation program(const char *path, bool known) {
        Observation o = {
                .event = EVENT_EXEC,
                .path = path,
                .has_digest = true,
                .failure = _FAILURE_INVALID,
                .subject = { .pid = 5, .uid = 1000, .euid = 1000, .unit = "ssh.service" },
        };

        if (known)
                from_hex(KNOWN, SHA256_SIZE, o.digest);
        return o;
}

static void expect(const Policy *p, const Observation *o, const char *rule, unsigned actions) {
        Verdict v = policy_judge(p, o);

        assert_string_equal(v.rule, rule);
        assert_int_equal(v.actions, actions);
}

static void no_rule_allows(void **state _unused_) {
        Policy *p = load("");
        Observation o = program("/x", false);
        Verdict v = policy_judge(p, &o);

        assert_string_equal(v.rule, "default");
        assert_int_equal(v.actions, RULE_ALLOW);
        assert_int_equal(v.severity, SEVERITY_NOTICE);
        assert_null(v.technique);
        assert_false(v.known);
        assert_int_equal(p->mode, MODE_OBSERVE);
        assert_null(policy_free(p));
        assert_null(policy_free(NULL));
}

static void first_match_wins(void **state _unused_) {
        Policy *p = load("[Rule a]\nPath=/opt/*\nAction=allow\n"
                         "[Rule b]\nPath=/opt/evil\nAction=deny\n"
                         "[Rule c]\nAction=lock alert\nSeverity=critical\nTechnique=T1204.002\n"
                         "[Rule d]\nAction=ignore\n");
        Observation o = program("/opt/evil", false);
        Verdict v;

        expect(p, &o, "a", RULE_ALLOW);
        o.path = "/usr/x";
        v = policy_judge(p, &o);
        assert_string_equal(v.rule, "c");
        assert_int_equal(v.actions, RULE_LOCK | RULE_ALERT);
        assert_int_equal(v.severity, SEVERITY_CRITICAL);
        assert_string_equal(v.technique, "T1204.002");
        policy_free(p);
}

static void without_a_path(void **state _unused_) {
        static const struct {
                const char *text;
                bool needs_path;
        } cases[] = {
                { "", false },
                { "[Rule a]\nPath=/opt/*\nAction=allow\n", false },
                { "[Rule a]\nPath=/opt/*\nAction=deny\n", true },
                { "[Rule a]\nPath=/opt/*\nAction=allow\n[Rule b]\nAction=deny\n", true },
                { "[Rule a]\nPath=/opt/*\nAction=kill\n[Rule b]\nAction=deny\n", false },
                { "[Rule a]\nAction=deny\n[Rule b]\nPath=/opt/*\nAction=allow\n", false },
                { "[Rule a]\nPath=/opt/*\nEvent=library\nAction=allow\n[Rule b]\nAction=deny\n", false },
                { "[Rule a]\nPath=/opt/*\nUser=0\nAction=allow\n[Rule b]\nAction=deny\n", false },
                { "[Reference base]\n[Rule a]\nPath=/opt/*\nReference=base\nAction=allow\n[Rule b]\nAction=deny\n",
                  false },
                { "[Reference base]\n[Rule a]\nPath=!/opt/*\nReference=!base\nAction=allow\n[Rule b]\nAction=deny\n",
                  true },
        };
        Observation o = program("/opt/x", false);

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Policy *p = load(cases[i].text);
                Verdict v;

                o.no_path = true;
                assert_int_equal(policy_needs_path(p, &o), cases[i].needs_path);
                v = policy_judge(p, &o);
                assert_string_not_equal(v.rule, strstr(cases[i].text, "[Rule a]\nPath=") ? "a" : "b");
                policy_free(p);
        }
}

static void keys_are_anded(void **state _unused_) {
        Policy *p = load("[Reference base]\n"
                         "[Rule all]\nEvent=exec\nPath=/opt/*\nUser=ci\nUnit=ssh.*\nReference=base\nAction=deny\n");
        const Observation right = program("/opt/x", true);
        Observation o;

        assert_true(p->needs_subject);
        expect(p, &right, "all", RULE_DENY);
        o = right;
        o.event = EVENT_LIBRARY;
        expect(p, &o, "default", RULE_ALLOW);
        o = right;
        o.path = "/usr/x";
        expect(p, &o, "default", RULE_ALLOW);
        o = right;
        o.subject.uid = 1001;
        expect(p, &o, "default", RULE_ALLOW);
        o = right;
        o.subject.unit = "cron.service";
        expect(p, &o, "default", RULE_ALLOW);
        o = right;
        o.subject.unit = NULL;
        expect(p, &o, "default", RULE_ALLOW);
        o = right;
        o.digest[0] ^= 1;
        expect(p, &o, "default", RULE_ALLOW);
        policy_free(p);
}

static void events_are_ored(void **state _unused_) {
        Policy *p = load("[Rule some]\nEvent=library kexec\nAction=deny\n");

        for (Event e = 0; e < _EVENT_MAX; e++) {
                Observation o = program("/x", false);

                o.event = e;
                expect(p, &o, e == EVENT_LIBRARY || e == EVENT_KEXEC ? "some" : "default",
                       e == EVENT_LIBRARY || e == EVENT_KEXEC ? RULE_DENY : RULE_ALLOW);
        }
        policy_free(p);
}

/* A file without a digest is in no set: unknown, and excluded by no reference. */
static void without_a_digest_unknown(void **state _unused_) {
        Policy *p =
                load("[Reference base]\n"
                     "[Rule unknown]\nReference=!base\nAction=deny\n[Rule known]\nReference=base\nAction=ignore\n");
        Observation o = program("/x", true);
        Verdict v = policy_judge(p, &o);

        assert_string_equal(v.rule, "known");
        assert_true(v.known);
        o.has_digest = false;
        v = policy_judge(p, &o);
        assert_string_equal(v.rule, "unknown");
        assert_false(v.known);
        policy_free(p);
}

static void known_is_any_set(void **state _unused_) {
        const MemoryFile policies[] = {
                { "p", "[Reference a]\n[Reference b]\n[Rule r]\nReference=a\nAction=deny\n", 0 }, {}
        };
        const MemoryFile references[] = { { "a.sha256", "", 0 }, { "b.sha256", KNOWN "\n", 0 }, {} };
        MemorySource s = { .policies = policies, .references = references };
        const PolicySource source = memory_source(&s);
        Observation o = program("/x", true);
        ProblemList problems = {};
        Policy *p = NULL;

        assert_int_equal(policy_load(&source, &p, &problems), 0);
        expect(p, &o, "default", RULE_ALLOW);
        assert_true(policy_judge(p, &o).known);
        policy_free(p);
}

static void what_refuses(void **state _unused_) {
        static const unsigned refusing[] = { RULE_DENY, RULE_KILL, RULE_LOCK, RULE_DENY | RULE_ALERT };
        static const unsigned allowing[] = { RULE_IGNORE, RULE_ALLOW, RULE_ALERT, RULE_ALLOW | RULE_ALERT };

        for (size_t i = 0; i < ELEMENTSOF(refusing); i++)
                assert_true(actions_refuse(refusing[i]));
        for (size_t i = 0; i < ELEMENTSOF(allowing); i++)
                assert_false(actions_refuse(allowing[i]));
}

/* A rule that refuses whatever the file holds stands even when the file could not be hashed; one that would have to
 * know its digest does not. */
static void refusals_that_need_no_digest(void **state _unused_) {
        static const struct {
                const char *rules;
                bool expected;
        } cases[] = {
                { "", false },
                { "[Rule a]\nAction=deny\n", true },
                { "[Rule a]\nPath=/opt/*\nAction=lock\n", true },
                { "[Rule a]\nPath=/usr/*\nAction=deny\n", false },
                { "[Rule a]\nReference=!base\nAction=deny\n", false },
                { "[Rule a]\nReference=!base\nAction=deny\n[Rule b]\nAction=kill\n", true },
                { "[Rule a]\nReference=base\nAction=allow\n[Rule b]\nAction=deny\n", false },
                { "[Rule a]\nPath=/usr/*\nReference=base\nAction=allow\n[Rule b]\nAction=deny\n", true },
                { "[Rule a]\nAction=allow\n[Rule b]\nAction=deny\n", false },
                { "[Rule a]\nReference=base\nAction=deny\n[Rule b]\nReference=!base\nAction=deny\n", false },
                { "[Rule a]\nUser=root\nAction=deny\n", false },
                { "[Rule a]\nUser=ci\nAction=deny\n", true },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char text[512];
                Observation o = program("/opt/x", false);
                Policy *p;

                snprintf(text, sizeof(text), "[Reference base]\n%s", cases[i].rules);
                p = load(text);
                o.has_digest = false;
                assert_int_equal(policy_refuses_any_content(p, &o), cases[i].expected);
                policy_free(p);
        }
}

static void names(void **state _unused_) {
        static const char *const events[] = { "exec",     "library",   "module", "kexec",
                                              "firmware", "overwrite", "memory", "module-request",
                                              "bpf",      "ptrace",    "mount",  "setuid",
                                              "device",   "dm",        "config", "unit",
                                              "pcr",      "ima",       "self" };

        for (Event e = 0; e < _EVENT_MAX; e++) {
                assert_string_equal(event_names[e], events[e]);
                assert_int_equal(event_from_name(events[e], strlen(events[e])), e);
                assert_int_equal(event_from_name(events[e], strlen(events[e]) - 1), _EVENT_INVALID);
        }
        assert_null(event_names[_EVENT_MAX]);
        assert_int_equal(event_from_name("execx", 5), _EVENT_INVALID);
        assert_null(mode_names[_MODE_MAX]);
        assert_null(severity_names[_SEVERITY_MAX]);
        for (unsigned i = 0; rule_action_names[i]; i++)
                assert_true((1U << i) <= RULE_LOCK);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(no_rule_allows),
                TEST(without_a_path),
                TEST(first_match_wins),
                TEST(keys_are_anded),
                TEST(events_are_ored),
                TEST(without_a_digest_unknown),
                TEST(known_is_any_set),
                TEST(what_refuses),
                TEST(refusals_that_need_no_digest),
                TEST(names),
        };

        return RUN(tests);
}
