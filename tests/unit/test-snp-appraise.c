/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reports of every version and generation, and each thing that can be wrong with what they say. */

#include "tests/pki.h"
#include "tests/snp-case.h"
#include "tests/test.h"

static SnpCase usual(void) {
        return snp_case(&pki, 3, SNP_MILAN, SNP_VCEK);
}

static void done(SnpCase *c) {
        snp_requirements_done(&c->requirements);
}

static void everything_genuine_passes(void **state _unused_) {
        for (uint32_t version = SNP_REPORT_VERSION_MIN; version <= SNP_REPORT_VERSION_MAX; version++)
                for (SnpProduct p = 0; p < _SNP_PRODUCT_MAX; p++)
                        for (SnpRole role = SNP_VCEK; role <= SNP_VLEK; role++) {
                                _cleanup_(done) SnpCase c = snp_case(&pki, version, p, role);

                                c.has_crl = true;
                                assert_fails(&c, "");
                        }
}

static void every_check_is_there_once(void **state _unused_) {
        static const char *const names[] = {
                "report-structure",
                "report-version",
                "product",
                "signing-key",
                "signature",
                "chain",
                "root",
                "revocation",
                "provider",
                "chip-id",
                "chip-allowed",
                "reported-tcb",
                "tcb-order",
                "tcb-floor",
                "firmware",
                "mitigations",
                "platform",
                "guest-policy",
                "migration-agent",
                "vmpl",
                "guest-svn",
                "certificate-validity",
                "report-data",
                "measurement",
                "host-data",
                "id-key",
                "author-key",
                "family-id",
                "image-id",
                "report-id",
        };
        _cleanup_(done) SnpCase c = usual();
        _cleanup_(check_list_done) CheckList checks = {};

        snp_case_judge(&c, &checks);
        assert_int_equal(checks.size, ELEMENTSOF(names));
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                assert_non_null(check_list_find(&checks, names[i]));
}

static void sizes(void **state _unused_) {
        _cleanup_(done) SnpCase c = usual();
        _cleanup_(snp_case_files_done) SnpCaseFiles files;
        _cleanup_(snp_endorsements_freep) SnpEndorsements *e = NULL;
        static const size_t wrong[] = {
                0, 1, 4, SNP_REPORT_SIGNED_SIZE, SNP_REPORT_SIZE - 1, SNP_REPORT_SIZE + 1, 4000
        };
        uint8_t bytes[4000] = {};

        snp_case_files(&c, &files);
        assert_int_equal(sim_report_sign(&c.report, c.vek.key), 0);
        memcpy(bytes, &c.report, sizeof(c.report));
        assert_int_equal(snp_endorsements_new(&(SnpEndorsementFiles){ .vek = files.vek.data,
                                                                      .vek_size = files.vek.size,
                                                                      .chain = files.chain.data,
                                                                      .chain_size = files.chain.size },
                                              &e),
                         0);
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                _cleanup_(check_list_done) CheckList checks = {};

                snp_appraise(&(SnpAppraisal){ .report = bytes,
                                              .report_size = wrong[i],
                                              .endorsements = e,
                                              .requirements = &c.requirements,
                                              .at = SIM_TIME,
                                              .allow_simulated = true },
                             &checks);
                assert_list_fails(&checks, "report-structure");
        }
}

static void versions(void **state _unused_) {
        static const uint32_t wrong[] = { 0, 1, 6, 7, 0x10003, UINT32_MAX };

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                _cleanup_(done) SnpCase c = usual();

                sim_put_u32(c.report.version, wrong[i]);
                assert_fails(&c, "report-version");
        }
}

/* Whoever signs a report can set what is reserved: it must be seen nevertheless. */
static void reserved_bytes(void **state _unused_) {
        static const struct {
                uint32_t version;
                size_t first, last;
        } zeros[] = {
                { 3, 0x04c, 0x04f }, { 3, 0x18b, 0x19f }, { 2, 0x188, 0x18a }, { 3, 0x1eb, 0x1eb },
                { 3, 0x1ef, 0x1ef }, { 4, 0x1f8, 0x207 }, { 3, 0x208, 0x29f }, { 5, 0x208, 0x29f },
        };

        for (size_t i = 0; i < ELEMENTSOF(zeros); i++)
                for (size_t at = zeros[i].first; at <= zeros[i].last; at += (zeros[i].last - at) / 2 + 1) {
                        _cleanup_(done) SnpCase c = snp_case(&pki, zeros[i].version, SNP_MILAN, SNP_VCEK);

                        ((uint8_t *) &c.report)[at] = 0x80;
                        assert_fails(&c, "report-structure");
                }
}

