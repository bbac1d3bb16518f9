/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is wrong with a piece of text that a person wrote: file, line, column, and what was expected. Parsers collect
 * all they find (up to PROBLEMS_MAX), so that one run shows everything to mend. */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/macro.h"

enum { PROBLEMS_MAX = 100 };

typedef struct Problem {
        char *file;      /* NULL: about no file */
        unsigned line;   /* from 1; 0: about the whole file */
        unsigned column; /* in bytes, from 1; 0: about the whole line */
        char *message;
} Problem;

/* All-zero is empty. */
typedef struct ProblemList {
        Problem *items;
        size_t size, allocated;
        size_t dropped; /* more than PROBLEMS_MAX, or out of memory */
} ProblemList;

void problem_list_done(ProblemList *l);
void problem_add(ProblemList *l, const char *file, unsigned line, unsigned column, const char *format, ...)
        _printf_(5, 6);

static inline bool problem_list_is_empty(const ProblemList *l) {
        return l->size == 0 && l->dropped == 0;
}

/* "file:line:column: message" with the parts that are there; NULL when out of memory. The caller frees it. */
char *problem_format(const Problem *p);

/* The word of a list (ended by NULL) that was most likely meant, or NULL when none is near. */
const char *nearest_word(const char *word, const char *const *words);
