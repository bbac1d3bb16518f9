/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Simulated SNP evidence. */

#include "tests/snp-case.h"

#include "tests/test.h"

SnpCase snp_case(const SimPki *pki, uint32_t version, SnpProduct product, SnpRole role) {
        SnpCase c = {
                .pki = pki,
                .report = sim_report(version, product, role, 1),
                .intermediate = sim_authority(pki, role == SNP_VCEK ? SNP_ASK : SNP_ASVK, product),
                .root = sim_authority(pki, SNP_ARK, product),
                .crl = sim_crl(pki, product),
                .requirements = snp_requirements_default(),
                .at = SIM_TIME,
                .allow_simulated = true,
        };
        SnpTcb tcb = sim_report_tcb(&c.report, product);

        c.vek = sim_vek(pki, role, product, &tcb, c.report.chip_id);
        return c;
}

void snp_case_files_done(SnpCaseFiles *f) {
        buffer_done(&f->vek);
        buffer_done(&f->chain);
        buffer_done(&f->crl);
}

void snp_case_files(const SnpCase *c, SnpCaseFiles *ret) {
        *ret = (SnpCaseFiles){};
        assert_int_equal(sim_certificate_write(&c->vek, &ret->vek), 0);
        assert_int_equal(sim_certificate_write(&c->intermediate, &ret->chain), 0);
        assert_int_equal(sim_certificate_write(&c->root, &ret->chain), 0);
        if (c->has_crl)
                assert_int_equal(sim_crl_write(&c->crl, &ret->crl), 0);
}

void snp_case_judge_files(SnpCase *c, const SnpCaseFiles *files, CheckList *checks) {
        _cleanup_(snp_endorsements_freep) SnpEndorsements *e = NULL;
        const SnpEndorsementFiles in = {
                .vek = files->vek.data,
                .vek_size = files->vek.size,
                .chain = files->chain.data,
                .chain_size = files->chain.size,
                .crl = files->crl.data,
                .crl_size = files->crl.size,
        };

        if (!c->keep_signature)
                assert_int_equal(sim_report_sign(&c->report, c->vek.key), 0);
        assert_int_equal(snp_endorsements_new(&in, &e), 0);
        snp_appraise(
                &(SnpAppraisal){
                        .report = &c->report,
                        .report_size = sizeof(c->report),
                        .endorsements = e,
                        .requirements = &c->requirements,
                        .at = c->at,
                        .allow_simulated = c->allow_simulated,
                },
                checks);
}

void snp_case_judge(SnpCase *c, CheckList *checks) {
        _cleanup_(snp_case_files_done) SnpCaseFiles files;

        snp_case_files(c, &files);
        snp_case_judge_files(c, &files, checks);
}

static bool is_among(const char *name, const char *names) {
        size_t n = strlen(name);

        for (const char *p = strstr(names, name); p; p = strstr(p + 1, name))
                if ((p == names || p[-1] == ' ') && (p[n] == '\0' || p[n] == ' '))
                        return true;
        return false;
}

void assert_list_fails(const CheckList *checks, const char *names) {
        size_t failed = 0, expected = *names ? 1 : 0;

        for (const char *p = names; *p; p++)
                expected += *p == ' ';
        assert_false(checks->incomplete);
        for (size_t i = 0; i < checks->size; i++) {
                const Check *k = &checks->items[i];

                if (k->result != CHECK_PASS && k->result != CHECK_NA && !is_among(k->name, names))
                        fail_msg("%s failed, expected was \"%s\": %s", k->name, names, k->detail);
                if (k->result == CHECK_FAIL)
                        failed++;
                assert_true(*k->detail);
        }
        if (failed != expected)
                fail_msg("%zu checks failed, expected was \"%s\"", failed, names);
        assert_int_equal(check_list_verdict(checks), *names ? CHECK_FAIL : CHECK_PASS);
}

void assert_fails(SnpCase *c, const char *names) {
        _cleanup_(check_list_done) CheckList checks = {};

        snp_case_judge(c, &checks);
        assert_list_fails(&checks, names);
}
