/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What Azure's evidence says beside the report itself, whose own checks have their own tests: here it has no certificates. */

#include "lib/azure/appraise.h"
#include "lib/base/cleanup.h"
#include "lib/sim/hcl.h"
#include "tests/test.h"

#define VM_ID "7DF7B373-B947-4AAA-96E5-C358F2A03D20"

static const uint8_t nonce[] = "a nonce of ours";

typedef struct Bench {
        SimKey ak;
        SnpReport report;
        uint8_t user_data[HCL_USER_DATA_SIZE];
        Buffer claims, hcl, quote, signature;
        PcrInputs pcrs;
        Attest attest;
        SnpEndorsements *endorsements;
        SnpRequirements snp;
        TpmRequirements tpm;
        AzureEvidence evidence;
} Bench;

/* The blob of the claims that the bench has; the report binds them, unless a test changes it. */
static void seal(Bench *b, HashAlg hash) {
        const HclBlob blob = { .version = 1,
                               .hash = hash,
                               .report = { (const uint8_t *) &b->report, sizeof(b->report) },
                               .claims = { b->claims.data, b->claims.size } };

        assert_int_equal(hcl_report_data(&blob, b->report.report_data), 0);
        b->hcl.size = 0;
        sim_hcl_write(&blob, 2600, &b->hcl);
        b->evidence.hcl = (Bytes){ b->hcl.data, b->hcl.size };
}

static void claim(Bench *b, const SimKey *ak, const uint8_t *user_data) {
        b->claims.size = 0;
        assert_int_equal(sim_hcl_claims(ak, VM_ID, user_data, &b->claims), 0);
        seal(b, HASH_SHA256);
}

static void quote(Bench *b, const SimKey *by, uint32_t hierarchy) {
        b->quote.size = b->signature.size = 0;
        assert_int_equal(sim_quote(by, hierarchy, &b->attest, &b->pcrs, &b->quote), 0);
        assert_int_equal(sim_sign(by, false, b->quote.data, b->quote.size, &b->signature), 0);
        b->evidence.has_quote = true;
        b->evidence.quote = (Bytes){ b->quote.data, b->quote.size };
        b->evidence.signature = (Bytes){ b->signature.data, b->signature.size };
}

static int bench_open(void **state) {
        static Bench b;

        b = (Bench){ .report = { .version = { 3 } },
                     .pcrs = { .banks = bank(HASH_SHA256), .files[HASH_SHA256].present = 0xffffff },
                     .attest = { .extra = { nonce, sizeof(nonce) },
                                 .safe = true,
                                 .n_selections = 1,
                                 .selections = { { 0x000b, HASH_SHA256, 0xffffff } } },
                     .snp = snp_requirements_default() };
        assert_int_equal(sim_key_new(TPM_ID_RSASSA, 2048, HASH_SHA256, SIM_AK_ATTRIBUTES, &b.ak), 0);
        assert_int_equal(snp_endorsements_new(&(SnpEndorsementFiles){}, &b.endorsements), 0);
        b.evidence = (AzureEvidence){ .snp = { .endorsements = b.endorsements, .requirements = &b.snp },
                                      .requirements = &b.tpm,
                                      .pcrs = &b.pcrs,
                                      .nonce = { nonce, sizeof(nonce) } };
        memcpy(b.user_data, nonce, sizeof(nonce));
        claim(&b, &b.ak, b.user_data);
        quote(&b, &b.ak, TPM_HANDLE_ENDORSEMENT);
        *state = &b;
        return 0;
}

static int bench_close(void **state) {
        Bench *b = *state;

        sim_key_done(&b->ak);
        buffer_done(&b->claims);
        buffer_done(&b->hcl);
        buffer_done(&b->quote);
        buffer_done(&b->signature);
        snp_endorsements_free(b->endorsements);
        snp_requirements_done(&b->snp);
        return 0;
}

