/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* /proc/PID/mountinfo, as proc(5) describes it: text in, mounts out. Names in it are chosen by whoever mounts. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Mount {
        uint64_t id;
        uint64_t device; /* major << 32 | minor, of the file system; on btrfs not that of stat(2) */
        char *path;      /* mount point; raw bytes */
        char *type;      /* "ext4" */
} Mount;

/* All-zero is empty. */
typedef struct MountList {
        Mount *items; /* ordered by id */
        size_t size, allocated;
} MountList;

void mount_list_done(MountList *l); /* also its own cleanup function */

/* Adds the mounts of a text that ends with a NUL. 0, -ENOMEM, or -EBADMSG when a line is not as it must be. */
int mountinfo_parse(const char *text, MountList *ret);

/* NULL when there is none. */
const Mount *mount_list_find(const MountList *l, uint64_t id);

/* True when the way to the mount, or its path's way, leads through a file system on which a look-up may wait. */
bool mount_list_may_wait(const MountList *l, const char *path);
