/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Policy files and everything that can be wrong in them, with the place and the words of the complaint. */

#include "lib/base/cleanup.h"
#include "tests/memory-source.h"
#include "tests/test.h"

#define KNOWN "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static char *joined(const ProblemList *l) {
        char *out = NULL;
        size_t size;
        FILE *stream = open_memstream(&out, &size);

        for (size_t i = 0; i < l->size; i++) {
                _cleanup_free_ char *text = problem_format(&l->items[i]);

                fprintf(stream, "%s\n", text);
        }
        fclose(stream);
        return out;
}

static int load(MemorySource *s, Policy **ret, char **ret_problems) {
        const PolicySource source = memory_source(s);
        ProblemList problems = {};
        int r;

        *ret = NULL;
        r = policy_load(&source, ret, &problems);
        *ret_problems = joined(&problems);
        assert_int_equal(r == 0, *ret != NULL);
        assert_int_equal(r == -EBADMSG, problems.size > 0);
        problem_list_done(&problems);
        return r;
}

static int load_text(const char *text, Policy **ret, char **ret_problems) {
        const MemoryFile policies[] = { { "p", text, 0 }, {} };
        const MemoryFile references[] = { { "base.sha256", KNOWN "  x\n", 0 }, { "bad.sha256", "junk\n", 0 }, {} };
        MemorySource s = { .policies = policies, .references = references };

        return load(&s, ret, ret_problems);
}

/* One text and its complaints. */
static void wrong(const char *text, const char *expected) {
        _cleanup_free_ char *problems = NULL;
        Policy *p;

        assert_int_equal(load_text(text, &p, &problems), -EBADMSG);
        assert_string_equal(problems, expected);
}

static Policy *right(const char *text) {
        _cleanup_free_ char *problems = NULL;
        Policy *p;

        if (load_text(text, &p, &problems) < 0)
                fail_msg("%s", problems);
        return p;
}

static void everything_at_once(void **state _unused_) {
        Policy *p = right("[Policy]\nMode=enforce\n"
                          "[Failures]\nNoLease=allow\nTpmBusy=lock\n"
                          "[Reference base]\n"
                          "[Rule one]\n"
                          "Event=exec library module kexec firmware overwrite\n"
                          "Path=/opt/* !/opt/x\nPath=/srv/*\n"
                          "User=ci root !1234567890\n"
                          "Unit=ssh.service\n"
                          "Reference=!base\n"
                          "Action=deny alert\n"
                          "Severity=critical\n"
                          "Technique=T1204\n"
                          "[Rule two]\nAction=ignore\n");
        const Rule *r;

        assert_int_equal(p->mode, MODE_ENFORCE);
        assert_int_equal(p->failures[FAILURE_NO_LEASE], ON_FAILURE_ALLOW);
        assert_int_equal(p->failures[FAILURE_TPM_BUSY], ON_FAILURE_LOCK);
        assert_int_equal(p->failures[FAILURE_HASH_DEADLINE], ON_FAILURE_DENY);
        assert_int_equal(p->rules_size, 2);
        r = &p->rules[0];
        assert_string_equal(r->name, "one");
        assert_string_equal(r->file, "p");
        assert_int_equal(r->line, 7);
        assert_int_equal(r->events, (1U << _EVENT_CODE_MAX) - 1);
        assert_int_equal(r->paths.size, 3);
        assert_true(r->paths.words[1].negated);
        assert_string_equal(r->paths.words[1].word, "/opt/x");
        assert_int_equal(r->users.words[0].number, 1000);
        assert_int_equal(r->users.words[1].number, 0);
        assert_int_equal(r->users.words[2].number, 1234567890);
        assert_int_equal(r->references.words[0].number, 0);
        assert_int_equal(r->actions, RULE_DENY | RULE_ALERT);
        assert_int_equal(r->severity, SEVERITY_CRITICAL);
        assert_string_equal(r->technique, "T1204");
        assert_int_equal(p->rules[1].severity, SEVERITY_WARNING);
        assert_int_equal(p->references_size, 1);
        assert_int_equal(reference_set_size(p->references[0].set), 1);
        assert_true(p->needs_subject);
        policy_free(p);
}

