/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The policy digest under which secrets are sealed, computed without a TPM, so that sealing works at any time and
 * not only while the PCRs hold the wanted values. */

#include "lib/pcr.h"

/* TPML_PCR_SELECTION of one bank, marshalled (TPM 2.0 Library part 2, 10.9.7): count, hash, sizeofSelect 3, bits. */
enum { PCR_SELECTION_SIZE = 4 + 2 + 1 + 3 };
void pcr_selection_encode(HashAlg alg, PcrSet pcrs, uint8_t ret[PCR_SELECTION_SIZE]);

/* The digest of a session after one TPM2_PolicyPCR (part 3, 23.7): H(0 || TPM_CC_PolicyPCR || selection || H(values)),
 * H being SHA-256 as the session's hash. values: of the bank `alg`. 0 or a negative errno from the crypto library. */
int seal_policy_digest(HashAlg alg, PcrSet pcrs, const uint8_t values[PCR_COUNT][DIGEST_MAX],
                       uint8_t ret[SHA256_SIZE]);
