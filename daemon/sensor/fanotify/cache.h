/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Digests of files that were hashed under a lease, so that the second run of a program costs no second hash. Bounded:
 * what was not asked for since the last round makes room. When a digest may be used is argued in cache.c. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/base/macro.h"
#include "lib/digest.h"

typedef struct Cache Cache;

/* What stat says of a file, as far as it tells a changed one from an unchanged one. */
typedef struct FileStamp {
        uint32_t major, minor; /* st_dev */
        uint64_t inode, size;
        int64_t ctime, mtime; /* ns since 1970 */
} FileStamp;

enum { FILE_STAMP_MASK = STATX_INO | STATX_SIZE | STATX_MTIME | STATX_CTIME }; /* of statx(2) */

FileStamp file_stamp(const struct statx *file);

/* max: entries. 0 or -ENOMEM. */
int cache_new(size_t max, const uint8_t seed[16], Cache **ret);
Cache *cache_free(Cache *c);

/* The digest of a file that is under a lease, when every event about a change of it from before the lease has been
 * given to cache_drop(). NULL when it is not known or the file is another one now. */
const uint8_t *cache_get(Cache *c, const FileStamp *file);

/* Keeps the digest of a file that has been under a lease, and marked for events about changes, since before `file`
 * was read, and still is. now: CLOCK_REALTIME when `file` was read. Refuses what changed too recently. */
void cache_put(Cache *c, const FileStamp *file, const struct timespec *now, const uint8_t digest[SHA256_SIZE]);

/* The file was or may have been changed. Returns true when it was known. */
bool cache_drop(Cache *c, const FileStamp *file);
void cache_clear(Cache *c);
size_t cache_size(const Cache *c);
