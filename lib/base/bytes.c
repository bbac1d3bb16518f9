/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bounded reading and growing writing of wire bytes. */

#include "lib/base/bytes.h"

#include "lib/base/alloc.h"

const uint8_t *reader_bytes(Reader *r, size_t n) {
        const uint8_t *p;

        if (r->failed || n > r->size - r->pos) {
                r->failed = true;
                return NULL;
        }
        p = r->data + r->pos;
        r->pos += n;
        return p;
}

static uint64_t reader_le(Reader *r, size_t n) {
        const uint8_t *p = reader_bytes(r, n);
        uint64_t v = 0;

        for (size_t i = 0; p && i < n; i++)
                v |= (uint64_t) p[i] << (8 * i);
        return v;
}

static uint64_t reader_be(Reader *r, size_t n) {
        const uint8_t *p = reader_bytes(r, n);
        uint64_t v = 0;

        for (size_t i = 0; p && i < n; i++)
                v = v << 8 | p[i];
        return v;
}

uint8_t reader_u8(Reader *r) {
        return (uint8_t) reader_le(r, 1);
}

uint16_t reader_u16le(Reader *r) {
        return (uint16_t) reader_le(r, 2);
}

uint32_t reader_u32le(Reader *r) {
        return (uint32_t) reader_le(r, 4);
}

uint64_t reader_u64le(Reader *r) {
        return reader_le(r, 8);
}

uint16_t reader_u16be(Reader *r) {
        return (uint16_t) reader_be(r, 2);
}

uint32_t reader_u32be(Reader *r) {
        return (uint32_t) reader_be(r, 4);
}

uint64_t reader_u64be(Reader *r) {
        return reader_be(r, 8);
}

void buffer_done(Buffer *b) {
        free(b->data);
        *b = (Buffer){};
}

void buffer_bytes(Buffer *b, const void *data, size_t n) {
        if (b->failed)
                return;
        if (n > SIZE_MAX - b->size || GREEDY_REALLOC(b->data, b->allocated, b->size + n) < 0) {
                b->failed = true;
                return;
        }
        if (n > 0)
                memcpy(b->data + b->size, data, n);
        b->size += n;
}

static void buffer_le(Buffer *b, uint64_t v, size_t n) {
        uint8_t bytes[8];

        for (size_t i = 0; i < n; i++)
                bytes[i] = (uint8_t) (v >> (8 * i));
        buffer_bytes(b, bytes, n);
}

static void buffer_be(Buffer *b, uint64_t v, size_t n) {
        uint8_t bytes[8];

        for (size_t i = 0; i < n; i++)
                bytes[n - 1 - i] = (uint8_t) (v >> (8 * i));
        buffer_bytes(b, bytes, n);
}

void buffer_u8(Buffer *b, uint8_t v) {
        buffer_le(b, v, 1);
}

void buffer_u16le(Buffer *b, uint16_t v) {
        buffer_le(b, v, 2);
}

void buffer_u32le(Buffer *b, uint32_t v) {
        buffer_le(b, v, 4);
}

void buffer_u64le(Buffer *b, uint64_t v) {
        buffer_le(b, v, 8);
}

void buffer_u16be(Buffer *b, uint16_t v) {
        buffer_be(b, v, 2);
}

void buffer_u32be(Buffer *b, uint32_t v) {
        buffer_be(b, v, 4);
}

void buffer_u64be(Buffer *b, uint64_t v) {
        buffer_be(b, v, 8);
}

void buffer_string(Buffer *b, const char *s) {
        buffer_bytes(b, s, strlen(s));
}

int buffer_error(const Buffer *b) {
        return b->failed ? -ENOMEM : 0;
}
