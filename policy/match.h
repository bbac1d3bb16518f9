/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A list of words as rules have them: words are ORed, "!word" excludes. A value matches when no excluded word
 * matches it, and a plain word does (or there is none). So "!base !packages" reads "in neither". */

#include <stdbool.h>
#include <stddef.h>

typedef struct MatchWord {
        char *word; /* without the ! */
        bool negated;
        unsigned number; /* for the user of the list: a uid, an index */
} MatchWord;

/* All-zero matches everything. */
typedef struct Match {
        MatchWord *words;
        size_t size, allocated;
} Match;

void match_done(Match *m);
int match_add(Match *m, const char *word, size_t n, bool negated, unsigned number); /* 0 or -ENOMEM */

/* Asks `test` for each word. */
bool match_test(const Match *m, bool (*test)(const MatchWord *w, const void *value), const void *value);

/* Tests for match_test(). */
bool match_glob(const MatchWord *w, const void *text);     /* fnmatch(3); '*' also matches '/' */
bool match_number(const MatchWord *w, const void *number); /* a uint32_t */
