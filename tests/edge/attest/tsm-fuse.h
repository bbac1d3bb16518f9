/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A double of the kernel's /sys/kernel/config/tsm/report (Linux, drivers/virt/coco/guest/report.c) over FUSE: entries,
 * attributes, generations, reports of the rig's processor. Binary attributes take effect when they are closed. */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/bytes.h"

typedef struct TsmDouble {
        const char *provider; /* "sev_guest" */
        bool has_svsm;
        int read_error, svsm_error, write_error; /* errnos, of blobs, of blobs with a service, of writes */
        unsigned read_errors, write_errors;      /* so many times */
        unsigned meddlings;                      /* after so many reads of outblob somebody else writes to the entry */
        unsigned collisions;                     /* so many names are taken */
        size_t report_size;
        Buffer table, manifest;

        unsigned made, removed, reports; /* entries; reports that were made */
        char last_name[64];
} TsmDouble;

extern TsmDouble tsm_double;

/* Everything is well again. */
void tsm_double_reset(void);

/* Mounts it on the directory, and serves it with a thread. False: the kernel has no FUSE. */
bool tsm_double_start(const char *directory);
void tsm_double_stop(void);
