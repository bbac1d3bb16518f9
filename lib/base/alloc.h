/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Allocation with the overflow checks done once. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/macro.h"

/* One or n zeroed objects of a type; NULL when out of memory. */
#define new0(type, n) ((type *) calloc((n), sizeof(type)))

/* Makes room for at least `need` elements in `array` whose room is `allocated` (a size_t). Grows by half.
 * Returns 0 or -ENOMEM; the array is untouched on failure. */
#define GREEDY_REALLOC(array, allocated, need)                                                                        \
        ({                                                                                                            \
                int _r = 0;                                                                                           \
                size_t _need = (need);                                                                                \
                if (_need > (allocated)) {                                                                            \
                        size_t _room = MAX(_need, (allocated) + (allocated) / 2);                                     \
                        void *_grown = reallocarray((array), _room, sizeof((array)[0]));                              \
                        if (_grown) {                                                                                 \
                                (array) = _grown;                                                                     \
                                (allocated) = _room;                                                                  \
                        } else                                                                                        \
                                _r = -ENOMEM;                                                                         \
                }                                                                                                     \
                _r;                                                                                                   \
        })

/* A copy of n bytes with a NUL behind them (not counted), so that text stays usable as a string. NULL when out
 * of memory. */
static inline void *memdup_nul(const void *data, size_t n) {
        char *copy = malloc(n + 1);
        if (!copy)
                return NULL;
        if (n > 0)
                memcpy(copy, data, n);
        copy[n] = '\0';
        return copy;
}

/* Replaces *p by a copy of s (NULL gives NULL). 0 or -ENOMEM; *p is untouched on failure. */
static inline int free_and_strdup(char **p, const char *s) {
        char *copy = NULL;
        if (s) {
                copy = strdup(s);
                if (!copy)
                        return -ENOMEM;
        }
        free(*p);
        *p = copy;
        return 0;
}
