/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The vectors of the reference implementation (github.com/veorq/SipHash, vectors.h): key 00 01 .. 0f, input 00 01 ..
 * of 0 to 63 bytes. OpenSSL's own SipHash is the judge for what they do not cover. */

#include "lib/base/siphash.h"
#include "tests/test.h"

#include <openssl/evp.h>
#include <openssl/params.h>

static uint64_t by_openssl(const void *data, size_t n, const uint8_t key[16]) {
        EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
        EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
        size_t size = 8, written;
        const OSSL_PARAM params[] = { OSSL_PARAM_construct_size_t("size", &size), OSSL_PARAM_construct_end() };
        uint8_t out[8];
        uint64_t v = 0;

        assert_int_equal(EVP_MAC_init(context, key, 16, params), 1);
        assert_int_equal(EVP_MAC_update(context, data, n), 1);
        assert_int_equal(EVP_MAC_final(context, out, &written, sizeof(out)), 1);
        assert_int_equal(written, 8);
        for (int i = 7; i >= 0; i--)
                v = v << 8 | out[i];
        EVP_MAC_CTX_free(context);
        EVP_MAC_free(mac);
        return v;
}

static void official_vectors(void **state _unused_) {
        static const struct {
                size_t n;
                uint64_t expected;
        } vectors[] = {
                { 0, UINT64_C(0x726fdb47dd0e0e31) },  { 1, UINT64_C(0x74f839c593dc67fd) },
                { 2, UINT64_C(0x0d6c8009d9a94f5a) },  { 3, UINT64_C(0x85676696d7fb7e2d) },
                { 4, UINT64_C(0xcf2794e0277187b7) },  { 5, UINT64_C(0x18765564cd99a68d) },
                { 6, UINT64_C(0xcbc9466e58fee3ce) },  { 7, UINT64_C(0xab0200f58b01d137) },
                { 8, UINT64_C(0x93f5f5799a932462) },  { 15, UINT64_C(0xa129ca6149be45e5) },
                { 63, UINT64_C(0x958a324ceb064572) },
        };
        uint8_t key[16], input[64];

        for (unsigned i = 0; i < sizeof(input); i++)
                input[i] = (uint8_t) i;
        memcpy(key, input, sizeof(key));
        for (size_t i = 0; i < ELEMENTSOF(vectors); i++)
                assert_true(siphash24(input, vectors[i].n, key) == vectors[i].expected);
}

static void as_openssl(void **state _unused_) {
        Random random = random_new(1);
        uint8_t key[16], input[300];

        for (size_t n = 0; n <= sizeof(input); n++) {
                random_fill(&random, key, sizeof(key));
                random_fill(&random, input, n);
                assert_true(siphash24(input, n, key) == by_openssl(input, n, key));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { TEST(official_vectors), TEST(as_openssl) };

        return RUN(tests);
}
