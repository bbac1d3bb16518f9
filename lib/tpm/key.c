/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Public keys. */

#include "lib/tpm/key.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/macro.h"
#include "lib/pem.h"

DEFINE_CLEANUP(BIGNUM *, BN_free)
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(OSSL_PARAM *, OSSL_PARAM_free)
DEFINE_CLEANUP(OSSL_PARAM_BLD *, OSSL_PARAM_BLD_free)

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 4096, COORDINATE_MAX = 66, GROUP_NAME_MAX = 32 };

static const struct {
        uint16_t id;
        unsigned bits;
        const char *group, *name;
} curves[] = {
        { TPM_CURVE_P256, 256, SN_X9_62_prime256v1, "P-256" },
        { TPM_CURVE_P384, 384, SN_secp384r1, "P-384" },
        { TPM_CURVE_P521, 521, SN_secp521r1, "P-521" },
};

void tpm_key_done(TpmKey *k) {
        EVP_PKEY_free(k->pkey);
        *k = (TpmKey){};
}

static int refuse(const char *why, const char **reterr_why) {
        *reterr_why = why;
        return -EINVAL;
}

/* Takes nothing over; the key is checked by OpenSSL before anybody gets it. */
static int build(const char *type, OSSL_PARAM_BLD *numbers, EVP_PKEY **ret, const char **reterr_why) {
        _cleanup_(OSSL_PARAM_freep) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(numbers);
        _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL),
                                                   *check = NULL;
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;

        if (!params || !context || EVP_PKEY_fromdata_init(context) != 1)
                return -ENOMEM;
        if (EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
                return refuse("the numbers are no public key", reterr_why);
        check = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
        if (!check)
                return -ENOMEM;
        if (EVP_PKEY_public_check(check) != 1)
                return refuse("the public key is not sound", reterr_why);
        *ret = TAKE_PTR(pkey);
        return 0;
}

