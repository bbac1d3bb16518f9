/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names of levels. */

#include "policy/level.h"

#include <stddef.h>

const char *const level_names[] = {
        [LEVEL_OFF] = "off",         [LEVEL_OBSERVE] = "observe", [LEVEL_GATE] = "gate",
        [LEVEL_ENFORCE] = "enforce", [_LEVEL_MAX] = NULL,
};

const char *const watched_names[] = {
        [WATCHED_EXEC] = "exec",
        [WATCHED_UNGATED] = "ungated",
        [WATCHED_LIBRARY] = "library",
        [WATCHED_MODULE] = "module",
        [WATCHED_KEXEC] = "kexec",
        [WATCHED_FIRMWARE] = "firmware",
        [WATCHED_OVERWRITE] = "overwrite",
        [WATCHED_MEMORY] = "memory",
        [WATCHED_MODULE_REQUEST] = "module-request",
        [WATCHED_BPF] = "bpf",
        [WATCHED_PTRACE] = "ptrace",
        [WATCHED_MOUNT] = "mount",
        [WATCHED_SETUID] = "setuid",
        [WATCHED_DEVICE] = "device",
        [WATCHED_DM] = "dm",
        [WATCHED_CONFIG] = "config",
        [WATCHED_UNIT] = "unit",
        [WATCHED_PCR] = "pcr",
        [WATCHED_IMA] = "ima",
        [WATCHED_SELF] = "self",
        [_WATCHED_MAX] = NULL,
};
