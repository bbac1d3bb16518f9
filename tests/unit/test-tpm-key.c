/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "lib/sim/quote.h"
#include "lib/tpm/key.h"
#include "tests/test.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

static const uint8_t f4[] = { 1, 0, 1 };

static SimKey new_key(uint16_t scheme, unsigned size) {
        SimKey k;

        assert_int_equal(sim_key_new(scheme, size, HASH_SHA256, SIM_AK_ATTRIBUTES, &k), 0);
        return k;
}

static char *pem_of(EVP_PKEY *pkey) {
        BIO *bio = BIO_new(BIO_s_mem());
        const char *text;
        long n;
        char *copy;

        assert_int_equal(PEM_write_bio_PUBKEY(bio, pkey), 1);
        n = BIO_get_mem_data(bio, &text);
        copy = strndup(text, (size_t) n);
        BIO_free(bio);
        assert_non_null(copy);
        return copy;
}

static void refused_pem(const char *text, const char *expected) {
        const char *why = NULL;
        TpmKey k;

        assert_int_equal(tpm_key_from_pem(text, strlen(text), &k, &why), -EINVAL);
        if (!why || !strstr(why, expected))
                fail_msg("%s: %s", expected, why ? why : "no reason");
}

static void same_key_in_every_form(void **state _unused_) {
        static const struct {
                uint16_t scheme;
                unsigned size;
                const char *kind;
        } kinds[] = {
                { TPM_ID_RSASSA, 2048, "RSA 2048" },           { TPM_ID_RSAPSS, 3072, "RSA 3072" },
                { TPM_ID_ECDSA, TPM_CURVE_P256, "ECC P-256" }, { TPM_ID_ECDSA, TPM_CURVE_P384, "ECC P-384" },
                { TPM_ID_ECDSA, TPM_CURVE_P521, "ECC P-521" },
        };
        _cleanup_(tpm_key_done) TpmKey last = {};

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                _cleanup_(sim_key_done) SimKey k = new_key(kinds[i].scheme, kinds[i].size);
                _cleanup_(tpm_key_done) TpmKey public = {}, pem = {};
                _cleanup_free_ char *text = pem_of(k.pkey);
                const char *why;
                char kind[16];

                assert_int_equal(tpm_key_from_public(&k.public, &public, &why), 0);
                assert_int_equal(tpm_key_from_pem(text, strlen(text), &pem, &why), 0);
                assert_true(tpm_key_equal(&public, &pem));
                assert_string_equal(tpm_key_kind(&pem, kind), kinds[i].kind);
                assert_false(last.pkey && tpm_key_equal(&last, &pem));
                tpm_key_done(&last);
                last = TAKE_STRUCT(pem);
        }
}

static void refuses_weak_rsa(void **state _unused_) {
        static const uint8_t exponents[][5] = {
                { 0, 0, 0, 0, 0 }, { 0, 0, 0, 0, 1 },       { 0, 0, 0, 0, 3 },
                { 0, 0, 1, 0, 0 }, { 0, 0, 0, 0xff, 0xff }, { 1, 0, 0, 0, 1 },
        };
        _cleanup_(sim_key_done) SimKey k = new_key(TPM_ID_RSASSA, 2048), small = new_key(TPM_ID_RSASSA, 1024);
        uint8_t modulus[256];
        const char *why;
        TpmKey key;

        for (size_t i = 0; i < ELEMENTSOF(exponents); i++)
                assert_int_equal(tpm_key_from_rsa(k.public.x.data, 256, exponents[i], 5, &key, &why), -EINVAL);
        assert_int_equal(tpm_key_from_public(&small.public, &key, &why), -EINVAL);
        assert_string_equal(why, "an RSA modulus must have 2048 to 4096 bits");
        memcpy(modulus, k.public.x.data, sizeof(modulus));
        modulus[255] ^= 1; /* even */
        assert_int_equal(tpm_key_from_rsa(modulus, 256, f4, 3, &key, &why), -EINVAL);
        memset(modulus, 0xff, sizeof(modulus)); /* divisible by 3 */
        assert_int_equal(tpm_key_from_rsa(modulus, 256, f4, 3, &key, &why), -EINVAL);
        assert_string_equal(why, "the public key is not sound");
        k.public.bits = 3072;
        assert_int_equal(tpm_key_from_public(&k.public, &key, &why), -EINVAL);
}

