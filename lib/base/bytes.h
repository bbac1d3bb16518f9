/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The only two ways in which pure code touches wire bytes: a bounded reader and a growing writer.
 *
 * Reader: every read checks the bounds first; the first failure makes all later reads fail, so that a parser may
 * read a whole structure and check once at the end. A failed read returns zero or NULL. Offsets count from the
 * start of the outermost bytes and are meant for error messages. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Reader {
        const uint8_t *data; /* borrowed */
        size_t size, pos;
        bool failed; /* a read went past the end */
} Reader;

static inline Reader reader_new(const void *data, size_t size) {
        return (Reader){ .data = data, .size = size };
}

static inline size_t reader_left(const Reader *r) {
        return r->size - r->pos;
}

/* True when nothing failed and nothing is left. */
static inline bool reader_done(const Reader *r) {
        return !r->failed && r->pos == r->size;
}

uint8_t reader_u8(Reader *r);
uint16_t reader_u16le(Reader *r);
uint32_t reader_u32le(Reader *r);
uint64_t reader_u64le(Reader *r);
uint16_t reader_u16be(Reader *r);
uint32_t reader_u32be(Reader *r);
uint64_t reader_u64be(Reader *r);

/* n bytes in place (borrowed from the reader's data), NULL when fewer are left. */
const uint8_t *reader_bytes(Reader *r, size_t n);

/* Writer: grows as needed; the first allocation failure sticks and is reported by buffer_error(). All-zero is a
 * valid empty buffer. */
typedef struct Buffer {
        uint8_t *data; /* owned */
        size_t size, allocated;
        bool failed; /* out of memory */
} Buffer;

void buffer_done(Buffer *b); /* also its own cleanup function */
void buffer_u8(Buffer *b, uint8_t v);
void buffer_u16le(Buffer *b, uint16_t v);
void buffer_u32le(Buffer *b, uint32_t v);
void buffer_u64le(Buffer *b, uint64_t v);
void buffer_u16be(Buffer *b, uint16_t v);
void buffer_u32be(Buffer *b, uint32_t v);
void buffer_u64be(Buffer *b, uint64_t v);
void buffer_bytes(Buffer *b, const void *data, size_t n);
void buffer_string(Buffer *b, const char *s); /* without its NUL */

/* 0 or -ENOMEM. */
int buffer_error(const Buffer *b);
