/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A simulated TPM's signing keys and quotes. */

#include "lib/sim/quote.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/macro.h"

DEFINE_CLEANUP(BIGNUM *, BN_free)
DEFINE_CLEANUP(ECDSA_SIG *, ECDSA_SIG_free)
DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)

enum { NUMBER_MAX = 512, TPM_GENERATED_VALUE = 0xff544347, TPM_ST_ATTEST_QUOTE = 0x8018 };

static const char *const groups[] = {
        [TPM_CURVE_P256] = "P-256",
        [TPM_CURVE_P384] = "P-384",
        [TPM_CURVE_P521] = "P-521",
};

void sim_key_done(SimKey *k) {
        EVP_PKEY_free(k->pkey);
        buffer_done(&k->encoded);
        *k = (SimKey){};
}

/* A number of the public key, as wide as asked (0: as wide as it is). */
static int number(const EVP_PKEY *pkey, const char *name, size_t width, uint8_t ret[NUMBER_MAX], size_t *ret_size) {
        _cleanup_(BN_freep) BIGNUM *n = NULL;

        if (EVP_PKEY_get_bn_param(pkey, name, &n) != 1)
                return -EIO;
        *ret_size = width != 0 ? width : (size_t) BN_num_bytes(n);
        return BN_bn2binpad(n, ret, (int) *ret_size) == (int) *ret_size ? 0 : -EIO;
}

static int encode(SimKey *k) {
        TpmPublic numbers = k->public;
        uint8_t x[NUMBER_MAX], y[NUMBER_MAX];
        bool rsa = numbers.type == TPM_ID_RSA;
        size_t width = rsa ? 0 : ((size_t) EVP_PKEY_get_bits(k->pkey) + 7) / 8;
        const char *why;
        int r = number(k->pkey, rsa ? OSSL_PKEY_PARAM_RSA_N : OSSL_PKEY_PARAM_EC_PUB_X, width, x, &numbers.x.size);

        if (r >= 0 && !rsa)
                r = number(k->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, width, y, &numbers.y.size);
        if (r < 0)
                return r;
        numbers.x.data = x;
        numbers.y.data = y;
        tpm_public_write(&numbers, &k->encoded);
        r = buffer_error(&k->encoded);
        return r < 0 ? r : tpm_public_parse(k->encoded.data, k->encoded.size, &k->public, &why);
}

int sim_key_new(uint16_t scheme, unsigned size, HashAlg hash, uint32_t attributes, SimKey *ret) {
        bool rsa = scheme != TPM_ID_ECDSA;
        _cleanup_(sim_key_done) SimKey k = {
                .pkey = rsa ? EVP_RSA_gen(size) : EVP_EC_gen(groups[size]),
                .public = { .type = rsa ? TPM_ID_RSA : TPM_ID_ECC,
                            .name_alg = HASH_SHA256,
                            .attributes = attributes,
                            .scheme = scheme,
                            .scheme_hash = hash,
                            .bits = (uint16_t) size,
                            .exponent = 65537,
                            .curve = (uint16_t) size },
        };
        int r = k.pkey ? encode(&k) : -EIO;

        if (r >= 0)
                *ret = TAKE_STRUCT(k);
        return r;
}

void sim_attest_write(const Attest *a, Buffer *ret) {
        buffer_u32be(ret, TPM_GENERATED_VALUE);
        buffer_u16be(ret, TPM_ST_ATTEST_QUOTE);
        buffer_tpm2b(ret, a->signer.data, a->signer.size);
        buffer_tpm2b(ret, a->extra.data, a->extra.size);
        buffer_u64be(ret, a->clock);
        buffer_u32be(ret, a->resets);
        buffer_u32be(ret, a->restarts);
        buffer_u8(ret, a->safe);
        buffer_u64be(ret, a->firmware);
        buffer_u32be(ret, (uint32_t) a->n_selections);
        for (size_t i = 0; i < a->n_selections; i++) {
                buffer_u16be(ret, a->selections[i].id);
                buffer_u8(ret, 3);
                for (unsigned bits = 0; bits < PCR_COUNT; bits += 8)
                        buffer_u8(ret, (uint8_t) (a->selections[i].pcrs >> bits));
        }
        buffer_tpm2b(ret, a->digest.data, a->digest.size);
}

int sim_quote(const SimKey *key, uint32_t hierarchy, const Attest *attest, const PcrInputs *pcrs, Buffer *ret) {
        Attest a = *attest;
        TpmName name, signer;
        Digest digest;
        int r = attest_pcr_digest(&a, pcrs, key->public.scheme_hash, &digest);

        if (r >= 0)
                r = tpm_public_name(&key->public, &name);
        if (r >= 0)
                r = tpm_qualified_name(hierarchy, key->public.name_alg, &name, &signer);
        if (r < 0)
                return r;
        a.signer = (Bytes){ signer.bytes, signer.size };
        a.digest = (Bytes){ digest.bytes, hash_size(digest.alg) };
        sim_attest_write(&a, ret);
        return buffer_error(ret);
}

static int sign(const SimKey *key, const Digest *digest, uint8_t *ret, size_t *ret_size) {
        _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
        const EVP_MD *md = EVP_get_digestbyname(hash_name(digest->alg));

        if (!context || EVP_PKEY_sign_init(context) != 1 || EVP_PKEY_CTX_set_signature_md(context, md) != 1)
                return -EIO;
        if (key->public.scheme == TPM_ID_RSAPSS && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) != 1)
                return -EIO;
        return EVP_PKEY_sign(context, ret, ret_size, digest->bytes, hash_size(digest->alg)) == 1 ? 0 : -EIO;
}

static int write_ecdsa(const SimKey *key, const uint8_t *der, size_t n, Buffer *ret) {
        _cleanup_(ECDSA_SIG_freep) ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long) n);
        const BIGNUM *numbers[2];
        uint8_t bytes[NUMBER_MAX];

        if (!sig)
                return -EIO;
        ECDSA_SIG_get0(sig, &numbers[0], &numbers[1]);
        for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
                if (BN_bn2binpad(numbers[i], bytes, (int) key->public.x.size) < 0)
                        return -EIO;
                buffer_tpm2b(ret, bytes, key->public.x.size);
        }
        return 0;
}

int sim_sign(const SimKey *key, bool framed, const void *data, size_t n, Buffer *ret) {
        uint8_t signature[NUMBER_MAX];
        size_t size = sizeof(signature);
        Digest digest;
        int r = digest_data(key->public.scheme_hash, data, n, &digest);

        if (r >= 0)
                r = sign(key, &digest, signature, &size);
        if (r < 0)
                return r;
        if (framed) {
                buffer_u16be(ret, key->public.scheme);
                buffer_u16be(ret, hash_tpm_id(key->public.scheme_hash));
        }
        if (framed && key->public.type == TPM_ID_ECC)
                r = write_ecdsa(key, signature, size, ret);
        else if (framed)
                buffer_tpm2b(ret, signature, size);
        else
                buffer_bytes(ret, signature, size);
        return r < 0 ? r : buffer_error(ret);
}
