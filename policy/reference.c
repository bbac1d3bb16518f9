/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reference sets: a sorted array of digests. */

#include "policy/reference.h"

#include "lib/base/alloc.h"
#include "lib/base/hex.h"

enum { HEX_SIZE = 2 * SHA256_SIZE, LINE_MAX_KEPT = HEX_SIZE + 2 };

struct ReferenceSet {
        uint8_t (*digests)[SHA256_SIZE];
        size_t size, allocated;
        uint8_t digest[SHA256_SIZE];

        /* The line being read: only its start matters, the path behind the digest is for people. */
        char line[LINE_MAX_KEPT + 1];
        size_t line_size; /* of the whole line so far */
        unsigned line_number;
};

int reference_set_new(ReferenceSet **ret) {
        ReferenceSet *s = new0(ReferenceSet, 1);

        if (!s)
                return -ENOMEM;
        *ret = s;
        return 0;
}

ReferenceSet *reference_set_free(ReferenceSet *s) {
        if (!s)
                return NULL;
        free(s->digests);
        free(s);
        return NULL;
}

/* "<digest>", "<digest>  path" or "<digest> *path"; a backslash in front says that the path is escaped. */
static int take_line(ReferenceSet *s, const char *file, ProblemList *problems) {
        const char *hex = s->line + (s->line[0] == '\\');
        uint8_t digest[SHA256_SIZE];
        size_t kept = MIN(s->line_size, (size_t) LINE_MAX_KEPT);

        s->line_number++;
        if (kept > 0 && kept == s->line_size && s->line[kept - 1] == '\r')
                kept--;
        s->line[kept] = '\0';
        if (kept == 0 || s->line[0] == '#')
                return 0;
        if (hex_decode(hex, SHA256_SIZE, digest) < 0) {
                problem_add(problems, file, s->line_number,
                            (unsigned) (hex - s->line) + (unsigned) strspn(hex, "0123456789abcdefABCDEF") + 1,
                            "expected the 64 hexadecimal digits of a SHA-256, as sha256sum writes them");
                return 0;
        }
        if (hex + HEX_SIZE < s->line + kept && hex[HEX_SIZE] != ' ') {
                problem_add(problems, file, s->line_number, (unsigned) (hex - s->line) + HEX_SIZE + 1,
                            "expected a blank and a path behind the digest");
                return 0;
        }
        if (GREEDY_REALLOC(s->digests, s->allocated, s->size + 1) < 0)
                return -ENOMEM;
        memcpy(s->digests[s->size++], digest, SHA256_SIZE);
        return 0;
}

int reference_set_feed(ReferenceSet *s, const char *file, const char *text, size_t n, ProblemList *problems) {
        const char *p = text, *end = text + n;
        int r = 0;

        while (p < end && r >= 0) {
                const char *newline = memchr(p, '\n', (size_t) (end - p)), *stop = newline ? newline : end;

                if (s->line_size < LINE_MAX_KEPT)
                        memcpy(s->line + s->line_size, p, MIN((size_t) (stop - p), LINE_MAX_KEPT - s->line_size));
                s->line_size += (size_t) (stop - p);
                p = stop;
                if (newline) {
                        r = take_line(s, file, problems);
                        s->line_size = 0;
                        p++;
                }
        }
        if (n == 0) { /* the last line may lack its newline */
                if (s->line_size > 0)
                        r = take_line(s, file, problems);
                s->line_size = 0;
                s->line_number = 0;
        }
        return r;
}

static int compare(const void *a, const void *b) {
        return memcmp(a, b, SHA256_SIZE);
}

int reference_set_finish(ReferenceSet *s) {
        size_t unique = 0;
        void *fitted;

        if (s->size > 0)
                qsort(s->digests, s->size, SHA256_SIZE, compare);
        for (size_t i = 0; i < s->size; i++)
                if (i == 0 || compare(s->digests[i], s->digests[unique - 1]) != 0) {
                        if (unique != i)
                                memcpy(s->digests[unique], s->digests[i], SHA256_SIZE);
                        unique++;
                }
        s->size = unique;
        fitted = unique > 0 ? reallocarray(s->digests, unique, SHA256_SIZE) : NULL;
        if (fitted) {
                s->digests = fitted;
                s->allocated = unique;
        }
        return sha256(s->digests, s->size * SHA256_SIZE, s->digest);
}

bool reference_set_contains(const ReferenceSet *s, const uint8_t digest[SHA256_SIZE]) {
        return s->size > 0 && bsearch(digest, s->digests, s->size, SHA256_SIZE, compare);
}

size_t reference_set_size(const ReferenceSet *s) {
        return s->size;
}

const uint8_t *reference_set_at(const ReferenceSet *s, size_t i) {
        return s->digests[i];
}

const uint8_t *reference_set_digest(const ReferenceSet *s) {
        return s->digest;
}
