/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "policy/appraisal.h"
#include "tests/problems.h"
#include "tests/test.h"

static char *apply(AppraisalPolicy *p, const char *text) {
        ProblemList problems = {};

        assert_int_equal(appraisal_policy_apply(p, "a", text, strlen(text), &problems), 0);
        return problems_take(&problems);
}

static void right(AppraisalPolicy *p, const char *text) {
        _cleanup_free_ char *problems = apply(p, text);

        assert_string_equal(problems, "");
}

static void wrong(const char *text, const char *expected) {
        _cleanup_(appraisal_policy_done) AppraisalPolicy p = appraisal_policy_default();
        _cleanup_free_ char *problems = apply(&p, text);

        assert_string_equal(problems, expected);
}

static void defaults_are_strict(void **state _unused_) {
        _cleanup_(appraisal_policy_done) AppraisalPolicy p = appraisal_policy_default();

        assert_int_equal(p.snp.products, 7);
        assert_int_equal(p.snp.roles, 3);
        assert_int_equal(p.snp.vmpls, 1);
        assert_int_equal(p.snp.policy_allowed, 1 << 16);
        assert_true(p.snp.allow_provisional_firmware);
        assert_false(p.snp.allow_masked_chip_id);
        assert_false(p.snp.require_crl);
        assert_int_equal(p.snp.floors | p.snp.launch_floors, 0);
        for (SnpField f = 0; f < _SNP_FIELD_MAX; f++)
                assert_int_equal(p.snp.values[f].count, 0);
}

static void every_scalar(void **state _unused_) {
        _cleanup_(appraisal_policy_done) AppraisalPolicy p = appraisal_policy_default();

        right(&p,
              "[Snp]\nProduct=Genoa Turin\nSigningKey=vlek\nProvider=CN=a CN=b\nRequireRevocationList=yes\n"
              "AllowMaskedChipId=yes\nAllowProvisionalFirmware=no\nMinimumFirmware=1.55.29\nLaunchMitigations=0x3f\n"
              "CurrentMitigations=0xFFFFFFFFFFFFFFFF\nRequirePlatform=alias-check tio\nForbidPlatform=smt\n"
              "AllowGuestPolicy=debug cxl\nRequireGuestPolicy=single-socket page-swap-disabled\nMinimumAbi=1.55\n"
              "Vmpl=1 3\nMinimumGuestSvn=4294967295\n");
        assert_int_equal(p.snp.products, 1 << SNP_GENOA | 1 << SNP_TURIN);
        assert_int_equal(p.snp.roles, 1 << SNP_VLEK);
        assert_string_equal(p.snp.csp_ids, "CN=a CN=b");
        assert_true(p.snp.require_crl);
        assert_true(p.snp.allow_masked_chip_id);
        assert_false(p.snp.allow_provisional_firmware);
        assert_int_equal(p.snp.minimum_firmware, 1 << 16 | 55 << 8 | 29);
        assert_int_equal(p.snp.launch_mitigations, 0x3f);
        assert_true(p.snp.current_mitigations == UINT64_MAX);
        assert_int_equal(p.snp.platform_required, 1 << 5 | 1 << 7);
        assert_int_equal(p.snp.platform_forbidden, 1 << 0);
        assert_int_equal(p.snp.policy_allowed, 1 << SNP_POLICY_DEBUG | 1 << SNP_POLICY_CXL);
        assert_int_equal(p.snp.policy_required, 1 << SNP_POLICY_SINGLE_SOCKET | 1 << SNP_POLICY_PAGE_SWAP_DISABLED);
        assert_int_equal(p.snp.minimum_abi, 1 << 8 | 55);
        assert_int_equal(p.snp.vmpls, 1 << 1 | 1 << 3);
        assert_int_equal(p.snp.minimum_guest_svn, UINT32_MAX);
        right(&p, "[Snp]\nAllowGuestPolicy=\nRequireGuestPolicy=\nRequirePlatform=\n"); /* nothing */
        assert_int_equal(p.snp.policy_allowed | p.snp.policy_required | p.snp.platform_required, 0);
}

