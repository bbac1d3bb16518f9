/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Azure's way of reporting, on a software TPM with a paravisor in front of it; sealwatch-verify's code judges. */

#include <errno.h>
#include <string.h>

#include "daemon/attest-tpm.h"
#include "lib/azure/appraise.h"
#include "lib/base/cleanup.h"
#include "lib/evidence/evidence.h"
#include "paravisor.h"
#include "rig.h"
#include "tests/edge/tpm/swtpm-rig.h"
#include "tests/snp-case.h"

enum { READS_MAX = 6 };

typedef struct Machine {
        Swtpm swtpm;
        Paravisor paravisor;
        Tpm *tpm;
        AttestTpm ops;
        AttesterOptions options;
} Machine;

static void advance(void *userdata, usec_t time) {
        Paravisor *p = userdata;

        assert_true(time >= PARAVISOR_PERIOD); /* to ask earlier is to be served the old one */
        p->now += time;
}

static void machine_init(Machine *m, const char *indexes) {
        _cleanup_(tpm_result_freep) TpmResult *ak = NULL;
        const char *why;
        TpmPublic public;

        *m = (Machine){ .swtpm = swtpm_new() };
        assert_int_equal(
                shell(&m->swtpm,
                      "tpm2_createprimary -Q -C e -G rsa2048:rsassa-sha256:null -c x.ctx -a 0x50472 && "
                      "tpm2_evictcontrol -Q -C o -c x.ctx 0x81000003 && tpm2_flushcontext -t && "
                      "tpm2_nvdefine -Q 0x1400001 -C p -s 2048 -a 'platformcreate|authread|authwrite|ownerread|no_da' "
                      "%s",
                      indexes),
                0);
        paravisor_init(&m->paravisor, m->swtpm.conf);
        assert_int_equal(tpm_new(&(TpmOptions){ .transport = &m->paravisor.outer }, &m->tpm, &why), 0);
        ak = call(m->tpm, tpm_job_ak(TPM_AK_AZURE));
        assert_int_equal(ak->outcome, TPM_OK);
        assert_int_equal(tpm_public_parse(ak->ak->public.data, ak->ak->public.size, &public, &why), 0);
        buffer_bytes(&m->paravisor.modulus, public.x.data, public.x.size);
        attest_tpm_init(m->tpm, false, &m->ops);
        m->options = (AttesterOptions){
                .provider = ATTEST_PROVIDER_AUTO,
                .tpm = &m->ops,
                .tsm_path = "/nonexistent",
                .sev_guest_path = "/nonexistent",
                .cache_path = "/nonexistent/cache",
                .fetch_path = "",
                .allow_simulated = true,
                .pause = advance,
                .pause_userdata = &m->paravisor,
        };
}

static void machine_done(Machine *m) {
        m->tpm = tpm_free(m->tpm);
        paravisor_done(&m->paravisor);
        swtpm_done(&m->swtpm);
}

/* The whole of Azure's checks on the document that the daemon would write. */
static void judge(Gathered *g, const char *fails) {
        const RigChip *c = rig_chip();
        _cleanup_(snp_endorsements_freep) SnpEndorsements *endorsements = NULL;
        _cleanup_(check_list_done) CheckList checks = {};
        _cleanup_(buffer_done) Buffer chain = {};
        _cleanup_(evidence_done) Evidence e = {};
        SnpRequirements snp = snp_requirements_default();
        TpmRequirements tpm = {};

        buffer_bytes(&chain, c->ask.data, c->ask.size);
        buffer_bytes(&chain, c->ark.data, c->ark.size);
        assert_int_equal(snp_endorsements_new(
                                 &(SnpEndorsementFiles){
                                         .vek = c->vek.data,
                                         .vek_size = c->vek.size,
                                         .chain = chain.data,
                                         .chain_size = chain.size,
                                 },
                                 &endorsements),
                         0);
        assert_int_equal(gathered_move(g, &e), 0);
        assert_int_equal(e.provider, EVIDENCE_PROVIDER_AZURE);
        assert_int_equal(e.parts[EVIDENCE_REPORT].size, 0);
        assert_int_equal(
                azure_appraise(
                        &(AzureEvidence){
                                .hcl = { e.parts[EVIDENCE_HCL].data, e.parts[EVIDENCE_HCL].size },
                                .snp = { .endorsements = endorsements,
                                         .requirements = &snp,
                                         .at = SIM_TIME,
                                         .allow_simulated = true },
                                .requirements = &tpm,
                                .has_quote = true,
                                .quote = { e.parts[EVIDENCE_QUOTE].data, e.parts[EVIDENCE_QUOTE].size },
                                .signature = { e.parts[EVIDENCE_SIGNATURE].data, e.parts[EVIDENCE_SIGNATURE].size },
                                .pcrs = &e.pcrs,
                                .nonce = { e.parts[EVIDENCE_NONCE].data, e.parts[EVIDENCE_NONCE].size },
                        },
                        &checks),
                0);
        assert_list_fails(&checks, fails);
        snp_requirements_done(&snp);
}