static void every_action_and_failure_word(void **state _unused_) {
        for (unsigned i = 0; rule_action_names[i]; i++) {
                char text[64];
                Policy *p;

                snprintf(text, sizeof(text), "[Rule a]\nAction=%s\n", rule_action_names[i]);
                p = right(text);
                assert_int_equal(p->rules[0].actions, 1U << i);
                assert_false(p->needs_subject);
                policy_free(p);
        }
        for (Failure f = 0; f < _FAILURE_MAX; f++)
                for (FailureAction a = 0; a < _ON_FAILURE_MAX; a++) {
                        _cleanup_free_ char *problems = NULL;
                        char text[64];
                        Policy *p;

                        snprintf(text, sizeof(text), "[Failures]\n%s=%s\n", failure_key(f), failure_action_names[a]);
                        assert_int_equal(load_text(text, &p, &problems) == 0, failure_accepts(f, a));
                        if (p)
                                assert_int_equal(p->failures[f], a);
                        policy_free(p);
                }
}

static void mistakes_of_sections(void **state _unused_) {
        wrong("[Rules x]\nAction=deny\n", "p:1:2: unknown section \"Rules\"; did you mean \"Rule\"?\n");
        wrong("[Zebra]\n", "p:1:2: unknown section \"Zebra\"\n");
        wrong("[Rule]\nAction=deny\n", "p:1:2: expected a name: [Rule name]\n");
        wrong("[Reference]\n", "p:1:2: expected a name: [Reference name]\n");
        wrong("[Policy x]\nMode=enforce\n", "p:1:9: [Policy] takes no name\n");
        wrong("[Failures x]\nNonsense=1\n", "p:1:11: [Failures] takes no name\n");
        wrong("[Rule a]\nAction=deny\n[Rule a]\nAction=deny\n", "p:3:7: the rule \"a\" is there already, at p:1\n");
        wrong("[Reference base]\n\n[Reference base]\n",
              "p:3:12: the reference set \"base\" is there already, at p:1\n");
        wrong("[Rule default]\nAction=deny\n",
              "p:1:7: \"default\" is what records say when no rule matched; choose another name\n");
        wrong("[Rule a]\nPath=/x\n", "p:1: [Rule a] has no Action=\n");
        wrong("Mode=enforce\n", "p:1:1: the assignment is in no section\n");
        wrong("[Rule a]\nAction=deny\nnonsense\n", "p:3:1: expected \"Key=value\", \"[Section]\" or a comment\n");
}

static void mistakes_of_keys(void **state _unused_) {
        wrong("[Policy]\nMod=enforce\n", "p:2:1: unknown key \"Mod\"; did you mean \"Mode\"?\n");
        wrong("[Policy]\nColour=red\n", "p:2:1: unknown key \"Colour\"\n");
        wrong("[Policy]\nMode=enforce\nMode=observe\n", "p:3:1: Mode= is given twice\n");
        wrong("[Policy]\nMode=enforce\n[Rule a]\nAction=deny\n[Policy]\nMode=observe\n",
              "p:6:1: Mode= is given twice\n");
        wrong("[Rule a]\nActon=deny\n",
              "p:2:1: unknown key \"Acton\"; did you mean \"Action\"?\np:1: [Rule a] has no Action=\n");
        wrong("[Rule a]\nAction=deny\nAction=allow\n", "p:3:1: Action= is given twice\n");
        wrong("[Rule a]\nAction=deny\nEvent=exec\nEvent=kexec\n", "p:4:1: Event= is given twice\n");
        wrong("[Rule a]\nAction=deny\nSeverity=error\nSeverity=error\n", "p:4:1: Severity= is given twice\n");
        wrong("[Reference base]\nPath=x\n", "p:2:1: unknown key \"Path\"\n");
        wrong("[Reference base]\nFiles=x\n", "p:2:1: unknown key \"Files\"; did you mean \"File\"?\n");
        wrong("[Failures]\nHashDeadlin=deny\n",
              "p:2:1: unknown key \"HashDeadlin\"; did you mean \"HashDeadline\"?\n");
        wrong("[Failures]\nHooksDead=lock\nHooksDead=count\n", "p:3:1: HooksDead= is given twice\n");
}

