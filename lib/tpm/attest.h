/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* TPMS_ATTEST of a quote (TPM 2.0 Library part 2, section 10.12.8): what a TPM says of its PCRs, and signs.
 *
 * magic u32 0xff544347 | type u16 0x8018 | qualifiedSigner TPM2B_NAME | extraData TPM2B_DATA | clock u64 in ms |
 * resetCount u32 | restartCount u32 | safe u8 | firmwareVersion u64 | TPML_PCR_SELECTION: count u32, of each the bank's
 * algorithm u16, size u8, and so many bytes of bits, lowest PCR first | pcrDigest TPM2B_DIGEST */

#include "lib/pcrfile.h"
#include "lib/tpm/ids.h"

enum { ATTEST_MAX = 1024, ATTEST_EXTRA_MAX = 2 + DIGEST_MAX, ATTEST_SELECTIONS_MAX = 16 };

typedef struct TpmSelection {
        uint16_t id; /* TPM_ALG_ID of the bank */
        HashAlg alg; /* _HASH_INVALID: a bank that is not known here */
        uint32_t pcrs;
} TpmSelection;

typedef struct Attest {
        Bytes signer, extra, digest; /* borrowed: qualifiedSigner, extraData, pcrDigest */
        uint64_t clock, firmware;
        uint32_t resets, restarts;
        bool safe; /* the clock was never higher than this */
        size_t n_selections;
        TpmSelection selections[ATTEST_SELECTIONS_MAX]; /* in their order, which is the one of the digest */
} Attest;

/* Parses n bytes that are one quote and nothing else. 0, or -EINVAL with a static sentence and the offset at which
 * parsing ended. */
int attest_parse(const void *data, size_t n, Attest *ret, size_t *reterr_offset, const char **reterr_why);

/* What pcrDigest must be for these values: of all selected ones, in the order of the selections (section 10.12.1).
 * 0; -ENODATA when a value is missing; -ENOMEM, -EIO. */
int attest_pcr_digest(const Attest *a, const PcrInputs *pcrs, HashAlg hash, Digest *ret);
