/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists of words with negation. */

#include "policy/match.h"

#include <fnmatch.h>
#include <stdint.h>

#include "lib/base/alloc.h"

void match_done(Match *m) {
        for (size_t i = 0; i < m->size; i++)
                free(m->words[i].word);
        free(m->words);
        *m = (Match){};
}

int match_add(Match *m, const char *word, size_t n, bool negated, unsigned number) {
        char *copy;

        if (GREEDY_REALLOC(m->words, m->allocated, m->size + 1) < 0)
                return -ENOMEM;
        copy = memdup_nul(word, n);
        if (!copy)
                return -ENOMEM;
        m->words[m->size++] = (MatchWord){ .word = copy, .negated = negated, .number = number };
        return 0;
}

bool match_test(const Match *m, bool (*test)(const MatchWord *w, const void *value), const void *value) {
        bool has_plain = false, plain = false;

        for (size_t i = 0; i < m->size; i++) {
                if (m->words[i].negated && test(&m->words[i], value))
                        return false;
                if (!m->words[i].negated) {
                        has_plain = true;
                        plain = plain || test(&m->words[i], value);
                }
        }
        return plain || !has_plain;
}

bool match_glob(const MatchWord *w, const void *text) {
        return text && fnmatch(w->word, text, 0) == 0;
}

bool match_number(const MatchWord *w, const void *number) {
        return w->number == *(const uint32_t *) number;
}
