/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* snp-rate warm|cold SECONDS: how many SNP reports are appraised in a second of processor time, the certificates verified
 * once (warm) or each time (cold). */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "lib/sim/report.h"
#include "lib/snp/appraise.h"

typedef struct Bench {
        SimPki pki;
        SnpReport report;
        Buffer vek, chain;
        SnpRequirements requirements;
} Bench;

static double seconds(void) {
        return (double) clock() / CLOCKS_PER_SEC;
}

static int prepare(Bench *b) {
        SimCertificate ask, ark, vek;
        SnpTcb tcb;

        if (sim_pki_new(&b->pki) < 0)
                return -1;
        b->report = sim_report(3, SNP_MILAN, SNP_VCEK, 1);
        tcb = sim_report_tcb(&b->report, SNP_MILAN);
        vek = sim_vek(&b->pki, SNP_VCEK, SNP_MILAN, &tcb, b->report.chip_id);
        ask = sim_authority(&b->pki, SNP_ASK, SNP_MILAN);
        ark = sim_authority(&b->pki, SNP_ARK, SNP_MILAN);
        b->requirements = snp_requirements_default();
        if (sim_report_sign(&b->report, b->pki.keys[SNP_VCEK]) < 0 || sim_certificate_write(&vek, &b->vek) < 0)
                return -1;
        return sim_certificate_write(&ask, &b->chain) < 0 || sim_certificate_write(&ark, &b->chain) < 0 ? -1 : 0;
}

static SnpEndorsements *read_certificates(const Bench *b) {
        const SnpEndorsementFiles files = {
                .vek = b->vek.data, .vek_size = b->vek.size, .chain = b->chain.data, .chain_size = b->chain.size
        };
        SnpEndorsements *e = NULL;

        return snp_endorsements_new(&files, &e) < 0 ? NULL : e;
}

static bool appraise(const Bench *b, const SnpEndorsements *e) {
        _cleanup_(check_list_done) CheckList checks = {};

        snp_appraise(
                &(SnpAppraisal){
                        .report = &b->report,
                        .report_size = sizeof(b->report),
                        .endorsements = e,
                        .requirements = &b->requirements,
                        .at = SIM_TIME,
                        .allow_simulated = true,
                },
                &checks);
        return check_list_verdict(&checks) == CHECK_PASS;
}

int main(int argc, char **argv) {
        bool cold = argc == 3 && streq(argv[1], "cold");
        _cleanup_(snp_endorsements_freep) SnpEndorsements *e = NULL;
        double start, limit = argc == 3 ? atof(argv[2]) : 0;
        unsigned long n = 0;
        Bench b = {};

        if (limit <= 0 || prepare(&b) < 0)
                return 2;
        e = read_certificates(&b);
        for (start = seconds(); seconds() - start < limit; n++) {
                if (cold) {
                        snp_endorsements_free(e);
                        e = read_certificates(&b);
                }
                if (!e || !appraise(&b, e))
                        return 1;
        }
        printf("%.1f\n", (double) n / (seconds() - start));
        return 0;
}
