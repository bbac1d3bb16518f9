/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What an appraisal asks of an SNP report beyond being genuine: reference values. [Snp] of sealwatch.appraisal(5). */

#include "lib/snp/certificate.h"

/* Values of one size, any of which will do; none: not asked. All-zero is none. */
typedef struct SnpValues {
        uint8_t *data; /* owned */
        size_t count, allocated;
} SnpValues;

typedef enum SnpField {
        SNP_FIELD_REPORT_DATA,
        SNP_FIELD_MEASUREMENT,
        SNP_FIELD_HOST_DATA,
        SNP_FIELD_ID_KEY_DIGEST,
        SNP_FIELD_AUTHOR_KEY_DIGEST,
        SNP_FIELD_FAMILY_ID,
        SNP_FIELD_IMAGE_ID,
        SNP_FIELD_REPORT_ID,
        SNP_FIELD_CHIP_ID,
        _SNP_FIELD_MAX,
} SnpField;

/* How a field is called in checks ("report-data"), where it is in a report, and how many bytes it has. */
typedef struct SnpFieldInfo {
        const char *check;
        size_t offset, size;
} SnpFieldInfo;
extern const SnpFieldInfo snp_fields[_SNP_FIELD_MAX];

/* Sets of products, roles, VMPLs, bits: 1 << n. */
typedef struct SnpRequirements {
        uint64_t products, roles, vmpls;
        uint64_t policy_allowed;  /* bits of the guest policy that weaken, and may be set all the same */
        uint64_t policy_required; /* bits that must be set */
        uint64_t platform_required, platform_forbidden;   /* bits of PLATFORM_INFO */
        uint64_t launch_mitigations, current_mitigations; /* bits that must be set; 0: not asked */
        uint64_t minimum_guest_svn;
        uint64_t minimum_abi;           /* of the guest policy: major << 8 | minor */
        uint64_t minimum_firmware;      /* committed: major << 16 | minor << 8 | build */
        uint64_t floors, launch_floors; /* products for which there is one */
        SnpTcb floor[_SNP_PRODUCT_MAX], launch_floor[_SNP_PRODUCT_MAX];
        SnpValues values[_SNP_FIELD_MAX];
        char *csp_ids; /* of VLEKs, separated by blanks; NULL: any */
        bool allow_provisional_firmware, allow_masked_chip_id, require_crl;
} SnpRequirements;

/* The strict defaults. */
SnpRequirements snp_requirements_default(void);
void snp_requirements_done(SnpRequirements *q);

/* One more value of a field (its whole size). 0 or -ENOMEM. */
int snp_values_add(SnpRequirements *q, SnpField field, const void *value);

/* Guest-policy bits that take protection away from the guest where they are set; all others add to it. */
#define SNP_POLICY_WEAKENING                                                                                          \
        (UINT64_C(1) << SNP_POLICY_SMT | UINT64_C(1) << SNP_POLICY_MIGRATION_AGENT |                                  \
         UINT64_C(1) << SNP_POLICY_DEBUG | UINT64_C(1) << SNP_POLICY_CXL)

/* Names of bits, ended by NULL: of the guest policy's from SNP_POLICY_SMT on ("" for the reserved one), and of
 * PLATFORM_INFO's. */
extern const char *const snp_policy_words[];
extern const char *const snp_platform_words[];