/* A word for each bit, and each of them its own. */
static void words_of_bits(void **state _unused_) {
        for (unsigned bit = SNP_POLICY_SMT; bit < _SNP_POLICY_BITS; bit++) {
                _cleanup_(appraisal_policy_done) AppraisalPolicy p = appraisal_policy_default();
                bool weakens = snp_bit(SNP_POLICY_WEAKENING, bit);
                char text[80];

                if (bit == SNP_POLICY_ONE)
                        continue;
                snprintf(text, sizeof(text), "[Snp]\n%sGuestPolicy=%s\n", weakens ? "Allow" : "Require",
                         snp_policy_words[bit - SNP_POLICY_SMT]);
                right(&p, text);
                assert_int_equal(weakens ? p.snp.policy_allowed : p.snp.policy_required, UINT64_C(1) << bit);
        }
        for (unsigned bit = 0; snp_platform_words[bit]; bit++) {
                _cleanup_(appraisal_policy_done) AppraisalPolicy p = appraisal_policy_default();
                char text[80];

                snprintf(text, sizeof(text), "[Snp]\nForbidPlatform=%s\n", snp_platform_words[bit]);
                right(&p, text);
                assert_int_equal(p.snp.platform_forbidden, UINT64_C(1) << bit);
        }
}

static void floors(void **state _unused_) {
        _cleanup_(appraisal_policy_done) AppraisalPolicy p = appraisal_policy_default();

        right(&p, "[Snp]\nMinimumTcbMilan=bootloader:4 tee:0 snp:24 microcode:219\n"
                  "MinimumTcbTurin=fmc:1 microcode:81\nMinimumLaunchTcbGenoa=snp:23\n");
        assert_int_equal(p.snp.floors, 1 << SNP_MILAN | 1 << SNP_TURIN);
        assert_int_equal(p.snp.launch_floors, 1 << SNP_GENOA);
        assert_memory_equal(p.snp.floor[SNP_MILAN].parts, ((uint8_t[]){ 0, 4, 0, 24, 219 }), _TCB_MAX);
        assert_memory_equal(p.snp.floor[SNP_TURIN].parts, ((uint8_t[]){ 1, 0, 0, 0, 81 }), _TCB_MAX);
        assert_memory_equal(p.snp.launch_floor[SNP_GENOA].parts, ((uint8_t[]){ 0, 0, 0, 23, 0 }), _TCB_MAX);
}

static void values(void **state _unused_) {
        static const char *const keys[] = {
                [SNP_FIELD_REPORT_DATA] = "ReportData",
                [SNP_FIELD_MEASUREMENT] = "Measurement",
                [SNP_FIELD_HOST_DATA] = "HostData",
                [SNP_FIELD_ID_KEY_DIGEST] = "IdKeyDigest",
                [SNP_FIELD_AUTHOR_KEY_DIGEST] = "AuthorKeyDigest",
                [SNP_FIELD_FAMILY_ID] = "FamilyId",
                [SNP_FIELD_IMAGE_ID] = "ImageId",
                [SNP_FIELD_REPORT_ID] = "ReportId",
                [SNP_FIELD_CHIP_ID] = "ChipId",
        };

        assert_int_equal(ELEMENTSOF(keys), _SNP_FIELD_MAX);
        for (SnpField f = 0; f < _SNP_FIELD_MAX; f++) {
                _cleanup_(appraisal_policy_done) AppraisalPolicy p = appraisal_policy_default();
                _cleanup_free_ char *ones = repeat('1', 2 * snp_fields[f].size);
                _cleanup_free_ char *letters = repeat('A', 2 * snp_fields[f].size);
                char text[1024], expected[256];

                snprintf(text, sizeof(text), "[Snp]\n%s=%s  %s\n", keys[f], ones, letters);
                right(&p, text);
                right(&p, text); /* in a later file: instead of the first */
                assert_int_equal(p.snp.values[f].count, 2);
                assert_int_equal(p.snp.values[f].data[0], 0x11);
                assert_int_equal(p.snp.values[f].data[2 * snp_fields[f].size - 1], 0xaa);
                snprintf(expected, sizeof(expected),
                         "a:2:%zu: %s= expects hexadecimal values, each with all bytes of that field\n",
                         strlen(keys[f]) + 2, keys[f]);
                snprintf(text, sizeof(text), "[Snp]\n%s=%s1\n", keys[f], ones);
                wrong(text, expected);
                snprintf(text, sizeof(text), "[Snp]\n%s=%s\n", keys[f], ones + 2);
                wrong(text, expected);
                snprintf(text, sizeof(text), "[Snp]\n%s=x%s\n", keys[f], ones + 1);
                wrong(text, expected);
                snprintf(text, sizeof(text), "[Snp]\n%s=\n", keys[f]);
                wrong(text, expected);
        }
}

