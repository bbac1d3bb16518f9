/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/hex.h"
#include "tests/test.h"

#include <errno.h>

static void every_byte_and_back(void **state _unused_) {
        for (unsigned i = 0; i < 256; i++) {
                uint8_t byte = (uint8_t) i, again = (uint8_t) ~i;
                char text[3], expected[3];

                snprintf(expected, sizeof(expected), "%02x", i);
                assert_ptr_equal(hex_encode(&byte, 1, text), text);
                assert_string_equal(text, expected);
                assert_int_equal(hex_decode(text, 1, &again), 0);
                assert_int_equal(again, byte);
        }
}

static void nothing_is_an_empty_string(void **state _unused_) {
        char text[1] = "x";

        assert_string_equal(hex_encode("", 0, text), "");
        assert_int_equal(hex_decode("", 0, NULL), 0);
}

static void reads_both_cases(void **state _unused_) {
        uint8_t bytes[2];

        assert_int_equal(hex_decode("AbCd rest", 2, bytes), 0);
        assert_int_equal(bytes[0], 0xab);
        assert_int_equal(bytes[1], 0xcd);
}

static void only_digits_are_digits(void **state _unused_) {
        for (unsigned c = 0; c < 256; c++) {
                const char high[] = { (char) c, '0', '\0' }, low[] = { '0', (char) c, '\0' };
                bool digit = c && strchr("0123456789abcdefABCDEF", (int) c);
                uint8_t byte;

                assert_int_equal(hex_decode(high, 1, &byte), digit ? 0 : -EINVAL);
                assert_int_equal(hex_decode(low, 1, &byte), digit ? 0 : -EINVAL);
        }
}

static void stops_at_the_end_of_a_short_string(void **state _unused_) {
        char *text = repeat('0', 5); /* on the heap: a sanitizer sees a read behind it */
        uint8_t bytes[8];

        assert_int_equal(hex_decode(text, 8, bytes), -EINVAL);
        free(text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(every_byte_and_back),    TEST(nothing_is_an_empty_string),         TEST(reads_both_cases),
                TEST(only_digits_are_digits), TEST(stops_at_the_end_of_a_short_string),
        };

        return RUN(tests);
}
