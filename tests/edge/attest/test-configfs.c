/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* configfs-tsm, on a double of it. */

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>

#include "lib/base/cleanup.h"
#include "lib/svsm/manifest.h"
#include "rig.h"
#include "tsm-fuse.h"

static TempDir directory;
static RigTpm tpm;

static AttesterOptions options(void) {
        return (AttesterOptions){
                .provider = ATTEST_PROVIDER_AUTO,
                .tpm = &tpm.ops,
                .tsm_path = directory.path,
                .sev_guest_path = "/nonexistent",
                .cache_path = "/nonexistent/cache",
                .fetch_path = "",
                .allow_simulated = true,
        };
}

static Gathered *gather(void) {
        AttesterOptions o = options();
        Gathered *g = rig_gather(&o);

        assert_int_equal(tsm_double.made, tsm_double.removed); /* nothing is left behind, whatever happened */
        return g;
}

static int reset(void **state _unused_) {
        tsm_double_reset();
        return 0;
}

static void a_report_and_the_hosts_table(void **state _unused_) {
        const RigChip *c = rig_chip();
        _cleanup_(gathered_freep) Gathered *g = NULL, *again = NULL;
        char name[sizeof(tsm_double.last_name)];

        rig_table(&c->vek, &c->ask, &c->ark, &c->crl, &tsm_double.table);
        g = gather();
        assert_string_equal(g->why, "");
        assert_int_equal(g->provider, EVIDENCE_PROVIDER_CONFIGFS);
        assert_int_equal(tsm_double.reports, 1);
        assert_string_equal(g->endorsed_by, "table");
        assert_int_equal(g->manifest.size, 0);
        assert_int_equal(g->tpm_trust, TPM_TRUST_HOST);
        assert_quote_is_good(g);
        assert_appraisal(g, SIM_TIME, "");
        memcpy(name, tsm_double.last_name, sizeof(name));
        again = gather();
        assert_int_equal(again->failure, ATTEST_GATHERED);
        assert_string_not_equal(name, tsm_double.last_name); /* nobody can know it before */
}

static void an_empty_table(void **state _unused_) {
        _cleanup_(gathered_freep) Gathered *g = gather();

        assert_int_equal(g->failure, ATTEST_GATHERED);
        assert_int_equal(g->certificates.size, 0);
        assert_null(g->endorsed_by);
        assert_true(*g->endorsement_problem);
}

/* Somebody else writes to our entry, some times and always; a name that is taken. */
static void others_in_between(void **state _unused_) {
        static const struct {
                unsigned meddlings, collisions, write_errors, read_errors;
                int error;
                AttestFailure failure;
        } table[] = {
                { 1, 0, 0, 0, 0, ATTEST_GATHERED },         { 5, 0, 0, 0, 0, ATTEST_GATHERED },
                { 1000, 0, 0, 0, 0, ATTEST_PROVIDER_BUSY }, { 0, 3, 0, 0, 0, ATTEST_GATHERED },
                { 0, 0, 2, 0, EBUSY, ATTEST_GATHERED },     { 0, 0, 1000, 0, EBUSY, ATTEST_PROVIDER_BUSY },
                { 0, 0, 0, 2, EAGAIN, ATTEST_GATHERED },    { 0, 0, 1, 0, EINVAL, ATTEST_PROVIDER_FAILED },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_(gathered_freep) Gathered *g = NULL;
                AttesterOptions o = options();

                tsm_double_reset();
                o.provider = EVIDENCE_PROVIDER_CONFIGFS; /* no probe before */
                tsm_double.meddlings = table[i].meddlings;
                tsm_double.write_errors = table[i].write_errors;
                tsm_double.read_errors = table[i].read_errors;
                tsm_double.write_error = tsm_double.read_error = table[i].error;
                tsm_double.collisions = table[i].collisions;
                g = rig_gather(&o);
                assert_string_equal(attest_failure_name(g->failure), attest_failure_name(table[i].failure));
                assert_int_equal(tsm_double.made, tsm_double.removed);
                assert_true(tsm_double.reports <= 16);
                if (g->failure == ATTEST_GATHERED) /* whole, and ours */
                        assert_memory_equal(snp_report_view(g->report.data, g->report.size)->report_data,
                                            g->report_data, SNP_REPORT_DATA_SIZE);
        }
}

