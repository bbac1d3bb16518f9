/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Public keys that quotes are verified with, from whatever they come in. Every key is built anew from its numbers, and
 * refused when those are no sound key: RSA of 2048 to 4096 bits with an odd exponent of at least 65537 and a modulus
 * that OpenSSL finds nothing wrong with (SP 800-56B: odd, composite, no small factor, no power of a prime); ECC on NIST
 * P-256, P-384 or P-521, with a point that is on the curve. */

#include "lib/tpm/public.h"

typedef struct TpmKey {
        struct evp_pkey_st *pkey; /* owned */
        uint16_t type;            /* TPM_ID_RSA or TPM_ID_ECC */
        unsigned bits;            /* of the modulus or the curve */
        size_t size;              /* bytes of the modulus or of a coordinate */
} TpmKey;

void tpm_key_done(TpmKey *k);

/* All of them: 0 with the key; -EINVAL with a static sentence when the text or the key is refused; -ENOMEM, -EIO. */
int tpm_key_from_public(const TpmPublic *public, TpmKey *ret, const char **reterr_why);

/* Modulus and exponent, big endian. */
int tpm_key_from_rsa(const void *n, size_t n_size, const void *e, size_t e_size, TpmKey *ret, const char **reterr_why);

/* One SubjectPublicKeyInfo, as PEM (RFC 7468, section 13) or DER. */
int tpm_key_from_pem(const char *text, size_t n, TpmKey *ret, const char **reterr_why);

/* From what OpenSSL has read (of a certificate, for example). */
int tpm_key_from_pkey(const struct evp_pkey_st *pkey, TpmKey *ret, const char **reterr_why);

bool tpm_key_equal(const TpmKey *a, const TpmKey *b);

/* "RSA 2048", "ECC P-256". */
const char *tpm_key_kind(const TpmKey *k, char ret[16]);
