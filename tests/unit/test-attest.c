/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/test.h"
#include "lib/base/cleanup.h"
#include "lib/sim/quote.h"

#include <errno.h>

static const uint8_t extra[] = "nonce", signer[34] = { 0, 0x0b, 1, 2, 3 }, digest[32] = { 4, 5, 6 };

static const Attest sample = {
        .signer = { signer, sizeof(signer) },
        .extra = { extra, sizeof(extra) },
        .digest = { digest, sizeof(digest) },
        .clock = UINT64_C(0x0102030405060708),
        .firmware = UINT64_C(0x1112131415161718),
        .resets = 7,
        .restarts = 8,
        .safe = true,
        .n_selections = 2,
        .selections = { { 0x000b, HASH_SHA256, 0x800001 }, { 0x0012, _HASH_INVALID, 0x000100 } },
};

static int parse(const Buffer *b, size_t n, Attest *ret, const char **ret_why) {
        size_t offset = SIZE_MAX;
        int r = attest_parse(b->data, n, ret, &offset, ret_why);

        assert_true(offset <= n);
        return r;
}

static void reads_what_is_written(void **state _unused_) {
        _cleanup_(buffer_done) Buffer b = {};
        const char *why;
        Attest a;

        sim_attest_write(&sample, &b);
        assert_int_equal(parse(&b, b.size, &a, &why), 0);
        assert_int_equal(a.signer.size, sizeof(signer));
        assert_memory_equal(a.signer.data, signer, sizeof(signer));
        assert_memory_equal(a.extra.data, extra, sizeof(extra));
        assert_memory_equal(a.digest.data, digest, sizeof(digest));
        assert_int_equal(a.clock, sample.clock);
        assert_int_equal(a.firmware, sample.firmware);
        assert_int_equal(a.resets, 7);
        assert_int_equal(a.restarts, 8);
        assert_true(a.safe);
        assert_int_equal(a.n_selections, 2);
        assert_memory_equal(a.selections, sample.selections, sizeof(a.selections));
}

static void refuses_what_is_not_whole(void **state _unused_) {
        _cleanup_(buffer_done) Buffer b = {};
        const char *why;
        Attest a;

        sim_attest_write(&sample, &b);
        for (size_t n = 0; n < b.size; n++)
                assert_int_equal(parse(&b, n, &a, &why), -EINVAL);
        buffer_u8(&b, 0);
        assert_int_equal(parse(&b, b.size, &a, &why), -EINVAL);
        assert_string_equal(why, "there are bytes behind the quote");
}

/* One changed byte of the fixed parts: what each is refused for. */
static void refuses_what_is_no_quote(void **state _unused_) {
        static const struct {
                size_t at;
                uint8_t value;
                const char *why;
        } cases[] = {
                { 0, 0xfe, "TPM_GENERATED_VALUE" },
                { 3, 0x48, "TPM_GENERATED_VALUE" },
                { 5, 0x17, "it is no quote" },
                { 7, 67, "too long" },
                { 6 + 2 + 34 + 2 + 6 + 16, 2, "safe" },
                { 6 + 2 + 34 + 2 + 6 + 17 + 8 + 3, 17, "too long" },
                { 6 + 2 + 34 + 2 + 6 + 17 + 8 + 4 + 2, 5, "too long" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(buffer_done) Buffer b = {};
                const char *why;
                Attest a;

                sim_attest_write(&sample, &b);
                b.data[cases[i].at] = cases[i].value;
                assert_int_equal(parse(&b, b.size, &a, &why), -EINVAL);
                if (!strstr(why, cases[i].why))
                        fail_msg("%zu: %s", i, why);
        }
}

static void digests_values_in_their_order(void **state _unused_) {
        PcrInputs pcrs = { .banks = bank(HASH_SHA1) | bank(HASH_SHA256) };
        Attest a = { .n_selections = 2, .selections = { { 0x000b, HASH_SHA256, 0x82 }, { 0x0004, HASH_SHA1, 1 } } };
        uint8_t all[32 + 32 + 20];
        Digest wanted, found;

        pcrs.files[HASH_SHA256].present = 0x82;
        pcrs.files[HASH_SHA1].present = 1;
        memset(all, 1, 32);
        memset(all + 32, 7, 32);
        memset(all + 64, 0x11, 20);
        memcpy(pcrs.files[HASH_SHA256].values[1], all, 32);
        memcpy(pcrs.files[HASH_SHA256].values[7], all + 32, 32);
        memcpy(pcrs.files[HASH_SHA1].values[0], all + 64, 20);
        assert_int_equal(digest_data(HASH_SHA384, all, sizeof(all), &wanted), 0);
        assert_int_equal(attest_pcr_digest(&a, &pcrs, HASH_SHA384, &found), 0);
        assert_true(digest_equal(&wanted, &found));
        a.selections[1].pcrs = 3;
        assert_int_equal(attest_pcr_digest(&a, &pcrs, HASH_SHA384, &found), -ENODATA);
        a.selections[1] = (TpmSelection){ 0x0012, _HASH_INVALID, 1 };
        assert_int_equal(attest_pcr_digest(&a, &pcrs, HASH_SHA384, &found), -ENODATA);
        a.selections[1].pcrs = 0;
        assert_int_equal(attest_pcr_digest(&a, &pcrs, HASH_SHA384, &found), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(reads_what_is_written),
                TEST(refuses_what_is_not_whole),
                TEST(refuses_what_is_no_quote),
                TEST(digests_values_in_their_order),
        };

        return RUN(tests);
}
