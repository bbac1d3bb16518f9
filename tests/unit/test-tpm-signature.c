/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "lib/sim/quote.h"
#include "lib/tpm/signature.h"
#include "tests/test.h"

#include <errno.h>

static const char message[] = "what is signed";

typedef struct Pair {
        SimKey sim;
        TpmKey key;
} Pair;

static Pair new_pair(uint16_t scheme, unsigned size, HashAlg hash) {
        const char *why;
        Pair p;

        assert_int_equal(sim_key_new(scheme, size, hash, SIM_AK_ATTRIBUTES, &p.sim), 0);
        assert_int_equal(tpm_key_from_public(&p.sim.public, &p.key, &why), 0);
        return p;
}

static void pair_done(Pair *p) {
        sim_key_done(&p->sim);
        tpm_key_done(&p->key);
}

static Buffer sign(const Pair *p, bool framed) {
        Buffer b = {};

        assert_int_equal(sim_sign(&p->sim, framed, message, sizeof(message), &b), 0);
        return b;
}

static int parse(const Pair *p, const Buffer *b, TpmSignature *ret) {
        const char *why = NULL;
        int r = tpm_signature_parse(b->data, b->size, &p->key, ret, &why);

        assert_true(r == 0 || (r == -EINVAL && why));
        return r;
}

static int verify(const Pair *p, const TpmSignature *s, uint16_t scheme, HashAlg hash) {
        uint16_t found = TPM_ID_NULL;
        int r = tpm_signature_verify(s, &p->key, scheme, hash, message, sizeof(message), &found);

        assert_true(r == 0 || found == p->sim.public.scheme);
        return r;
}

static void both_forms_of_every_scheme(void **state _unused_) {
        static const struct {
                uint16_t scheme;
                unsigned size;
                HashAlg hash;
        } kinds[] = {
                { TPM_ID_RSASSA, 2048, HASH_SHA256 },          { TPM_ID_RSAPSS, 2048, HASH_SHA384 },
                { TPM_ID_ECDSA, TPM_CURVE_P256, HASH_SHA256 }, { TPM_ID_ECDSA, TPM_CURVE_P384, HASH_SHA512 },
                { TPM_ID_ECDSA, TPM_CURVE_P521, HASH_SHA512 },
        };

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                _cleanup_(pair_done) Pair p = new_pair(kinds[i].scheme, kinds[i].size, kinds[i].hash);
                _cleanup_(buffer_done) Buffer framed = sign(&p, true), raw = sign(&p, false);
                TpmSignature s;

                assert_int_equal(parse(&p, &framed, &s), 0);
                assert_true(s.framed);
                assert_int_equal(s.scheme, kinds[i].scheme);
                assert_int_equal(s.hash, kinds[i].hash);
                assert_int_equal(verify(&p, &s, kinds[i].scheme, kinds[i].hash), 1);
                assert_int_equal(verify(&p, &s, kinds[i].scheme, HASH_SHA1), 0);
                assert_int_equal(parse(&p, &raw, &s), 0);
                assert_false(s.framed);
                assert_int_equal(s.hash, _HASH_INVALID);
                assert_int_equal(verify(&p, &s, TPM_ID_NULL, kinds[i].hash), 1);
                for (size_t n = 0; n < framed.size; n++) { /* cut: refused, unless as long as a raw one */
                        size_t raw_size = p.key.type == TPM_ID_RSA ? p.key.size : 2 * p.key.size;
                        const char *why;

                        assert_int_equal(tpm_signature_parse(framed.data, n, &p.key, &s, &why) == 0, n == raw_size);
                        assert_true(n != raw_size || verify(&p, &s, kinds[i].scheme, kinds[i].hash) == 0);
                }
        }
}

static void refuses_another_scheme(void **state _unused_) {
        _cleanup_(pair_done) Pair p = new_pair(TPM_ID_RSAPSS, 2048, HASH_SHA256);
        _cleanup_(buffer_done) Buffer framed = sign(&p, true);
        TpmSignature s;

        assert_int_equal(parse(&p, &framed, &s), 0);
        assert_int_equal(verify(&p, &s, TPM_ID_RSASSA, HASH_SHA256), 0);
        framed.data[1] = TPM_ID_ECDSA;
        assert_int_equal(parse(&p, &framed, &s), -EINVAL);
        framed.data[1] = TPM_ID_RSAPSS;
        framed.data[3] = 0x12;
        assert_int_equal(parse(&p, &framed, &s), -EINVAL);
        framed.data[3] = 0x0b;
        framed.data[5] = 1; /* the size: 257 */
        assert_int_equal(parse(&p, &framed, &s), -EINVAL);
}

/* r and s one after the other are taken; a second encoding of the same DER is not. */
static void ecdsa_has_one_der(void **state _unused_) {
        _cleanup_(pair_done) Pair p = new_pair(TPM_ID_ECDSA, TPM_CURVE_P256, HASH_SHA256);
        _cleanup_(buffer_done) Buffer framed = sign(&p, true), raw = sign(&p, false), plain = {}, padded = {};
        TpmSignature s;

        buffer_bytes(&plain, framed.data + 6, 32);
        buffer_bytes(&plain, framed.data + 6 + 32 + 2, 32);
        assert_int_equal(parse(&p, &plain, &s), 0);
        assert_int_equal(verify(&p, &s, TPM_ID_ECDSA, HASH_SHA256), 1);
        buffer_bytes(&padded, raw.data, 3);
        buffer_u8(&padded, (uint8_t) (raw.data[3] + 1));
        buffer_u8(&padded, 0); /* one zero too many in front of r */
        buffer_bytes(&padded, raw.data + 4, raw.size - 4);
        padded.data[1]++;
        assert_int_equal(parse(&p, &padded, &s), -EINVAL);
        buffer_u8(&raw, 0);
        assert_int_equal(parse(&p, &raw, &s), -EINVAL);
}

/* 0, and numbers beyond the order of the group. */
static void ecdsa_out_of_range(void **state _unused_) {
        _cleanup_(pair_done) Pair p = new_pair(TPM_ID_ECDSA, TPM_CURVE_P256, HASH_SHA256);
        uint8_t bytes[64] = {};
        TpmSignature s;
        const char *why;

        assert_int_equal(tpm_signature_parse(bytes, 64, &p.key, &s, &why), 0);
        assert_int_equal(verify(&p, &s, TPM_ID_ECDSA, HASH_SHA256), 0);
        memset(bytes, 0xff, sizeof(bytes));
        assert_int_equal(tpm_signature_parse(bytes, 64, &p.key, &s, &why), 0);
        assert_int_equal(verify(&p, &s, TPM_ID_ECDSA, HASH_SHA256), 0);
        memset(bytes, 0xff, 32);
        memset(bytes + 32, 0, 32);
        bytes[63] = 1;
        assert_int_equal(tpm_signature_parse(bytes, 64, &p.key, &s, &why), 0);
        assert_int_equal(verify(&p, &s, TPM_ID_ECDSA, HASH_SHA256), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(both_forms_of_every_scheme),
                TEST(refuses_another_scheme),
                TEST(ecdsa_has_one_der),
                TEST(ecdsa_out_of_range),
        };

        return RUN(tests);
}
