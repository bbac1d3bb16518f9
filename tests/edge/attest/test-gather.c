/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From nonce to evidence: the order of things, what fails by which name, the simulator. */

#include <errno.h>
#include <poll.h>
#include <time.h>

#include "daemon/attest/simulator.h"
#include "lib/base/cleanup.h"
#include "rig.h"

static AttesterOptions options(const RigTpm *t, EvidenceProvider provider) {
        return (AttesterOptions){
                .provider = provider,
                .tpm = &t->ops,
                .tsm_path = "/nonexistent",
                .sev_guest_path = "/nonexistent",
                .cache_path = "/nonexistent/cache",
                .fetch_path = "",
        };
}

static void quotes_without_reports(void **state _unused_) {
        _cleanup_(rig_tpm_done) RigTpm t;
        _cleanup_(gathered_freep) Gathered *g = NULL;
        _cleanup_(evidence_done) Evidence e = {};
        AttesterOptions o;

        rig_tpm_init(&t);
        o = options(&t, EVIDENCE_PROVIDER_NONE);
        g = rig_gather(&o);
        assert_string_equal(g->why, "");
        assert_int_equal(g->failure, ATTEST_GATHERED);
        assert_int_equal(g->tpm_trust, TPM_TRUST_HOST);
        assert_false(g->simulated);
        assert_int_equal(g->report.size, 0);
        assert_quote_is_good(g);
        assert_int_equal(gathered_move(g, &e), 0);
        assert_int_equal(e.provider, EVIDENCE_PROVIDER_NONE);
        assert_int_equal(e.parts[EVIDENCE_NONCE].size, strlen(NONCE));
        assert_int_equal(e.parts[EVIDENCE_REPORT].size, 0);
        assert_true(e.parts[EVIDENCE_QUOTE].size > 0);
        assert_int_equal(e.pcrs.files[HASH_SHA256].present, RIG_PCRS);
        assert_int_equal(e.taints.size, 0);
}

static void every_failure_has_its_name(void **state _unused_) {
        static const struct {
                EvidenceProvider provider;
                int ak, quote;
                bool swap;
                AttestFailure failure;
                const char *name;
        } table[] = {
                { ATTEST_PROVIDER_AUTO, 0, 0, false, ATTEST_NO_PROVIDER, "no-provider" },
                { EVIDENCE_PROVIDER_CONFIGFS, 0, 0, false, ATTEST_NO_PROVIDER, "no-provider" },
                { EVIDENCE_PROVIDER_SEV_GUEST, 0, 0, false, ATTEST_NO_PROVIDER, "no-provider" },
                { EVIDENCE_PROVIDER_AZURE, -ENOENT, 0, false, ATTEST_NO_AK, "no-ak" },
                { EVIDENCE_PROVIDER_AZURE, 0, 0, false, ATTEST_TPM_REFUSED, "tpm-refused" },
                { EVIDENCE_PROVIDER_NONE, -EBUSY, 0, false, ATTEST_TPM_BUSY, "tpm-busy" },
                { EVIDENCE_PROVIDER_NONE, -ENODEV, 0, false, ATTEST_TPM_LOST, "tpm-lost" },
                { EVIDENCE_PROVIDER_NONE, -EIO, 0, false, ATTEST_TPM_REFUSED, "tpm-refused" },
                { EVIDENCE_PROVIDER_NONE, 0, -EBUSY, false, ATTEST_TPM_BUSY, "tpm-busy" },
                { EVIDENCE_PROVIDER_NONE, 0, -ENOMEM, false, ATTEST_INTERNAL, "internal" },
                { EVIDENCE_PROVIDER_NONE, 0, -ECANCELED, false, ATTEST_CANCELLED, "cancelled" },
                { EVIDENCE_PROVIDER_NONE, 0, 0, true, ATTEST_AK_CHANGED, "ak-changed" },
        };
        _cleanup_(rig_tpm_done) RigTpm t;

        rig_tpm_init(&t);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                AttesterOptions o = options(&t, table[i].provider);
                _cleanup_(gathered_freep) Gathered *g = NULL;

                t.ak_error = table[i].ak;
                t.quote_error = table[i].quote;
                t.swap = table[i].swap;
                g = rig_gather(&o);
                assert_string_equal(attest_failure_name(g->failure), table[i].name);
                assert_int_equal(g->failure, table[i].failure);
                assert_true(*g->why);
        }
}

