/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "lib/sim/quote.h"
#include "lib/svsm/appraise.h"
#include "tests/snp-case.h"
#include "tests/test.h"

#include <errno.h>

enum {
        EK_ATTRIBUTES = TPM_ATTRIBUTE_FIXED_TPM | TPM_ATTRIBUTE_FIXED_PARENT | TPM_ATTRIBUTE_SENSITIVE_DATA_ORIGIN |
                        TPM_ATTRIBUTE_RESTRICTED | TPM_ATTRIBUTE_DECRYPT,
        ENTRY = 24,
};

static const uint8_t table_guid[16] = { 0xbb, 0x9e, 0x84, 0x63, 0x92, 0x3d, 0x70, 0x46,
                                        0xa1, 0xff, 0x58, 0xf9, 0xc9, 0x4b, 0x87, 0xbb };
static const uint8_t vtpm_guid[16] = { 0xeb, 0xf1, 0x76, 0xc4, 0x23, 0x01, 0xa5, 0x45,
                                       0x96, 0x41, 0xb4, 0xe7, 0xdd, 0xe5, 0xbf, 0xe3 };
static const uint8_t mm_guid[16] = { 0xa4, 0x45, 0x3a, 0x59 };

/* A table with an empty service, one of a few bytes, and the vTPM. */
static Buffer table_with(const void *vtpm, size_t n) {
        Buffer b = {};

        buffer_bytes(&b, table_guid, 16);
        buffer_u32le(&b, (uint32_t) (4 * ENTRY + 3 + n));
        buffer_u32le(&b, 3);
        buffer_bytes(&b, "an empty service", 16);
        buffer_u32le(&b, 4 * ENTRY);
        buffer_u32le(&b, 0);
        buffer_bytes(&b, mm_guid, 16);
        buffer_u32le(&b, 4 * ENTRY);
        buffer_u32le(&b, 3);
        buffer_bytes(&b, vtpm_guid, 16);
        buffer_u32le(&b, 4 * ENTRY + 3);
        buffer_u32le(&b, (uint32_t) n);
        buffer_bytes(&b, "mm!", 3);
        buffer_bytes(&b, vtpm, n);
        return b;
}

static void finds_the_vtpm(void **state _unused_) {
        _cleanup_(buffer_done) Buffer b = table_with("the key", 7);
        const char *why;
        Bytes vtpm;

        assert_int_equal(svsm_manifest_vtpm(b.data, b.size, &vtpm, &why), 0);
        assert_int_equal(vtpm.size, 7);
        assert_memory_equal(vtpm.data, "the key", 7);
        assert_int_equal(svsm_manifest_vtpm("alone", 5, &vtpm, &why), 0);
        assert_int_equal(vtpm.size, 5);
}

static void refuses_other_tables(void **state _unused_) {
        static const struct {
                size_t at;
                uint8_t value;
                const char *why;
        } cases[] = {
                { 16, 0, "as long as it says" },
                { 20, 2, "follow each other" },
                { 20, 4, "room" },
                { 23, 1, "room" },
                { ENTRY + 16, 0, "follow each other" },
                { ENTRY + 20, 1, "follow each other" },
                { 2 * ENTRY + 20, 2, "follow each other" },
                { 3 * ENTRY + 20, 6, "behind the services" },
                { 3 * ENTRY + 20, 8, "follow each other" },
                { 3 * ENTRY + 23, 0xff, "follow each other" },
                { 3 * ENTRY, 0, "no manifest of a vTPM" },
        };
        _cleanup_(buffer_done) Buffer b = table_with("the key", 7);
        const char *why;
        Bytes vtpm;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint8_t old = b.data[cases[i].at];

                b.data[cases[i].at] = cases[i].value;
                assert_int_equal(svsm_manifest_vtpm(b.data, b.size, &vtpm, &why), -EINVAL);
                if (!strstr(why, cases[i].why))
                        fail_msg("%zu: %s", i, why);
                b.data[cases[i].at] = old;
        }
        for (size_t n = 16; n < b.size; n++)
                assert_int_equal(svsm_manifest_vtpm(b.data, n, &vtpm, &why), -EINVAL);
        assert_int_equal(svsm_manifest_vtpm(b.data, 0, &vtpm, &why), -EINVAL);
        memcpy(b.data + 2 * ENTRY, vtpm_guid, 16);
        assert_int_equal(svsm_manifest_vtpm(b.data, b.size, &vtpm, &why), -EINVAL);
        assert_string_equal(why, "a service is there twice");
}

