/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ownership by scope. Every owning local carries _cleanup_(), every escape is a TAKE_*: so one function is
 * enough to see that it does not leak. Destructors take NULL and half-built objects, and return NULL. */

#include <stdio.h>
#include <stdlib.h>

#define _cleanup_(f) __attribute__((__cleanup__(f)))

/* Defines FREEp(TYPE **p), which calls FREE(*p) unless it is NULL. */
#define DEFINE_CLEANUP(type, free_function)                                                                           \
        static inline void free_function##p(type *p) {                                                                \
                if (*p)                                                                                               \
                        free_function(*p);                                                                            \
        }

#define TAKE_PTR(pointer)                                                                                             \
        ({                                                                                                            \
                __typeof__(pointer) *_take = &(pointer), _taken = *_take;                                             \
                *_take = NULL;                                                                                        \
                _taken;                                                                                               \
        })

/* Moves a struct whose all-zero value is empty. */
#define TAKE_STRUCT(object)                                                                                           \
        ({                                                                                                            \
                __typeof__(object) *_take = &(object), _taken = *_take;                                               \
                *_take = (__typeof__(object)){};                                                                      \
                _taken;                                                                                               \
        })

#define TAKE_FD(fd)                                                                                                   \
        ({                                                                                                            \
                int *_take = &(fd), _taken = *_take;                                                                  \
                *_take = -1;                                                                                          \
                _taken;                                                                                               \
        })

static inline void freep(void *p) {
        free(*(void **) p);
}

DEFINE_CLEANUP(FILE *, fclose)

#define _cleanup_free_ _cleanup_(freep)
