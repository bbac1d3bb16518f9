/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* PolicyPCR, computed in software. */

#include "lib/sealpolicy.h"

#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"

enum { TPM_CC_POLICY_PCR = 0x0000017f };

void pcr_selection_encode(HashAlg alg, PcrSet pcrs, uint8_t ret[PCR_SELECTION_SIZE]) {
        uint16_t id = hash_tpm_id(alg);
        const uint8_t bytes[PCR_SELECTION_SIZE] = {
                0,
                0,
                0,
                1,
                (uint8_t) (id >> 8),
                (uint8_t) id,
                3,
                (uint8_t) pcrs,
                (uint8_t) (pcrs >> 8),
                (uint8_t) (pcrs >> 16),
        };

        memcpy(ret, bytes, PCR_SELECTION_SIZE);
}

int seal_policy_digest(HashAlg alg, PcrSet pcrs, const uint8_t values[PCR_COUNT][DIGEST_MAX],
                       uint8_t ret[SHA256_SIZE]) {
        _cleanup_(buffer_done) Buffer concatenated = {}, policy = {};
        uint8_t selection[PCR_SELECTION_SIZE], digest[SHA256_SIZE];
        const uint8_t zero[SHA256_SIZE] = {};
        int r;

        for (unsigned i = 0; i < PCR_COUNT; i++)
                if (pcrs & (1U << i))
                        buffer_bytes(&concatenated, values[i], hash_size(alg));
        r = buffer_error(&concatenated);
        if (r < 0)
                return r;
        r = sha256(concatenated.data, concatenated.size, digest);
        if (r < 0)
                return r;
        pcr_selection_encode(alg, pcrs, selection);
        buffer_bytes(&policy, zero, sizeof(zero));
        buffer_u32be(&policy, TPM_CC_POLICY_PCR);
        buffer_bytes(&policy, selection, sizeof(selection));
        buffer_bytes(&policy, digest, sizeof(digest));
        r = buffer_error(&policy);
        return r < 0 ? r : sha256(policy.data, policy.size, ret);
}