static void mistakes_of_values(void **state _unused_) {
        static const char actions[] = "some of ignore, allow, alert, deny, kill and lock";
        static const char events[] = "events like exec, library, module and mount (sealwatch.policy(5))";
        static const char technique[] =
                "p:3:11: Technique= expects a MITRE ATT&CK technique like T1204 or T1204.002\n";
        static const char *const techniques[] = { "1204",       "T120",  "T12045",      "T1204.", "T1204.02",
                                                  "T1204.0021", "t1204", "T1204 T1205", "Tabcd",  "" };
        char expected[256];

        wrong("[Policy]\nMode=  enforced\n", "p:2:8: Mode= expects observe or enforce\n");
        wrong("[Policy]\nMode=\n", "p:2:6: Mode= expects observe or enforce\n");
        wrong("[Rule a]\nAction=deny drop\n",
              "p:2:13: Action= expects some of ignore, allow, alert, deny, kill and lock\n");
        snprintf(expected, sizeof(expected), "p:2:8: Action= expects %s\np:1: [Rule a] has no Action=\n", actions);
        wrong("[Rule a]\nAction=\n", expected);
        wrong("[Rule a]\nAction=allow deny\n",
              "p:2:14: Action= expects either ignore or allow, or deny, kill or lock, but not both\n");
        wrong("[Rule a]\nAction=ignore alert\n", "p:2:15: Action= expects ignore alone\n");
        snprintf(expected, sizeof(expected), "p:3:12: Event= expects %s\n", events);
        wrong("[Rule a]\nAction=deny\nEvent=exec exek\n", expected);
        snprintf(expected, sizeof(expected), "p:3:7: Event= expects %s\n", events);
        wrong("[Rule a]\nAction=deny\nEvent=\n", expected);
        wrong("[Rule a]\nAction=deny\nPath=\n", "p:3:6: Path= expects at least one word\n");
        wrong("[Rule a]\nAction=deny\nPath=/x\nPath=\n", "p:4:6: Path= expects at least one word\n");
        wrong("[Rule a]\nAction=deny\nPath=/x !\n", "p:3:9: Path= expects a word behind the !\n");
        wrong("[Rule a]\nAction=deny\nPath=/x !opt/y\n",
              "p:3:9: Path= expects absolute paths, or wildcards that match them\n");
        wrong("[Rule a]\nAction=deny\nUnit=\n", "p:3:6: Unit= expects at least one word\n");
        wrong("[Rule a]\nAction=deny\nSeverity=bad\n",
              "p:3:10: Severity= expects notice, warning, error or critical\n");
        for (size_t i = 0; i < ELEMENTSOF(techniques); i++) {
                char text[64];

                snprintf(text, sizeof(text), "[Rule a]\nAction=deny\nTechnique=%s\n", techniques[i]);
                wrong(text, technique);
        }
        wrong("[Failures]\nHashDeadline=degrade\n", "p:2:14: HashDeadline= expects allow, deny or lock\n");
        wrong("[Failures]\nTpmLost=allow\n", "p:2:9: TpmLost= expects count, degrade or lock\n");
        wrong("[Failures]\nTpmLost=\n", "p:2:9: TpmLost= expects count, degrade or lock\n");
}

static void mistakes_of_names(void **state _unused_) {
        wrong("[Rule a]\nAction=deny\nUser=nobody-there\n",
              "p:1: [Rule a] names the user \"nobody-there\", and there is none\n");
        wrong("[Rule a]\nAction=deny\nUser=4294967295\n",
              "p:1: [Rule a] names the user \"4294967295\", and there is none\n");
        wrong("[Rule a]\nAction=deny\nUser=42949672950\n",
              "p:1: [Rule a] names the user \"42949672950\", and there is none\n");
        wrong("[Reference base]\n[Rule a]\nAction=deny\nReference=!bas\n",
              "p:2: unknown reference set \"bas\"; did you mean \"base\"?\n");
        wrong("[Rule a]\nAction=deny\nReference=base\n", "p:1: unknown reference set \"base\"\n");
        wrong("[Reference other]\n", "p:1: no reference file \"other.sha256\" for [Reference other]\n");
        wrong("[Reference x]\nFile=/no/such\n", "p:1: no reference file \"/no/such\" for [Reference x]\n");
        wrong("[Reference bad]\n",
              "bad.sha256:1:1: expected the 64 hexadecimal digits of a SHA-256, as sha256sum writes them\n");
}