/* The checks of this appraisal, and that the report's are there, too. */
static const char *const names[] = {
        "hcl-structure", "report-data",     "paravisor",       "runtime-claims", "ak-binding",      "vm-id",
        "user-data",     "quote-structure", "quote-signature", "quote-nonce",    "quote-selection", "pcr-digest",
        "quote-clock",   "ak-name",         "ak-certificate",  "ak-origin",
};

/* Judges; of these checks exactly the ones in `failed` must fail. */
static void expect(Bench *b, const char *failed) {
        _cleanup_(check_list_done) CheckList checks = {};
        char found[256] = "";

        assert_int_equal(azure_appraise(&b->evidence, &checks), 0);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                const Check *c = check_list_find(&checks, names[i]);

                assert_non_null(c);
                if (c->result == CHECK_FAIL)
                        snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%s", found[0] ? " " : "",
                                 names[i]);
        }
        for (size_t i = 0; i < checks.size; i++) /* each once */
                assert_ptr_equal(check_list_find(&checks, checks.items[i].name), &checks.items[i]);
        assert_string_equal(found, failed);
        assert_int_equal(check_list_verdict(&checks), CHECK_FAIL); /* without certificates */
}

static CheckResult result_of(Bench *b, const char *name, const char *detail) {
        _cleanup_(check_list_done) CheckList checks = {};
        const Check *c;

        assert_int_equal(azure_appraise(&b->evidence, &checks), 0);
        c = check_list_find(&checks, name);
        assert_non_null(c);
        if (!strstr(c->detail, detail))
                fail_msg("%s", c->detail);
        return c->result;
}

static void genuine(void **state) {
        Bench *b = *state;

        expect(b, "");
        assert_int_equal(result_of(b, "user-data", "answers the nonce"), CHECK_PASS);
        assert_int_equal(result_of(b, "ak-name", "endorsement"), CHECK_PASS);
        assert_int_equal(result_of(b, "report-data", "is the digest of the claims"), CHECK_PASS);
        assert_int_equal(result_of(b, "ak-origin", "root"), CHECK_NA);
        assert_int_equal(result_of(b, "paravisor", "no reference value"), CHECK_NA);
        seal(b, HASH_SHA384);
        expect(b, "");
        seal(b, HASH_SHA512);
        expect(b, "");
}

/* A report of another guest that binds the same claims is as good, unless the launch is known. */
static void paravisor_is_known_by_its_launch(void **state) {
        Bench *b = *state;
        uint8_t wanted[SNP_KEY_DIGEST_SIZE] = { 1 };

        b->report.id_key_digest[0] = 1;
        seal(b, HASH_SHA256);
        assert_int_equal(snp_values_add(&b->snp, SNP_FIELD_ID_KEY_DIGEST, wanted), 0);
        assert_int_equal(result_of(b, "paravisor", "id-key"), CHECK_PASS);
        b->report.id_key_digest[0] = 2;
        seal(b, HASH_SHA256);
        assert_int_equal(result_of(b, "paravisor", "no reference value"), CHECK_NA);
        assert_int_equal(result_of(b, "id-key", "not the reference value"), CHECK_FAIL);
}

static void report_data(void **state) {
        Bench *b = *state;
        uint8_t *data = b->hcl.data + HCL_REPORT_OFFSET + offsetof(SnpReport, report_data);

        for (size_t i = 0; i < SNP_REPORT_DATA_SIZE; i++) { /* the upper half counts as well */
                data[i] ^= 0x80;
                expect(b, "report-data ak-binding");
                data[i] ^= 0x80;
        }
        b->hcl.data[HCL_DATA_OFFSET + 12] = 2; /* SHA-384 */
        expect(b, "report-data ak-binding");
}

