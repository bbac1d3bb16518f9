/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whole files. `dir` is a directory descriptor or AT_FDCWD. */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads a regular file of at most `limit` bytes; a NUL follows the bytes (not counted), so text is a string. The
 * caller frees *ret. -EFBIG when it is larger, -EISDIR and the like when it is no regular file. */
int file_read(int dir, const char *path, size_t limit, char **ret, size_t *ret_size);

/* Replaces a file in one step: a temporary file beside it is written, synced and renamed over it, then the directory
 * is synced. A crash leaves the old or the new file. */
int file_write_atomic(int dir, const char *path, mode_t mode, const void *data, size_t n);

/* Makes a directory and its parents (mode for the last one). 0 when it is there already. */
int make_directories(const char *path, mode_t mode);

/* A whole file mapped read-only; size 0 gives NULL. Undo with file_unmap(). */
typedef struct FileMap {
        const uint8_t *data;
        size_t size;
} FileMap;

int file_map(int fd, FileMap *ret);
void file_unmap(FileMap *m);
