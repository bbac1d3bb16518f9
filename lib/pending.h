/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The pending file: what was promised before it was committed. Internal to one boot (it lives on tmpfs beside the
 * log, and nobody but the daemon reads it), little endian:
 *
 *   u32 magic | u8 type | u8 flags | u16 zero | u64 seq | u32 length | payload | 8 bytes check
 *
 * The check is the start of the SHA-256 of all before it, so that an entry that a killed daemon wrote half is
 * recognised as torn. Two types:
 *
 *   entry:  a full event-log record that was promised to somebody; seq is its entry number
 *   commit: u64 offset, u32 length: "the committed file gets `length` bytes at `offset`, which hold all entries up to
 *           and with seq". Written before those bytes: whether they arrived is read off the committed file's size. */

#include "lib/record.h"

typedef enum PendingType {
        PENDING_ENTRY = 1,
        PENDING_COMMIT = 2,
} PendingType;

enum {
        PENDING_KNOWN = 1 << 0, /* flag of entries: a known file, may be folded into a batch */
        PENDING_FLAGS = PENDING_KNOWN,
};

typedef struct PendingItem {
        PendingType type;
        uint8_t flags;
        uint64_t seq;
        const uint8_t *record; /* PENDING_ENTRY: borrowed from the parsed bytes */
        size_t record_size;
        uint64_t offset; /* PENDING_COMMIT */
        uint32_t length;
} PendingItem;

/* Append one item. Failures stick to the buffer (see buffer_error()); -EINVAL for what pending_next() would not take,
 * -EIO from the crypto library. */
int pending_put_entry(Buffer *b, uint64_t seq, uint8_t flags, const void *record, size_t size);
int pending_put_commit(Buffer *b, uint64_t seq, uint64_t offset, uint32_t length);

/* The next item. RECORD_END at the end; RECORD_BAD for a torn or foreign item, after which nothing can be read (the
 * reader stays there, so that the number of torn bytes is what is left). */
RecordResult pending_next(Reader *r, PendingItem *ret);