/* Whoever knows that a modulus is a prime number can sign. */
static void refuses_a_prime_modulus(void **state _unused_) {
        BIGNUM *prime = BN_new();
        uint8_t modulus[256];
        const char *why;
        TpmKey key;

        assert_int_equal(BN_generate_prime_ex(prime, 2048, 0, NULL, NULL, NULL), 1);
        assert_int_equal(BN_bn2binpad(prime, modulus, 256), 256);
        BN_free(prime);
        assert_int_equal(tpm_key_from_rsa(modulus, 256, f4, 3, &key, &why), -EINVAL);
        assert_string_equal(why, "the public key is not sound");
}

static void refuses_a_point_beside_the_curve(void **state _unused_) {
        _cleanup_(sim_key_done) SimKey k = new_key(TPM_ID_ECDSA, TPM_CURVE_P256);
        uint8_t x[33] = { 1 };
        const char *why;
        TpmKey key;

        k.encoded.data[k.encoded.size - 1] ^= 1;
        assert_int_equal(tpm_key_from_public(&k.public, &key, &why), -EINVAL);
        k.encoded.data[k.encoded.size - 1] ^= 1;
        k.public.curve = TPM_CURVE_P384;
        assert_int_equal(tpm_key_from_public(&k.public, &key, &why), -EINVAL);
        k.public.curve = 0x0020; /* SM2 */
        assert_int_equal(tpm_key_from_public(&k.public, &key, &why), -EINVAL);
        assert_string_equal(why, "the curve is none of P-256, P-384 and P-521");
        k.public.curve = TPM_CURVE_P256;
        memcpy(x + 1, k.public.x.data, 32);
        k.public.x = (Bytes){ x, sizeof(x) };
        assert_int_equal(tpm_key_from_public(&k.public, &key, &why), -EINVAL);
        assert_string_equal(why, "a coordinate is too long for the curve");
        k.public.x = k.public.y = (Bytes){}; /* the point at infinity has no coordinates */
        assert_int_equal(tpm_key_from_public(&k.public, &key, &why), -EINVAL);
}

static void refuses_other_pem(void **state _unused_) {
        _cleanup_(sim_key_done) SimKey k = new_key(TPM_ID_RSASSA, 2048);
        _cleanup_free_ char *text = pem_of(k.pkey), *twice = NULL;

        assert_true(asprintf(&twice, "%s%s", text, text) > 0);
        refused_pem(twice, "there are more");
        refused_pem("", "neither");
        refused_pem("-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----\n", "base64");
        refused_pem("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n", "another kind");
        refused_pem("-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n", "not a public key");
}

static EVP_PKEY *new_pss_key(void) {
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
        EVP_PKEY *pkey = NULL;

        assert_int_equal(EVP_PKEY_keygen_init(context), 1);
        assert_int_equal(EVP_PKEY_generate(context, &pkey), 1);
        EVP_PKEY_CTX_free(context);
        return pkey;
}

static void refuses_other_keys(void **state _unused_) {
        EVP_PKEY *edwards = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), *curve = EVP_EC_gen("secp256k1"),
                 *pss = new_pss_key();
        _cleanup_free_ char *first = pem_of(edwards), *second = pem_of(curve), *third = pem_of(pss), *fourth = NULL;
        EVP_PKEY *spelled = EVP_EC_gen("P-256");

        refused_pem(first, "neither");
        refused_pem(second, "curve is none");
        refused_pem(third, "neither");
        assert_int_equal(EVP_PKEY_set_utf8_string_param(spelled, "encoding", "explicit"), 1);
        fourth = pem_of(spelled);
        refused_pem(fourth, "spelled out");
        EVP_PKEY_free(edwards);
        EVP_PKEY_free(curve);
        EVP_PKEY_free(pss);
        EVP_PKEY_free(spelled);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(same_key_in_every_form),           TEST(refuses_weak_rsa),  TEST(refuses_a_prime_modulus),
                TEST(refuses_a_point_beside_the_curve), TEST(refuses_other_pem), TEST(refuses_other_keys),
        };

        return RUN(tests);
}
