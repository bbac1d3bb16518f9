/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records and pending items written again, and made right again after a change. */

#include "tests/fuzz/rewrite.h"

#include <string.h>

#include "tests/sample.h"

void rewrite_record(Buffer *b, const RecordView *view) {
        if (view->violation)
                REQUIRE(record_put_violation(b, view->pcr, view->name) == 0);
        else if (view->template == TEMPLATE_NG)
                REQUIRE(record_put_file(b, view->pcr, view->digest, view->name) == 0);
        else
                REQUIRE(record_put_event(b, view->pcr, view->name, view->buf, view->buf_size) == 0);
}

/* n bytes that may be changed, NULL when fewer are left. */
static uint8_t *writable(Reader *r, size_t n) {
        return (uint8_t *) (uintptr_t) reader_bytes(r, n);
}

/* The digest of the third field of ima-buf. */
static void repair_buffer(uint8_t *data, size_t size) {
        enum { PREFIX_SIZE = sizeof("sha256:") };
        Reader r = reader_new(data, size);
        uint32_t digest_size = reader_u32le(&r);
        uint8_t *digest = writable(&r, digest_size), *buffer;
        uint32_t n;

        (void) writable(&r, reader_u32le(&r));
        n = reader_u32le(&r);
        buffer = writable(&r, n);
        if (r.failed || digest_size != PREFIX_SIZE + SHA256_SIZE)
                return;
        repair_records(buffer, n);
        REQUIRE(sha256(buffer, n, digest + PREFIX_SIZE) == 0);
}

void repair_records(uint8_t *data, size_t size) {
        static const uint8_t violation[SHA1_SIZE];
        Reader r = reader_new(data, size);

        while (reader_left(&r) > 0) {
                uint8_t *sha1, *template_data;
                uint32_t n;
                Digest digest;

                (void) reader_u32le(&r);
                sha1 = writable(&r, SHA1_SIZE);
                (void) writable(&r, reader_u32le(&r));
                n = reader_u32le(&r);
                template_data = writable(&r, n);
                if (r.failed)
                        return;
                if (memcmp(sha1, violation, SHA1_SIZE) == 0)
                        continue;
                repair_buffer(template_data, n);
                REQUIRE(digest_data(HASH_SHA1, template_data, n, &digest) == 0);
                memcpy(sha1, digest.bytes, SHA1_SIZE);
        }
}

void repair_pending(uint8_t *data, size_t size) {
        enum { LENGTH_OFFSET = 16, CHECK_SIZE = 8 };
        Reader r = reader_new(data, size);

        while (reader_left(&r) > 0) {
                uint8_t *item = data + r.pos, *check, digest[SHA256_SIZE];
                size_t covered;

                (void) writable(&r, LENGTH_OFFSET);
                (void) writable(&r, reader_u32le(&r));
                covered = (size_t) (data + r.pos - item);
                check = writable(&r, CHECK_SIZE);
                if (r.failed)
                        return;
                REQUIRE(sha256(item, covered, digest) == 0);
                memcpy(check, digest, CHECK_SIZE);
        }
}
