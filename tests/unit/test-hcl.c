/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "lib/sim/hcl.h"
#include "tests/test.h"

#include <errno.h>

enum { ROOM = 2600, STATED_SIZE = 8 };

static const uint8_t report[SNP_REPORT_SIZE] = { 3 }, claims[] = "{\"claims\":0}";

static Buffer blob_with(uint32_t version, HashAlg hash, size_t room) {
        const HclBlob blob = { .version = version,
                               .hash = hash,
                               .report = { report, sizeof(report) },
                               .claims = { claims, sizeof(claims) - 1 } };
        Buffer b = {};

        sim_hcl_write(&blob, room, &b);
        assert_int_equal(buffer_error(&b), 0);
        return b;
}

static int parse(const Buffer *b, size_t n, HclBlob *ret, const char **ret_why) {
        size_t offset = SIZE_MAX;
        int r = hcl_parse(b->data, n, ret, &offset, ret_why);

        assert_true(offset <= n);
        return r;
}

static void reads_what_is_written(void **state _unused_) {
        static const HashAlg hashes[] = { HASH_SHA256, HASH_SHA384, HASH_SHA512 };

        for (size_t i = 0; i < ELEMENTSOF(hashes); i++)
                for (uint32_t version = 1; version <= 2; version++) {
                        _cleanup_(buffer_done) Buffer b = blob_with(version, hashes[i], i * ROOM);
                        uint8_t data[SNP_REPORT_DATA_SIZE];
                        const char *why;
                        HclBlob blob;
                        Digest d;

                        assert_int_equal(parse(&b, b.size, &blob, &why), 0);
                        assert_int_equal(blob.version, version);
                        assert_int_equal(blob.hash, hashes[i]);
                        assert_int_equal(blob.stated_size, HCL_CLAIMS_OFFSET + sizeof(claims) - 1);
                        assert_ptr_equal(blob.report.data, b.data + HCL_REPORT_OFFSET);
                        assert_int_equal(blob.claims.size, sizeof(claims) - 1);
                        assert_memory_equal(blob.claims.data, claims, sizeof(claims) - 1);
                        assert_int_equal(hcl_report_data(&blob, data), 0);
                        assert_int_equal(digest_data(hashes[i], claims, sizeof(claims) - 1, &d), 0);
                        assert_memory_equal(data, d.bytes, sizeof(data));
                }
}

static void refuses_what_is_not_whole(void **state _unused_) {
        _cleanup_(buffer_done) Buffer b = blob_with(1, HASH_SHA256, 0);
        const char *why;
        HclBlob blob;

        for (size_t n = 0; n < b.size; n++)
                assert_int_equal(parse(&b, n, &blob, &why), -EINVAL);
        buffer_u8(&b, 'x');
        assert_int_equal(parse(&b, b.size, &blob, &why), -EINVAL);
        assert_string_equal(why, "the bytes behind the claims are not zero");
}

/* Every other value of every byte of the two headers and of the zeros behind is refused; but for the stated size, which is
 * handed out for others to say so. The versions 1 and 2, and the hashes, are told apart by no signature either: a wrong
 * hash does not fit the report data. */
static void every_header_byte_counts(void **state _unused_) {
        _cleanup_(buffer_done) Buffer b = blob_with(1, HASH_SHA256, ROOM);

        for (size_t at = 0; at < b.size; at++) {
                if (at >= HCL_REPORT_OFFSET && at < HCL_DATA_OFFSET)
                        continue;
                if (at >= HCL_CLAIMS_OFFSET && at < HCL_CLAIMS_OFFSET + sizeof(claims) - 1)
                        continue;
                for (unsigned value = 1; value < 256; value++) {
                        uint8_t old = b.data[at];
                        const char *why;
                        HclBlob blob;

                        b.data[at] ^= (uint8_t) value;
                        if (parse(&b, b.size, &blob, &why) == 0 &&
                            blob.stated_size == HCL_CLAIMS_OFFSET + sizeof(claims) - 1 && blob.version == 1 &&
                            blob.hash == HASH_SHA256)
                                fail_msg("byte %zu may be %02x", at, b.data[at]);
                        b.data[at] = old;
                }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(reads_what_is_written),
                TEST(refuses_what_is_not_whole),
                TEST(every_header_byte_counts),
        };

        return RUN(tests);
}
