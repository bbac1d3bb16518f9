/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hashing by descriptor. */

#include "daemon/sensor/fanotify/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "daemon/sensor/fanotify/fstypes.h"
#include "daemon/sensor/fanotify/watch.h"
#include "lib/base/alloc.h"

enum { CHUNK = 256 * 1024 };

usec_t monotonic_now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (usec_t) t.tv_sec * USEC_PER_SEC + (usec_t) t.tv_nsec / NSEC_PER_USEC;
}

int hasher_init(Hasher *h) {
        h->buffer = malloc(CHUNK);
        if (!h->buffer)
                return -ENOMEM;
        return digest_stream_new(HASH_SHA256, &h->stream);
}

void hasher_done(Hasher *h) {
        digest_stream_free(h->stream);
        free(h->buffer);
        *h = (Hasher){};
}

/* Everything that must be known before the first byte is read: see cache.c for the order. */
static Failure prepare(const HashOrder *order, HashResult *ret) {
        struct statfs fs;
        struct statx file;

        if (fstatfs(order->fd, &fs) < 0)
                return FAILURE_READ_ERROR;
        if (fs_class_of_magic((uint64_t) fs.f_type) == FS_REMOTE)
                return FAILURE_REMOTE_FILE;
        if (fs_magic_is_cacheable((uint64_t) fs.f_type) && order->group >= 0 && watch_begin(order->group, order->fd)) {
                clock_gettime(CLOCK_REALTIME, &ret->when);
                ret->cacheable = statx(order->fd, "", AT_EMPTY_PATH, FILE_STAMP_MASK, &file) >= 0 &&
                                 (file.stx_mask & FILE_STAMP_MASK) == FILE_STAMP_MASK;
                ret->file = ret->cacheable ? file_stamp(&file) : (FileStamp){};
        }
        ret->is_overlay = (uint64_t) fs.f_type == OVERLAYFS_SUPER_MAGIC;
        return _FAILURE_INVALID;
}

static Failure read_all(Hasher *h, const HashOrder *order, uint8_t digest[SHA256_SIZE]) {
        uint64_t size = 0;
        Digest d;

        for (;;) {
                ssize_t n = pread(order->fd, h->buffer, CHUNK, (off_t) size);

                if (n < 0 || (n > 0 && digest_stream_add(h->stream, h->buffer, (size_t) n) < 0))
                        return FAILURE_READ_ERROR;
                if (n == 0)
                        break;
                size += (uint64_t) n;
                if (size > order->max_size)
                        return FAILURE_FILE_TOO_LARGE;
                if (monotonic_now() >= order->deadline)
                        return FAILURE_HASH_DEADLINE;
        }
        if (digest_stream_end(h->stream, &d) < 0)
                return FAILURE_READ_ERROR;
        memcpy(digest, d.bytes, SHA256_SIZE);
        return _FAILURE_INVALID;
}

static void hash_open(Hasher *h, const HashOrder *order, HashResult *ret) {
        Digest left_over;

        *ret = (HashResult){ .failure = FAILURE_HASH_DEADLINE };
        if (monotonic_now() >= order->deadline)
                return;
        ret->failure = prepare(order, ret);
        if (ret->failure != _FAILURE_INVALID)
                return;
        ret->failure = read_all(h, order, ret->digest);
        if (ret->failure != _FAILURE_INVALID)
                (void) digest_stream_end(h->stream, &left_over); /* the stream starts anew */
}

void hash_file(Hasher *h, const HashOrder *order, HashResult *ret) {
        HashOrder opened = *order;

        if (!order->file)
                return hash_open(h, order, ret);
        *ret = (HashResult){ .failure = FAILURE_READ_ERROR };
        opened.fd = order->file->fd = order->file->open(order->file);
        if (opened.fd >= 0)
                hash_open(h, &opened, ret);
}
