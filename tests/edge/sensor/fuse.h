/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A FUSE file system with "file" and an empty "directory", whose server does as it is told: also nothing. */

#include <stdbool.h>
#include <sys/types.h>

typedef struct Fuse {
        volatile bool hang_lookup, hang_open, hang_read; /* requests wait until this is false again */
        volatile unsigned opens, reads;                  /* that were answered */
        volatile unsigned hanging;                       /* that wait */
        pid_t server;
} Fuse;

/* Mounts on the directory. The file has the content of another one. NULL: the kernel has no FUSE. */
Fuse *fuse_start(const char *directory, const char *content);
void fuse_stop(Fuse *f); /* whatever waits fails */
void fuse_stop_all(void);
