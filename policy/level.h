/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the sensors can do about each thing that is watched. A level is claimed only after a probe of this start has
 * shown it. */

typedef enum Level {
        LEVEL_OFF,     /* not seen */
        LEVEL_OBSERVE, /* seen after the fact */
        LEVEL_GATE,    /* held until it is measured and judged */
        LEVEL_ENFORCE, /* denied in the kernel */
        _LEVEL_MAX,
} Level;

typedef enum Watched {
        WATCHED_EXEC,    /* programs before they run */
        WATCHED_UNGATED, /* programs that ran without the gate's answer */
        WATCHED_LIBRARY,
        WATCHED_MODULE,
        WATCHED_KEXEC,
        WATCHED_FIRMWARE,
        WATCHED_OVERWRITE,
        WATCHED_MEMORY,
        WATCHED_MODULE_REQUEST,
        WATCHED_BPF,
        WATCHED_PTRACE,
        WATCHED_MOUNT,
        WATCHED_SETUID,
        WATCHED_DEVICE,
        WATCHED_DM,
        WATCHED_CONFIG,
        WATCHED_UNIT,
        WATCHED_PCR,
        WATCHED_IMA,
        WATCHED_SELF,
        _WATCHED_MAX,
} Watched;

extern const char *const level_names[_LEVEL_MAX + 1];     /* ended by NULL */
extern const char *const watched_names[_WATCHED_MAX + 1]; /* ended by NULL */