/* The policy's values count beside the claims. */
static void report_data_of_the_policy(void **state) {
        Bench *b = *state;
        const uint8_t other[SNP_REPORT_DATA_SIZE] = { 1 };

        assert_int_equal(snp_values_add(&b->snp, SNP_FIELD_REPORT_DATA, other), 0);
        expect(b, "report-data");
        assert_int_equal(snp_values_add(&b->snp, SNP_FIELD_REPORT_DATA, b->report.report_data), 0);
        expect(b, "");
        b->hcl.data[HCL_CLAIMS_OFFSET + b->claims.size - 2] ^= 1; /* what the policy takes, the claims do not have */
        assert_int_equal(result_of(b, "report-data", "is not the digest of the claims"), CHECK_FAIL);
}

static void bytes_of_the_claims(void **state) {
        Bench *b = *state;

        for (size_t at = 0; at < b->claims.size; at += 11) { /* every one: tests/verify/test-azure-flip.c */
                b->hcl.data[HCL_CLAIMS_OFFSET + at] ^= 1;
                assert_int_equal(result_of(b, "report-data", ""), CHECK_FAIL);
                b->hcl.data[HCL_CLAIMS_OFFSET + at] ^= 1;
        }
}

static void blob(void **state) {
        Bench *b = *state;

        b->hcl.data[8] ^= 1; /* signed by nothing, so it is named */
        assert_int_equal(result_of(b, "hcl-structure", "which it is not"), CHECK_PASS);
        memcpy(b->hcl.data + 8, "\xa0\x04\x00\x00", 4); /* 1184, as it is documented */
        assert_int_equal(result_of(b, "hcl-structure", "1184 bytes"), CHECK_PASS);
        b->hcl.data[0] = 'h';
        expect(b, "hcl-structure runtime-claims");
        b->evidence.hcl.size = 0;
        expect(b, "hcl-structure runtime-claims");
}

static void claims(void **state) {
        Bench *b = *state;

        b->claims.data[b->claims.size - 1] = ',';
        buffer_string(&b->claims, "\"keys\":[]}");
        seal(b, HASH_SHA256);
        expect(b, "runtime-claims");
        assert_int_equal(result_of(b, "quote-signature", "see ak-binding"), CHECK_NA);
        b->tpm.require_ak_origin = true;
        expect(b, "runtime-claims ak-origin");
}

static void weak_keys(void **state) {
        Bench *b = *state;
        _cleanup_(sim_key_done) SimKey weak = {};
        char *exponent;

        assert_int_equal(sim_key_new(TPM_ID_RSASSA, 1024, HASH_SHA256, SIM_AK_ATTRIBUTES, &weak), 0);
        claim(b, &weak, b->user_data);
        quote(b, &weak, TPM_HANDLE_ENDORSEMENT);
        expect(b, "ak-binding");
        claim(b, &b->ak, b->user_data);
        exponent = memmem(b->claims.data, b->claims.size, "AQAB", 4);
        assert_non_null(exponent);
        exponent[3] = 'D';
        seal(b, HASH_SHA256);
        assert_int_equal(result_of(b, "ak-binding", "65537"), CHECK_FAIL);
}

/* The claims name one key, another one signs; or the key is of the TPM, but not the one of the template. */
static void other_keys(void **state) {
        Bench *b = *state;
        _cleanup_(sim_key_done) SimKey other = {}, unrestricted = {};

        assert_int_equal(sim_key_new(TPM_ID_RSASSA, 2048, HASH_SHA256, SIM_AK_ATTRIBUTES, &other), 0);
        quote(b, &other, TPM_HANDLE_ENDORSEMENT);
        expect(b, "quote-signature ak-name");
        quote(b, &b->ak, TPM_HANDLE_OWNER);
        expect(b, "ak-name");
        assert_int_equal(sim_key_new(TPM_ID_RSASSA, 2048, HASH_SHA256, SIM_AK_ATTRIBUTES & ~TPM_ATTRIBUTE_RESTRICTED,
                                     &unrestricted),
                         0);
        claim(b, &unrestricted, b->user_data);
        quote(b, &unrestricted, TPM_HANDLE_ENDORSEMENT);
        expect(b, "ak-name");
}