/* Outside of what is signed. */
static void padding_of_the_signature(void **state _unused_) {
        _cleanup_(done) SnpCase c = usual();
        _cleanup_(snp_case_files_done) SnpCaseFiles files;

        snp_case_files(&c, &files);
        assert_int_equal(sim_report_sign(&c.report, c.vek.key), 0);
        c.keep_signature = true;
        for (size_t at = SNP_REPORT_SIGNED_SIZE; at < SNP_REPORT_SIZE; at++) {
                _cleanup_(check_list_done) CheckList checks = {};
                size_t in = at - SNP_REPORT_SIGNED_SIZE;
                bool padding = (in >= 48 && in < 72) || in >= 72 + 48;

                ((uint8_t *) &c.report)[at] ^= 1;
                snp_case_judge_files(&c, &files, &checks);
                assert_list_fails(&checks, padding ? "report-structure" : "signature");
                ((uint8_t *) &c.report)[at] ^= 1;
        }
        assert_fails(&c, "");
}

static void structure_bits(void **state _unused_) {
        _cleanup_(done) SnpCase c = usual();
        uint64_t policy = snp_u64(c.report.policy);

        sim_put_u64(c.report.policy, policy & ~(UINT64_C(1) << SNP_POLICY_ONE));
        assert_fails(&c, "report-structure");
        for (unsigned bit = _SNP_POLICY_BITS; bit < 64; bit++) {
                sim_put_u64(c.report.policy, policy | UINT64_C(1) << bit);
                assert_fails(&c, "report-structure");
        }
        sim_put_u64(c.report.policy, policy);
        for (uint32_t algo = 0; algo < 4; algo++) {
                sim_put_u32(c.report.signature_algo, algo);
                assert_fails(&c, algo == 1 ? "" : "report-structure");
        }
        sim_put_u32(c.report.signature_algo, 1);
        for (unsigned bit = 5; bit < 32; bit++) {
                sim_put_u32(c.report.key_info, UINT32_C(1) << bit);
                assert_fails(&c, "report-structure");
        }
        sim_put_u32(c.report.key_info, 0);
        c.report.author_key_digest[47] = 1;
        assert_fails(&c, "report-structure");
        sim_put_u32(c.report.key_info, SNP_KEY_AUTHOR);
        assert_fails(&c, "");
        c.report.author_key_digest[47] = 0;
        assert_fails(&c, "report-structure");
        c.report.author_key_digest[0] = 1;
        memset(c.report.id_key_digest, 0, sizeof(c.report.id_key_digest));
        assert_fails(&c, "report-structure");
}

/* Bits of PLATFORM_INFO come with newer firmware; what is not known is named. */
static void platform_bits(void **state _unused_) {
        _cleanup_(done) SnpCase c = snp_case(&pki, 5, SNP_TURIN, SNP_VCEK);
        _cleanup_(check_list_done) CheckList checks = {};

        sim_put_u64(c.report.platform_info, UINT64_C(1) << 40 | 0x65);
        snp_case_judge(&c, &checks);
        assert_list_fails(&checks, "");
        assert_non_null(strstr(check_list_find(&checks, "platform")->detail, "iommu-write-safe bit-40"));
        c.requirements.platform_required = 1 << 5;
        assert_fails(&c, "");
        c.requirements.platform_required = 1 << 1;
        assert_fails(&c, "platform");
        c.requirements.platform_required = 0;
        c.requirements.platform_forbidden = 1 << 0;
        assert_fails(&c, "platform");
}

static void guest_policy(void **state _unused_) {
        static const struct {
                unsigned bit;
                const char *fails;
        } bits[] = {
                { SNP_POLICY_SMT, "" },
                { SNP_POLICY_MIGRATION_AGENT, "guest-policy" },
                { SNP_POLICY_DEBUG, "guest-policy" },
                { SNP_POLICY_SINGLE_SOCKET, "" },
                { SNP_POLICY_CXL, "guest-policy" },
                { SNP_POLICY_AES_256_XTS, "" },
                { SNP_POLICY_RAPL_DISABLED, "" },
                { SNP_POLICY_CIPHERTEXT_HIDING, "" },
                { SNP_POLICY_PAGE_SWAP_DISABLED, "" },
        };
        const uint64_t one = UINT64_C(1) << SNP_POLICY_ONE;

        for (size_t i = 0; i < ELEMENTSOF(bits); i++) {
                _cleanup_(done) SnpCase c = usual();
                uint64_t bit = UINT64_C(1) << bits[i].bit;

                sim_put_u64(c.report.policy, one | bit);
                assert_fails(&c, bits[i].fails);
                c.requirements.policy_allowed = bit;
                assert_fails(&c, "");
                c.requirements.policy_required = bit;
                assert_fails(&c, "");
                sim_put_u64(c.report.policy, one);
                assert_fails(&c, "guest-policy");
        }
}

