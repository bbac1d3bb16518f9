/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Vectors from swtpm 0.7.1 with tpm2_createpolicy --policy-pcr; tests/judge asks a software TPM anew. */

#include "lib/sealpolicy.h"
#include "tests/test.h"

static void expect(HashAlg alg, PcrSet pcrs, const uint8_t values[PCR_COUNT][DIGEST_MAX], const char *expected) {
        uint8_t digest[SHA256_SIZE];
        char hex[2 * SHA256_SIZE + 1];

        assert_int_equal(seal_policy_digest(alg, pcrs, values, digest), 0);
        assert_string_equal(hex_encode(digest, sizeof(digest), hex), expected);
}

static void as_a_tpm_computes_it(void **state _unused_) {
        uint8_t values[PCR_COUNT][DIGEST_MAX] = {};

        /* sha384:0,23, as after a reset of both */
        expect(HASH_SHA384, 1U << 0 | 1U << 23, values,
               "ab84b5a4551d86297b6d66af22a8ef6d2ac2e7bd88ac69f9590daeab2c1433f4");
        /* sha256:7,12, PCR 7 extended once with the SHA-256 of "abc" */
        from_hex("589f9ffed4c477966bfb8d41f37895b08c69047df8f911d6f3b57fbe08faee8d", SHA256_SIZE, values[7]);
        values[3][0] = 1; /* not chosen: without effect */
        expect(HASH_SHA256, 1U << 7 | 1U << 12, values,
               "87dd25bc70598a5183c69ab28db7ba8c9e0bfc8691e54c0b061f1ae1388cb875");
}

/* Only the chosen bytes count, and every one of them does. */
static void every_chosen_byte_counts(void **state _unused_) {
        uint8_t values[PCR_COUNT][DIGEST_MAX] = {}, first[SHA256_SIZE], digest[SHA256_SIZE];

        assert_int_equal(seal_policy_digest(HASH_SHA256, 1U << 5, values, first), 0);
        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
                for (size_t i = 0; i < DIGEST_MAX; i++) {
                        values[pcr][i] = 1;
                        assert_int_equal(seal_policy_digest(HASH_SHA256, 1U << 5, values, digest), 0);
                        assert_int_equal(memcmp(digest, first, sizeof(digest)) != 0, pcr == 5 && i < 32);
                        values[pcr][i] = 0;
                }
        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
                assert_int_equal(seal_policy_digest(HASH_SHA256, 1U << pcr, values, digest), 0);
                assert_int_equal(memcmp(digest, first, sizeof(digest)) != 0, pcr != 5);
        }
}

static void selections_are_marshalled(void **state _unused_) {
        static const uint8_t expected[] = { 0, 0, 0, 1, 0, 0x0c, 3, 0x81, 0x10, 0x80 };
        uint8_t selection[PCR_SELECTION_SIZE];

        pcr_selection_encode(HASH_SHA384, 1U << 0 | 1U << 7 | 1U << 12 | 1U << 23, selection);
        assert_memory_equal(selection, expected, sizeof(expected));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(as_a_tpm_computes_it),
                TEST(every_chosen_byte_counts),
                TEST(selections_are_marshalled),
        };

        return RUN(tests);
}