static void user_data(void **state) {
        Bench *b = *state;
        static const uint8_t zeros[HCL_USER_DATA_SIZE];

        claim(b, &b->ak, zeros);
        assert_int_equal(result_of(b, "user-data", "empty"), CHECK_NA);
        claim(b, &b->ak, NULL);
        assert_int_equal(result_of(b, "user-data", "there is none"), CHECK_NA);
        b->tpm.require_fresh_report = true;
        expect(b, "user-data");
        b->tpm.require_fresh_report = false;
        b->evidence.has_quote = false; /* then nothing answers the nonce */
        expect(b, "user-data");
        b->user_data[0] ^= 1;
        claim(b, &b->ak, b->user_data);
        expect(b, "user-data");
        b->evidence.nonce.size = 0;
        expect(b, "");
        assert_int_equal(result_of(b, "user-data", "no nonce"), CHECK_NA);
        b->tpm.require_fresh_report = true;
        expect(b, "user-data");
}

/* SHA-512("sealwatch-evidence-v1", nonce, SHA-256(Name)). */
static void user_data_that_binds_the_key(void **state) {
        Bench *b = *state;
        _cleanup_(buffer_done) Buffer bound = {};
        uint8_t digest[SHA256_SIZE];
        TpmName name;
        Digest d;

        assert_int_equal(tpm_public_name(&b->ak.public, &name), 0);
        assert_int_equal(sha256(name.bytes, name.size, digest), 0);
        buffer_string(&bound, "sealwatch-evidence-v1");
        buffer_bytes(&bound, nonce, sizeof(nonce));
        buffer_bytes(&bound, digest, sizeof(digest));
        assert_int_equal(digest_data(HASH_SHA512, bound.data, bound.size, &d), 0);
        claim(b, &b->ak, d.bytes);
        assert_int_equal(result_of(b, "user-data", "answers the nonce"), CHECK_PASS);
}

static void requirements(void **state) {
        Bench *b = *state;
        char hex[2 * TPM_NAME_MAX + 1];
        TpmName name;

        b->tpm.vm_ids = (char *) "00000000-0000-0000-0000-000000000000 7df7b373-b947-4aaa-96e5-c358f2a03d20";
        assert_int_equal(result_of(b, "vm-id", "as asked for"), CHECK_PASS);
        b->tpm.vm_ids = (char *) "00000000-0000-0000-0000-000000000000";
        expect(b, "vm-id");
        b->tpm.vm_ids = NULL;
        b->tpm.require_ak_origin = true;
        expect(b, "ak-origin");
        assert_int_equal(tpm_public_name(&b->ak.public, &name), 0);
        b->tpm.ak_names = hex_encode(name.bytes, name.size, hex);
        expect(b, "");
        assert_int_equal(result_of(b, "ak-origin", "pinned Name"), CHECK_PASS);
        hex[10] ^= 1;
        expect(b, "ak-origin");
        b->tpm = (TpmRequirements){ .pcrs = 0x2000 };
        expect(b, "");
        b->evidence.has_quote = false;
        expect(b, "quote-structure");
        b->tpm.pcrs = 0;
        b->tpm.ak_roots = (char *) "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
        expect(b, "ak-certificate ak-origin"); /* who leaves the certificate out does not get around it */
        b->tpm.ak_roots = NULL;
        b->evidence.ak_certificates = (Bytes){ nonce, sizeof(nonce) };
        expect(b, "ak-certificate ak-origin");
}

#define BENCH(function) cmocka_unit_test_setup_teardown(function, bench_open, bench_close)

int main(void) {
        const struct CMUnitTest tests[] = {
                BENCH(genuine),
                BENCH(paravisor_is_known_by_its_launch),
                BENCH(report_data),
                BENCH(report_data_of_the_policy),
                BENCH(bytes_of_the_claims),
                BENCH(blob),
                BENCH(claims),
                BENCH(weak_keys),
                BENCH(other_keys),
                BENCH(user_data),
                BENCH(user_data_that_binds_the_key),
                BENCH(requirements),
        };

        return RUN(tests);
}
