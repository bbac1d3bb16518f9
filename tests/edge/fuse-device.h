/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The protocol of linux/fuse.h over /dev/fuse, as little of it as there can be. A process serves one file system. */

#include <linux/fuse.h>
#include <stddef.h>

/* Mounts on the directory; options: more than what there must be, each behind a comma. The device, or -1: there is no FUSE. */
int fuse_mount(const char *directory, const char *options);

/* Until nothing is mounted any more. serve() answers, by fuse_reply(); what begins it, and what wants no answer, it is not asked. */
void fuse_serve(int device, void (*serve)(const struct fuse_in_header *in, const void *body));
void fuse_reply(const struct fuse_in_header *in, int error, const void *data, size_t n);
