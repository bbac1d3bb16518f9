/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/tpm/reportdata.h"
#include "tests/test.h"

/* The digest was computed by coreutils: (printf sealwatch-evidence-v1; printf 01234567; printf '\x00\x0bname' | sha256sum |
 * xxd -r -p) | sha512sum. */
static void report_data_is_of_nonce_and_name(void **state _unused_) {
        static const uint8_t expected[AK_REPORT_DATA_SIZE] = {
                0x62, 0x77, 0xa6, 0x88, 0x71, 0x3d, 0xd3, 0xc0, 0x69, 0xba, 0x7a, 0xc2, 0x3b, 0xcc, 0x49, 0xaa,
                0xa4, 0x67, 0x11, 0xe2, 0x0e, 0x50, 0x29, 0xd0, 0xcc, 0x52, 0x8c, 0x92, 0xd3, 0x3f, 0xdd, 0x2b,
                0xf6, 0x0b, 0x5a, 0x22, 0x68, 0xcc, 0xda, 0xad, 0xc6, 0x3e, 0xd0, 0xd8, 0x10, 0x1c, 0xa7, 0xc0,
                0x51, 0xa4, 0x48, 0x48, 0x9c, 0xce, 0xaf, 0x03, 0xab, 0x29, 0x10, 0x21, 0x99, 0xfb, 0x8b, 0xf1,
        };
        const TpmName name = { .size = 6, .bytes = { 0x00, 0x0b, 'n', 'a', 'm', 'e' } };
        uint8_t data[AK_REPORT_DATA_SIZE], other[AK_REPORT_DATA_SIZE];

        assert_int_equal(ak_report_data("01234567", 8, &name, data), 0);
        assert_memory_equal(data, expected, sizeof(data));
        assert_int_equal(ak_report_data("01234568", 8, &name, other), 0);
        assert_memory_not_equal(data, other, sizeof(data));
        assert_int_equal(
                ak_report_data("01234567", 8, &(TpmName){ .size = 5, .bytes = { 0x00, 0x0b, 'n', 'a', 'm' } }, other),
                0);
        assert_memory_not_equal(data, other, sizeof(data));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(report_data_is_of_nonce_and_name),
        };

        return RUN(tests);
}
