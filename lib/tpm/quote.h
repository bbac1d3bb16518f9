/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Appraisal of a TPM quote: what is signed, by which key, for which nonce, over which PCRs, with which values. */

#include "lib/check.h"
#include "lib/pcrfile.h"
#include "lib/tpm/attest.h"
#include "lib/tpm/signature.h"

typedef struct QuoteEvidence {
        Bytes quote;     /* TPMS_ATTEST */
        Bytes signature; /* TPMT_SIGNATURE or raw */
        const TpmKey *key;
        uint16_t scheme;     /* what the key signs with, where its public area says so; else TPM_ID_NULL */
        HashAlg scheme_hash; /* the same; else _HASH_INVALID */
        Bytes nonce;         /* size 0: none was asked for */
        const PcrInputs *pcrs;
        PcrSet required;          /* PCRs that must be among the selected ones */
        bool require_strong_bank; /* stronger than SHA-1, among the selected ones */
} QuoteEvidence;

/* Adds quote-structure, quote-signature, quote-nonce, quote-selection, pcr-digest and quote-clock. The request that the
 * selection must equal is the PCR values given: a value that is not quoted is as wrong as a quoted one that is not given.
 * *ret is the parsed quote, to be used only where the checks have passed, and all zero when there is none. Returns 0, or a
 * negative errno (out of memory, crypto library) after which nothing is decided. */
int quote_appraise(const QuoteEvidence *evidence, CheckList *checks, Attest *ret);

/* Adds ak-name: is the quote's qualifiedSigner the qualified Name of this object, as a primary key of the endorsement
 * hierarchy, or (any_hierarchy) of any? There, a key of another parent is no failure but not applicable: its qualified
 * Name contains that of its parent. Not applicable, too, where there is no quote or no Name (all zero). Returns as quote_appraise(). */
int quote_appraise_signer(const Attest *attest, HashAlg name_alg, const TpmName *name, bool any_hierarchy,
                          CheckList *checks);