static void short_chip_ids(void **state _unused_) {
        _cleanup_(appraisal_policy_done) AppraisalPolicy p = appraisal_policy_default();

        right(&p, "[Snp]\nChipId=59790fb1c39f35c1\n");
        assert_int_equal(p.snp.values[SNP_FIELD_CHIP_ID].count, 1);
        assert_memory_equal(p.snp.values[SNP_FIELD_CHIP_ID].data, "\x59\x79\x0f\xb1\xc3\x9f\x35\xc1", 8);
        assert_true(snp_is_zero(p.snp.values[SNP_FIELD_CHIP_ID].data + 8, SNP_CHIP_ID_SIZE - 8));
        wrong("[Snp]\nHostData=59790fb1c39f35c1\n",
              "a:2:10: HostData= expects hexadecimal values, each with all bytes of that field\n");
}

static void mistakes(void **state _unused_) {
        static const char products[] = "Product= expects words out of Milan, Genoa and Turin\n";
        static const char parts[] =
                "expects words like snp:24 and microcode:219, of the parts that this generation has\n";
        static const char two[] = "two numbers from 0 to 255 with a dot between them, like 1.55\n";
        static const char three[] = "three numbers from 0 to 255 with dots between them, like 1.55.29\n";
        static const char *const firmware[] = {
                "", "1", "1.2", "1.2.3.4", "1.2.256", "1.2.", ".1.2", "1..2", "a.b.c"
        };
        static const char *const masks[] = { "", "0x", "63", "0xg", "0x11111111111111111", "0x1 0x2", "-0x1" };
        char text[80], expected[200];

        wrong("[Snp]\nMeasurment=00\n", "a:2:1: unknown key \"Measurment\"; did you mean \"Measurement\"?\n");
        wrong("[Sno]\n", "a:1:2: unknown section \"Sno\"; did you mean \"Snp\"?\n");
        wrong("[Snp a]\n", "a:1:6: [Snp] takes no name\n");
        wrong("[Snp]\nVmpl=0\nVmpl=1\n", "a:3:1: Vmpl= is given twice\n");
        snprintf(expected, sizeof(expected), "a:2:15: %s", products);
        wrong("[Snp]\nProduct=Milan Naples\n", expected);
        snprintf(expected, sizeof(expected), "a:2:9: %s", products);
        wrong("[Snp]\nProduct=\n", expected);
        wrong("[Snp]\nSigningKey=asvk\n", "a:2:12: SigningKey= expects words out of vcek and vlek\n");
        wrong("[Snp]\nAllowGuestPolicy=single-socket\n",
              "a:2:18: AllowGuestPolicy= expects words out of smt, migration-agent, debug and cxl\n");
        wrong("[Snp]\nRequireGuestPolicy=smt\n",
              "a:2:20: RequireGuestPolicy= expects words out of single-socket, aes-256-xts, rapl-disabled, "
              "ciphertext-hiding and page-swap-disabled\n");
        wrong("[Snp]\nVmpl=4\n", "a:2:6: Vmpl= expects privilege levels from 0 to 3\n");
        wrong("[Snp]\nVmpl=\n", "a:2:6: Vmpl= expects privilege levels from 0 to 3\n");
        snprintf(expected, sizeof(expected), "a:2:23: MinimumTcbMilan= %s", parts);
        wrong("[Snp]\nMinimumTcbMilan=snp:1 fmc:1\n", expected);
        wrong("[Snp]\nMinimumTcbMilan=snp:1 snp\n", expected);
        wrong("[Snp]\nMinimumTcbMilan=snp:1 tee:256\n", expected);
        wrong("[Snp]\nMinimumTcbMilan=snp:1 tee:\n", expected);
        wrong("[Snp]\nMinimumTcbTurin=snp:1 snp:2\n", "a:2:23: MinimumTcbTurin= expects each part once\n");
        wrong("[Snp]\nMinimumTcbTurin=\n", "a:2:17: MinimumTcbTurin= expects words like snp:24 and microcode:219\n");
        for (size_t i = 0; i < ELEMENTSOF(firmware); i++) {
                snprintf(text, sizeof(text), "[Snp]\nMinimumFirmware=%s\n", firmware[i]);
                snprintf(expected, sizeof(expected), "a:2:17: MinimumFirmware= expects %s", three);
                wrong(text, expected);
        }
        snprintf(expected, sizeof(expected), "a:2:12: MinimumAbi= expects %s", two);
        wrong("[Snp]\nMinimumAbi=1.2.3\n", expected);
        for (size_t i = 0; i < ELEMENTSOF(masks); i++) {
                snprintf(text, sizeof(text), "[Snp]\nLaunchMitigations=%s\n", masks[i]);
                wrong(text, "a:2:19: LaunchMitigations= expects bits in hexadecimal, like 0x3f\n");
        }
}

