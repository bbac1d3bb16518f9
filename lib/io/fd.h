/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* File descriptors as owned values: -1 is none. */

#include <stddef.h>
#include <sys/types.h>

#include "lib/base/cleanup.h"

/* Closes unless negative; errno is kept. Returns -1. */
int safe_close(int fd);

static inline void closep(int *fd) {
        safe_close(*fd);
}

#define _cleanup_close_ _cleanup_(closep)

/* Writes all n bytes at the offset (or at the descriptor's position). 0 or a negative errno. */
int write_all(int fd, const void *data, size_t n);
int pwrite_all(int fd, const void *data, size_t n, off_t offset);

/* Reads until n bytes or the end. Returns the number of bytes or a negative errno. */
ssize_t read_up_to(int fd, void *data, size_t n);
