/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a parser complained about, word for word. */

#include <stdio.h>

#include "lib/base/cleanup.h"
#include "lib/problem.h"

/* A line each; the list is done. The caller frees it. */
static inline char *problems_take(ProblemList *problems) {
        char *out = NULL;
        size_t size;
        FILE *stream = open_memstream(&out, &size);

        for (size_t i = 0; i < problems->size; i++) {
                _cleanup_free_ char *line = problem_format(&problems->items[i]);

                fprintf(stream, "%s\n", line);
        }
        fclose(stream);
        problem_list_done(problems);
        return out;
}