static void all_mistakes_in_one_run(void **state _unused_) {
        wrong("[Policy]\nMode=x\n[Rule a]\nActon=deny\n[Reference bad]\n[Rule a]\nAction=y\nUser=z\n",
              "p:2:6: Mode= expects observe or enforce\n"
              "p:4:1: unknown key \"Acton\"; did you mean \"Action\"?\n"
              "p:6:7: the rule \"a\" is there already, at p:3\n"
              "p:7:8: Action= expects some of ignore, allow, alert, deny, kill and lock\n"
              "p:3: [Rule a] has no Action=\n"
              "p:6: [Rule a] has no Action=\n"
              "bad.sha256:1:1: expected the 64 hexadecimal digits of a SHA-256, as sha256sum writes them\n"
              "p:6: [Rule a] names the user \"z\", and there is none\n");
}

static void files_in_their_order(void **state _unused_) {
        const MemoryFile policies[] = { { "10-first", "[Policy]\nMode=enforce\n[Rule a]\nAction=allow\n", 0 },
                                        { "20-second", "[Policy]\nMode=observe\n[Rule b]\nAction=deny\n", 0 },
                                        {} };
        MemorySource s = { .policies = policies };
        _cleanup_free_ char *problems = NULL;
        Policy *p;

        assert_int_equal(load(&s, &p, &problems), 0);
        assert_int_equal(p->mode, MODE_OBSERVE); /* the last file decides */
        assert_string_equal(p->rules[0].name, "a");
        assert_string_equal(p->rules[1].file, "20-second");
        policy_free(p);
}

/* A section that was left behind in another file takes nothing in this one. */
static void sections_end_with_their_file(void **state _unused_) {
        const MemoryFile policies[] = { { "a", "[Rule a]\nAction=allow\n", 0 },
                                        { "b", "[Rule]\nAction=deny\n", 0 },
                                        {} };
        MemorySource s = { .policies = policies };
        _cleanup_free_ char *problems = NULL;
        Policy *p;

        assert_int_equal(load(&s, &p, &problems), -EBADMSG);
        assert_string_equal(problems, "b:1:2: expected a name: [Rule name]\n");
}

static void digest_of(const MemoryFile *policies, const MemoryFile *references, uint8_t ret[SHA256_SIZE]) {
        MemorySource s = { .policies = policies, .references = references };
        _cleanup_free_ char *problems = NULL;
        Policy *p;

        assert_int_equal(load(&s, &p, &problems), 0);
        memcpy(ret, p->digest, SHA256_SIZE);
        policy_free(p);
}

/* Another policy, another digest; the same, the same. */
static void the_digest_covers_everything(void **state _unused_) {
        static const char text[] = "[Reference base]\n[Rule a]\nReference=base\nAction=deny\n";
        static const char spaced[] = "[Reference base]\n[Rule a]\nReference=base\nAction=deny \n";
        const MemoryFile base[] = { { "base.sha256", KNOWN "\n", 0 }, {} };
        const MemoryFile same[] = { { "base.sha256", "# other text\n" KNOWN "  x\n", 0 }, {} };
        const MemoryFile empty[] = { { "base.sha256", "", 0 }, {} };
        const MemoryFile policies[] = { { "p", text, 0 }, {} }, renamed[] = { { "q", text, 0 }, {} };
        const MemoryFile changed[] = { { "p", spaced, 0 }, {} };
        const MemoryFile more[] = { { "p", text, 0 }, { "q", "#", 0 }, {} };
        uint8_t first[SHA256_SIZE], other[SHA256_SIZE];

        digest_of(policies, base, first);
        digest_of(policies, same, other);
        assert_memory_equal(first, other, SHA256_SIZE);
        digest_of(policies, empty, other);
        assert_memory_not_equal(first, other, SHA256_SIZE);
        digest_of(renamed, base, other);
        assert_memory_not_equal(first, other, SHA256_SIZE);
        digest_of(changed, base, other);
        assert_memory_not_equal(first, other, SHA256_SIZE);
        digest_of(more, base, other);
        assert_memory_not_equal(first, other, SHA256_SIZE);
}

