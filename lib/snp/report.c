/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The report's layout. */

#include "lib/snp/report.h"

/* What must be zero in the versions from `since` to before `until`. */
static const struct {
        size_t offset, size;
        uint32_t since, until;
        const char *why;
} zeros[] = {
#define FIELD(member) offsetof(SnpReport, member), sizeof(((SnpReport *) 0)->member)
#define EVER 0, UINT32_MAX
        { FIELD(reserved0), EVER, "reserved bytes are not zero" },
        { offsetof(SnpReport, cpuid_family), 3, 0, 3, "version 2 has no CPUID bytes, yet they are not zero" },
        { FIELD(reserved1), EVER, "reserved bytes are not zero" },
        { FIELD(reserved2), EVER, "reserved bytes are not zero" },
        { FIELD(reserved3), EVER, "reserved bytes are not zero" },
        { FIELD(launch_mitigations), 0, 5, "mitigation vectors before version 5 are not zero" },
        { FIELD(current_mitigations), 0, 5, "mitigation vectors before version 5 are not zero" },
        { FIELD(reserved4), EVER, "reserved bytes are not zero" },
        { offsetof(SnpReport, signature_r) + 48, 24, EVER, "the signature is longer than P-384 allows" },
        { offsetof(SnpReport, signature_s) + 48, 24, EVER, "the signature is longer than P-384 allows" },
        { FIELD(reserved5), EVER, "reserved bytes behind the signature are not zero" },
#undef EVER
#undef FIELD
};

enum { ALGO_ECDSA_P384_SHA384 = 1 };

bool snp_is_zero(const uint8_t *data, size_t n) {
        uint8_t any = 0;

        for (size_t i = 0; i < n; i++)
                any |= data[i];
        return any == 0;
}

const SnpReport *snp_report_view(const void *data, size_t n) {
        return n == SNP_REPORT_SIZE ? data : NULL;
}

const char *snp_report_misfit(const SnpReport *r, size_t *reterr_offset) {
        uint32_t version = snp_u32(r->version), key_info = snp_u32(r->key_info);
        uint64_t policy = snp_u64(r->policy);

        for (size_t i = 0; i < ELEMENTSOF(zeros); i++)
                if (version >= zeros[i].since && version < zeros[i].until &&
                    !snp_is_zero((const uint8_t *) r + zeros[i].offset, zeros[i].size)) {
                        *reterr_offset = zeros[i].offset;
                        return zeros[i].why;
                }
        *reterr_offset = offsetof(SnpReport, policy);
        if (!snp_bit(policy, SNP_POLICY_ONE))
                return "the guest policy's bit 17 is not set";
        if (policy >> _SNP_POLICY_BITS)
                return "reserved bits of the guest policy are set";
        *reterr_offset = offsetof(SnpReport, signature_algo);
        if (snp_u32(r->signature_algo) != ALGO_ECDSA_P384_SHA384)
                return "the signature algorithm is not ECDSA P-384 with SHA-384";
        *reterr_offset = offsetof(SnpReport, key_info);
        if (key_info >> 5)
                return "reserved bits of the key information are set";
        *reterr_offset = offsetof(SnpReport, author_key_digest);
        if (!(key_info & SNP_KEY_AUTHOR) && !snp_is_zero(r->author_key_digest, sizeof(r->author_key_digest)))
                return "there is the digest of an author key, but no such key is said to be there";
        if (key_info & SNP_KEY_AUTHOR && snp_is_zero(r->author_key_digest, sizeof(r->author_key_digest)))
                return "an author key is said to be there, but its digest is not";
        *reterr_offset = offsetof(SnpReport, id_key_digest);
        if (key_info & SNP_KEY_AUTHOR && snp_is_zero(r->id_key_digest, sizeof(r->id_key_digest)))
                return "an author key is said to be there, but nothing that it could have signed";
        return NULL;
}