/* What the driver says for good is not asked for again. */
static void errors_are_respected(void **state _unused_) {
        static const struct {
                int error;
                AttestFailure failure;
        } table[] = {
                { ENOTTY, ATTEST_PROVIDER_DEAD },    { EIO, ATTEST_PROVIDER_FAILED },
                { ENXIO, ATTEST_PROVIDER_FAILED },   { EINVAL, ATTEST_PROVIDER_FAILED },
                { ETIMEDOUT, ATTEST_PROVIDER_BUSY },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_(gathered_freep) Gathered *g = NULL;

                tsm_double_reset();
                tsm_double.read_error = table[i].error;
                tsm_double.read_errors = 100;
                g = gather();
                assert_int_equal(g->failure, table[i].failure);
                assert_int_equal(tsm_double.read_errors, 99);
        }
}

static void wrong_sizes(void **state _unused_) {
        _cleanup_(gathered_freep) Gathered *small = NULL, *large = NULL;

        tsm_double.report_size = 1000;
        small = gather();
        assert_int_equal(small->failure, ATTEST_PROVIDER_FAILED);
        assert_non_null(strstr(small->why, "1000 bytes"));
        tsm_double_reset();
        for (unsigned i = 0; i < 1024 * 1024 + 1; i++)
                buffer_u8(&tsm_double.table, 1);
        large = gather();
        assert_int_equal(large->failure, ATTEST_PROVIDER_FAILED);
        assert_non_null(strstr(large->why, "too large"));
}

/* Reports of other processors are not ours. */
static void other_providers(void **state _unused_) {
        _cleanup_(gathered_freep) Gathered *g = NULL;

        tsm_double.provider = "tdx_guest";
        g = gather();
        assert_int_equal(g->failure, ATTEST_NO_PROVIDER);
        assert_int_equal(tsm_double.reports, 0);
}

static void an_svsm(void **state _unused_) {
        _cleanup_(gathered_freep) Gathered *g = NULL;
        uint8_t expected[SNP_REPORT_DATA_SIZE];

        tsm_double.has_svsm = true;
        buffer_string(&tsm_double.manifest, "the endorsement key of a vTPM");
        g = gather();
        assert_string_equal(g->why, "");
        assert_int_equal(g->tpm_trust, TPM_TRUST_TEE);
        assert_int_equal(g->manifest.size, tsm_double.manifest.size);
        assert_int_equal(svsm_report_data(g->report_data, g->manifest.data, g->manifest.size, expected), 0);
        assert_memory_equal(snp_report_view(g->report.data, g->report.size)->report_data, expected, sizeof(expected));
        assert_int_equal(tsm_double.reports, 1);
}

/* One that does not attest its services: the report alone, and the TPM is not said to be the guest's. */
static void an_svsm_that_does_not_attest(void **state _unused_) {
        _cleanup_(gathered_freep) Gathered *g = NULL;

        tsm_double.has_svsm = true;
        tsm_double.svsm_error = ENXIO;
        g = gather();
        assert_string_equal(g->why, "");
        assert_int_equal(g->manifest.size, 0);
        assert_int_equal(g->tpm_trust, TPM_TRUST_HOST);
        assert_memory_equal(snp_report_view(g->report.data, g->report.size)->report_data, g->report_data,
                            SNP_REPORT_DATA_SIZE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(a_report_and_the_hosts_table, reset),
                cmocka_unit_test_setup(an_empty_table, reset),
                cmocka_unit_test_setup(others_in_between, reset),
                cmocka_unit_test_setup(errors_are_respected, reset),
                cmocka_unit_test_setup(wrong_sizes, reset),
                cmocka_unit_test_setup(other_providers, reset),
                cmocka_unit_test_setup(an_svsm, reset),
                cmocka_unit_test_setup(an_svsm_that_does_not_attest, reset),
        };
        int failed;

        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
                puts("SKIP: no mount namespace of our own");
                return EXIT_SKIPPED;
        }
        directory = temp_dir();
        if (!tsm_double_start(directory.path)) {
                puts("SKIP: the kernel has no FUSE");
                return EXIT_SKIPPED;
        }
        rig_tpm_init(&tpm);
        failed = RUN(tests);
        rig_tpm_done(&tpm);
        tsm_double_reset();
        tsm_double_stop();
        temp_dir_done(&directory);
        return failed;
}