static void errors_of_the_source_are_returned(void **state _unused_) {
        static const int errors[] = { -ENOMEM, -EIO, -EACCES };
        const MemoryFile policies[] = { { "p", "[Reference base]\n[Rule a]\nUser=x\nAction=deny\n", 0 }, {} };

        for (size_t i = 0; i < ELEMENTSOF(errors); i++) {
                MemorySource s = { .policies = policies, .policies_error = errors[i] };
                _cleanup_free_ char *problems = NULL, *again = NULL, *third = NULL;
                Policy *p;

                assert_int_equal(load(&s, &p, &problems), errors[i]);
                s = (MemorySource){ .policies = policies, .user_error = errors[i] };
                s.references = (const MemoryFile[]){ { "base.sha256", "", 0 }, {} };
                assert_int_equal(load(&s, &p, &again), errors[i]);
                s.user_error = 0;
                s.reference_error = errors[i];
                if (errors[i] == -ENOMEM)
                        assert_int_equal(load(&s, &p, &third), -ENOMEM);
                else {
                        assert_int_equal(load(&s, &p, &third), -EBADMSG); /* a person can mend that */
                        assert_non_null(strstr(third, "p:1: cannot read \"base.sha256\" for [Reference base]: "));
                }
        }
}

static void what_cannot_be_read_is_named(void **state _unused_) {
        const MemoryFile policies[] = { {} };
        MemorySource s = { .policies = policies, .policies_error = -EISDIR, .unreadable = "/etc/x.policy" };
        _cleanup_free_ char *problems = NULL, *none = NULL;
        Policy *p;

        assert_int_equal(load(&s, &p, &problems), -EBADMSG);
        assert_string_equal(problems, "/etc/x.policy: cannot be read: Is a directory\n");
        s.policies_error = -ENOMEM;
        assert_int_equal(load(&s, &p, &none), -ENOMEM);
}

/* n sections of a kind, each with a name of its own; all of them at once are loaded, one more is not. */
static void sections_up_to(const char *section, const char *item, unsigned max, const char *expected) {
        for (unsigned n = max; n <= max + 1; n++) {
                _cleanup_free_ char *text = malloc(64 * (n + 1)), *problems = NULL;
                const MemoryFile policies[] = { { "p", text, 0 }, {} };
                const MemoryFile references[] = { { "r", "", 0 }, {} };
                MemorySource s = { .policies = policies, .references = references };
                size_t used = 0;
                Policy *p = NULL;

                assert_non_null(text);
                for (unsigned i = 0; i < n; i++)
                        used += (size_t) sprintf(text + used, "[%s r%u]\n%s\n", section, i, item);
                assert_int_equal(load(&s, &p, &problems), n > max ? -EBADMSG : 0);
                if (n > max)
                        assert_string_equal(problems, expected);
                policy_free(p);
        }
}

static void rules_and_reference_sets_are_bounded(void **state _unused_) {
        sections_up_to("Rule", "Action=deny", RULES_MAX, "p:8193:2: there are more than 4096 rules\n");
        sections_up_to("Reference", "File=r", REFERENCES_MAX, "p:513:2: there are more than 256 reference sets\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(everything_at_once),
                TEST(every_action_and_failure_word),
                TEST(mistakes_of_sections),
                TEST(mistakes_of_keys),
                TEST(mistakes_of_values),
                TEST(mistakes_of_names),
                TEST(all_mistakes_in_one_run),
                TEST(files_in_their_order),
                TEST(sections_end_with_their_file),
                TEST(the_digest_covers_everything),
                TEST(errors_of_the_source_are_returned),
                TEST(what_cannot_be_read_is_named),
                TEST(rules_and_reference_sets_are_bounded),
        };

        return RUN(tests);
}
