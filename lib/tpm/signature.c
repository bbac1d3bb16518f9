/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Signatures of TPM keys. */

#include "lib/tpm/signature.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/macro.h"

DEFINE_CLEANUP(ECDSA_SIG *, ECDSA_SIG_free)
DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)

const char *tpm_scheme_name(uint16_t scheme) {
        switch (scheme) {
        case TPM_ID_RSASSA:
                return "RSASSA";
        case TPM_ID_RSAPSS:
                return "RSAPSS";
        case TPM_ID_ECDSA:
                return "ECDSA";
        default:
                return "?";
        }
}

static int refuse(const char *why, const char **reterr_why) {
        *reterr_why = why;
        return -EINVAL;
}

/* By length: a framed signature has six bytes more than the modulus, a raw one as many. */
static int parse_rsa(const uint8_t *data, size_t n, size_t size, TpmSignature *s, const char **reterr_why) {
        enum { FRAME = 6 };
        Reader r = reader_new(data, n);

        if (n == size) {
                s->rsa = (Bytes){ data, n };
                return 0;
        }
        if (n != size + FRAME)
                return refuse("the signature is neither as long as the modulus nor a TPMT_SIGNATURE that is",
                              reterr_why);
        s->framed = true;
        s->scheme = reader_u16be(&r);
        s->hash = hash_from_tpm_id(reader_u16be(&r));
        s->rsa = reader_tpm2b(&r, size);
        if (s->scheme != TPM_ID_RSASSA && s->scheme != TPM_ID_RSAPSS)
                return refuse("the TPMT_SIGNATURE is of a scheme that is not RSA's", reterr_why);
        if (s->hash == _HASH_INVALID)
                return refuse("the hash of the TPMT_SIGNATURE is not known", reterr_why);
        return reader_done(&r) && s->rsa.size == size
                       ? 0
                       : refuse("the signature in the TPMT_SIGNATURE is not as long as the modulus", reterr_why);
}

/* One number has one form for OpenSSL, whatever form it came in. */
static int ecdsa_encode(Bytes r, Bytes s, TpmSignature *ret, const char **reterr_why) {
        _cleanup_(ECDSA_SIG_freep) ECDSA_SIG *sig = ECDSA_SIG_new();
        BIGNUM *first = BN_bin2bn(r.data, (int) r.size, NULL), *second = BN_bin2bn(s.data, (int) s.size, NULL);
        uint8_t *p = ret->der;
        int n;

        if (!sig || !first || !second || ECDSA_SIG_set0(sig, first, second) != 1) {
                BN_free(first);
                BN_free(second);
                return -ENOMEM;
        }
        n = i2d_ECDSA_SIG(sig, NULL);
        if (n <= 0 || (size_t) n > sizeof(ret->der))
                return refuse("the ECDSA signature is too long", reterr_why);
        ret->der_size = (size_t) i2d_ECDSA_SIG(sig, &p);
        return 0;
}

static int parse_ecdsa_framed(const uint8_t *data, size_t n, size_t size, TpmSignature *ret, const char **reterr_why) {
        Reader reader = reader_new(data, n);
        Bytes r, s;

        ret->framed = true;
        reader_u16be(&reader);
        ret->hash = hash_from_tpm_id(reader_u16be(&reader));
        r = reader_tpm2b(&reader, size);
        s = reader_tpm2b(&reader, size);
        if (!reader_done(&reader) || r.size == 0 || s.size == 0)
                return refuse("the TPMT_SIGNATURE is cut off or has bytes too many", reterr_why);
        if (ret->hash == _HASH_INVALID)
                return refuse("the hash of the TPMT_SIGNATURE is not known", reterr_why);
        return ecdsa_encode(r, s, ret, reterr_why);
}

/* True when the bytes are DER, and the only DER of the two numbers. */
static bool is_canonical_der(const uint8_t *data, size_t n) {
        _cleanup_(ECDSA_SIG_freep) ECDSA_SIG *sig = NULL;
        uint8_t again[TPM_SIGNATURE_DER_MAX], *out = again;
        const uint8_t *p = data;

        if (n > sizeof(again))
                return false;
        sig = d2i_ECDSA_SIG(NULL, &p, (long) n);
        return sig && p == data + n && i2d_ECDSA_SIG(sig, NULL) == (int) n && i2d_ECDSA_SIG(sig, &out) == (int) n &&
               memcmp(again, data, n) == 0;
}

static int parse_ecdsa(const uint8_t *data, size_t n, size_t size, TpmSignature *s, const char **reterr_why) {
        s->scheme = TPM_ID_ECDSA;
        if (is_canonical_der(data, n)) {
                memcpy(s->der, data, n);
                s->der_size = n;
                return 0;
        }
        if (n == 2 * size)
                return ecdsa_encode((Bytes){ data, size }, (Bytes){ data + size, size }, s, reterr_why);
        if (n > 2 && data[0] == 0 && data[1] == TPM_ID_ECDSA)
                return parse_ecdsa_framed(data, n, size, s, reterr_why);
        return refuse("the signature is neither DER, nor r and s, nor a TPMT_SIGNATURE of ECDSA", reterr_why);
}

int tpm_signature_parse(const void *data, size_t n, const TpmKey *key, TpmSignature *ret, const char **reterr_why) {
        TpmSignature s = { .scheme = TPM_ID_NULL, .hash = _HASH_INVALID };
        int r = key->type == TPM_ID_RSA ? parse_rsa(data, n, key->size, &s, reterr_why)
                                        : parse_ecdsa(data, n, key->size, &s, reterr_why);

        if (r >= 0)
                *ret = s;
        return r;
}

static int verify(const TpmSignature *s, const TpmKey *key, uint16_t scheme, HashAlg hash, const void *data,
                  size_t n) {
        _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
        const EVP_MD *md = EVP_get_digestbyname(hash_name(hash));
        Digest digest;
        int r = digest_data(hash, data, n, &digest);

        if (r < 0)
                return r;
        if (!context || !md)
                return -ENOMEM;
        if (EVP_PKEY_verify_init(context) != 1 || EVP_PKEY_CTX_set_signature_md(context, md) != 1)
                return -EIO;
        if (scheme == TPM_ID_RSASSA && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) != 1)
                return -EIO;
        if (scheme == TPM_ID_RSAPSS && (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) != 1 ||
                                        EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_AUTO) != 1))
                return -EIO;
        if (scheme == TPM_ID_ECDSA)
                return EVP_PKEY_verify(context, s->der, s->der_size, digest.bytes, hash_size(hash)) == 1;
        return EVP_PKEY_verify(context, s->rsa.data, s->rsa.size, digest.bytes, hash_size(hash)) == 1;
}

int tpm_signature_verify(const TpmSignature *s, const TpmKey *key, uint16_t scheme, HashAlg hash, const void *data,
                         size_t n, uint16_t *ret_scheme) {
        static const uint16_t rsa[] = { TPM_ID_RSASSA, TPM_ID_RSAPSS }, ecc[] = { TPM_ID_ECDSA };
        const uint16_t *schemes = key->type == TPM_ID_RSA ? rsa : ecc;
        size_t n_schemes = key->type == TPM_ID_RSA ? ELEMENTSOF(rsa) : ELEMENTSOF(ecc);

        for (size_t i = 0; i < n_schemes; i++) {
                int r = scheme == TPM_ID_NULL || scheme == schemes[i] ? verify(s, key, schemes[i], hash, data, n) : 0;

                if (r != 0) {
                        *ret_scheme = schemes[i];
                        return r;
                }
        }
        return 0;
}
