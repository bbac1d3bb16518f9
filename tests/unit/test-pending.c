/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "lib/pending.h"
#include "tests/sample.h"
#include "tests/test.h"

#include <errno.h>

static void items_and_back(void **state _unused_) {
        _cleanup_(buffer_done) Buffer record = {}, b = {};
        PendingItem item;
        Reader r;

        sample_put_file(&record, 13, "/usr/bin/true");
        assert_int_equal(pending_put_entry(&b, 7, PENDING_KNOWN, record.data, record.size), 0);
        assert_int_equal(pending_put_commit(&b, UINT64_MAX, UINT64_MAX - 1, UINT32_MAX), 0);
        assert_int_equal(pending_put_entry(&b, 8, 0, record.data, record.size), 0);
        r = reader_new(b.data, b.size);

        assert_int_equal(pending_next(&r, &item), RECORD_OK);
        assert_int_equal(item.type, PENDING_ENTRY);
        assert_int_equal(item.seq, 7);
        assert_int_equal(item.flags, PENDING_KNOWN);
        assert_int_equal(item.record_size, record.size);
        assert_memory_equal(item.record, record.data, record.size);

        assert_int_equal(pending_next(&r, &item), RECORD_OK);
        assert_int_equal(item.type, PENDING_COMMIT);
        assert_true(item.seq == UINT64_MAX && item.offset == UINT64_MAX - 1 && item.length == UINT32_MAX);

        assert_int_equal(pending_next(&r, &item), RECORD_OK);
        assert_int_equal(item.flags, 0);
        assert_int_equal(pending_next(&r, &item), RECORD_END);
        assert_true(reader_done(&r));
}

static void torn_items_leave_the_reader(void **state _unused_) {
        _cleanup_(buffer_done) Buffer record = {}, b = {};
        size_t first;

        sample_put_file(&record, 13, "/x");
        assert_int_equal(pending_put_entry(&b, 1, 0, record.data, record.size), 0);
        first = b.size;
        assert_int_equal(pending_put_commit(&b, 1, 0, 100), 0);
        for (size_t n = 0; n < b.size; n++) {
                _cleanup_free_ uint8_t *copy = malloc(n + 1);
                PendingItem item;
                Reader r;

                memcpy(copy, b.data, n);
                r = reader_new(copy, n);
                if (n >= first) {
                        assert_int_equal(pending_next(&r, &item), RECORD_OK);
                        n -= first;
                        assert_int_equal(pending_next(&r, &item), n == 0 ? RECORD_END : RECORD_BAD);
                        assert_int_equal(reader_left(&r), n);
                        n += first;
                } else {
                        assert_int_equal(pending_next(&r, &item), n == 0 ? RECORD_END : RECORD_BAD);
                        assert_int_equal(reader_left(&r), n);
                }
        }
}

static void every_flip_is_seen(void **state _unused_) {
        _cleanup_(buffer_done) Buffer record = {}, b = {};

        sample_put_file(&record, 13, "/x");
        assert_int_equal(pending_put_entry(&b, 1, PENDING_KNOWN, record.data, record.size), 0);
        for (size_t i = 0; i < b.size; i++)
                for (unsigned bit = 0; bit < 8; bit++) {
                        Reader r = reader_new(b.data, b.size);
                        PendingItem item;

                        b.data[i] ^= (uint8_t) (1U << bit);
                        assert_int_equal(pending_next(&r, &item), RECORD_BAD);
                        assert_int_equal(r.pos, 0);
                        b.data[i] ^= (uint8_t) (1U << bit);
                }
}

/* An item whose check is right, so that only its own rules speak. */
static RecordResult next_made(uint32_t magic, uint8_t type, uint8_t flags, uint16_t zero, size_t payload) {
        static const uint8_t bytes[RECORD_SIZE_MAX + 1];
        _cleanup_(buffer_done) Buffer b = {};
        uint8_t check[SHA256_SIZE];
        PendingItem item;
        Reader r;

        buffer_u32le(&b, magic);
        buffer_u8(&b, type);
        buffer_u8(&b, flags);
        buffer_u16le(&b, zero);
        buffer_u64le(&b, 1);
        buffer_u32le(&b, (uint32_t) payload);
        buffer_bytes(&b, bytes, payload);
        assert_int_equal(sha256(b.data, b.size, check), 0);
        buffer_bytes(&b, check, 8);
        r = reader_new(b.data, b.size);
        return pending_next(&r, &item);
}

static void what_is_read_was_written(void **state _unused_) {
        enum { MAGIC = 0x50575353 };

        assert_int_equal(next_made(MAGIC, PENDING_ENTRY, 0, 0, 1), RECORD_OK);
        assert_int_equal(next_made(MAGIC, PENDING_ENTRY, PENDING_KNOWN, 0, RECORD_SIZE_MAX), RECORD_OK);
        assert_int_equal(next_made(MAGIC, PENDING_COMMIT, 0, 0, 12), RECORD_OK);
        assert_int_equal(next_made(MAGIC + 1, PENDING_ENTRY, 0, 0, 1), RECORD_BAD);
        assert_int_equal(next_made(MAGIC, 0, 0, 0, 1), RECORD_BAD);
        assert_int_equal(next_made(MAGIC, 3, 0, 0, 12), RECORD_BAD);
        assert_int_equal(next_made(MAGIC, PENDING_ENTRY, 2, 0, 1), RECORD_BAD);
        assert_int_equal(next_made(MAGIC, PENDING_ENTRY, 0, 1, 1), RECORD_BAD);
        assert_int_equal(next_made(MAGIC, PENDING_ENTRY, 0, 0, 0), RECORD_BAD);
        assert_int_equal(next_made(MAGIC, PENDING_ENTRY, 0, 0, RECORD_SIZE_MAX + 1), RECORD_BAD);
        assert_int_equal(next_made(MAGIC, PENDING_COMMIT, PENDING_KNOWN, 0, 12), RECORD_BAD);
        assert_int_equal(next_made(MAGIC, PENDING_COMMIT, 0, 0, 11), RECORD_BAD);
        assert_int_equal(next_made(MAGIC, PENDING_COMMIT, 0, 0, 13), RECORD_BAD);
}

static void what_cannot_be_read_is_not_written(void **state _unused_) {
        static const uint8_t bytes[RECORD_SIZE_MAX + 1];
        Buffer b = {};

        assert_int_equal(pending_put_entry(&b, 1, 0, bytes, 0), -EINVAL);
        assert_int_equal(pending_put_entry(&b, 1, 0, bytes, sizeof(bytes)), -EINVAL);
        assert_int_equal(pending_put_entry(&b, 1, 2, bytes, 1), -EINVAL);
        assert_int_equal(b.size, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(items_and_back),           TEST(torn_items_leave_the_reader),        TEST(every_flip_is_seen),
                TEST(what_is_read_was_written), TEST(what_cannot_be_read_is_not_written),
        };

        return RUN(tests);
}