/* Nothing is wrong, then each thing that the simulator can get wrong: the appraisal of sealwatch-verify finds it. */
static void simulates(void **state _unused_) {
        static const struct {
                const char *words, *fails;
        } table[] = {
                { NULL, "" },
                { " \n", "" },
                { "tcb-rollback", "tcb-order" },
                { "debug\n", "guest-policy" },
                { "stale-nonce", "report-data" },
                { "bad-signature", "signature" },
                { "revoked-ask", "revocation" },
                { "expired-vlek", "certificate-validity" },
                { "debug stale-nonce", "guest-policy report-data" },
                { "other-chip", "" },
                { "other-guest", "" },
                { "other-measurement", "" },
        };
        _cleanup_(rig_tpm_done) RigTpm t;
        _cleanup_(attester_freep) Attester *a = NULL;
        _cleanup_(gathered_freep) Gathered *first = NULL;
        _temp_dir_ TempDir d = temp_dir();
        char path[128];
        AttesterOptions o;

        rig_tpm_init(&t);
        t.ops.is_software = true;
        snprintf(path, sizeof(path), "%s/faults", d.path);
        o = options(&t, EVIDENCE_PROVIDER_SIMULATOR);
        o.simulator_path = path;
        assert_int_equal(attester_new(&o, &a), 0);
        first = rig_gather_on(a);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_(gathered_freep) Gathered *g = NULL;
                const SnpReport *before, *now;

                if (table[i].words) {
                        FILE *f = fopen(path, "we");

                        assert_non_null(f);
                        assert_true(fputs(table[i].words, f) >= 0);
                        fclose(f);
                }
                g = rig_gather_on(a);
                assert_string_equal(g->why, "");
                assert_true(g->simulated);
                assert_int_equal(g->tpm_trust, TPM_TRUST_SOFTWARE);
                assert_string_equal(g->endorsed_by, "simulator");
                assert_quote_is_good(g);
                assert_appraisal(g, (int64_t) time(NULL), table[i].fails);
                before = snp_report_view(first->report.data, first->report.size);
                now = snp_report_view(g->report.data, g->report.size);
                assert_int_equal(table[i].words && streq(table[i].words, "other-guest"),
                                 memcmp(before->report_id, now->report_id, sizeof(now->report_id)) != 0);
                if (table[i].words && streq(table[i].words, "other-chip"))
                        assert_memory_not_equal(before->chip_id, now->chip_id, sizeof(now->chip_id));
        }
}

static void a_word_that_means_nothing(void **state _unused_) {
        _cleanup_(buffer_done) Buffer report = {}, vek = {}, chain = {}, crl = {};
        _cleanup_(simulator_freep) Simulator *s = NULL;
        const uint8_t data[SNP_REPORT_DATA_SIZE] = {};

        assert_int_equal(simulator_new(&s), 0);
        assert_int_equal(simulator_report(s, "debug debugg", data, SIM_TIME, &report, &vek, &chain, &crl), -EINVAL);
        assert_int_equal(simulator_report(s, "debu", data, SIM_TIME, &report, &vek, &chain, &crl), -EINVAL);
        assert_int_equal(report.size, 0);
}

static unsigned called;
static void count(void *userdata, Gathered *g) {
        called++;
        *(AttestFailure *) userdata = g->failure;
        gathered_free(g);
}

static void takes_so_many_requests_and_ends_them(void **state _unused_) {
        _cleanup_(rig_tpm_done) RigTpm t;
        AttestFailure last = _ATTEST_FAILURE_MAX;
        AttesterOptions o;
        Attester *a;

        rig_tpm_init(&t);
        o = options(&t, EVIDENCE_PROVIDER_NONE);
        assert_int_equal(attester_new(&o, &a), 0);
        assert_int_equal(attester_gather(a, NONCE, EVIDENCE_NONCE_MIN - 1, 1, count, &last), -EINVAL);
        assert_int_equal(attester_gather(a, NONCE, EVIDENCE_NONCE_MAX + 1, 1, count, &last), -EINVAL);
        assert_int_equal(attester_gather(a, NONCE, 8, 0, count, &last), -EINVAL);
        assert_int_equal(attester_gather(a, NONCE, 8, 1 << 24, count, &last), -EINVAL);
        for (unsigned i = 0; i < ATTEST_WAITING_MAX; i++)
                assert_int_equal(attester_gather(a, NONCE, 8, 1, count, &last), 0);
        assert_int_equal(attester_gather(a, NONCE, 8, 1, count, &last), -ENOBUFS);
        assert_int_equal(called, 0); /* whoever dispatches is called, and nobody before */
        attester_free(a);
        assert_int_equal(called, ATTEST_WAITING_MAX);
        assert_true(last == ATTEST_CANCELLED || last == ATTEST_GATHERED);
}

static void providers_have_names(void **state _unused_) {
        EvidenceProvider p;

        assert_true(attest_provider_from_name("auto", &p));
        assert_int_equal(p, ATTEST_PROVIDER_AUTO);
        assert_true(attest_provider_from_name("azure", &p));
        assert_int_equal(p, EVIDENCE_PROVIDER_AZURE);
        assert_false(attest_provider_from_name("Azure", &p));
        for (AkOrigin o = 0; o < _AK_ORIGIN_MAX; o++)
                assert_true(*ak_origin_name(o));
        assert_string_equal(tpm_trust_name(TPM_TRUST_TEE), "tee");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(quotes_without_reports),
                TEST(every_failure_has_its_name),
                TEST(simulates),
                TEST(a_word_that_means_nothing),
                TEST(takes_so_many_requests_and_ends_them),
                TEST(providers_have_names),
        };

        return RUN(tests);
}
