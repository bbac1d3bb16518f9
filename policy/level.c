/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names of levels. */

#include "policy/level.h"

#include <stddef.h>

const char *const level_names[] = {
        [LEVEL_OFF] = "off",         [LEVEL_OBSERVE] = "observe", [LEVEL_GATE] = "gate",
        [LEVEL_ENFORCE] = "enforce", [_LEVEL_MAX] = NULL,
};

const char *const watched_names[] = {
        [WATCHED_EXEC] = "exec",           [WATCHED_UNGATED] = "ungated", [WATCHED_LIBRARY] = "library",
        [WATCHED_MODULE] = "module",       [WATCHED_KEXEC] = "kexec",     [WATCHED_FIRMWARE] = "firmware",
        [WATCHED_OVERWRITE] = "overwrite", [_WATCHED_MAX] = NULL,
};
