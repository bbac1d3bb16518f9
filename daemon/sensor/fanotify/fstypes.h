/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the gate knows about types of file systems. */

#include <stdbool.h>
#include <stdint.h>

typedef enum FsClass {
        FS_LOCAL,  /* the kernel itself keeps the content; also every type that is not in the table */
        FS_REMOTE, /* a server or a FUSE daemon answers, when it likes and what it likes */
        FS_PSEUDO, /* holds no code: not marked */
} FsClass;

/* By the name in mountinfo ("ext4", "fuse.sshfs"), which is known without touching the file system. */
FsClass fs_class_of_name(const char *name);

/* True for autofs: a path through it may wait for the automounter. */
bool fs_name_may_wait(const char *name);

/* By the f_type of statfs(2). */
FsClass fs_class_of_magic(uint64_t magic);

/* True where digests may be cached: every way to change content there moves the change time or is an event
 * (cache.c). Not on tmpfs, where a store through a mapping moves nothing, nor on overlayfs, whose layers change
 * behind it; nor on any type that was not looked at. */
bool fs_magic_is_cacheable(uint64_t magic);
