/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is asked of a report. */

#include "lib/snp/requirements.h"

#include "lib/base/alloc.h"

const SnpFieldInfo snp_fields[] = {
#define FIELD(check, member)                                                                                          \
        { check, offsetof(SnpReport, member), sizeof(((SnpReport *) 0)->member) }
        [SNP_FIELD_REPORT_DATA] = FIELD("report-data", report_data),
        [SNP_FIELD_MEASUREMENT] = FIELD("measurement", measurement),
        [SNP_FIELD_HOST_DATA] = FIELD("host-data", host_data),
        [SNP_FIELD_ID_KEY_DIGEST] = FIELD("id-key", id_key_digest),
        [SNP_FIELD_AUTHOR_KEY_DIGEST] = FIELD("author-key", author_key_digest),
        [SNP_FIELD_FAMILY_ID] = FIELD("family-id", family_id),
        [SNP_FIELD_IMAGE_ID] = FIELD("image-id", image_id),
        [SNP_FIELD_REPORT_ID] = FIELD("report-id", report_id),
        [SNP_FIELD_CHIP_ID] = FIELD("chip-allowed", chip_id),
#undef FIELD
};
static_assert(ELEMENTSOF(snp_fields) == _SNP_FIELD_MAX, "a row per field");

enum { FIRST_POLICY_BIT = SNP_POLICY_SMT };

const char *const snp_policy_words[] = {
        [SNP_POLICY_SMT - FIRST_POLICY_BIT] = "smt",
        [SNP_POLICY_ONE - FIRST_POLICY_BIT] = "",
        [SNP_POLICY_MIGRATION_AGENT - FIRST_POLICY_BIT] = "migration-agent",
        [SNP_POLICY_DEBUG - FIRST_POLICY_BIT] = "debug",
        [SNP_POLICY_SINGLE_SOCKET - FIRST_POLICY_BIT] = "single-socket",
        [SNP_POLICY_CXL - FIRST_POLICY_BIT] = "cxl",
        [SNP_POLICY_AES_256_XTS - FIRST_POLICY_BIT] = "aes-256-xts",
        [SNP_POLICY_RAPL_DISABLED - FIRST_POLICY_BIT] = "rapl-disabled",
        [SNP_POLICY_CIPHERTEXT_HIDING - FIRST_POLICY_BIT] = "ciphertext-hiding",
        [SNP_POLICY_PAGE_SWAP_DISABLED - FIRST_POLICY_BIT] = "page-swap-disabled",
        [_SNP_POLICY_BITS - FIRST_POLICY_BIT] = NULL,
};

const char *const snp_platform_words[] = {
        "smt", "tsme", "ecc", "rapl-disabled", "ciphertext-hiding", "alias-check", "iommu-write-safe", "tio", NULL,
};

SnpRequirements snp_requirements_default(void) {
        return (SnpRequirements){
                .products = (1 << _SNP_PRODUCT_MAX) - 1,
                .roles = 1 << SNP_VCEK | 1 << SNP_VLEK,
                .vmpls = 1 << 0,
                .policy_allowed = UINT64_C(1) << SNP_POLICY_SMT,
                .allow_provisional_firmware = true,
        };
}

void snp_requirements_done(SnpRequirements *q) {
        for (SnpField f = 0; f < _SNP_FIELD_MAX; f++)
                free(q->values[f].data);
        free(q->csp_ids);
        *q = (SnpRequirements){};
}

int snp_values_add(SnpRequirements *q, SnpField field, const void *value) {
        SnpValues *v = &q->values[field];
        size_t size = snp_fields[field].size;

        if (GREEDY_REALLOC(v->data, v->allocated, (v->count + 1) * size) < 0)
                return -ENOMEM;
        memcpy(v->data + v->count++ * size, value, size);
        return 0;
}
