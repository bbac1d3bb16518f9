/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Signatures of TPM keys, as TPMT_SIGNATURE (TPM 2.0 Library part 2, section 11.3.4) or raw: RSA as long as the modulus;
 * ECDSA as DER (SEQUENCE of two INTEGERs) or as r and s of the curve's size one after the other. */

#include "lib/tpm/key.h"

enum { TPM_SIGNATURE_MAX = 1024, TPM_SIGNATURE_DER_MAX = 160 };

typedef struct TpmSignature {
        bool framed; /* a TPMT_SIGNATURE, which says its scheme and hash */
        uint16_t
                scheme; /* TPM_ID_RSASSA, TPM_ID_RSAPSS, TPM_ID_ECDSA; TPM_ID_NULL: a raw RSA signature of any scheme */
        HashAlg hash;   /* _HASH_INVALID: a raw signature does not say */
        Bytes rsa;      /* borrowed */
        size_t der_size; /* of an ECDSA signature in the form that OpenSSL takes */
        uint8_t der[TPM_SIGNATURE_DER_MAX];
} TpmSignature;

/* Parses n bytes that are one signature that this key can have made, and nothing else. 0; -EINVAL with a static sentence;
 * -ENOMEM. */
int tpm_signature_parse(const void *data, size_t n, const TpmKey *key, TpmSignature *ret, const char **reterr_why);

/* Did the key sign the n bytes? `hash` and `scheme` (TPM_ID_NULL: RSASSA, then RSAPSS) are what the caller has settled
 * on. 1 with the scheme that fits, 0, or -ENOMEM, -EIO. */
int tpm_signature_verify(const TpmSignature *s, const TpmKey *key, uint16_t scheme, HashAlg hash, const void *data,
                         size_t n, uint16_t *ret_scheme);

/* "RSASSA", "RSAPSS", "ECDSA". */
const char *tpm_scheme_name(uint16_t scheme);
