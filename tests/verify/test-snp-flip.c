/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* No byte of SNP evidence can be changed: of the report, the certificates, the revocation list, each in a simulated
 * case and (argument "real") in real ones. Argument "one": one other value for each byte; "all": all 255 of them. */

#include "tests/snp-case.h"
#include "tests/test.h"

#include <fcntl.h>

#include "lib/io/fd.h"
#include "lib/io/file.h"
#include "lib/pem.h"

enum { FILE_MAX = 65536 };

typedef enum File { REPORT, VEK, CHAIN, CRL, FILES } File;
static const char *const names[] = { "the report", "the VEK's certificate", "the chain", "the revocation list" };

/* What is judged, in memory. */
typedef struct Evidence {
        Buffer files[FILES];
        int64_t at;
        SnpRequirements requirements;
        SnpEndorsements *endorsements; /* of the files as they were */
} Evidence;

static unsigned values; /* how many other values a byte gets */

static void evidence_done(Evidence *e) {
        for (File f = 0; f < FILES; f++)
                buffer_done(&e->files[f]);
        snp_endorsements_free(e->endorsements);
        snp_requirements_done(&e->requirements);
}

static SnpEndorsements *endorsements(const Evidence *e) {
        const SnpEndorsementFiles files = { .vek = e->files[VEK].data,
                                            .vek_size = e->files[VEK].size,
                                            .chain = e->files[CHAIN].data,
                                            .chain_size = e->files[CHAIN].size,
                                            .crl = e->files[CRL].data,
                                            .crl_size = e->files[CRL].size };
        SnpEndorsements *ret = NULL;

        assert_int_equal(snp_endorsements_new(&files, &ret), 0);
        return ret;
}

static CheckResult judge(const Evidence *e, const SnpEndorsements *by) {
        _cleanup_(check_list_done) CheckList checks = {};

        snp_appraise(
                &(SnpAppraisal){
                        .report = e->files[REPORT].data,
                        .report_size = e->files[REPORT].size,
                        .endorsements = by,
                        .requirements = &e->requirements,
                        .at = e->at,
                        .allow_simulated = true,
                },
                &checks);
        assert_int_equal(checks.size > 0, 1);
        return check_list_verdict(&checks);
}

/* True when a changed file still says the same: in PEM, the ends of lines and what is between the blocks; or less: a
 * certificate that was not needed is missing at its end. */
static bool says_no_more(const Buffer *changed, const Buffer *before, const char *label) {
        _cleanup_(der_list_done) DerList a = {}, b = {};
        const char *why;
        size_t at;

        return pem_read(changed->data, changed->size, label, &a, &at, &why) == 0 &&
               pem_read(before->data, before->size, label, &b, &at, &why) == 0 && a.bytes.size <= b.bytes.size &&
               memcmp(a.bytes.data, b.bytes.data, a.bytes.size) == 0;
}

static void change(Evidence *e, File f, const Buffer *before, size_t at, uint8_t value) {
        _cleanup_(snp_endorsements_freep) SnpEndorsements *changed = NULL;
        const char *label = f == CRL ? "X509 CRL" : "CERTIFICATE";
        CheckResult verdict;

        e->files[f].data[at] = value;
        if (f != REPORT)
                changed = endorsements(e);
        if (changed && (*changed->vek_problem || *changed->chain_problem || *changed->crl_problem))
                verdict = CHECK_FAIL; /* whatever the report says */
        else
                verdict = judge(e, changed ? changed : e->endorsements);
        if (verdict != CHECK_FAIL && (f == REPORT || !says_no_more(&e->files[f], before, label)))
                fail_msg("accepted: byte %zu of %s as 0x%02x instead of 0x%02x", at, names[f], value,
                         before->data[at]);
        e->files[f].data[at] = before->data[at];
}

