/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Simulated SNP evidence. */

#include "tests/fuzz/snp.h"

#include "tests/fuzz/fuzz.h"

enum { CHECKS = 30 };

static void write_certificate(SimCertificate c, Buffer *ret) {
        REQUIRE(sim_certificate_write(&c, ret) == 0);
}

const SnpEvidence *snp_evidence(void) {
        static SnpEvidence e;
        SnpTcb tcb;
        SimCrl crl;

        if (e.vek.size > 0)
                return &e;
        REQUIRE(sim_pki_new(&e.pki) == 0);
        e.report = sim_report(3, SNP_MILAN, SNP_VCEK, 1);
        REQUIRE(sim_report_sign(&e.report, e.pki.keys[SNP_VCEK]) == 0);
        tcb = sim_report_tcb(&e.report, SNP_MILAN);
        write_certificate(sim_vek(&e.pki, SNP_VCEK, SNP_MILAN, &tcb, e.report.chip_id), &e.vek);
        write_certificate(sim_authority(&e.pki, SNP_ASK, SNP_MILAN), &e.chain);
        write_certificate(sim_authority(&e.pki, SNP_ARK, SNP_MILAN), &e.chain);
        crl = sim_crl(&e.pki, SNP_MILAN);
        crl.serials[0] = 7;
        crl.n_serials = 1;
        crl.scope = "critical,fullname:URI:simulated:/vcek/v1/Milan/crl";
        REQUIRE(sim_crl_write(&crl, &e.crl) == 0);
        e.requirements = snp_requirements_default();
        return &e;
}

SnpEndorsements *snp_evidence_endorsements(const Buffer *vek, const Buffer *chain, const Buffer *crl) {
        const SnpEndorsementFiles files = { .vek = vek->data,
                                            .vek_size = vek->size,
                                            .chain = chain->data,
                                            .chain_size = chain->size,
                                            .crl = crl->data,
                                            .crl_size = crl->size };
        SnpEndorsements *e = NULL;

        REQUIRE(snp_endorsements_new(&files, &e) == 0 && e);
        REQUIRE(!e->root_is_pinned); /* nobody has AMD's keys */
        REQUIRE(*e->vek_problem || e->vek);
        REQUIRE(*e->vek_problem || *e->chain_problem || (e->intermediate && e->root));
        return e;
}

CheckResult snp_evidence_judge(const void *report, size_t size, const SnpEndorsements *endorsements) {
        _cleanup_(check_list_done) CheckList checks = {};
        SnpAppraisal a = { .report = report,
                           .report_size = size,
                           .endorsements = endorsements,
                           .requirements = &snp_evidence()->requirements,
                           .at = SIM_TIME,
                           .allow_simulated = true };
        CheckResult verdict;

        snp_appraise(&a, &checks);
        REQUIRE(checks.size == CHECKS && !checks.incomplete);
        for (size_t i = 0; i < checks.size; i++)
                REQUIRE(checks.items[i].result != CHECK_UNDECIDED && *checks.items[i].detail);
        verdict = check_list_verdict(&checks);
        check_list_done(&checks);
        a.allow_simulated = false;
        snp_appraise(&a, &checks);
        REQUIRE(check_list_verdict(&checks) == CHECK_FAIL);
        return verdict;
}
