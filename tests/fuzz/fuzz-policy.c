/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whole policies from memory: 0xff begins a policy file, 0xfe a reference file, a line with its name comes first. A policy
 * is loaded without a mistake or not at all, the same however its bytes arrive; and its short answers never contradict its
 * judgements. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "tests/memory-source.h"

enum { FILES_MAX = 8, POLICY_MARK = 0xff, REFERENCE_MARK = 0xfe };

DEFINE_CLEANUP(Policy *, policy_free)

typedef struct Files {
        char *text;
        MemoryFile policies[FILES_MAX + 1], references[FILES_MAX + 1];
        size_t policies_size, references_size;
} Files;

static bool is_mark(char c) {
        return (uint8_t) c == POLICY_MARK || (uint8_t) c == REFERENCE_MARK;
}

/* One file, from behind its mark to the next mark or the end, where a NUL may be written. */
static void take_file(Files *f, bool is_policy, char *name, char *end) {
        size_t *n = is_policy ? &f->policies_size : &f->references_size;
        MemoryFile *file = &(is_policy ? f->policies : f->references)[*n];
        char *newline = memchr(name, '\n', (size_t) (end - name));

        if (!newline || *n == FILES_MAX)
                return;
        *newline = *end = '\0';
        *file = (MemoryFile){ name, newline + 1, (size_t) (end - newline - 1) };
        (*n)++;
}

static void split(const uint8_t *data, size_t size, Files *ret) {
        char *end, mark = 0, next_mark;

        ret->text = memdup_nul(data, size);
        REQUIRE(ret->text);
        end = ret->text + size;
        for (char *at = ret->text, *next; at <= end; at = next + 1, mark = next_mark) {
                for (next = at; next < end && !is_mark(*next);)
                        next++;
                next_mark = *next;
                if (mark)
                        take_file(ret, (uint8_t) mark == POLICY_MARK, at, next);
        }
}

static Policy *load(const Files *f, size_t piece) {
        MemorySource memory = { .policies = f->policies, .references = f->references, .piece = piece };
        _cleanup_(problem_list_done) ProblemList problems = {};
        const PolicySource source = memory_source(&memory);
        Policy *p = NULL;
        int r = policy_load(&source, &p, &problems);

        REQUIRE(r == 0 || r == -EBADMSG);
        REQUIRE((r == 0) == problem_list_is_empty(&problems) && (r == 0) == !!p);
        for (size_t i = 0; i < problems.size; i++) {
                _cleanup_free_ char *text = problem_format(&problems.items[i]);

                REQUIRE(text && *problems.items[i].message);
        }
        return p;
}

static bool is_known(const Policy *p, const uint8_t digest[SHA256_SIZE]) {
        for (size_t i = 0; i < p->references_size; i++)
                if (reference_set_contains(p->references[i].set, digest))
                        return true;
        return false;
}

/* Whatever is asked about, by whomever. */
static void check_judgement(const Policy *p, const Observation *o) {
        const Verdict v = policy_judge(p, o);

        REQUIRE(v.rule && v.actions != 0 && v.actions < RULE_LOCK << 1);
        REQUIRE(!(actions_refuse(v.actions) && v.actions & (RULE_ALLOW | RULE_IGNORE)));
        REQUIRE(v.severity < _SEVERITY_MAX);
        REQUIRE(v.known == (o->has_digest && is_known(p, o->digest)));
        if (o->event == EVENT_EXEC && o->has_digest && policy_lets_pass(p, o->digest))
                REQUIRE(v.known && !(v.actions & ~(unsigned) (RULE_IGNORE | RULE_ALLOW)));
        if (policy_refuses_any_content(p, o))
                REQUIRE(actions_refuse(v.actions));
        if (!p->needs_subject && event_is_code(o->event)) {
                Observation other = *o;

                other.subject = (Subject){ .uid = 4711 };
                REQUIRE(policy_judge(p, &other).rule == v.rule);
        }
}

/* A path that the rule's first pattern may match: the pattern without its wildcards. */
static void path_for(const Rule *r, char ret[64]) {
        const char *pattern = r->paths.size > 0 ? r->paths.words[0].word : "/usr/bin/true";
        size_t n = 0;

        for (; *pattern && n < 63; pattern++)
                if (!strchr("*?[]\\", *pattern))
                        ret[n++] = *pattern;
        ret[n] = '\0';
}