static void change_every_byte(Evidence *e, uint64_t seed) {
        Random random = random_new(seed);

        e->endorsements = endorsements(e);
        assert_int_equal(judge(e, e->endorsements), CHECK_PASS);
        for (File f = 0; f < FILES; f++) {
                _cleanup_(buffer_done) Buffer before = {};

                buffer_bytes(&before, e->files[f].data, e->files[f].size);
                for (size_t at = 0; at < before.size; at++)
                        for (unsigned n = 1; n <= values; n++) {
                                unsigned by = values == 255 ? n : 1U << random_below(&random, 8);

                                change(e, f, &before, at, (uint8_t) (before.data[at] ^ by));
                        }
                for (size_t cut = 1; cut < before.size; cut += 1 + cut / 8) {
                        e->files[f].size = before.size - cut;
                        snp_endorsements_free(e->endorsements);
                        e->endorsements = endorsements(e);
                        if (judge(e, e->endorsements) != CHECK_FAIL &&
                            (f == REPORT ||
                             !says_no_more(&e->files[f], &before, f == CRL ? "X509 CRL" : "CERTIFICATE")))
                                fail_msg("accepted: %s without its last %zu bytes", names[f], cut);
                }
                e->files[f].size = before.size;
                snp_endorsements_free(e->endorsements);
                e->endorsements = endorsements(e);
        }
        assert_int_equal(judge(e, e->endorsements), CHECK_PASS);
}

static void simulated(void **state _unused_) {
        static const struct {
                uint32_t version;
                SnpProduct product;
                SnpRole role;
        } cases[] = { { 2, SNP_GENOA, SNP_VLEK }, { 3, SNP_MILAN, SNP_VCEK }, { 5, SNP_TURIN, SNP_VCEK } };
        SimPki pki;

        assert_int_equal(sim_pki_new(&pki), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(evidence_done) Evidence e = { .at = SIM_TIME, .requirements = snp_requirements_default() };
                SnpCase c = snp_case(&pki, cases[i].version, cases[i].product, cases[i].role);
                SnpCaseFiles files;

                c.has_crl = true;
                c.crl.serials[0] = 7;
                c.crl.n_serials = 1;
                snp_case_files(&c, &files);
                assert_int_equal(sim_report_sign(&c.report, c.vek.key), 0);
                buffer_bytes(&e.files[REPORT], &c.report, sizeof(c.report));
                e.files[VEK] = files.vek;
                e.files[CHAIN] = files.chain;
                e.files[CRL] = files.crl;
                change_every_byte(&e, i);
        }
        sim_pki_done(&pki);
}

static void load(Evidence *e, File f, const char *folder, const char *name) {
        char path[4096];
        char *data;
        size_t n;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        assert_int_equal(file_read(AT_FDCWD, path, FILE_MAX, &data, &n), 0);
        buffer_bytes(&e->files[f], data, n);
        free(data);
}

static void real(void **state) {
        static const struct {
                const char *report, *vek, *chain;
        } cases[] = {
                { "snp/milan-v3/report.bin", "snp/milan-v3/vcek.pem", "roots/milan_ask_ark_asvk.pem" },
                { "snp/genoa-v3/report.bin", "snp/genoa-v3/vcek.pem", "roots/genoa_ask_ark_asvk.pem" },
                { "snp/turin-v5/report.bin", "snp/turin-v5/vcek.pem", "roots/turin_ask_ark_asvk.pem" },
                { "snp/milan-v3-vlek/report.bin", "snp/milan-v3-vlek/vlek.der", "roots/milan_ask_ark_asvk.pem" },
        };
        const int64_t times[] = { 1790000000, 1790000000, 1790000000, 1750000000 };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(evidence_done) Evidence e = { .at = times[i], .requirements = snp_requirements_default() };

                e.requirements.vmpls = 1 << 0 | 1 << 1;
                load(&e, REPORT, *state, cases[i].report);
                load(&e, VEK, *state, cases[i].vek);
                load(&e, CHAIN, *state, cases[i].chain);
                change_every_byte(&e, i);
        }
}

int main(int argc, char **argv) {
        const char *vectors = getenv("SEALWATCH_VECTORS");
        const struct CMUnitTest of_simulated[] = { TEST(simulated) };
        const struct CMUnitTest of_real[] = { cmocka_unit_test_prestate(real, (void *) (uintptr_t) vectors) };

        if (argc < 2)
                return 1;
        values = streq(argv[1], "all") ? 255 : 1;
        if (argc == 2)
                return RUN(of_simulated);
        if (!vectors) {
                puts("SKIP: SEALWATCH_VECTORS does not say where real attestation data is");
                return EXIT_SKIPPED;
        }
        return RUN(of_real);
}
