/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/bytes.h"
#include "tests/test.h"

#include <errno.h>

static void reads_every_width(void **state _unused_) {
        static const uint8_t data[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21 };
        Reader r = reader_new(data, sizeof(data));

        assert_int_equal(reader_u8(&r), 1);
        assert_int_equal(reader_u16le(&r), 0x0302);
        assert_int_equal(reader_u32le(&r), 0x07060504);
        assert_true(reader_u64le(&r) == UINT64_C(0x0f0e0d0c0b0a0908));
        assert_int_equal(reader_u16be(&r), 0x1011);
        assert_int_equal(reader_u32be(&r), 0x12131415);
        assert_true(reader_done(&r));
        assert_int_equal(reader_left(&r), 0);
}

static void first_failure_sticks(void **state _unused_) {
        static const uint8_t data[] = { 1, 2, 3 };
        Reader r = reader_new(data, sizeof(data));

        assert_int_equal(reader_u32le(&r), 0);
        assert_true(r.failed);
        assert_int_equal(r.pos, 0);
        assert_int_equal(reader_u8(&r), 0); /* although a byte is there */
        assert_null(reader_bytes(&r, 0));
        assert_false(reader_done(&r));
}

static void reads_no_byte_too_many(void **state _unused_) {
        static const uint8_t data[16] = { 0 };

        for (size_t size = 0; size <= sizeof(data); size++)
                for (size_t n = 0; n <= sizeof(data) + 1; n++) {
                        Reader r = reader_new(data, size);

                        assert_int_equal(reader_bytes(&r, n) != NULL, n <= size);
                        assert_int_equal(r.failed, n > size);
                        assert_int_equal(reader_left(&r), n <= size ? size - n : size);
                }
        Reader r = reader_new(data, 4);
        assert_non_null(reader_bytes(&r, 2));
        assert_null(reader_bytes(&r, SIZE_MAX)); /* the sum would wrap around */
}

static void empty_reader_is_done(void **state _unused_) {
        Reader r = reader_new(NULL, 0);

        assert_true(reader_done(&r));
        assert_int_equal(reader_u8(&r), 0);
        assert_false(reader_done(&r));
}

static void writes_what_is_read(void **state _unused_) {
        Buffer b = {};
        Reader r;

        buffer_u8(&b, 0xfe);
        buffer_u16le(&b, 0xfedc);
        buffer_u32le(&b, 0xfedcba98);
        buffer_u64le(&b, UINT64_C(0xfedcba9876543210));
        buffer_u16be(&b, 0xfedc);
        buffer_u32be(&b, 0xfedcba98);
        buffer_bytes(&b, "xyz", 2);
        buffer_bytes(&b, NULL, 0);
        buffer_string(&b, "end");
        assert_int_equal(buffer_error(&b), 0);
        assert_int_equal(b.size, 1 + 2 + 4 + 8 + 2 + 4 + 2 + 3);

        r = reader_new(b.data, b.size);
        assert_int_equal(reader_u8(&r), 0xfe);
        assert_int_equal(reader_u16le(&r), 0xfedc);
        assert_int_equal(reader_u32le(&r), 0xfedcba98);
        assert_true(reader_u64le(&r) == UINT64_C(0xfedcba9876543210));
        assert_int_equal(reader_u16be(&r), 0xfedc);
        assert_int_equal(reader_u32be(&r), 0xfedcba98);
        assert_memory_equal(reader_bytes(&r, 5), "xyend", 5);
        assert_true(reader_done(&r));
        buffer_done(&b);
        assert_null(b.data);
        buffer_done(&b); /* an empty one is safe to destroy */
}

static void growing_keeps_the_bytes(void **state _unused_) {
        Buffer b = {};

        for (unsigned i = 0; i < 10000; i++)
                buffer_u8(&b, (uint8_t) (i * 7));
        assert_int_equal(b.size, 10000);
        for (unsigned i = 0; i < 10000; i++)
                assert_int_equal(b.data[i], (uint8_t) (i * 7));
        buffer_done(&b);
}

static void failure_of_a_buffer_sticks(void **state _unused_) {
        Buffer b = {};

        buffer_u8(&b, 1);
        buffer_bytes(&b, "", SIZE_MAX); /* more than any memory */
        assert_int_equal(buffer_error(&b), -ENOMEM);
        buffer_u8(&b, 2);
        assert_int_equal(b.size, 1);
        assert_int_equal(buffer_error(&b), -ENOMEM);
        buffer_done(&b);
        assert_int_equal(buffer_error(&b), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(reads_every_width),          TEST(first_failure_sticks), TEST(reads_no_byte_too_many),
                TEST(empty_reader_is_done),       TEST(writes_what_is_read),  TEST(growing_keeps_the_bytes),
                TEST(failure_of_a_buffer_sticks),
        };

        return RUN(tests);
}
