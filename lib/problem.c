/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Problem lists, and guessing the word that was meant. */

#include "lib/problem.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/alloc.h"

enum { WORD_MAX = 32 };

void problem_list_done(ProblemList *l) {
        for (size_t i = 0; i < l->size; i++) {
                free(l->items[i].file);
                free(l->items[i].message);
        }
        free(l->items);
        *l = (ProblemList){};
}

void problem_add(ProblemList *l, const char *file, unsigned line, unsigned column, const char *format, ...) {
        Problem p = { .line = line, .column = column };
        va_list ap;
        int r;

        if (l->size >= PROBLEMS_MAX || GREEDY_REALLOC(l->items, l->allocated, l->size + 1) < 0 ||
            free_and_strdup(&p.file, file) < 0) {
                l->dropped++;
                return;
        }
        va_start(ap, format);
        r = vasprintf(&p.message, format, ap);
        va_end(ap);
        if (r < 0) {
                free(p.file);
                l->dropped++;
                return;
        }
        l->items[l->size++] = p;
}

char *problem_format(const Problem *p) {
        char *text;
        int r;

        if (!p->file)
                r = asprintf(&text, "%s", p->message);
        else if (p->line == 0)
                r = asprintf(&text, "%s: %s", p->file, p->message);
        else if (p->column == 0)
                r = asprintf(&text, "%s:%u: %s", p->file, p->line, p->message);
        else
                r = asprintf(&text, "%s:%u:%u: %s", p->file, p->line, p->column, p->message);
        return r < 0 ? NULL : text;
}

static char lower(char c) {
        return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

/* Levenshtein distance without regard to case; words longer than WORD_MAX are far from everything. */
static size_t distance(const char *a, const char *b) {
        size_t n = strlen(a), m = strlen(b), row[WORD_MAX + 1];

        if (n > WORD_MAX || m > WORD_MAX)
                return SIZE_MAX;
        for (size_t j = 0; j <= m; j++)
                row[j] = j;
        for (size_t i = 1; i <= n; i++) {
                size_t diagonal = row[0];

                row[0] = i;
                for (size_t j = 1; j <= m; j++) {
                        size_t above = row[j], changed = diagonal + (lower(a[i - 1]) != lower(b[j - 1]));

                        row[j] = MIN(changed, MIN(above, row[j - 1]) + 1);
                        diagonal = above;
                }
        }
        return row[m];
}

const char *nearest_word(const char *word, const char *const *words) {
        const char *best = NULL;
        size_t best_distance = MAX(strlen(word) / 2, (size_t) 2); /* further away it is a guess, not a slip */

        for (; *words; words++) {
                size_t d = distance(word, *words);
                if (d <= best_distance && d < strlen(*words) && (!best || d < best_distance)) {
                        best = *words;
                        best_distance = d;
                }
        }
        return best;
}