static void abi_and_guest_svn(void **state _unused_) {
        _cleanup_(done) SnpCase c = usual(); /* 0.31, 2 */

        c.requirements.minimum_abi = 0x001f;
        c.requirements.minimum_guest_svn = 2;
        assert_fails(&c, "");
        c.requirements.minimum_abi = 0x0020;
        assert_fails(&c, "guest-policy");
        c.requirements.minimum_abi = 0x0100;
        c.requirements.minimum_guest_svn = 3;
        assert_fails(&c, "guest-policy guest-svn");
}

static void migration_agents(void **state _unused_) {
        _cleanup_(done) SnpCase c = usual();
        uint64_t policy = snp_u64(c.report.policy), bit = UINT64_C(1) << SNP_POLICY_MIGRATION_AGENT;

        c.report.report_id_ma[31] = 0xfe;
        assert_fails(&c, "migration-agent"); /* and the policy does not even admit one */
        c.requirements.policy_allowed |= bit;
        assert_fails(&c, "migration-agent");
        sim_put_u64(c.report.policy, policy | bit);
        assert_fails(&c, "");
        c.requirements.policy_allowed &= ~bit;
        assert_fails(&c, "guest-policy migration-agent");
}

static void privilege_levels(void **state _unused_) {
        _cleanup_(done) SnpCase c = usual();

        for (uint32_t vmpl = 1; vmpl < 6; vmpl++) {
                sim_put_u32(c.report.vmpl, vmpl);
                assert_fails(&c, "vmpl");
        }
        c.requirements.vmpls = UINT64_MAX;
        for (uint32_t vmpl = 0; vmpl < 6; vmpl++) {
                sim_put_u32(c.report.vmpl, vmpl);
                assert_fails(&c, vmpl <= SNP_VMPL_MAX ? "" : "vmpl");
        }
        sim_put_u32(c.report.vmpl, UINT32_MAX); /* the host's own: never */
        assert_fails(&c, "vmpl");
}

static void signing_keys(void **state _unused_) {
        for (uint32_t key = 0; key <= SNP_KEY_SIGNING_MASK; key++) {
                _cleanup_(done) SnpCase vcek = usual(), vlek = snp_case(&pki, 3, SNP_MILAN, SNP_VLEK);

                sim_put_u32(vcek.report.key_info, key << SNP_KEY_SIGNING_SHIFT);
                sim_put_u32(vlek.report.key_info, key << SNP_KEY_SIGNING_SHIFT);
                assert_fails(&vcek, key == SNP_VCEK ? "" : "signing-key");
                assert_fails(&vlek, key == SNP_VLEK ? "" : "signing-key");
                vcek.requirements.roles = 1 << SNP_VLEK;
                vlek.requirements.roles = 1 << SNP_VCEK;
                assert_fails(&vcek, "signing-key");
                assert_fails(&vlek, "signing-key");
        }
}

/* The firmware leaves the signature out when it masks the key: the host asked for that. */
static void masked_keys(void **state _unused_) {
        _cleanup_(done) SnpCase c = usual();

        sim_put_u32(c.report.key_info, SNP_KEY_MASKED);
        assert_fails(&c, "signing-key signature");
        c.keep_signature = true;
        memset(c.report.signature_r, 0, sizeof(c.report.signature_r));
        memset(c.report.signature_s, 0, sizeof(c.report.signature_s));
        assert_fails(&c, "signing-key signature");
        sim_put_u32(c.report.key_info, 0);
        assert_fails(&c, "signature");
}

static void providers(void **state _unused_) {
        _cleanup_(done) SnpCase vcek = usual(), vlek = snp_case(&pki, 3, SNP_MILAN, SNP_VLEK);

        vlek.requirements.csp_ids = strdup("CN=other CN=simulated.example");
        vcek.requirements.csp_ids = strdup("CN=simulated.example");
        assert_fails(&vlek, "");
        assert_fails(&vcek, "provider");
        vlek.requirements.csp_ids[strlen("CN=other CN=simulated")] = ' '; /* only a part of it */
        assert_fails(&vlek, "provider");
}