static const char with_user_data[] =
        "&& tpm2_nvdefine -Q 0x1400002 -C o -s 64 -a 'ownerread|ownerwrite|authread|authwrite'";

static void reports_what_was_written(void **state _unused_) {
        static const char *const indexes[] = {
                "", /* none for user data */
                with_user_data,
                "&& tpm2_nvdefine -Q 0x1400002 -C o -s 48 -a 'ownerread|ownerwrite|authread|authwrite'",
                "&& tpm2_nvdefine -Q 0x1400002 -C o -s 512 -a 'ownerread|ownerwrite|authread|authwrite'",
        };

        for (size_t i = 0; i < ELEMENTSOF(indexes); i++) {
                _cleanup_(machine_done) Machine m;
                _cleanup_(gathered_freep) Gathered *g = NULL;

                machine_init(&m, indexes[i]);
                g = rig_gather(&m.options);
                assert_string_equal(g->why, "");
                assert_int_equal(g->failure, ATTEST_GATHERED);
                assert_int_equal(g->provider, EVIDENCE_PROVIDER_AZURE);
                assert_int_equal(g->ak.origin, AK_ORIGIN_AZURE);
                assert_int_equal(g->tpm_trust, TPM_TRUST_TEE);
                assert_true(g->hcl.size < m.paravisor.size);
                assert_int_equal(shell(&m.swtpm, "tpm2_nvreadpublic 0x1400002 | grep -q 'size: 64'"), 0);
                judge(g, "");
        }
}

/* The other ways in which it can go. Reads: from offset 0, the probe's among them. */
static void waits_for_its_own_nonce(void **state _unused_) {
        static const struct {
                unsigned late, torn, foreign;
                bool off;
                AttestFailure failure;
        } table[] = {
                { 0, 0, 0, false, ATTEST_GATHERED },
                { 2, 0, 0, false, ATTEST_GATHERED }, /* taken up later */
                { 1000, 0, 0, false, ATTEST_STALE_REPORT },
                { 0, 2, 0, false, ATTEST_GATHERED }, /* other readers in between */
                { 0, 1000, 0, false, ATTEST_PROVIDER_BUSY },
                { 0, 0, 3, false, ATTEST_GATHERED }, /* other writers in between */
                { 0, 0, 1000, false, ATTEST_STALE_REPORT },
                { 0, 0, 0, true, ATTEST_STALE_REPORT }, /* it has given up its key, and says nothing */
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_(machine_done) Machine m;
                _cleanup_(gathered_freep) Gathered *first = NULL, *g = NULL;
                unsigned reads;

                machine_init(&m, with_user_data);
                first = rig_gather_for(&m.options, "the nonce of before");
                assert_int_equal(first->failure, ATTEST_GATHERED);
                reads = m.paravisor.reads;
                m.paravisor.late = table[i].late;
                m.paravisor.torn = table[i].torn;
                m.paravisor.foreign = table[i].foreign;
                m.paravisor.off = table[i].off;
                g = rig_gather(&m.options);
                assert_int_equal(g->failure, table[i].failure);
                assert_true(m.paravisor.reads - reads <= READS_MAX + 1);
                if (g->failure == ATTEST_GATHERED)
                        judge(g, "");
        }
}

/* It is looked for once; after that each round is one report, where two seconds have gone by. */
static void rounds_do_not_wait(void **state _unused_) {
        _cleanup_(machine_done) Machine m;
        Attester *a;

        machine_init(&m, with_user_data);
        assert_int_equal(attester_new(&m.options, &a), 0);
        gathered_free(rig_gather_on(a));
        for (unsigned i = 1; i <= 3; i++) {
                unsigned reads = m.paravisor.reads;
                usec_t now = m.paravisor.now += 10 * USEC_PER_SEC;
                Gathered *g = rig_gather_on(a);

                assert_int_equal(g->failure, ATTEST_GATHERED);
                gathered_free(g);
                assert_int_equal(m.paravisor.reads - reads, 1);
                assert_int_equal(m.paravisor.now, now);
        }
        attester_free(a);
}

