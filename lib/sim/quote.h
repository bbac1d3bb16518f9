/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A simulated TPM's signing keys and quotes, for tests and demonstrations: what a verifier is shown that shall be sure of
 * itself. Nothing here has a TPM behind it, and no key outlives its process. */

#include "lib/pcrfile.h"
#include "lib/tpm/attest.h"
#include "lib/tpm/public.h"

typedef struct SimKey {
        struct evp_pkey_st *pkey; /* owned, with the private part */
        TpmPublic public;         /* its parts lead into `encoded` */
        Buffer encoded;           /* TPMT_PUBLIC */
} SimKey;

void sim_key_done(SimKey *k);

/* A new key: scheme TPM_ID_RSASSA or TPM_ID_RSAPSS with `size` bits, or TPM_ID_ECDSA with `size` a TPM_CURVE_*. The Name is
 * a SHA-256 digest. 0, -ENOMEM or -EIO. */
int sim_key_new(uint16_t scheme, unsigned size, HashAlg hash, uint32_t attributes, SimKey *ret);

/* The attributes of an attestation key as Azure's and the tools' templates have them. */
enum {
        SIM_AK_ATTRIBUTES = TPM_ATTRIBUTE_FIXED_TPM | TPM_ATTRIBUTE_FIXED_PARENT |
                            TPM_ATTRIBUTE_SENSITIVE_DATA_ORIGIN | TPM_ATTRIBUTE_USER_WITH_AUTH | TPM_ATTRIBUTE_NO_DA |
                            TPM_ATTRIBUTE_RESTRICTED | TPM_ATTRIBUTE_SIGN,
};

/* Appends the TPMS_ATTEST that says this; the writer of what attest_parse() reads. */
void sim_attest_write(const Attest *attest, Buffer *ret);

/* Appends the quote of a key (as a primary key of that hierarchy) over these PCRs, in this order: signer and digest are
 * computed, the rest is taken from *attest. 0, or a negative errno; -EINVAL when a value is missing. */
int sim_quote(const SimKey *key, uint32_t hierarchy, const Attest *attest, const PcrInputs *pcrs, Buffer *ret);

/* Appends a signature over n bytes: framed as TPMT_SIGNATURE, or raw (ECDSA: DER). Returns as above. */
int sim_sign(const SimKey *key, bool framed, const void *data, size_t n, Buffer *ret);