/* What is refused leaves the setting as it was. */
static void mistakes_change_nothing(void **state _unused_) {
        _cleanup_(appraisal_policy_done) AppraisalPolicy p = appraisal_policy_default();
        _cleanup_free_ char *problems = NULL;

        problems =
                apply(&p, "[Snp]\nProduct=Milan x\nVmpl=1 7\nMinimumTcbMilan=snp:1 x\nMeasurement=11\nMinimumAbi=1\n"
                          "LaunchMitigations=0x1g\n");
        assert_non_null(strstr(problems, "a:2:15: "));
        assert_int_equal(p.snp.products, 7);
        assert_int_equal(p.snp.vmpls, 1);
        assert_int_equal(p.snp.floors, 0);
        assert_int_equal(p.snp.floor[SNP_MILAN].parts[TCB_SNP], 0);
        assert_int_equal(p.snp.values[SNP_FIELD_MEASUREMENT].count, 0);
        assert_int_equal(p.snp.minimum_abi | p.snp.launch_mitigations, 0);
}

static void tpm(void **state _unused_) {
        _cleanup_(appraisal_policy_done) AppraisalPolicy p = appraisal_policy_default();
        static const char digits[] = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
        _cleanup_free_ char *text = NULL;

        assert_null(p.tpm.ak_names);
        assert_null(p.tpm.ak_roots);
        assert_null(p.tpm.vm_ids);
        assert_int_equal(p.tpm.pcrs, 0);
        assert_false(p.tpm.require_ak_origin);
        assert_false(p.tpm.require_fresh_report);
        assert_true(
                asprintf(&text,
                         "[Tpm]\nAkName=000b%s 000B%s\nAkRoot=%s\nVmUniqueId=7DF7B373-b947-4aaa-96e5-c358f2a03d20\n"
                         "RequirePCRs=0 7 23\nRequireAkOrigin=yes\nRequireFreshReport=yes\n",
                         digits, digits, digits) > 0);
        right(&p, text);
        assert_true(tpm_requirements_have(p.tpm.ak_roots,
                                          "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff"));
        assert_true(tpm_requirements_have(p.tpm.vm_ids, "7df7b373-B947-4aaa-96e5-c358f2a03d20"));
        assert_false(tpm_requirements_have(p.tpm.vm_ids, "7df7b373-B947-4aaa-96e5-c358f2a03d2"));
        assert_int_equal(p.tpm.pcrs, 1 << 0 | 1 << 7 | 1 << 23);
        assert_true(p.tpm.require_ak_origin);
        assert_true(p.tpm.require_fresh_report);
}

