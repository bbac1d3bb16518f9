/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The digest cache.
 *
 * A digest is used when the content cannot have changed since it was hashed. Two lines of defence, either of which
 * should do on the file systems that are let in (fstypes.c):
 *
 * Events. To fill: lease, then an inode mark for FAN_MODIFY and FAN_CLOSE_WRITE, then the hash, then the entry, then
 * the end of the lease. The lease is granted only while nobody has the file open for writing, and holds off whoever
 * wants to: so nobody writes between the mark and the entry, and whoever writes later opened the file later. To use:
 * lease, then read the fanotify queue until it is empty, dropping what it names, then look. That the lease is granted
 * means that every writer has given up its write access. A writer gives it up in the last put of its file, which comes
 * after its last mapping is gone, and __fput() queues FAN_CLOSE_WRITE before it puts the write access: so the event is
 * in the queue when the lease is granted. Not so for truncate(2) by path: it takes write access, but there is no open
 * file, and a group that is given descriptors gets no event. That is what the second line is for.
 *
 * Change time. The kernel moves it with every write, truncation and first store to a clean page of a mapping, and
 * nobody can set it. A store to a page that is dirty already moves nothing, but such a mapping is older than the entry
 * only if it was there during the hash, and then the lease was refused. It moves in steps of a clock tick (up to 10 ms;
 * 1 s on ext2, ext3 and small ext4 inodes), so a change in the tick of the hash would be invisible: a file is kept only
 * if its last change is older than SETTLED. Then every later change has a later time. So has every other file that is
 * given the same inode number.
 *
 * The marks are evictable: they go with the inode when memory is short, and only the second line is left. What neither
 * sees: a clock set back by root to the same nanosecond or second; writes to the block device below; a page that was
 * pinned through a writable mapping, for direct I/O, and is written to after the mapping and the file are gone. A file
 * system that is unmounted and another one mounted in its place clears the cache (marks.c). */

#include "daemon/sensor/fanotify/cache.h"

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/base/table.h"

enum { SETTLED = 2 }; /* seconds */
static const int64_t NSEC_PER_SEC = 1000000000;

static_assert(sizeof(FileStamp) == 40, "no padding: stamps are compared as bytes");

typedef struct Key {
        uint32_t major, minor;
        uint64_t inode;
} Key;

typedef struct Entry {
        Key key;
        FileStamp file;
        uint8_t digest[SHA256_SIZE];
        bool used; /* since the hand last came by */
} Entry;

struct Cache {
        Table *entries;
        size_t max;
        size_t hand; /* where making room goes on */
};

DEFINE_CLEANUP(Cache *, cache_free)

int cache_new(size_t max, const uint8_t seed[16], Cache **ret) {
        _cleanup_(cache_freep) Cache *c = new0(Cache, 1);
        int r;

        if (!c)
                return -ENOMEM;
        c->max = max;
        r = table_new(sizeof(Key), sizeof(Entry), max, seed, &c->entries);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

Cache *cache_free(Cache *c) {
        if (!c)
                return NULL;
        table_free(c->entries);
        free(c);
        return NULL;
}

FileStamp file_stamp(const struct statx *file) {
        return (FileStamp){
                .major = file->stx_dev_major,
                .minor = file->stx_dev_minor,
                .inode = file->stx_ino,
                .size = file->stx_size,
                .ctime = file->stx_ctime.tv_sec * NSEC_PER_SEC + file->stx_ctime.tv_nsec,
                .mtime = file->stx_mtime.tv_sec * NSEC_PER_SEC + file->stx_mtime.tv_nsec,
        };
}

static Key key_of(const FileStamp *file) {
        return (Key){ .major = file->major, .minor = file->minor, .inode = file->inode };
}

const uint8_t *cache_get(Cache *c, const FileStamp *file) {
        const Key key = key_of(file);
        Entry *e = table_get(c->entries, &key);

        if (!e)
                return NULL;
        if (memcmp(&e->file, file, sizeof(*file)) != 0) {
                table_remove(c->entries, &key);
                return NULL;
        }
        e->used = true;
        return e->digest;
}

/* Second chance: the hand goes round, and takes away what was not used since it last came by. */
static void make_room(Cache *c) {
        for (;;) {
                Entry *e = table_next(c->entries, &c->hand);

                if (!e)
                        c->hand = 0;
                else if (e->used)
                        e->used = false;
                else {
                        const Key key = e->key;

                        table_remove(c->entries, &key);
                        c->hand--; /* the slot may hold another one now */
                        return;
                }
        }
}

void cache_put(Cache *c, const FileStamp *file, const struct timespec *now, const uint8_t digest[SHA256_SIZE]) {
        const Key key = key_of(file);
        void *slot;
        Entry *e;

        if (c->max == 0 || file->ctime / NSEC_PER_SEC + SETTLED >= now->tv_sec)
                return; /* also when the clock was set back behind it */
        if (table_size(c->entries) >= c->max && !table_get(c->entries, &key))
                make_room(c);
        if (table_put(c->entries, &key, &slot) < 0)
                return; /* the next run is hashed again */
        e = slot;
        e->file = *file;
        e->used = true;
        memcpy(e->digest, digest, SHA256_SIZE);
}

bool cache_drop(Cache *c, const FileStamp *file) {
        const Key key = key_of(file);

        return table_remove(c->entries, &key) > 0;
}

void cache_clear(Cache *c) {
        table_clear(c->entries);
        c->hand = 0;
}

size_t cache_size(const Cache *c) {
        return table_size(c->entries);
}
