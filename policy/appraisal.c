/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The appraisal policy. */

#include "policy/appraisal.h"

#include "lib/base/cleanup.h"
#include "policy/appraisal-snp.h"
#include "policy/settings.h"

static const char *const products[] = { [SNP_MILAN] = "Milan", [SNP_GENOA] = "Genoa", [SNP_TURIN] = "Turin", NULL };
static_assert(ELEMENTSOF(products) == _SNP_PRODUCT_MAX + 1, "a word per product");

/* What takes protection away may be allowed, what adds to it may be required. */
static const char *const weakening[] = { "smt", "", "migration-agent", "debug", "", "cxl", NULL };
static const char *const strengthening[] = { "",
                                             "",
                                             "",
                                             "",
                                             "single-socket",
                                             "",
                                             "aes-256-xts",
                                             "rapl-disabled",
                                             "ciphertext-hiding",
                                             "page-swap-disabled",
                                             NULL };
static_assert(SNP_POLICY_CXL - SNP_POLICY_SMT == ELEMENTSOF(weakening) - 2, "words in the order of their bits");
static_assert(_SNP_POLICY_BITS - SNP_POLICY_SMT == ELEMENTSOF(strengthening) - 1, "words in the order of their bits");

static const char *const roles[] = { [SNP_VCEK] = "vcek", [SNP_VLEK] = "vlek", NULL };

AppraisalPolicy appraisal_policy_default(void) {
        return (AppraisalPolicy){ .snp = snp_requirements_default() };
}

void appraisal_policy_done(AppraisalPolicy *p) {
        snp_requirements_done(&p->snp);
}

static const Setting settings[] = {
#define SNP(key, parse, member, ...)                                                                                  \
        { "Snp", key, parse, offsetof(AppraisalPolicy, snp.member), __VA_ARGS__ }
#define VALUES(key, field) SNP(key, snp_setting_values, values[field], .min = field)
#define FLOOR(key, product) SNP("MinimumTcb" key, snp_setting_floor, floor[product], .min = product)
#define LAUNCH_FLOOR(key, product)                                                                                    \
        SNP("MinimumLaunchTcb" key, snp_setting_launch_floor, launch_floor[product], .min = product)
        SNP("Product", snp_setting_set, products, .words = products, .max = 1),
        SNP("SigningKey", snp_setting_set, roles, .words = roles, .max = 1),
        SNP("Provider", setting_text, csp_ids, .min = 0),
        SNP("RequireRevocationList", setting_bool, require_crl, .min = 0),
        SNP("AllowMaskedChipId", setting_bool, allow_masked_chip_id, .min = 0),
        FLOOR("Milan", SNP_MILAN),
        FLOOR("Genoa", SNP_GENOA),
        FLOOR("Turin", SNP_TURIN),
        LAUNCH_FLOOR("Milan", SNP_MILAN),
        LAUNCH_FLOOR("Genoa", SNP_GENOA),
        LAUNCH_FLOOR("Turin", SNP_TURIN),
        SNP("AllowProvisionalFirmware", setting_bool, allow_provisional_firmware, .min = 0),
        SNP("MinimumFirmware", snp_setting_version, minimum_firmware, .max = 2),
        SNP("LaunchMitigations", snp_setting_mask, launch_mitigations, .min = 0),
        SNP("CurrentMitigations", snp_setting_mask, current_mitigations, .min = 0),
        SNP("RequirePlatform", snp_setting_set, platform_required, .words = snp_platform_words),
        SNP("ForbidPlatform", snp_setting_set, platform_forbidden, .words = snp_platform_words),
        SNP("AllowGuestPolicy", snp_setting_set, policy_allowed, .words = weakening, .min = SNP_POLICY_SMT),
        SNP("RequireGuestPolicy", snp_setting_set, policy_required, .words = strengthening, .min = SNP_POLICY_SMT),
        SNP("MinimumAbi", snp_setting_version, minimum_abi, .max = 1),
        SNP("Vmpl", snp_setting_vmpls, vmpls, .min = 0),
        SNP("MinimumGuestSvn", setting_number, minimum_guest_svn, .max = UINT32_MAX),
        VALUES("ReportData", SNP_FIELD_REPORT_DATA),
        VALUES("Measurement", SNP_FIELD_MEASUREMENT),
        VALUES("HostData", SNP_FIELD_HOST_DATA),
        VALUES("IdKeyDigest", SNP_FIELD_ID_KEY_DIGEST),
        VALUES("AuthorKeyDigest", SNP_FIELD_AUTHOR_KEY_DIGEST),
        VALUES("FamilyId", SNP_FIELD_FAMILY_ID),
        VALUES("ImageId", SNP_FIELD_IMAGE_ID),
        VALUES("ReportId", SNP_FIELD_REPORT_ID),
        VALUES("ChipId", SNP_FIELD_CHIP_ID),
#undef LAUNCH_FLOOR
#undef FLOOR
#undef VALUES
#undef SNP
};

int appraisal_policy_apply(AppraisalPolicy *p, const char *name, const char *text, size_t n, ProblemList *problems) {
        return settings_apply_text(settings, ELEMENTSOF(settings), name, text, n, p, problems);
}
