/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* TPMT_PUBLIC (TPM 2.0 Library part 2, section 12.2.4): the public area of a key that lives in a TPM, and its Name
 * (part 1, section 16). */

#include "lib/digest.h"
#include "lib/tpm/ids.h"

enum { TPM_NAME_MAX = 2 + DIGEST_MAX, TPM_PUBLIC_MAX = 1024 };

/* TPMA_OBJECT (section 8.3). */
enum {
        TPM_ATTRIBUTE_FIXED_TPM = 1 << 1,
        TPM_ATTRIBUTE_FIXED_PARENT = 1 << 4,
        TPM_ATTRIBUTE_SENSITIVE_DATA_ORIGIN = 1 << 5,
        TPM_ATTRIBUTE_USER_WITH_AUTH = 1 << 6,
        TPM_ATTRIBUTE_NO_DA = 1 << 10,
        TPM_ATTRIBUTE_ENCRYPTED_DUPLICATION = 1 << 11,
        TPM_ATTRIBUTE_RESTRICTED = 1 << 16,
        TPM_ATTRIBUTE_DECRYPT = 1 << 17,
        TPM_ATTRIBUTE_SIGN = 1 << 18,
};

typedef struct TpmPublic {
        uint16_t type; /* TPM_ID_RSA or TPM_ID_ECC */
        HashAlg name_alg;
        uint32_t attributes;
        uint16_t scheme;     /* TPM_ID_NULL: any */
        HashAlg scheme_hash; /* _HASH_INVALID: none or not known */
        uint16_t bits;       /* RSA */
        uint32_t exponent;   /* RSA, never 0 */
        uint16_t curve;      /* ECC */
        Bytes x, y;          /* RSA: x is the modulus; borrowed, as the next one */
        Bytes encoded;       /* the TPMT_PUBLIC, which the Name is the digest of */
} TpmPublic;

/* A TPM2B_NAME's content: u16 algorithm, digest. */
typedef struct TpmName {
        size_t size;
        uint8_t bytes[TPM_NAME_MAX];
} TpmName;

/* Parses n bytes that are one TPMT_PUBLIC or TPM2B_PUBLIC of an RSA or ECC key, and nothing else. 0, or -EINVAL with a
 * static sentence. What the key is good for is not judged here. */
int tpm_public_parse(const void *data, size_t n, TpmPublic *ret, const char **reterr_why);

/* Appends the TPMT_PUBLIC of a signing key with these numbers: no authPolicy, no symmetric algorithm, no kdf, and exponent
 * 65537 as 0, as TPMs write it. `encoded` is not looked at. */
void tpm_public_write(const TpmPublic *public, Buffer *ret);

/* The Name of an object. 0 or a negative errno from the crypto library. */
int tpm_public_name(const TpmPublic *public, TpmName *ret);

/* The qualified Name of an object that is a primary key of the hierarchy (part 1, section 16.3, "Qualified Name"). */
int tpm_qualified_name(uint32_t hierarchy, HashAlg name_alg, const TpmName *name, TpmName *ret);

/* NULL when a TPM signs nothing with this key but what it made itself, and the key was born in that TPM and cannot leave
 * it; else what is missing for that. */
const char *tpm_public_weakness(const TpmPublic *public);