static void ask_about(const Policy *p, const char *path, const uint8_t digest[SHA256_SIZE], const char *unit) {
        static const uint32_t users[] = { 0, 1000, 33 };

        for (Event e = 0; e < _EVENT_MAX; e++)
                for (size_t i = 0; i < ELEMENTSOF(users); i++) {
                        Observation o = { .event = e,
                                          .path = path,
                                          .has_digest = !!digest,
                                          .failure = _FAILURE_INVALID,
                                          .subject = { .uid = users[i], .unit = unit } };

                        if (digest)
                                memcpy(o.digest, digest, SHA256_SIZE);
                        check_judgement(p, &o);
                }
}

static void check_failures(const Policy *p) {
        for (Failure f = 0; f < _FAILURE_MAX; f++) {
                FailureAction a = policy_on_failure(p, f);

                REQUIRE(a >= 0 && a < _ON_FAILURE_MAX);
                if (p->mode == MODE_OBSERVE)
                        REQUIRE(f < _FAILURE_GATE_MAX ? a == ON_FAILURE_ALLOW : a != ON_FAILURE_LOCK);
        }
}

/* The first digest of the reference files, or zeros. */
static void some_digest(const Files *f, uint8_t ret[SHA256_SIZE]) {
        memset(ret, 0, SHA256_SIZE);
        for (size_t i = 0; i < f->references_size; i++)
                if (f->references[i].size >= 2 * SHA256_SIZE &&
                    hex_decode(f->references[i].text, SHA256_SIZE, ret) >= 0)
                        return;
}

static void run(const uint8_t *data, size_t size) {
        static const uint8_t unknown[SHA256_SIZE] = { 1, 2, 3 };
        _cleanup_(policy_freep) Policy *p = NULL, *again = NULL;
        uint8_t digest[SHA256_SIZE];
        Files f = {};

        split(data, size, &f);
        p = load(&f, 0);
        again = load(&f, 1);
        REQUIRE(!p == !again && (!p || memcmp(p->digest, again->digest, SHA256_SIZE) == 0));
        some_digest(&f, digest);
        for (size_t i = 0; p && i <= p->rules_size && i < 8; i++) {
                char path[64] = "/";

                if (i < p->rules_size)
                        path_for(&p->rules[i], path);
                ask_about(p, path, digest, "a.service");
                ask_about(p, path, unknown, NULL);
                ask_about(p, path, NULL, NULL);
        }
        if (p)
                check_failures(p);
        free(f.text);
}

#define DIGEST_A "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
#define DIGEST_B "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"

static void seeds(void) {
        fuzz_seed_text(
                "\xff"
                "10-a.policy\n[Policy]\nMode=enforce\n[Reference base]\n[Rule known]\nReference=base\nAction=allow\n"
                "[Rule rest]\nAction=deny alert\nSeverity=critical\nTechnique=T1204.002\n"
                "\xfe"
                "base.sha256\n" DIGEST_A "  /usr/bin/a\n# c\n" DIGEST_B " */b\n");
        fuzz_seed_text("\xff"
                       "a\n[Failures]\nHashDeadline=allow\nTpmLost=degrade\nNoLease=lock\n[Reference "
                       "x]\nFile=x.sha256 y.sha256\n"
                       "[Reference y]\nFile=y.sha256\n\xff"
                       "b\n[Rule m]\nEvent=mount bpf self\nAction=deny\n[Rule u]\nEvent=exec library\nPath=/tmp/* "
                       "!/tmp/ok\nUser=root 33 !ci\n"
                       "Unit=*.service\nReference=!x !y\nAction=lock\n[Rule v]\nUser=ci\nAction=kill\n[Rule "
                       "w]\nAction=ignore\n"
                       "\xfe"
                       "x.sha256\n" DIGEST_A "\n\xfe"
                       "y.sha256\n\\" DIGEST_B "  a\\nb\r\n");
        fuzz_seed_text(
                "\xff"
                "m\n[Polcy]\nMode=enforc\n[Rule]\n[Rule default]\nAction=alow\nActon=deny\n[Reference no]\n[Rule a]\n"
                "Reference=base\nUser=nobody-at-all\nPath=relative\n[Rule a]\nAction=allow "
                "deny\nMode=x\n[Failures]\nTpmLost=deny\n");
        fuzz_seed_text(
                "\xff"
                "g\n[Rule g]\nPath=/[!a-c]?/*.so* /[[:alpha:]]* /\\* /[\nAction=deny\n[Policy]\nMode=observe\n");
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
