/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sha256sum files: however the text is cut into pieces, the same set and the same complaints; every line that was not
 * complained about is in the set. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "policy/reference.h"

DEFINE_CLEANUP(ReferenceSet *, reference_set_free)

static ReferenceSet *load(const char *text, size_t size, size_t piece, ProblemList *problems) {
        ReferenceSet *s = NULL;

        REQUIRE(reference_set_new(&s) == 0);
        for (size_t at = 0; at < size; at += piece)
                REQUIRE(reference_set_feed(s, "x.sha256", text + at, MIN(piece, size - at), problems) == 0);
        REQUIRE(reference_set_feed(s, "x.sha256", "", 0, problems) == 0);
        REQUIRE(reference_set_finish(s) == 0);
        return s;
}

static void require_equal(const ProblemList *a, const ProblemList *b) {
        REQUIRE(a->size == b->size && a->dropped == b->dropped);
        for (size_t i = 0; i < a->size; i++) {
                const Problem *x = &a->items[i], *y = &b->items[i];

                REQUIRE(x->line == y->line && x->column == y->column && streq(x->message, y->message));
        }
}

static void check_lines(const ReferenceSet *s, const char *text, const char *end) {
        size_t lines = 0;

        for (const char *p = text, *newline; p < end; p = newline + 1) {
                uint8_t digest[SHA256_SIZE];

                newline = memchr(p, '\n', (size_t) (end - p));
                if (!newline)
                        newline = end;
                if (newline == p || *p == '#' || (newline - p == 1 && *p == '\r'))
                        continue;
                p += *p == '\\';
                REQUIRE(newline - p >= 2 * SHA256_SIZE && hex_decode(p, SHA256_SIZE, digest) == 0);
                REQUIRE(reference_set_contains(s, digest));
                p += 2 * SHA256_SIZE;
                REQUIRE(p == newline || *p == ' ' || (*p == '\r' && p + 1 == newline));
                lines++;
        }
        REQUIRE(reference_set_size(s) <= lines && (reference_set_size(s) > 0) == (lines > 0));
}

static void run(const uint8_t *data, size_t size) {
        const char *text = (const char *) data;
        const size_t pieces[] = { 1, 2, 63, 64, 67 };
        _cleanup_(problem_list_done) ProblemList problems = {};
        _cleanup_(reference_set_freep) ReferenceSet *whole = load(text, size, size + 1, &problems);

        for (size_t i = 0; i < ELEMENTSOF(pieces); i++) {
                _cleanup_(problem_list_done) ProblemList same = {};
                _cleanup_(reference_set_freep) ReferenceSet *again = load(text, size, pieces[i], &same);

                require_equal(&problems, &same);
                REQUIRE(memcmp(reference_set_digest(whole), reference_set_digest(again), SHA256_SIZE) == 0);
        }
        if (problem_list_is_empty(&problems) && size > 0)
                check_lines(whole, text, text + size);
}

#define DIGEST "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"

static void seeds(void) {
        fuzz_seed_text(DIGEST "  /usr/bin/a\n" DIGEST " *b\n\n# comment\n\\" DIGEST "  a\\nb\n" DIGEST);
        fuzz_seed_text("\\" DIGEST "\r\n" DIGEST "\r\n\r\n" DIGEST " x\r\n");
        fuzz_seed_text("5891B5  short\n" DIGEST "x\nMD5 (a) = 1\n" DIGEST "00  long\n");
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
