/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Watched configuration: what changed, by digest. The kernel tells when a writer closes a file, or when a name comes, goes or
 * moves; then everything in question is looked at again, and what has other content than before is reported. A writer that
 * is still at it is heard of when it closes in its turn. Everything runs on the main thread. */

#include <systemd/sd-event.h>

#include "core/input.h"

typedef struct Files Files;

typedef struct FilesOps {
        /* A file has other content, is new or gone. The activity lacks nothing but `stale`. */
        void (*changed)(void *userdata, const Activity *a);

        /* The kernel had to leave out what happened; everything was looked at again. */
        void (*lost)(void *userdata, uint64_t count);

        void *userdata;
} FilesOps;

/* patterns: absolute paths or glob(7) patterns; a directory stands for all that is in it. Borrowed. 0 or a negative errno, with
 * *ret_why (static). */
int files_new(sd_event *event, const char *const *patterns, const FilesOps *ops, Files **ret, const char **ret_why);
Files *files_free(Files *f);

/* Looks at everything for the first time, and shows on a file of our own in `directory` that changes are told. Returns
 * LEVEL_OBSERVE, or LEVEL_OFF and *ret_why (static). */
Level files_start(Files *f, const char *directory, const char **ret_why);

size_t files_watched(const Files *f);