/* Asked twice within two seconds it serves the first report again, without a word. */
static void is_not_deceived_by_the_limit(void **state _unused_) {
        static const char *const nonces[] = { "a first nonce", "a second one", NONCE };
        _cleanup_(machine_done) Machine m;

        machine_init(&m, with_user_data);
        for (size_t i = 0; i < ELEMENTSOF(nonces); i++) {
                _cleanup_(gathered_freep) Gathered *g = rig_gather_for(&m.options, nonces[i]);

                assert_int_equal(g->failure, ATTEST_GATHERED);
                assert_memory_equal(m.paravisor.taken, g->report_data, sizeof(g->report_data));
                assert_true(m.paravisor.now >= i * PARAVISOR_PERIOD);
                judge(g, "");
        }
}

static void old_paravisors(void **state _unused_) {
        _cleanup_(machine_done) Machine m;
        _cleanup_(gathered_freep) Gathered *g = NULL;

        machine_init(&m, "");
        m.paravisor.no_user_data = true;
        g = rig_gather(&m.options);
        assert_int_equal(g->failure, ATTEST_GATHERED);
        assert_int_equal(m.paravisor.now, 0); /* there is nothing to wait for */
        judge(g, "");
}

static void what_is_no_report(void **state _unused_) {
        _cleanup_(machine_done) Machine m;
        _cleanup_(gathered_freep) Gathered *g = NULL;

        machine_init(&m, with_user_data);
        for (unsigned i = 0; i < 2048; i++)
                buffer_u8(&m.paravisor.garbage, (uint8_t) (i * 3));
        g = rig_gather(&m.options);
        assert_int_equal(g->failure, ATTEST_PROVIDER_FAILED);
        assert_true(m.paravisor.reads <= READS_MAX + 1);
}

static void what_is_not_there(void **state _unused_) {
        _cleanup_(machine_done) Machine m;
        _cleanup_(gathered_freep) Gathered *no_key = NULL, *no_index = NULL, *none = NULL;

        machine_init(&m, "");
        assert_int_equal(shell(&m.swtpm, "tpm2_evictcontrol -Q -C o -c 0x81000003"), 0);
        no_key = rig_gather(&m.options);
        assert_int_equal(no_key->failure, ATTEST_NO_AK);
        assert_int_equal(shell(&m.swtpm, "tpm2_nvundefine -Q 0x1400001 -C p"), 0);
        none = rig_gather(&m.options);
        assert_int_equal(none->failure, ATTEST_NO_PROVIDER);
        assert_int_equal(shell(&m.swtpm,
                               "tpm2_createprimary -Q -C e -G rsa2048:rsassa-sha256:null -c x.ctx -a 0x50472 && "
                               "tpm2_evictcontrol -Q -C o -c x.ctx 0x81000003 && tpm2_flushcontext -t"),
                         0);
        m.options.provider = EVIDENCE_PROVIDER_AZURE;
        no_index = rig_gather(&m.options);
        assert_int_equal(no_index->failure, ATTEST_NO_PROVIDER);
}

/* Root has put a key of its own under the paravisor's handle: the claims know another one. */
static void a_replaced_key(void **state _unused_) {
        _cleanup_(machine_done) Machine m;
        _cleanup_(gathered_freep) Gathered *g = NULL;

        machine_init(&m, "");
        assert_int_equal(shell(&m.swtpm,
                               "tpm2_evictcontrol -Q -C o -c 0x81000003 && "
                               "tpm2_createprimary -Q -C o -G rsa2048:rsassa-sha256:null -c x.ctx -a 0x50472 && "
                               "tpm2_evictcontrol -Q -C o -c x.ctx 0x81000003 && tpm2_flushcontext -t"),
                         0);
        g = rig_gather(&m.options);
        assert_int_equal(g->failure, ATTEST_GATHERED);
        judge(g, "quote-signature ak-name");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(reports_what_was_written, swtpm_teardown),
                cmocka_unit_test_teardown(waits_for_its_own_nonce, swtpm_teardown),
                cmocka_unit_test_teardown(rounds_do_not_wait, swtpm_teardown),
                cmocka_unit_test_teardown(is_not_deceived_by_the_limit, swtpm_teardown),
                cmocka_unit_test_teardown(old_paravisors, swtpm_teardown),
                cmocka_unit_test_teardown(what_is_no_report, swtpm_teardown),
                cmocka_unit_test_teardown(what_is_not_there, swtpm_teardown),
                cmocka_unit_test_teardown(a_replaced_key, swtpm_teardown),
        };

        tpm_silence_library();
        return RUN(tests);
}
