/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The codec of the pending file. */

#include "lib/pending.h"

#include <errno.h>
#include <string.h>

enum { MAGIC = 0x50575353 /* "SSWP" */, CHECK_SIZE = 8 };

static int put_item(Buffer *b, PendingType type, uint8_t flags, uint64_t seq, const void *payload, size_t size) {
        size_t start = b->size;
        uint8_t check[SHA256_SIZE];
        int r;

        buffer_u32le(b, MAGIC);
        buffer_u8(b, (uint8_t) type);
        buffer_u8(b, flags);
        buffer_u16le(b, 0);
        buffer_u64le(b, seq);
        buffer_u32le(b, (uint32_t) size);
        buffer_bytes(b, payload, size);
        r = buffer_error(b);
        if (r < 0)
                return r;
        r = sha256(b->data + start, b->size - start, check);
        if (r < 0)
                return r;
        buffer_bytes(b, check, CHECK_SIZE);
        return buffer_error(b);
}

int pending_put_entry(Buffer *b, uint64_t seq, uint8_t flags, const void *record, size_t size) {
        if (size == 0 || size > RECORD_SIZE_MAX || flags & ~PENDING_FLAGS)
                return -EINVAL;
        return put_item(b, PENDING_ENTRY, flags, seq, record, size);
}

int pending_put_commit(Buffer *b, uint64_t seq, uint64_t offset, uint32_t length) {
        uint8_t payload[12];

        for (int i = 0; i < 8; i++)
                payload[i] = (uint8_t) (offset >> (8 * i));
        for (int i = 0; i < 4; i++)
                payload[8 + i] = (uint8_t) (length >> (8 * i));
        return put_item(b, PENDING_COMMIT, 0, seq, payload, sizeof(payload));
}

static bool parse_payload(PendingItem *item, const uint8_t *payload, uint32_t size) {
        Reader r = reader_new(payload, size);

        if (item->type == PENDING_COMMIT) {
                item->offset = reader_u64le(&r);
                item->length = reader_u32le(&r);
                return reader_done(&r) && item->flags == 0;
        }
        item->record = payload;
        item->record_size = size;
        return item->type == PENDING_ENTRY && size > 0 && size <= RECORD_SIZE_MAX && !(item->flags & ~PENDING_FLAGS);
}

RecordResult pending_next(Reader *r, PendingItem *ret) {
        Reader attempt = *r;
        uint8_t expected[SHA256_SIZE];
        const uint8_t *payload, *check;
        PendingItem item = {};
        size_t covered;
        uint32_t magic, size;

        if (reader_left(r) == 0)
                return RECORD_END;
        magic = reader_u32le(&attempt);
        item.type = reader_u8(&attempt);
        item.flags = reader_u8(&attempt);
        if (reader_u16le(&attempt) != 0)
                return RECORD_BAD;
        item.seq = reader_u64le(&attempt);
        size = reader_u32le(&attempt);
        payload = reader_bytes(&attempt, size);
        covered = attempt.pos - r->pos;
        check = reader_bytes(&attempt, CHECK_SIZE);
        if (attempt.failed || magic != MAGIC || !parse_payload(&item, payload, size))
                return RECORD_BAD;
        if (sha256(r->data + r->pos, covered, expected) < 0)
                return RECORD_FAILED;
        if (memcmp(expected, check, CHECK_SIZE) != 0)
                return RECORD_BAD;
        *r = attempt;
        *ret = item;
        return RECORD_OK;
}
