/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Appraisal policies: no file takes away what is always refused, and the same file on top of itself changes nothing. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "policy/appraisal.h"

static void apply(AppraisalPolicy *p, const uint8_t *data, size_t size, ProblemList *problems) {
        const SnpRequirements *q = &p->snp;

        REQUIRE(appraisal_policy_apply(p, "policy", (const char *) data, size, problems) == 0);
        REQUIRE(q->products > 0 && q->products < 1 << _SNP_PRODUCT_MAX && q->roles > 0 && q->roles <= 3);
        REQUIRE(q->vmpls > 0 && q->vmpls < 1 << (SNP_VMPL_MAX + 1));
        REQUIRE((q->policy_allowed & ~SNP_POLICY_WEAKENING) == 0 && (q->policy_required & SNP_POLICY_WEAKENING) == 0);
        REQUIRE(q->minimum_abi <= 0xffff && q->minimum_firmware <= 0xffffff && q->minimum_guest_svn <= UINT32_MAX);
        for (SnpProduct product = 0; product < _SNP_PRODUCT_MAX; product++)
                REQUIRE(product == SNP_TURIN || q->floor[product].parts[TCB_FMC] == 0);
}

static void require_equal(const SnpRequirements *a, const SnpRequirements *b) {
        REQUIRE(a->products == b->products && a->roles == b->roles && a->vmpls == b->vmpls);
        REQUIRE(a->policy_allowed == b->policy_allowed && a->policy_required == b->policy_required);
        REQUIRE(a->floors == b->floors && memcmp(a->floor, b->floor, sizeof(a->floor)) == 0);
        REQUIRE(!a->csp_ids == !b->csp_ids && (!a->csp_ids || streq(a->csp_ids, b->csp_ids)));
        for (SnpField f = 0; f < _SNP_FIELD_MAX; f++) {
                const SnpValues *v = &a->values[f], *w = &b->values[f];

                REQUIRE(v->count == w->count &&
                        (v->count == 0 || memcmp(v->data, w->data, v->count * snp_fields[f].size) == 0));
        }
}

static void run(const uint8_t *data, size_t size) {
        _cleanup_(problem_list_done) ProblemList problems = {};
        _cleanup_(appraisal_policy_done) AppraisalPolicy once = appraisal_policy_default();
        _cleanup_(appraisal_policy_done) AppraisalPolicy twice = appraisal_policy_default();

        apply(&once, data, size, &problems);
        apply(&twice, data, size, &problems);
        apply(&twice, data, size, &problems);
        require_equal(&once.snp, &twice.snp);
}

static void seeds(void) {
        fuzz_seed_text(
                "[Snp]\nProduct=Genoa Turin\nSigningKey=vlek\nProvider=CN=a CN=b\nRequireRevocationList=yes\n"
                "AllowMaskedChipId=yes\nAllowProvisionalFirmware=no\nMinimumFirmware=1.55.29\n"
                "LaunchMitigations=0x3f\nCurrentMitigations=0xFFFFFFFFFFFFFFFF\nRequirePlatform=alias-check tio\n"
                "ForbidPlatform=smt\nAllowGuestPolicy=debug cxl\nRequireGuestPolicy=single-socket\n"
                "MinimumAbi=1.55\nVmpl=1 3\nMinimumGuestSvn=4294967295\n");
        fuzz_seed_text("[Snp]\nMinimumTcbMilan=bootloader:4 tee:0 snp:24 microcode:219\nMinimumTcbTurin=fmc:1\n"
                       "MinimumLaunchTcbGenoa=snp:23\nChipId=59790fb1c39f35c1\n"
                       "FamilyId=01000000000000000000000000000000 02000000000000000000000000000000\n");
        fuzz_seed_text("[Snp]\nVmpl=4\nProduct=\nMinimumTcbMilan=fmc:1\nMeasurement=00\n[Nsp]\n");
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
