/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Security versions: their layouts by generation, their order, and what an appraisal makes of them. */

#include "tests/pki.h"
#include "tests/snp-case.h"
#include "tests/test.h"

static void done(SnpCase *c) {
        snp_requirements_done(&c->requirements);
}

static void layouts(void **state _unused_) {
        static const uint8_t raw[] = { 4, 3, 0, 0, 0, 0, 24, 219 }, turin[] = { 1, 2, 3, 4, 0, 0, 0, 81 };
        char text[SNP_TCB_TEXT_MAX];
        uint8_t again[SNP_TCB_SIZE];
        SnpTcb tcb;

        assert_true(snp_tcb_decode(SNP_MILAN, raw, &tcb));
        assert_string_equal(snp_tcb_format(SNP_MILAN, &tcb, text), "bootloader 4, tee 3, snp 24, microcode 219");
        snp_tcb_encode(SNP_GENOA, &tcb, again);
        assert_memory_equal(again, raw, sizeof(raw));
        assert_false(snp_tcb_decode(SNP_TURIN, raw, &tcb));
        assert_true(snp_tcb_decode(SNP_TURIN, turin, &tcb));
        assert_string_equal(snp_tcb_format(SNP_TURIN, &tcb, text), "fmc 1, bootloader 2, tee 3, snp 4, microcode 81");
        snp_tcb_encode(SNP_TURIN, &tcb, again);
        assert_memory_equal(again, turin, sizeof(turin));
        assert_false(snp_tcb_decode(SNP_MILAN, turin, &tcb));
}

static void reserved_bytes(void **state _unused_) {
        for (SnpProduct p = 0; p < _SNP_PRODUCT_MAX; p++) {
                unsigned parts = 0;

                for (size_t i = 0; i < SNP_TCB_SIZE; i++) {
                        uint8_t raw[SNP_TCB_SIZE] = {};
                        SnpTcb tcb;

                        raw[i] = 1;
                        parts += snp_tcb_decode(p, raw, &tcb);
                }
                assert_int_equal(parts, p == SNP_TURIN ? 5 : 4);
        }
}

static void longest_text_fits(void **state _unused_) {
        SnpTcb tcb = { { 255, 255, 255, 255, 255 } };
        char text[SNP_TCB_TEXT_MAX];

        assert_true(strlen(snp_tcb_format(SNP_TURIN, &tcb, text)) < sizeof(text) - 1);
}

static void comparison(void **state _unused_) {
        SnpTcb a = { { 0, 4, 1, 24, 219 } }, b = a;

        assert_int_equal(snp_tcb_below(&a, &b), _TCB_MAX);
        for (TcbPart part = 0; part < _TCB_MAX; part++) {
                b = a;
                b.parts[part]++;
                assert_int_equal(snp_tcb_below(&a, &b), part);
                assert_int_equal(snp_tcb_below(&b, &a), _TCB_MAX);
                assert_false(snp_tcb_equal(&a, &b));
        }
}

static void names_of_products(void **state _unused_) {
        assert_int_equal(snp_product_from_name("Genoa-B1", 5), SNP_GENOA);
        assert_int_equal(snp_product_from_name("Genoa-B1", 8), _SNP_PRODUCT_INVALID);
        assert_int_equal(snp_product_from_name("genoa", 5), _SNP_PRODUCT_INVALID);
        assert_int_equal(snp_product_from_name("", 0), _SNP_PRODUCT_INVALID);
}

/* Where each of the bytes of a report's versions leads to. */
static void versions_of_a_report(void **state _unused_) {
        static const struct {
                const char *fails; /* when byte `at` of it is one more than certified */
                size_t offset;
        } fields[] = {
                { "reported-tcb tcb-order", offsetof(SnpReport, reported_tcb) },
                { "tcb-order", offsetof(SnpReport, committed_tcb) },
                { "", offsetof(SnpReport, current_tcb) },
                { "", offsetof(SnpReport, launch_tcb) },
        };

        for (SnpProduct p = 0; p < _SNP_PRODUCT_MAX; p++)
                for (size_t f = 0; f < ELEMENTSOF(fields); f++)
                        for (size_t at = 0; at < SNP_TCB_SIZE; at++) {
                                _cleanup_(done) SnpCase c = snp_case(&pki, 3, p, SNP_VCEK);
                                uint8_t probe[SNP_TCB_SIZE] = {};
                                bool is_part;
                                SnpTcb tcb;

                                probe[at] = 1;
                                is_part = snp_tcb_decode(p, probe, &tcb);
                                ((uint8_t *) &c.report)[fields[f].offset + at]++;
                                assert_fails(&c, is_part || f == 0 ? fields[f].fails : "tcb-order");
                        }
}

