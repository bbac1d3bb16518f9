/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "lib/sim/quote.h"
#include "tests/test.h"

#include <errno.h>

/* An Azure-like AK template with a short modulus, written by hand. */
#define TEMPLATE                                                                                                      \
        "0001"                                                                                                        \
        "000b"                                                                                                        \
        "00050472"                                                                                                    \
        "0000"                                                                                                        \
        "0010"                                                                                                        \
        "0014000b"                                                                                                    \
        "0800"                                                                                                        \
        "00000000"
enum { TEMPLATE_SIZE = 24 };

static void reads_and_writes_rsa(void **state _unused_) {
        static const uint8_t modulus[] = { 0xc0, 0xff, 0xee };
        uint8_t bytes[TEMPLATE_SIZE + sizeof(modulus)];
        _cleanup_(buffer_done) Buffer again = {};
        const char *why;
        TpmPublic p;

        from_hex(TEMPLATE, TEMPLATE_SIZE - 2, bytes);
        bytes[TEMPLATE_SIZE - 2] = 0;
        bytes[TEMPLATE_SIZE - 1] = sizeof(modulus);
        memcpy(bytes + TEMPLATE_SIZE, modulus, sizeof(modulus));
        assert_int_equal(tpm_public_parse(bytes, TEMPLATE_SIZE + sizeof(modulus), &p, &why), 0);
        assert_int_equal(p.type, TPM_ID_RSA);
        assert_int_equal(p.name_alg, HASH_SHA256);
        assert_int_equal(p.attributes, SIM_AK_ATTRIBUTES);
        assert_int_equal(p.scheme, TPM_ID_RSASSA);
        assert_int_equal(p.scheme_hash, HASH_SHA256);
        assert_int_equal(p.bits, 2048);
        assert_int_equal(p.exponent, 65537);
        assert_int_equal(p.x.size, sizeof(modulus));
        assert_memory_equal(p.x.data, modulus, sizeof(modulus));
        assert_null(tpm_public_weakness(&p));
        tpm_public_write(&p, &again);
        assert_int_equal(again.size, TEMPLATE_SIZE + sizeof(modulus));
        assert_memory_equal(again.data, bytes, again.size);
}

/* The default template of an RSA endorsement key (TCG EK Credential Profile 2.5, table 2), which has a policy and a
 * symmetric algorithm. */
static void reads_an_endorsement_key(void **state _unused_) {
        static const char template[] = "0001000b000300b2"
                                       "0020837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa"
                                       "000600800043"
                                       "0010080000000000"
                                       "0003c0ffee";
        uint8_t bytes[(sizeof(template) - 1) / 2];
        const char *why;
        TpmPublic p;

        from_hex(template, sizeof(bytes), bytes);
        assert_int_equal(tpm_public_parse(bytes, sizeof(bytes), &p, &why), 0);
        assert_int_equal(p.attributes, 0x000300b2);
        assert_int_equal(p.scheme, TPM_ID_NULL);
        assert_int_equal(p.bits, 2048);
        assert_int_equal(p.x.size, 3);
        assert_string_equal(tpm_public_weakness(&p), "the key does not sign");
}

static void knows_the_size_in_front(void **state _unused_) {
        _cleanup_(sim_key_done) SimKey k = {};
        _cleanup_(buffer_done) Buffer sized = {};
        TpmName name, same;
        const char *why;
        TpmPublic p;

        assert_int_equal(sim_key_new(TPM_ID_ECDSA, TPM_CURVE_P384, HASH_SHA384, SIM_AK_ATTRIBUTES, &k), 0);
        buffer_tpm2b(&sized, k.encoded.data, k.encoded.size);
        assert_int_equal(tpm_public_parse(sized.data, sized.size, &p, &why), 0);
        assert_int_equal(p.curve, TPM_CURVE_P384);
        assert_int_equal(p.x.size, 48);
        assert_int_equal(tpm_public_name(&p, &name), 0);
        assert_int_equal(tpm_public_name(&k.public, &same), 0);
        assert_int_equal(name.size, 34);
        assert_memory_equal(name.bytes, same.bytes, name.size);
        assert_int_equal(tpm_qualified_name(TPM_HANDLE_OWNER, HASH_SHA256, &name, &same), 0);
        assert_memory_not_equal(name.bytes, same.bytes, name.size);
}

/* Cut at every byte, or with one more. */
static void refuses_what_is_not_whole(void **state _unused_) {
        _cleanup_(sim_key_done) SimKey k = {};
        const char *why;
        TpmPublic p;

        assert_int_equal(sim_key_new(TPM_ID_ECDSA, TPM_CURVE_P256, HASH_SHA256, SIM_AK_ATTRIBUTES, &k), 0);
        for (size_t n = 0; n < k.encoded.size; n++) {
                why = NULL;
                assert_int_equal(tpm_public_parse(k.encoded.data, n, &p, &why), -EINVAL);
                assert_non_null(why);
        }
        buffer_u8(&k.encoded, 0);
        assert_int_equal(tpm_public_parse(k.encoded.data, k.encoded.size, &p, &why), -EINVAL);
        assert_string_equal(why, "there are bytes behind the public area");
        k.encoded.data[1] = 0x08; /* a keyed hash */
        assert_int_equal(tpm_public_parse(k.encoded.data, k.encoded.size - 1, &p, &why), -EINVAL);
        assert_string_equal(why, "neither an RSA nor an ECC key");
        k.encoded.data[1] = TPM_ID_ECC;
        k.encoded.data[3] = 0x12; /* SM3 */
        assert_int_equal(tpm_public_parse(k.encoded.data, k.encoded.size - 1, &p, &why), -EINVAL);
        assert_string_equal(why, "the Name algorithm is not known");
}

static void names_every_weakness(void **state _unused_) {
        static const uint32_t bits[] = {
                TPM_ATTRIBUTE_SIGN,
                TPM_ATTRIBUTE_DECRYPT,
                TPM_ATTRIBUTE_RESTRICTED,
                TPM_ATTRIBUTE_FIXED_TPM,
                TPM_ATTRIBUTE_FIXED_PARENT,
                TPM_ATTRIBUTE_SENSITIVE_DATA_ORIGIN,
                TPM_ATTRIBUTE_ENCRYPTED_DUPLICATION,
                1,
                UINT32_C(1) << 31,
        };
        const TpmPublic good = { .attributes = SIM_AK_ATTRIBUTES,
                                 .name_alg = HASH_SHA256,
                                 .scheme_hash = HASH_SHA256 };
        TpmPublic p = good;

        assert_null(tpm_public_weakness(&good));
        for (size_t i = 0; i < ELEMENTSOF(bits); i++) {
                p = good;
                p.attributes ^= bits[i];
                assert_non_null(tpm_public_weakness(&p));
        }
        p = good;
        p.name_alg = HASH_SHA1;
        assert_non_null(tpm_public_weakness(&p));
        p = good;
        p.scheme_hash = _HASH_INVALID;
        assert_non_null(tpm_public_weakness(&p));
        p = good;
        p.attributes &= ~(uint32_t) (TPM_ATTRIBUTE_USER_WITH_AUTH | TPM_ATTRIBUTE_NO_DA); /* no matter of trust */
        assert_null(tpm_public_weakness(&p));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(reads_and_writes_rsa),      TEST(reads_an_endorsement_key), TEST(knows_the_size_in_front),
                TEST(refuses_what_is_not_whole), TEST(names_every_weakness),
        };

        return RUN(tests);
}