static int rsa_from_numbers(const BIGNUM *n, const BIGNUM *e, TpmKey *ret, const char **reterr_why) {
        enum { SMALLEST_EXPONENT = 65537, EXPONENT_BITS_MAX = 32 };
        _cleanup_(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *numbers = OSSL_PARAM_BLD_new();
        TpmKey k = { .type = TPM_ID_RSA, .bits = (unsigned) BN_num_bits(n), .size = (size_t) BN_num_bytes(n) };
        int r;

        if (k.bits < RSA_BITS_MIN || k.bits > RSA_BITS_MAX)
                return refuse("an RSA modulus must have 2048 to 4096 bits", reterr_why);
        if (!BN_is_odd(e) || BN_num_bits(e) > EXPONENT_BITS_MAX || BN_get_word(e) < SMALLEST_EXPONENT)
                return refuse("an RSA exponent must be odd, at least 65537, and have at most 32 bits", reterr_why);
        if (!numbers || OSSL_PARAM_BLD_push_BN(numbers, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
            OSSL_PARAM_BLD_push_BN(numbers, OSSL_PKEY_PARAM_RSA_E, e) != 1)
                return -ENOMEM;
        r = build("RSA", numbers, &k.pkey, reterr_why);
        if (r >= 0)
                *ret = k;
        return r;
}

static int ecc_from_numbers(size_t curve, const BIGNUM *x, const BIGNUM *y, TpmKey *ret, const char **reterr_why) {
        enum { UNCOMPRESSED = 4 };
        _cleanup_(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *numbers = OSSL_PARAM_BLD_new();
        TpmKey k = { .type = TPM_ID_ECC, .bits = curves[curve].bits, .size = (curves[curve].bits + 7) / 8 };
        uint8_t point[1 + 2 * COORDINATE_MAX] = { UNCOMPRESSED };
        int size = (int) k.size, r;

        if (BN_bn2binpad(x, point + 1, size) != size || BN_bn2binpad(y, point + 1 + k.size, size) != size)
                return refuse("a coordinate is too long for the curve", reterr_why);
        if (!numbers ||
            OSSL_PARAM_BLD_push_utf8_string(numbers, OSSL_PKEY_PARAM_GROUP_NAME, curves[curve].group, 0) != 1 ||
            OSSL_PARAM_BLD_push_octet_string(numbers, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * k.size) != 1)
                return -ENOMEM;
        r = build("EC", numbers, &k.pkey, reterr_why);
        if (r >= 0)
                *ret = k;
        return r;
}

int tpm_key_from_rsa(const void *n, size_t n_size, const void *e, size_t e_size, TpmKey *ret,
                     const char **reterr_why) {
        enum { NUMBER_MAX = 1024 };
        _cleanup_(BN_freep) BIGNUM *modulus = NULL, *exponent = NULL;

        if (n_size > NUMBER_MAX || e_size > NUMBER_MAX)
                return refuse("an RSA modulus must have 2048 to 4096 bits", reterr_why);
        modulus = BN_bin2bn(n, (int) n_size, NULL);
        exponent = BN_bin2bn(e, (int) e_size, NULL);
        return modulus && exponent ? rsa_from_numbers(modulus, exponent, ret, reterr_why) : -ENOMEM;
}

static int ecc_from_public(const TpmPublic *public, TpmKey *ret, const char **reterr_why) {
        _cleanup_(BN_freep) BIGNUM *x = BN_bin2bn(public->x.data, (int) public->x.size, NULL),
                                   *y = BN_bin2bn(public->y.data, (int) public->y.size, NULL);

        for (size_t i = 0; i < ELEMENTSOF(curves); i++)
                if (curves[i].id == public->curve)
                        return x && y ? ecc_from_numbers(i, x, y, ret, reterr_why) : -ENOMEM;
        return refuse("the curve is none of P-256, P-384 and P-521", reterr_why);
}

int tpm_key_from_public(const TpmPublic *public, TpmKey *ret, const char **reterr_why) {
        uint32_t e = public->exponent;
        const uint8_t exponent[4] = { (uint8_t) (e >> 24), (uint8_t) (e >> 16), (uint8_t) (e >> 8), (uint8_t) e };
        TpmKey k;
        int r;

        if (public->type == TPM_ID_ECC)
                return ecc_from_public(public, ret, reterr_why);
        r = tpm_key_from_rsa(public->x.data, public->x.size, exponent, sizeof(exponent), &k, reterr_why);
        if (r < 0)
                return r;
        if (k.bits != public->bits || k.size != public->x.size) {
                tpm_key_done(&k);
                return refuse("the modulus is not as long as the public area says", reterr_why);
        }
        *ret = k;
        return 0;
}

static int rsa_from_pkey(const EVP_PKEY *pkey, TpmKey *ret, const char **reterr_why) {
        _cleanup_(BN_freep) BIGNUM *n = NULL, *e = NULL;

        if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
            EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) != 1)
                return refuse("not a public key", reterr_why);
        return rsa_from_numbers(n, e, ret, reterr_why);
}

static int ecc_from_pkey(const EVP_PKEY *pkey, TpmKey *ret, const char **reterr_why) {
        _cleanup_(BN_freep) BIGNUM *x = NULL, *y = NULL;
        char group[GROUP_NAME_MAX];
        int explicit_curve;

        if (EVP_PKEY_get_int_param(pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit_curve) != 1 ||
            explicit_curve != 0)
                return refuse("the curve is spelled out instead of named", reterr_why);
        if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) != 1 ||
            EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_X, &x) != 1 ||
            EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, &y) != 1)
                return refuse("not a public key", reterr_why);
        for (size_t i = 0; i < ELEMENTSOF(curves); i++)
                if (streq(curves[i].group, group))
                        return ecc_from_numbers(i, x, y, ret, reterr_why);
        return refuse("the curve is none of P-256, P-384 and P-521", reterr_why);
}

int tpm_key_from_pkey(const EVP_PKEY *pkey, TpmKey *ret, const char **reterr_why) {
        if (EVP_PKEY_is_a(pkey, "RSA"))
                return rsa_from_pkey(pkey, ret, reterr_why);
        if (EVP_PKEY_is_a(pkey, "EC"))
                return ecc_from_pkey(pkey, ret, reterr_why);
        return refuse("neither an RSA nor an ECC key", reterr_why);
}

int tpm_key_from_pem(const char *text, size_t n, TpmKey *ret, const char **reterr_why) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
        _cleanup_(der_list_done) DerList objects = {};
        const uint8_t *p;
        size_t offset;
        int r = pem_read(text, n, "PUBLIC KEY", &objects, &offset, reterr_why);

        if (r < 0)
                return r;
        if (objects.size != 1)
                return refuse("expected one key, and there are more", reterr_why);
        p = objects.items[0].data;
        pkey = d2i_PUBKEY(NULL, &p, (long) objects.items[0].size);
        if (!pkey || p != objects.items[0].data + objects.items[0].size)
                return refuse("the PEM block is not a public key", reterr_why);
        return tpm_key_from_pkey(pkey, ret, reterr_why);
}

bool tpm_key_equal(const TpmKey *a, const TpmKey *b) {
        return a->type == b->type && EVP_PKEY_eq(a->pkey, b->pkey) == 1;
}

const char *tpm_key_kind(const TpmKey *k, char ret[16]) {
        const char *curve = "?";

        for (size_t i = 0; i < ELEMENTSOF(curves); i++)
                if (curves[i].bits == k->bits)
                        curve = curves[i].name;
        if (k->type == TPM_ID_RSA)
                snprintf(ret, 16, "RSA %u", k->bits);
        else
                snprintf(ret, 16, "ECC %s", curve);
        return ret;
}
