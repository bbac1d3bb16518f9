/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Known values: extends computed with coreutils (printf | xxd -r | sha256sum), written down here. */

#include "lib/pcr.h"
#include "tests/test.h"

#include <errno.h>

static void extends_are_hashes_of_old_and_new(void **state _unused_) {
        /* sha256(32 zeros || sha256("abc")); then once more */
        static const char *const expected[] = {
                "589f9ffed4c477966bfb8d41f37895b08c69047df8f911d6f3b57fbe08faee8d",
                "bdeb6c6dc63852834c89f67066194207ce7d3806ea40ca58dc079246ef58a926",
        };
        BankDigests value = bank_digests_zero(bank(HASH_SHA256)), abc;
        uint8_t bytes[SHA256_SIZE];

        assert_int_equal(bank_digests_hash(value.banks, "abc", 3, &abc), 0);
        for (size_t i = 0; i < ELEMENTSOF(expected); i++) {
                assert_int_equal(bank_digests_extend(&value, &abc), 0);
                from_hex(expected[i], SHA256_SIZE, bytes);
                assert_memory_equal(value.values[HASH_SHA256], bytes, SHA256_SIZE);
        }
}

static void every_bank_by_its_own_hash(void **state _unused_) {
        const BankSet all = (1U << _HASH_MAX) - 1;
        BankDigests value = bank_digests_zero(all), digest = bank_digests_violation(all);

        assert_int_equal(bank_digests_extend(&value, &digest), 0);
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++) {
                uint8_t both[2 * DIGEST_MAX] = {};
                Digest expected;

                memset(both + hash_size(alg), 0xff, hash_size(alg));
                assert_int_equal(digest_data(alg, both, 2 * hash_size(alg), &expected), 0);
                assert_memory_equal(value.values[alg], expected.bytes, DIGEST_MAX); /* zeros behind it */
        }
}

static void all_banks_of_the_value_are_needed(void **state _unused_) {
        BankDigests value = bank_digests_zero(bank(HASH_SHA256) | bank(HASH_SHA384)), before = value;
        BankDigests one = bank_digests_violation(bank(HASH_SHA256));
        BankDigests more = bank_digests_violation(bank(HASH_SHA1) | bank(HASH_SHA256) | bank(HASH_SHA384));

        assert_int_equal(bank_digests_extend(&value, &one), -EINVAL);
        assert_memory_equal(&value, &before, sizeof(value));
        assert_int_equal(bank_digests_extend(&value, &more), 0);
        assert_int_equal(value.banks, before.banks);
}

static void equality(void **state _unused_) {
        BankDigests a = bank_digests_zero(bank(HASH_SHA1) | bank(HASH_SHA384)), b = a;

        assert_true(bank_digests_is_zero(&a));
        assert_true(bank_digests_equal(&a, &b));
        b.values[HASH_SHA256][0] = 1; /* not one of its banks */
        b.values[HASH_SHA1][20] = 1;  /* behind its digest */
        assert_true(bank_digests_equal(&a, &b));
        assert_true(bank_digests_is_zero(&b));
        b.values[HASH_SHA384][47] = 1;
        assert_false(bank_digests_equal(&a, &b));
        assert_false(bank_digests_is_zero(&b));
        b = a;
        b.banks |= bank(HASH_SHA512);
        assert_false(bank_digests_equal(&a, &b));
}

static void one_register_out_of_all(void **state _unused_) {
        PcrValues values = { .banks = bank(HASH_SHA1) | bank(HASH_SHA256) };
        BankDigests d;

        values.values[HASH_SHA256][7][31] = 9;
        values.values[HASH_SHA1][7][0] = 8;
        values.values[HASH_SHA256][8][31] = 7;
        d = pcr_values_get(&values, 7);
        assert_int_equal(d.banks, values.banks);
        assert_int_equal(d.values[HASH_SHA256][31], 9);
        assert_int_equal(d.values[HASH_SHA1][0], 8);
}

static void sha256_is_preferred(void **state _unused_) {
        assert_int_equal(bank_preferred((1U << _HASH_MAX) - 1), HASH_SHA256);
        assert_int_equal(bank_preferred(bank(HASH_SHA384) | bank(HASH_SHA512) | bank(HASH_SHA1)), HASH_SHA384);
        assert_int_equal(bank_preferred(bank(HASH_SHA512)), HASH_SHA512);
        assert_int_equal(bank_preferred(bank(HASH_SHA1)), _HASH_INVALID);
        assert_int_equal(bank_preferred(0), _HASH_INVALID);
}

static void sets_as_text(void **state _unused_) {
        static const struct {
                PcrSet set;
                const char *text;
        } cases[] = { { 0, "none" },
                      { 1, "0" },
                      { 1U << 23, "23" },
                      { 0xffffff, "0-23" },
                      { 0x3, "0-1" },
                      { 0x43ff, "0-9, 14" },
                      { 0x800005, "0, 2, 23" },
                      { 0x555555, "0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22" } };
        char pcrs[PCR_SET_TEXT_MAX], banks[BANK_SET_TEXT_MAX];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_string_equal(pcr_set_text(cases[i].set, pcrs), cases[i].text);
        assert_string_equal(bank_set_text(0, banks), "none");
        assert_string_equal(bank_set_text(bank(HASH_SHA384), banks), "sha384");
        assert_string_equal(bank_set_text(0xf, banks), "sha1, sha256, sha384, sha512");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(extends_are_hashes_of_old_and_new),
                TEST(every_bank_by_its_own_hash),
                TEST(all_banks_of_the_value_are_needed),
                TEST(equality),
                TEST(sets_as_text),
                TEST(one_register_out_of_all),
                TEST(sha256_is_preferred),
        };

        return RUN(tests);
}