typedef struct Bench {
        SimPki pki;
        SnpCase snp;
        SnpEndorsements *endorsements;
        SimKey ek;
        Buffer manifest;
        SvsmEvidence evidence;
} Bench;

/* Judges; exactly these checks must fail. */
static void expect(Bench *b, const char *failed) {
        _cleanup_(check_list_done) CheckList checks = {};

        b->evidence.manifest = (Bytes){ b->manifest.data, b->manifest.size };
        assert_int_equal(svsm_appraise(&b->evidence, &checks), 0);
        assert_list_fails(&checks, failed);
}

static void bench_open(Bench *b) {
        _cleanup_(snp_case_files_done) SnpCaseFiles files = {};

        *b = (Bench){ .evidence.nonce = { 7 } };
        assert_int_equal(sim_pki_new(&b->pki), 0);
        b->snp = snp_case(&b->pki, 3, SNP_GENOA, SNP_VCEK);
        snp_case_files(&b->snp, &files);
        assert_int_equal(snp_endorsements_new(&(SnpEndorsementFiles){ .vek = files.vek.data,
                                                                      .vek_size = files.vek.size,
                                                                      .chain = files.chain.data,
                                                                      .chain_size = files.chain.size },
                                              &b->endorsements),
                         0);
        b->evidence.snp = (SnpAppraisal){ .report = &b->snp.report,
                                          .report_size = sizeof(b->snp.report),
                                          .endorsements = b->endorsements,
                                          .requirements = &b->snp.requirements,
                                          .at = b->snp.at,
                                          .allow_simulated = true };
        assert_int_equal(sim_key_new(TPM_ID_RSASSA, 2048, HASH_SHA256, EK_ATTRIBUTES, &b->ek), 0);
}

static void bench_close(Bench *b) {
        sim_key_done(&b->ek);
        snp_endorsements_free(b->endorsements);
        snp_requirements_done(&b->snp.requirements);
        sim_pki_done(&b->pki);
}

static void seal(Bench *b) {
        assert_int_equal(
                svsm_report_data(b->evidence.nonce, b->manifest.data, b->manifest.size, b->snp.report.report_data), 0);
        assert_int_equal(sim_report_sign(&b->snp.report, b->snp.vek.key), 0);
}

static void appraises(void **state _unused_) {
        SimKey other;
        Buffer table;
        Bench b;

        bench_open(&b);
        b.manifest = table_with(b.ek.encoded.data, b.ek.encoded.size);
        seal(&b);
        expect(&b, "");
        b.evidence.nonce[63] = 1;
        expect(&b, "report-data ek-binding");
        b.evidence.nonce[63] = 0;
        for (size_t at = 16; at < b.manifest.size; at++) { /* every byte is bound */
                _cleanup_(check_list_done) CheckList checks = {};

                b.manifest.data[at] ^= 4;
                assert_int_equal(svsm_appraise(&b.evidence, &checks), 0);
                assert_int_equal(check_list_find(&checks, "report-data")->result, CHECK_FAIL);
                assert_false(check_list_passed(&checks, "ek-binding"));
                b.manifest.data[at] ^= 4;
        }
        b.manifest.size--;
        seal(&b);
        expect(&b, "svsm-manifest");
        table = b.manifest;
        b.manifest = (Buffer){ .data = b.ek.encoded.data, .size = b.ek.encoded.size };
        seal(&b);
        expect(&b, "");
        assert_int_equal(sim_key_new(TPM_ID_RSASSA, 2048, HASH_SHA256, SIM_AK_ATTRIBUTES, &other), 0);
        b.manifest = (Buffer){ .data = other.encoded.data, .size = other.encoded.size };
        seal(&b);
        expect(&b, "ek-binding"); /* a signing key is none */
        b.manifest.size--;
        seal(&b);
        expect(&b, "ek-binding");
        buffer_done(&table);
        sim_key_done(&other);
        bench_close(&b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(finds_the_vtpm),
                TEST(refuses_other_tables),
                TEST(appraises),
        };

        return RUN(tests);
}
