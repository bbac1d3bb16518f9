/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Vectors: FIPS 180 examples for "abc" (NIST, CSRC), and TCG Algorithm Registry numbers. */

#include "lib/digest.h"
#include "tests/test.h"

static void known_digests(void **state _unused_) {
        static const char *const expected[] = {
                [HASH_SHA1] = "a9993e364706816aba3e25717850c26c9cd0d89d",
                [HASH_SHA256] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                [HASH_SHA384] = "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                                "8086072ba1e7cc2358baeca134c825a7",
                [HASH_SHA512] = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                                "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        };

        for (HashAlg alg = 0; alg < _HASH_MAX; alg++) {
                char hex[2 * DIGEST_MAX + 1];
                Digest d, pair;

                assert_int_equal(digest_data(alg, "abc", 3, &d), 0);
                assert_string_equal(digest_hex(&d, hex), expected[alg]);
                assert_int_equal(strlen(hex), 2 * hash_size(alg));
                for (size_t split = 0; split <= 3; split++) {
                        assert_int_equal(digest_pair(alg, "abc", split, "abc" + split, 3 - split, &pair), 0);
                        assert_memory_equal(&pair, &d, sizeof(d)); /* zeros behind its size, too */
                }
        }
}

static void nothing_has_a_digest(void **state _unused_) {
        uint8_t empty[SHA256_SIZE], expected[SHA256_SIZE];

        from_hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", SHA256_SIZE, expected);
        assert_int_equal(sha256(NULL, 0, empty), 0);
        assert_memory_equal(empty, expected, SHA256_SIZE);
}

static void names_and_numbers(void **state _unused_) {
        static const char *const names[] = { "sha1", "sha256", "sha384", "sha512" };
        static const uint16_t ids[] = { 0x0004, 0x000b, 0x000c, 0x000d };
        static const size_t sizes[] = { 20, 32, 48, 64 };

        for (HashAlg alg = 0; alg < _HASH_MAX; alg++) {
                assert_string_equal(hash_name(alg), names[alg]);
                assert_int_equal(hash_from_name(names[alg]), alg);
                assert_int_equal(hash_tpm_id(alg), ids[alg]);
                assert_int_equal(hash_from_tpm_id(ids[alg]), alg);
                assert_int_equal(hash_size(alg), sizes[alg]);
        }
        assert_int_equal(hash_from_name("SHA256"), _HASH_INVALID);
        assert_int_equal(hash_from_name(""), _HASH_INVALID);
        assert_int_equal(hash_from_tpm_id(0x0012), _HASH_INVALID); /* SM3 */
}

static void equality_is_of_algorithm_and_bytes(void **state _unused_) {
        Digest a, b;

        assert_int_equal(digest_data(HASH_SHA256, "a", 1, &a), 0);
        b = a;
        assert_true(digest_equal(&a, &b));
        b.bytes[31] ^= 1;
        assert_false(digest_equal(&a, &b));
        b = a;
        b.alg = HASH_SHA1;
        assert_false(digest_equal(&a, &b));
}

static void streams_are_digests_in_pieces(void **state _unused_) {
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++) {
                uint8_t data[1000];
                Random random = random_new(4);
                DigestStream *s;
                Digest whole, d;

                random_fill(&random, data, sizeof(data));
                assert_int_equal(digest_data(alg, data, sizeof(data), &whole), 0);
                assert_int_equal(digest_stream_new(alg, &s), 0);
                for (unsigned round = 0; round < 3; round++) { /* a stream starts anew at its end */
                        for (size_t i = 0; i < sizeof(data); i += 10)
                                assert_int_equal(digest_stream_add(s, data + i, 10), 0);
                        assert_int_equal(digest_stream_end(s, &d), 0);
                        assert_true(digest_equal(&d, &whole));
                }
                assert_null(digest_stream_free(s));
        }
        assert_null(digest_stream_free(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(known_digests),
                TEST(nothing_has_a_digest),
                TEST(names_and_numbers),
                TEST(equality_is_of_algorithm_and_bytes),
                TEST(streams_are_digests_in_pieces),
        };

        return RUN(tests);
}