/* As clouds are: less is reported than committed, less is committed than runs. */
static void provisional_firmware(void **state _unused_) {
        _cleanup_(done) SnpCase c = snp_case(&pki, 3, SNP_MILAN, SNP_VCEK);

        c.report.current_tcb[7]++;
        assert_fails(&c, "");
        c.requirements.allow_provisional_firmware = false;
        assert_fails(&c, "tcb-order");
        c.report.committed_tcb[7]++;
        assert_fails(&c, "");
        c.report.current_version.build++;
        assert_fails(&c, "tcb-order");
        c.requirements.allow_provisional_firmware = true;
        assert_fails(&c, "");
        c.report.current_version.build--;
        c.report.committed_version.build++;
        assert_fails(&c, "tcb-order");
        c.report.current_version.minor++; /* 1.56.29 is more than 1.55.30 */
        assert_fails(&c, "");
}

static void floors(void **state _unused_) {
        for (SnpProduct p = 0; p < _SNP_PRODUCT_MAX; p++)
                for (TcbPart part = 0; part < _TCB_MAX; part++) {
                        _cleanup_(done) SnpCase c = snp_case(&pki, 3, p, SNP_VCEK);
                        SnpTcb tcb = sim_report_tcb(&c.report, p);

                        c.requirements.floors = c.requirements.launch_floors = UINT64_C(1) << p;
                        c.requirements.floor[p] = c.requirements.launch_floor[p] = tcb;
                        assert_fails(&c, "");
                        c.requirements.floor[p].parts[part]++;
                        assert_fails(&c, "tcb-floor");
                        c.requirements.floor[p].parts[part]--;
                        c.requirements.launch_floor[p].parts[part]++;
                        assert_fails(&c, "tcb-floor");
                }
}

/* A floor for one generation is none for another: what has no floor is below it. */
static void floors_of_others(void **state _unused_) {
        _cleanup_(done) SnpCase c = snp_case(&pki, 3, SNP_MILAN, SNP_VCEK);

        c.requirements.floors = UINT64_C(1) << SNP_GENOA;
        assert_fails(&c, "tcb-floor");
        c.requirements.floors |= UINT64_C(1) << SNP_MILAN;
        assert_fails(&c, "");
        c.requirements.launch_floors = UINT64_C(1) << SNP_TURIN;
        assert_fails(&c, "tcb-floor");
}

static void firmware_and_mitigations(void **state _unused_) {
        _cleanup_(done) SnpCase c = snp_case(&pki, 5, SNP_TURIN, SNP_VCEK),
                                old = snp_case(&pki, 4, SNP_TURIN, SNP_VCEK);

        c.requirements.minimum_firmware = 1 << 16 | 55 << 8 | 29;
        c.requirements.launch_mitigations = 0x30;
        assert_fails(&c, "");
        c.requirements.minimum_firmware++;
        assert_fails(&c, "firmware");
        c.report.current_version.build++; /* what is not committed can be taken back */
        assert_fails(&c, "firmware");
        c.report.committed_version.build++;
        assert_fails(&c, "");
        c.requirements.launch_mitigations = 0x40;
        assert_fails(&c, "mitigations");
        c.requirements.launch_mitigations = 0;
        c.requirements.current_mitigations = 0x41;
        assert_fails(&c, "mitigations");
        old.requirements.current_mitigations = 1;
        assert_fails(&old, "mitigations");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(layouts),           TEST(reserved_bytes),           TEST(longest_text_fits),    TEST(comparison),
                TEST(names_of_products), TEST(versions_of_a_report),     TEST(provisional_firmware), TEST(floors),
                TEST(floors_of_others),  TEST(firmware_and_mitigations),
        };

        return RUN_WITH_PKI(tests);
}
