/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where policies come from: what loading one needs to know of the machine. */

#include <stddef.h>
#include <stdint.h>

/* Where policy_load() gets its bytes. Each function returns 0 or a negative errno, which policy_load() returns; what
 * a person can mend goes to the problem list instead. */
typedef struct PolicySource {
        void *userdata;

        /* Calls file() for each policy file in force, in the order of their names. *reterr_path (owned by the caller)
         * names what cannot be read, or is NULL. */
        int (*policies)(void *userdata, int (*file)(void *sink, const char *name, const char *text, size_t n),
                        void *sink, char **reterr_path);

        /* Calls piece() for the pieces of each reference file that a pattern names, with n 0 at the end of each.
         * -ENOENT when it names none. */
        int (*reference)(void *userdata, const char *pattern,
                         int (*piece)(void *sink, const char *file, const char *text, size_t n), void *sink);

        /* The uid of a user name; -ENOENT when there is no such user. */
        int (*user)(void *userdata, const char *name, uint32_t *ret);
} PolicySource;