static void tpm_mistakes(void **state _unused_) {
        static const char *const lines[] = {
                "AkName=000b00",
                "AkName=",
                "AkName=000b00112233445566778899aabbccddeeff00112233445566778899aabbccddeeffg",
                "AkRoot=00112233445566778899aabbccddeeff",
                "AkRoot=g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
                "VmUniqueId=7df7b373b9474aaa96e5c358f2a03d20",
                "VmUniqueId=7df7b373-b947-4aaa-96e5-c358f2a03d2g",
                "RequirePCRs=24",
                "RequirePCRs=",
                "RequirePCRs=1,2",
                "RequirePCRs=-1",
                "RequirePCRs=4294967296",
                "Akname=x",
        };

        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                _cleanup_(appraisal_policy_done) AppraisalPolicy p = appraisal_policy_default();
                _cleanup_free_ char *text = NULL, *problems = NULL;

                assert_true(asprintf(&text, "[Tpm]\n%s\n", lines[i]) > 0);
                problems = apply(&p, text);
                if (!startswith(problems, "a:2:"))
                        fail_msg("%s: %s", lines[i], problems);
        }
}

static void logs(void **state _unused_) {
        _cleanup_(appraisal_policy_done) AppraisalPolicy p = appraisal_policy_default();
        _cleanup_free_ char *problems = NULL;
        uint8_t digest[SHA1_SIZE];

        assert_false(p.firmware.require_secure_boot || p.firmware.allow_debugger || p.log.forbid_violations);
        assert_false(p.log.allow_padded_sha1 || p.log.allow_tail || p.log.require_boot_aggregate);
        assert_int_equal(p.log.pcr, -1);
        problems = apply(&p, "[Firmware]\nRequireSecureBoot=yes\nAllowDebugger=yes\nMinimumSbat=2024040900\n"
                             "ContinuedPCRs=9 11\nKernel=1111111111111111111111111111111111111111 "
                             "2222222222222222222222222222222222222222222222222222222222222222\n"
                             "[Log]\nForbidViolations=yes\nAllowPaddedSha1=yes\nAllowTail=yes\n"
                             "RequireBootAggregate=yes\n");
        assert_string_equal(problems, "");
        assert_true(p.firmware.require_secure_boot && p.firmware.allow_debugger && p.log.forbid_violations);
        assert_true(p.log.allow_padded_sha1 && p.log.allow_tail && p.log.require_boot_aggregate);
        assert_int_equal(p.firmware.minimum_sbat, 2024040900);
        assert_int_equal(p.firmware.continued, 1U << 9 | 1U << 11);
        assert_int_equal(p.log.continued, 1U << 9 | 1U << 11);
        assert_int_equal(p.firmware.lists[ITEMS_KERNELS].size, 2);
        memset(digest, 0x11, sizeof(digest));
        assert_true(digest_list_has(&p.firmware.lists[ITEMS_KERNELS], HASH_SHA1, digest));
        wrong("[Firmware]\nKernel=11\n",
              "a:2:8: Kernel= expects digests of 40, 64, 96 or 128 hexadecimal digits, 4096 at most\n");
        wrong("[Log]\nAllowTails=yes\n", "a:2:1: unknown key \"AllowTails\"; did you mean \"AllowTail\"?\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(defaults_are_strict),
                TEST(every_scalar),
                TEST(words_of_bits),
                TEST(floors),
                TEST(values),
                TEST(short_chip_ids),
                TEST(logs),
                TEST(mistakes),
                TEST(mistakes_change_nothing),
                TEST(tpm),
                TEST(tpm_mistakes),
        };

        return RUN(tests);
}