static void products(void **state _unused_) {
        static const struct {
                uint8_t family, model;
                SnpProduct product;
        } models[] = {
                { 0x19, 0x00, SNP_MILAN }, { 0x19, 0x0f, SNP_MILAN }, { 0x19, 0x10, SNP_GENOA },
                { 0x19, 0x1f, SNP_GENOA }, { 0x19, 0xa0, SNP_GENOA }, { 0x19, 0xaf, SNP_GENOA },
                { 0x1a, 0x00, SNP_TURIN }, { 0x1a, 0x11, SNP_TURIN }, { 0x19, 0x20, -1 },
                { 0x19, 0x9f, -1 },        { 0x19, 0xb0, -1 },        { 0x1a, 0x12, -1 },
                { 0x1a, 0x50, -1 },        { 0x17, 0x01, -1 },        { 0, 0, -1 },
        };

        for (size_t i = 0; i < ELEMENTSOF(models); i++)
                for (SnpProduct p = 0; p < _SNP_PRODUCT_MAX; p++) {
                        _cleanup_(done) SnpCase c = snp_case(&pki, 3, p, SNP_VCEK);

                        c.report.cpuid_family = models[i].family;
                        c.report.cpuid_model = models[i].model;
                        assert_fails(&c, p == models[i].product ? "" : "product");
                }
        for (SnpProduct p = 0; p < _SNP_PRODUCT_MAX; p++) {
                _cleanup_(done) SnpCase c = usual();

                c.requirements.products = UINT64_C(1) << p;
                assert_fails(&c, p == SNP_MILAN ? "" : "product");
        }
}

static void chip_ids(void **state _unused_) {
        for (SnpProduct p = 0; p < _SNP_PRODUCT_MAX; p++) {
                _cleanup_(done) SnpCase c = snp_case(&pki, 3, p, SNP_VCEK);
                uint8_t id[SNP_CHIP_ID_SIZE];

                memcpy(id, c.report.chip_id, sizeof(id));
                for (size_t i = 0; i < SNP_CHIP_ID_SIZE; i += 7) {
                        c.report.chip_id[i] ^= 0x80;
                        assert_fails(&c, "chip-id");
                        c.report.chip_id[i] ^= 0x80;
                }
                memset(c.report.chip_id, 0, sizeof(c.report.chip_id));
                assert_fails(&c, "chip-id");
                c.requirements.allow_masked_chip_id = true;
                assert_fails(&c, "");
                /* The certificate of the key still names the chip. */
                assert_int_equal(snp_values_add(&c.requirements, SNP_FIELD_CHIP_ID, id), 0);
                assert_fails(&c, "");
                c.requirements.values[SNP_FIELD_CHIP_ID].data[0] ^= 1;
                assert_fails(&c, "chip-allowed");
        }
}

static void reference_values(void **state _unused_) {
        for (SnpField f = 0; f < _SNP_FIELD_MAX; f++) {
                _cleanup_(done) SnpCase c = usual();
                uint8_t *value = (uint8_t *) &c.report + snp_fields[f].offset;
                uint8_t other[SNP_REPORT_DATA_SIZE] = { 0xee };

                assert_int_equal(snp_values_add(&c.requirements, f, other), 0);
                assert_fails(&c, snp_fields[f].check);
                assert_int_equal(snp_values_add(&c.requirements, f, value), 0);
                assert_fails(&c, "");
                c.requirements.values[f].data[2 * snp_fields[f].size - 1] ^= 1;
                assert_fails(&c, snp_fields[f].check);
        }
}

/* A report that another key of the same hierarchy signed, and one of another chip. */
static void other_keys(void **state _unused_) {
        _cleanup_(done) SnpCase c = usual();

        c.keep_signature = true;
        assert_int_equal(sim_report_sign(&c.report, pki.keys[SNP_VLEK]), 0);
        assert_fails(&c, "signature");
        c.report.chip_id[5] ^= 1;
        assert_int_equal(sim_report_sign(&c.report, pki.keys[SNP_VLEK]), 0);
        assert_fails(&c, "signature chip-id");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(everything_genuine_passes),
                TEST(every_check_is_there_once),
                TEST(sizes),
                TEST(versions),
                TEST(reserved_bytes),
                TEST(padding_of_the_signature),
                TEST(structure_bits),
                TEST(platform_bits),
                TEST(guest_policy),
                TEST(abi_and_guest_svn),
                TEST(migration_agents),
                TEST(privilege_levels),
                TEST(signing_keys),
                TEST(masked_keys),
                TEST(providers),
                TEST(products),
                TEST(chip_ids),
                TEST(reference_values),
                TEST(other_keys),
        };

        return RUN_WITH_PKI(tests);
}
