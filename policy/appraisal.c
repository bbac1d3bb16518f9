/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The appraisal policy. */

#include "policy/appraisal.h"

#include "lib/base/cleanup.h"
#include "policy/appraisal-log.h"
#include "policy/appraisal-snp.h"
#include "policy/appraisal-tpm.h"
#include "policy/policy.h"
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
        return (AppraisalPolicy){ .snp = snp_requirements_default(),
                                  .log = ima_requirements_default(),
                                  .guest = guest_requirements_default() };
}

void appraisal_policy_done(AppraisalPolicy *p) {
        snp_requirements_done(&p->snp);
        tpm_requirements_done(&p->tpm);
        firmware_requirements_done(&p->firmware);
        guest_requirements_done(&p->guest);
}

static const Setting settings[] = {
#define SETTING(section, key, parse, member, ...)                                                                     \
        { section, key, parse, offsetof(AppraisalPolicy, member), __VA_ARGS__ }
        SETTING("Snp", "Product", setting_set, snp.products, .words = products, .max = 1),
        SETTING("Snp", "SigningKey", setting_set, snp.roles, .words = roles, .max = 1),
        SETTING("Snp", "Provider", setting_text, snp.csp_ids, .min = 0),
        SETTING("Snp", "RequireRevocationList", setting_bool, snp.require_crl, .min = 0),
        SETTING("Snp", "AllowMaskedChipId", setting_bool, snp.allow_masked_chip_id, .min = 0),
        SETTING("Snp", "MinimumTcbMilan", setting_floor, snp.floor[SNP_MILAN], .min = SNP_MILAN),
        SETTING("Snp", "MinimumTcbGenoa", setting_floor, snp.floor[SNP_GENOA], .min = SNP_GENOA),
        SETTING("Snp", "MinimumTcbTurin", setting_floor, snp.floor[SNP_TURIN], .min = SNP_TURIN),
        SETTING("Snp", "MinimumLaunchTcbMilan", setting_launch_floor, snp.launch_floor[SNP_MILAN], .min = SNP_MILAN),
        SETTING("Snp", "MinimumLaunchTcbGenoa", setting_launch_floor, snp.launch_floor[SNP_GENOA], .min = SNP_GENOA),
        SETTING("Snp", "MinimumLaunchTcbTurin", setting_launch_floor, snp.launch_floor[SNP_TURIN], .min = SNP_TURIN),
        SETTING("Snp", "AllowProvisionalFirmware", setting_bool, snp.allow_provisional_firmware, .min = 0),
        SETTING("Snp", "MinimumFirmware", setting_version, snp.minimum_firmware, .max = 2),
        SETTING("Snp", "LaunchMitigations", setting_mask, snp.launch_mitigations, .min = 0),
        SETTING("Snp", "CurrentMitigations", setting_mask, snp.current_mitigations, .min = 0),
        SETTING("Snp", "RequirePlatform", setting_set, snp.platform_required, .words = snp_platform_words),
        SETTING("Snp", "ForbidPlatform", setting_set, snp.platform_forbidden, .words = snp_platform_words),
        SETTING("Snp", "AllowGuestPolicy", setting_set, snp.policy_allowed, .words = weakening, .min = SNP_POLICY_SMT),
        SETTING("Snp", "RequireGuestPolicy", setting_set, snp.policy_required, .words = strengthening,
                .min = SNP_POLICY_SMT),
        SETTING("Snp", "MinimumAbi", setting_version, snp.minimum_abi, .max = 1),
        SETTING("Snp", "Vmpl", setting_vmpls, snp.vmpls, .min = 0),
        SETTING("Snp", "MinimumGuestSvn", setting_number, snp.minimum_guest_svn, .max = UINT32_MAX),
        SETTING("Snp", "ReportData", setting_values, snp.values[SNP_FIELD_REPORT_DATA], .min = SNP_FIELD_REPORT_DATA),
        SETTING("Snp", "Measurement", setting_values, snp.values[SNP_FIELD_MEASUREMENT], .min = SNP_FIELD_MEASUREMENT),
        SETTING("Snp", "HostData", setting_values, snp.values[SNP_FIELD_HOST_DATA], .min = SNP_FIELD_HOST_DATA),
        SETTING("Snp", "IdKeyDigest", setting_values, snp.values[SNP_FIELD_ID_KEY_DIGEST],
                .min = SNP_FIELD_ID_KEY_DIGEST),
        SETTING("Snp", "AuthorKeyDigest", setting_values, snp.values[SNP_FIELD_AUTHOR_KEY_DIGEST],
                .min = SNP_FIELD_AUTHOR_KEY_DIGEST),
        SETTING("Snp", "FamilyId", setting_values, snp.values[SNP_FIELD_FAMILY_ID], .min = SNP_FIELD_FAMILY_ID),
        SETTING("Snp", "ImageId", setting_values, snp.values[SNP_FIELD_IMAGE_ID], .min = SNP_FIELD_IMAGE_ID),
        SETTING("Snp", "ReportId", setting_values, snp.values[SNP_FIELD_REPORT_ID], .min = SNP_FIELD_REPORT_ID),
        SETTING("Snp", "ChipId", setting_values, snp.values[SNP_FIELD_CHIP_ID], .min = SNP_FIELD_CHIP_ID),
        SETTING("Tpm", "AkName", setting_tpm_names, tpm.ak_names, .min = 0),
        SETTING("Tpm", "AkRoot", setting_tpm_digests, tpm.ak_roots, .min = 0),
        SETTING("Tpm", "VmUniqueId", setting_tpm_ids, tpm.vm_ids, .min = 0),
        SETTING("Tpm", "RequirePCRs", setting_tpm_pcrs, tpm.pcrs, .min = 0),
        SETTING("Tpm", "RequireAkOrigin", setting_bool, tpm.require_ak_origin, .min = 0),
        SETTING("Tpm", "RequireFreshReport", setting_bool, tpm.require_fresh_report, .min = 0),
        SETTING("Firmware", "RequireSecureBoot", setting_bool, firmware.require_secure_boot, .min = 0),
        SETTING("Firmware", "AllowDebugger", setting_bool, firmware.allow_debugger, .min = 0),
        SETTING("Firmware", "MinimumSbat", setting_number, firmware.minimum_sbat, .max = 9999999999),
        SETTING("Firmware", "ContinuedPCRs", setting_tpm_pcrs, firmware.continued, .min = 0),
        SETTING("Firmware", "BootLoader", setting_digest_list, firmware.lists[ITEMS_IMAGES], .min = 0),
        SETTING("Firmware", "BootFiles", setting_digest_list, firmware.lists[ITEMS_FILES], .min = 0),
        SETTING("Firmware", "Kernel", setting_digest_list, firmware.lists[ITEMS_KERNELS], .min = 0),
        SETTING("Firmware", "CommandLine", setting_digest_list, firmware.lists[ITEMS_COMMAND_LINES], .min = 0),
        SETTING("Log", "ForbidViolations", setting_bool, log.forbid_violations, .min = 0),
        SETTING("Log", "AllowPaddedSha1", setting_bool, log.allow_padded_sha1, .min = 0),
        SETTING("Log", "AllowTail", setting_bool, log.allow_tail, .min = 0),
        SETTING("Log", "RequireBootAggregate", setting_bool, log.require_boot_aggregate, .min = 0),
        SETTING("Guest", "Mode", setting_set, guest.modes, .words = mode_names, .max = 1),
        SETTING("Guest", "Policy", setting_digest_list, guest.policies, .min = 0),
        SETTING("Guest", "LogPCR", setting_number, guest.log_pcr, .max = 15),
        SETTING("Guest", "AllowGaps", setting_word, guest.gaps, .words = allowed_gaps_words),
        SETTING("Guest", "AllowLosses", setting_bool, guest.allow_losses, .min = 0),
        SETTING("Guest", "AllowDegraded", setting_bool, guest.allow_degraded, .min = 0),
        SETTING("Guest", "AllowLoweredLevels", setting_bool, guest.allow_lowered_levels, .min = 0),
        SETTING("Guest", "AllowDrills", setting_word, guest.drills, .words = allowed_drills_words),
        SETTING("Guest", "ProofOfDenial", setting_word, guest.proof, .words = wanted_proof_words),
#undef SETTING
};

int appraisal_policy_apply(AppraisalPolicy *p, const char *name, const char *text, size_t n, ProblemList *problems) {
        int r = settings_apply_text(settings, ELEMENTSOF(settings), name, text, n, p, problems);

        p->log.continued = p->firmware.continued; /* boot_aggregate is of the same registers */
        return r;
}
