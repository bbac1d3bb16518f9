/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Hashing one file by its descriptor. May wait for the file system as long as that likes: for worker threads only. */

#include <stdbool.h>
#include <time.h>

#include "daemon/sensor/fanotify/cache.h"
#include "policy/failure.h"

typedef struct HashFile HashFile;

/* A file that is yet to be found, where that may wait. The first member of what malloc() gave, and free() takes. */
struct HashFile {
        int (*open)(HashFile *f); /* on the thread: a descriptor, or a negative errno */
        int fd;                   /* what it gave; whoever gets the result closes it */
};

typedef struct HashOrder {
        HashFile *file; /* NULL: fd is there */
        int fd;
        uint64_t max_size; /* bytes */
        usec_t deadline;   /* CLOCK_MONOTONIC */
        int group;         /* fanotify descriptor for the mark that caching needs; -1: do not cache */
} HashOrder;

typedef struct HashResult {
        Failure failure; /* _FAILURE_INVALID: the digest is there */
        uint8_t digest[SHA256_SIZE];
        bool cacheable; /* the file is marked, and `file` was read at `when` (CLOCK_REALTIME), before the hash */
        FileStamp file;
        struct timespec when;
        bool is_overlay; /* on overlayfs */
} HashResult;

/* What a thread needs to hash. All-zero is empty. */
typedef struct Hasher {
        DigestStream *stream;
        uint8_t *buffer;
} Hasher;

int hasher_init(Hasher *h); /* 0 or a negative errno */
void hasher_done(Hasher *h);

void hash_file(Hasher *h, const HashOrder *order, HashResult *ret);

/* CLOCK_MONOTONIC, on which all deadlines of the gate are: time in suspend is nobody's fault. */
usec_t monotonic_now(void);
