/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Certificates and revocation lists of SNP: one of the three files is any bytes (the first says which one). What passes
 * says what the genuine one says, and leads to the same keys. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "tests/fuzz/snp.h"

enum { FILES = 3 };

static void run(const uint8_t *data, size_t size) {
        static SnpEndorsements *genuine;
        _cleanup_(snp_endorsements_freep) SnpEndorsements *e = NULL;
        const SnpEvidence *all = snp_evidence();
        Buffer files[FILES] = { all->vek, all->chain, all->crl };

        if (size == 0)
                return;
        if (!genuine)
                genuine = snp_evidence_endorsements(&all->vek, &all->chain, &all->crl);
        files[data[0] % FILES] = (Buffer){ .data = (uint8_t *) (uintptr_t) (data + 1), .size = size - 1 };
        e = snp_evidence_endorsements(&files[0], &files[1], &files[2]);
        if (snp_evidence_judge(&all->report, sizeof(all->report), e) != CHECK_PASS)
                return;
        REQUIRE(X509_cmp(e->vek, genuine->vek) == 0 && X509_cmp(e->intermediate, genuine->intermediate) == 0);
        REQUIRE(memcmp(e->root_digest, genuine->root_digest, SHA256_SIZE) == 0 && !e->has_foreign_root);
        REQUIRE(memcmp(&e->claims, &genuine->claims, sizeof(e->claims)) == 0);
}

static void seed(uint8_t which, const Buffer *file) {
        _cleanup_(buffer_done) Buffer b = {};

        buffer_u8(&b, which);
        buffer_bytes(&b, file->data, file->size);
        REQUIRE(buffer_error(&b) == 0);
        fuzz_seed(b.data, b.size);
}

static void seeds(void) {
        const SnpEvidence *e = snp_evidence();
        const SnpReport turin = sim_report(5, SNP_TURIN, SNP_VCEK, 1);
        const SnpTcb tcb = sim_report_tcb(&turin, SNP_TURIN);

        seed(0, &e->vek);
        seed(0, &e->chain);
        seed(1, &e->chain);
        seed(2, &e->crl);
        for (SnpRole role = SNP_VCEK; role <= SNP_VLEK; role++) {
                _cleanup_(buffer_done) Buffer vek = {};
                const SimCertificate c = sim_vek(&e->pki, role, SNP_TURIN, &tcb, turin.chip_id);

                REQUIRE(sim_certificate_write(&c, &vek) == 0);
                seed(0, &vek);
                seed(1, &vek);
        }
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
