/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A compiled policy against the policy itself, by the code that judges in the kernel. */

#include "bpf/judge.h"
#include "lib/base/cleanup.h"
#include "policy/compile.h"
#include "tests/memory-source.h"
#include "tests/test.h"

#define A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define B "ff112233445566778899aabbccddeeff00112233445566778899aabbccddee00"
#define C "8011223344556677889900bbccddeeff00112233445566778899aabbccddeeff"

static Policy *load(const char *text) {
        const MemoryFile policies[] = { { "p", text, 0 }, { NULL, NULL, 0 } };
        const MemoryFile references[] = {
                { "one.sha256", A "  /a\n" C "  /c\n", 0 },
                { "two.sha256", B "  /b\n" C "  /c\n", 0 },
                { NULL, NULL, 0 },
        };
        MemorySource s = { .policies = policies, .references = references };
        const PolicySource source = memory_source(&s);
        ProblemList problems = {};
        Policy *p = NULL;

        assert_int_equal(policy_load(&source, &p, &problems), 0);
        assert_true(problem_list_is_empty(&problems));
        return p;
}

/* As the kernel side searches. */
static uint32_t sets_of(const CompiledPolicy *c, const uint8_t digest[SHA256_SIZE]) {
        __u64 words[SHA256_SIZE / 8];

        memcpy(words, digest, SHA256_SIZE);
        for (uint32_t low = 0, high = c->policy.digests_size; low < high;) {
                uint32_t middle = low + (high - low) / 2;
                int order = compare_digests(words, c->digests[middle].digest);

                if (order == 0)
                        return c->digests[middle].sets;
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return 0;
}

static void digests_are_merged(void **state _unused_) {
        static const struct {
                const char *hex;
                uint32_t sets;
        } cases[] = { { A, 1 }, { B, 2 }, { C, 3 } };
        Policy *p = load("[Reference one]\n[Reference two]\n");
        CompiledPolicy c;
        uint8_t digest[SHA256_SIZE] = {};

        assert_int_equal(policy_compile(p, 7, &c), 0);
        assert_int_equal(c.policy.generation, 7);
        assert_int_equal(c.policy.digests_size, 3);
        assert_int_equal(sets_of(&c, digest), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                from_hex(cases[i].hex, SHA256_SIZE, digest);
                assert_int_equal(sets_of(&c, digest), cases[i].sets);
                digest[SHA256_SIZE - 1] ^= 1;
                assert_int_equal(sets_of(&c, digest), 0);
        }
        compiled_policy_done(&c);
        policy_free(p);
}

static void modes_and_flags(void **state _unused_) {
        static const struct {
                const char *text;
                bool enforce, every_time, allow_writers, allow_remote, allow_layers, allow_stale, allow_no_path;
        } cases[] = {
                { "", false, false, true, true, true, true, true },
                { "[Policy]\nMode=enforce\n", true, false, false, false, false, false, false },
                { "[Policy]\nMode=enforce\n[Failures]\nOpenWriters=allow\n", true, false, true, false, false, false,
                  false },
                { "[Policy]\nMode=enforce\n[Failures]\nRemoteFile=allow\n", true, false, false, true, false, false,
                  false },
                { "[Policy]\nMode=enforce\n[Failures]\nNoPath=allow\n", true, false, false, false, false, false,
                  true },
                { "[Policy]\nMode=enforce\n[Failures]\nUserLayers=allow\n", true, false, false, false, true, false,
                  false },
                { "[Rule a]\nUser=0\nAction=allow\n", false, true, true, true, true, true, true },
                { "[Rule a]\nAction=alert\n", false, true, true, true, true, true, true },
                { "[Rule a]\nAction=deny alert\n", false, false, true, true, true, true, true },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Policy *p = load(cases[i].text);
                CompiledPolicy c;

                assert_int_equal(policy_compile(p, 1, &c), 0);
                assert_int_equal(c.policy.enforce, cases[i].enforce);
                assert_int_equal(c.policy.every_time, cases[i].every_time);
                assert_int_equal(c.policy.allow_writers, cases[i].allow_writers);
                assert_int_equal(c.policy.allow_remote, cases[i].allow_remote);
                assert_int_equal(c.policy.allow_user_layers, cases[i].allow_layers);
                assert_int_equal(c.policy.allow_stale, cases[i].allow_stale);
                assert_int_equal(c.policy.allow_no_path, cases[i].allow_no_path);
                compiled_policy_done(&c);
                policy_free(p);
        }
}

/* A random policy of rules that the kernel side can decide and of such that it cannot. */
static char *random_text(Random *random, unsigned rules) {
        static const char *const events[] = { "", "Event=exec\n", "Event=library module\n",
                                              "Event=kexec overwrite\n" };
        static const char *const references[] = {
                "",
                "Reference=one\n",
                "Reference=!one\n",
                "Reference=!one !two\n",
                "Reference=one two\n",
                "Reference=two !one\n",
        };
        static const char *const others[] = { "", "", "", "Path=/opt/*\n", "User=1000\n", "Unit=ssh.service\n" };
        static const char *const actions[] = { "allow", "deny", "ignore", "kill", "alert" };
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        fputs("[Policy]\nMode=enforce\n[Reference one]\n[Reference two]\n", f);
        for (unsigned i = 0; i < rules; i++)
                fprintf(f, "[Rule r%u]\n%s%s%sAction=%s\n", i, events[random_below(random, ELEMENTSOF(events))],
                        references[random_below(random, ELEMENTSOF(references))],
                        others[random_below(random, ELEMENTSOF(others))],
                        actions[random_below(random, ELEMENTSOF(actions))]);
        fclose(f);
        return text;
}

static void compare(const Policy *p, const CompiledPolicy *c, const Observation *o) {
        uint32_t sets = o->has_digest ? sets_of(c, o->digest) : 0;
        CodeVerdict verdict = first_match(&c->policy, (uint32_t) o->event, sets, o->has_digest, 0);
        bool refused = actions_refuse(policy_judge(p, o).actions);

        if (verdict == CODE_ALLOWED)
                assert_false(refused);
        else if (verdict == CODE_DENIED && o->has_digest)
                assert_true(refused);
}

/* What the kernel side decides is what the policy says; only without a digest it may refuse more. */
static void the_same_verdicts(void **state _unused_) {
        static const char *const digests[] = { A, B, C, NULL };
        static const char *const paths[] = { "/opt/x", "/usr/x" };
        Random random = random_new(1);

        for (unsigned round = 0; round < 2000; round++) {
                char *text = random_text(&random, round % 7);
                Policy *p = load(text);
                CompiledPolicy c;

                assert_int_equal(policy_compile(p, 1, &c), 0);
                for (Event e = 0; e < _EVENT_CODE_MAX; e++)
                        for (unsigned i = 0; i < 32; i++) {
                                Observation o = {
                                        .event = e,
                                        .path = paths[i >> 2 & 1],
                                        .has_digest = digests[i & 3] != NULL,
                                        .failure = _FAILURE_INVALID,
                                        .subject = { .uid = i >> 3 & 1 ? 1000 : 0,
                                                     .unit = i >> 4 ? "ssh.service" : NULL },
                                };

                                if (o.has_digest)
                                        from_hex(digests[i & 3], SHA256_SIZE, o.digest);
                                compare(p, &c, &o);
                        }
                compiled_policy_done(&c);
                policy_free(p);
                free(text);
        }
}

/* Rules about activities are none about code, and the other way round. */
static void activities(void **state _unused_) {
        static const struct {
                const char *rules;
                uint32_t denied, ignored, code_rules;
        } cases[] = {
                { "[Rule a]\nAction=deny\n", 0, 0, 1 },
                { "[Rule a]\nEvent=mount\nAction=deny\n", 1 << ACTIVITY_MOUNT, 0, 0 },
                { "[Rule a]\nEvent=bpf ptrace\nAction=lock\n", 1 << ACTIVITY_BPF | 1 << ACTIVITY_PTRACE, 0, 0 },
                { "[Rule a]\nEvent=exec mount\nAction=kill\n", 1 << ACTIVITY_MOUNT, 0, 1 },
                { "[Rule a]\nEvent=mount\nUser=0\nAction=allow\n[Rule b]\nEvent=mount\nAction=deny\n", 0, 0, 0 },
                { "[Rule a]\nEvent=mount\nUser=0\nAction=kill\n[Rule b]\nEvent=mount\nAction=deny\n",
                  1 << ACTIVITY_MOUNT, 0, 0 },
                { "[Rule a]\nEvent=mount\nPath=/x\nAction=deny\n", 0, 0, 0 },
                { "[Rule a]\nEvent=memory\nReference=!one\nAction=deny\n", 1 << ACTIVITY_MEMORY, 0, 0 },
                { "[Rule a]\nEvent=memory\nReference=one\nAction=deny\n", 0, 0, 0 },
                { "[Rule a]\nEvent=mount\nAction=ignore\n[Rule b]\nEvent=mount\nAction=deny\n", 0, 1 << ACTIVITY_MOUNT,
                  0 },
                { "[Rule a]\nEvent=mount\nUnit=a.service\nAction=ignore\n", 0, 0, 0 },
                { "[Rule a]\nEvent=self\nAction=allow\n", 0, 0, 0 },
                { "[Rule a]\nEvent=self\nUser=0\nAction=allow\n", 0, 0, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char text[256];
                CompiledPolicy c;
                Policy *p;

                snprintf(text, sizeof(text), "[Reference one]\n%s", cases[i].rules);
                p = load(text);
                assert_int_equal(policy_compile(p, 1, &c), 0);
                assert_int_equal(c.policy.activities_denied, cases[i].denied);
                assert_int_equal(c.policy.activities_ignored, cases[i].ignored);
                assert_int_equal(c.policy.rules_size, cases[i].code_rules);
                assert_int_equal(c.policy.self_allowed, i == 11);
                compiled_policy_done(&c);
                policy_free(p);
        }
}

/* It decides all that it can: nothing is left to user space without need. */
static void only_what_must_be_asked(void **state _unused_) {
        static const struct {
                const char *rules;
                uint32_t sets;
                CodeVerdict expected;
        } cases[] = {
                { "[Rule a]\nReference=!one\nAction=deny\n", 0, CODE_DENIED },
                { "[Rule a]\nReference=!one\nAction=deny\n", 1, CODE_ALLOWED },
                { "[Rule a]\nPath=/x\nAction=allow\n", 0, CODE_ALLOWED },
                { "[Rule a]\nPath=/x\nAction=deny\n", 0, CODE_ASK },
                { "[Rule a]\nPath=/x\nReference=!one\nAction=deny\n", 1, CODE_ALLOWED },
                { "[Rule a]\nPath=/x\nAction=deny\n[Rule b]\nAction=deny\n", 0, CODE_DENIED },
                { "[Rule a]\nPath=/x\nAction=allow\n[Rule b]\nReference=!one\nAction=deny\n", 0, CODE_ASK },
                { "[Rule a]\nPath=/x\nAction=allow\n[Rule b]\nReference=!one\nAction=deny\n", 1, CODE_ALLOWED },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char text[256];
                CompiledPolicy c;
                Policy *p;

                snprintf(text, sizeof(text), "[Reference one]\n%s", cases[i].rules);
                p = load(text);
                assert_int_equal(policy_compile(p, 1, &c), 0);
                assert_int_equal(first_match(&c.policy, CODE_LIBRARY, cases[i].sets, true, 0), cases[i].expected);
                compiled_policy_done(&c);
                policy_free(p);
        }
}

static void writers_unbind(void **state _unused_) {
        Policy *p = load("[Policy]\nMode=enforce\n[Reference one]\n[Rule a]\nReference=!one\nAction=deny\n");
        CompiledPolicy c;

        assert_int_equal(policy_compile(p, 1, &c), 0);
        assert_int_equal(first_match(&c.policy, CODE_LIBRARY, 1, true, 0), CODE_ALLOWED);
        assert_int_equal(first_match(&c.policy, CODE_LIBRARY, 1, true, 1), CODE_DENIED);
        assert_int_equal(first_match(&c.policy, CODE_LIBRARY, 0, false, 0), CODE_DENIED);
        c.policy.allow_writers = true;
        assert_int_equal(first_match(&c.policy, CODE_LIBRARY, 1, true, 1), CODE_ALLOWED);
        compiled_policy_done(&c);
        policy_free(p);
}

/* More rules than fit: what the first ones say for sure stands, the rest is asked. */
static void too_many_rules(void **state _unused_) {
        _cleanup_free_ char *text = NULL;
        CompiledPolicy c;
        size_t size;
        FILE *f = open_memstream(&text, &size);
        Policy *p;

        fputs("[Rule first]\nEvent=module\nAction=deny\n", f);
        for (unsigned i = 0; i < ABI_RULES_MAX + 5; i++)
                fprintf(f, "[Rule r%u]\nEvent=kexec\nAction=allow\n", i);
        fclose(f);
        p = load(text);
        assert_int_equal(policy_compile(p, 1, &c), 0);
        assert_int_equal(c.policy.rules_size, ABI_RULES_MAX);
        assert_int_equal(first_match(&c.policy, CODE_MODULE, 0, true, 0), CODE_DENIED);
        assert_int_equal(first_match(&c.policy, CODE_LIBRARY, 0, true, 0), CODE_ASK);
        compiled_policy_done(&c);
        policy_free(p);
}

static void where_it_is_decided(void **state _unused_) {
        static const struct {
                const char *rule, *expected;
        } cases[] = {
                { "Event=exec\nPath=/x\n", "held at the gate" }, { "Event=library\n", "decided in the kernel" },
                { "Event=library\nPath=/x\n", "reacted to" },    { "", "held at the gate; decided in the kernel" },
                { "User=0\n", "held at the gate; reacted to" },  { "Event=mount\n", "decided in the kernel" },
                { "Event=mount\nPath=/x\n", "reacted to" },      { "Event=config pcr\n", "reacted to" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char text[128];
                Policy *p;

                snprintf(text, sizeof(text), "[Rule a]\n%sAction=deny\n", cases[i].rule);
                p = load(text);
                assert_string_equal(rule_decided_by(&p->rules[0]), cases[i].expected);
                policy_free(p);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(digests_are_merged),      TEST(modes_and_flags), TEST(the_same_verdicts),
                TEST(only_what_must_be_asked), TEST(writers_unbind),  TEST(too_many_rules),
                TEST(where_it_is_decided),     TEST(activities),
        };

        return RUN(tests);
}
