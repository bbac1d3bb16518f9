/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* No byte of Azure's evidence can be changed: of the blob with report and claims, the quote, its signature, the PCR values.
 * Nothing covers report_size in the blob's header; hcl-structure names it. Argument "one": one other value for each byte of
 * three generations' evidence; "all": all 255 of them, for one generation. */

#include "lib/azure/appraise.h"
#include "lib/azure/hcl.h"
#include "lib/sim/hcl.h"
#include "tests/snp-case.h"
#include "tests/test.h"

enum { ROOM = 2048, STATED_SIZE_OFFSET = 8, PCRS = 0x20ff };

static const uint8_t nonce[32] = "what was asked";
static unsigned values; /* how many other values a byte gets */

typedef struct Evidence {
        Buffer hcl, quote, signature;
        PcrInputs pcrs;
        SnpCase snp;
        SnpEndorsements *endorsements;
        TpmRequirements requirements;
} Evidence;

static void evidence_done(Evidence *e) {
        buffer_done(&e->hcl);
        buffer_done(&e->quote);
        buffer_done(&e->signature);
        snp_endorsements_free(e->endorsements);
        snp_requirements_done(&e->snp.requirements);
}

static void make_blob(Evidence *e, const SimKey *ak) {
        _cleanup_(buffer_done) Buffer claims = {};
        uint8_t user_data[HCL_USER_DATA_SIZE] = {};
        HclBlob blob = { .version = 2,
                         .hash = HASH_SHA256,
                         .report = { (uint8_t *) &e->snp.report, SNP_REPORT_SIZE } };

        memcpy(user_data, nonce, sizeof(nonce));
        assert_int_equal(sim_hcl_claims(ak, "7DF7B373-B947-4AAA-96E5-C358F2A03D20", user_data, &claims), 0);
        blob.claims = (Bytes){ claims.data, claims.size };
        assert_int_equal(hcl_report_data(&blob, e->snp.report.report_data), 0);
        assert_int_equal(sim_report_sign(&e->snp.report, e->snp.vek.key), 0);
        sim_hcl_write(&blob, ROOM, &e->hcl);
        assert_int_equal(buffer_error(&e->hcl), 0);
}

static void make(const SimPki *pki, uint32_t version, SnpProduct product, bool framed, Evidence *e) {
        const Attest attest = { .extra = { nonce, sizeof(nonce) },
                                .safe = true,
                                .n_selections = 1,
                                .selections = { { 0x000b, HASH_SHA256, PCRS } } };
        _cleanup_(sim_key_done) SimKey ak = {};
        _cleanup_(snp_case_files_done) SnpCaseFiles files = {};

        *e = (Evidence){ .snp = snp_case(pki, version, product, SNP_VCEK), .pcrs.banks = bank(HASH_SHA256) };
        e->pcrs.files[HASH_SHA256].present = PCRS;
        memset(e->pcrs.files[HASH_SHA256].values[13], 13, SHA256_SIZE);
        assert_int_equal(sim_key_new(TPM_ID_RSASSA, 2048, HASH_SHA256, SIM_AK_ATTRIBUTES, &ak), 0);
        make_blob(e, &ak);
        assert_int_equal(sim_quote(&ak, TPM_HANDLE_ENDORSEMENT, &attest, &e->pcrs, &e->quote), 0);
        assert_int_equal(sim_sign(&ak, framed, e->quote.data, e->quote.size, &e->signature), 0);
        snp_case_files(&e->snp, &files);
        assert_int_equal(snp_endorsements_new(&(SnpEndorsementFiles){ .vek = files.vek.data,
                                                                      .vek_size = files.vek.size,
                                                                      .chain = files.chain.data,
                                                                      .chain_size = files.chain.size },
                                              &e->endorsements),
                         0);
}

static void judge(const Evidence *e, CheckList *checks) {
        assert_int_equal(azure_appraise(&(AzureEvidence){ .hcl = { e->hcl.data, e->hcl.size },
                                                          .snp = { .endorsements = e->endorsements,
                                                                   .requirements = &e->snp.requirements,
                                                                   .at = e->snp.at,
                                                                   .allow_simulated = true },
                                                          .requirements = &e->requirements,
                                                          .has_quote = true,
                                                          .quote = { e->quote.data, e->quote.size },
                                                          .signature = { e->signature.data, e->signature.size },
                                                          .pcrs = &e->pcrs,
                                                          .nonce = { nonce, sizeof(nonce) } },
                                        checks),
                         0);
}

static void assert_passes(const Evidence *e) {
        _cleanup_(check_list_done) CheckList checks = {};

        judge(e, &checks);
        assert_list_fails(&checks, "");
        assert_int_equal(check_list_verdict(&checks), CHECK_PASS);
}

/* Refused, or the one number that nothing covers, and then it is named. */
static void assert_refused(const Evidence *e, const char *what, const uint8_t *bytes, size_t at) {
        _cleanup_(check_list_done) CheckList checks = {};
        bool stated_size = bytes == e->hcl.data && at >= STATED_SIZE_OFFSET && at < STATED_SIZE_OFFSET + 4;

        judge(e, &checks);
        if (check_list_verdict(&checks) == CHECK_FAIL)
                return;
        if (!stated_size || !strstr(check_list_find(&checks, "hcl-structure")->detail, "which it is not"))
                fail_msg("accepted: byte %zu of %s as 0x%02x", at, what, bytes[at]);
}

static void change_every_byte(const Evidence *e, const char *what, uint8_t *bytes, size_t n) {
        Random random = random_new(n);

        for (size_t at = 0; at < n; at++)
                for (unsigned i = 1; i <= values; i++) {
                        uint8_t old = bytes[at];

                        bytes[at] ^= (uint8_t) (values == 255 ? i : 1U << random_below(&random, 8));
                        assert_refused(e, what, bytes, at);
                        bytes[at] = old;
                }
}

static void cut(const Evidence *e, const char *what, Buffer *b, size_t n) {
        size_t size = b->size;

        for (b->size = 0; b->size < n; b->size += 1 + b->size / 8)
                assert_refused(e, what, b->data, b->size);
        b->size = size;
}

static void every_byte(void **state _unused_) {
        static const struct {
                uint32_t version;
                SnpProduct product;
        } cases[] = { { 2, SNP_MILAN }, { 3, SNP_GENOA }, { 5, SNP_TURIN } };
        SimPki pki;

        assert_int_equal(sim_pki_new(&pki), 0);
        for (size_t i = 0; i < (values == 255 ? 1 : ELEMENTSOF(cases)); i++) {
                _cleanup_(evidence_done) Evidence e = {};

                make(&pki, cases[i].version, cases[i].product, i % 2 == 0, &e);
                assert_passes(&e);
                change_every_byte(&e, "the blob", e.hcl.data, e.hcl.size);
                change_every_byte(&e, "the quote", e.quote.data, e.quote.size);
                change_every_byte(&e, "the signature", e.signature.data, e.signature.size);
                for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
                        if (PCRS & 1U << pcr)
                                change_every_byte(&e, "a PCR", e.pcrs.files[HASH_SHA256].values[pcr], SHA256_SIZE);
                cut(&e, "the blob", &e.hcl, HCL_CLAIMS_OFFSET + 1);
                cut(&e, "the quote", &e.quote, e.quote.size);
                cut(&e, "the signature", &e.signature, e.signature.size);
                assert_passes(&e);
        }
        sim_pki_done(&pki);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = { TEST(every_byte) };

        if (argc != 2)
                return 1;
        values = streq(argv[1], "all") ? 255 : 1;
        return RUN(tests);
}
