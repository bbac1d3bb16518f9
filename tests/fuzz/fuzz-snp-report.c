/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SNP reports, signed by whoever: what passes was signed by the certificate's key, and is of a guest that is protected. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "tests/fuzz/snp.h"

static void check_passed(const SnpReport *r) {
        const SnpReport *genuine = &snp_evidence()->report;
        uint64_t policy = snp_u64(r->policy), weak = SNP_POLICY_WEAKENING & ~(UINT64_C(1) << SNP_POLICY_SMT);
        size_t offset;

        REQUIRE(snp_u32(r->version) >= 2 && snp_u32(r->version) <= 5 && !snp_report_misfit(r, &offset));
        REQUIRE((policy & weak) == 0 && policy >> _SNP_POLICY_BITS == 0 && snp_bit(policy, SNP_POLICY_ONE));
        REQUIRE(snp_u32(r->vmpl) == 0 && (snp_u32(r->key_info) & ~SNP_KEY_AUTHOR) == 0);
        REQUIRE(memcmp(r->chip_id, genuine->chip_id, sizeof(r->chip_id)) == 0);
        REQUIRE(memcmp(r->reported_tcb, genuine->reported_tcb, SNP_TCB_SIZE) == 0);
        for (size_t i = 0; i < SNP_REPORT_ID_SIZE; i++)
                REQUIRE(r->report_id_ma[i] == 0xff);
        for (size_t i = 0; i < SNP_TCB_SIZE; i++)
                REQUIRE(r->current_tcb[i] >= r->reported_tcb[i] && r->current_tcb[i] >= r->committed_tcb[i]);
        if (snp_u32(r->version) >= 3)
                REQUIRE(r->cpuid_family == 0x19 && r->cpuid_model < 0x10);
}

static void run(const uint8_t *data, size_t size) {
        static SnpEndorsements *endorsements;
        const SnpEvidence *e = snp_evidence();

        if (!endorsements)
                endorsements = snp_evidence_endorsements(&e->vek, &e->chain, &e->crl);
        REQUIRE(!*endorsements->vek_problem && !*endorsements->chain_problem && !*endorsements->crl_problem);
        if (snp_evidence_judge(data, size, endorsements) != CHECK_PASS)
                return;
        REQUIRE(size == SNP_REPORT_SIZE);
        check_passed((const SnpReport *) data);
}

static void repair(uint8_t *data, size_t size) {
        if (size == SNP_REPORT_SIZE)
                REQUIRE(sim_report_sign((SnpReport *) data, snp_evidence()->pki.keys[SNP_VCEK]) == 0);
}

static void seeds(void) {
        for (uint32_t version = 2; version <= 6; version++)
                for (SnpProduct p = 0; p < _SNP_PRODUCT_MAX; p++) {
                        SnpReport r = sim_report(version, p, version == 4 ? SNP_VLEK : SNP_VCEK, 1);

                        REQUIRE(sim_report_sign(&r, snp_evidence()->pki.keys[SNP_VCEK]) == 0);
                        fuzz_seed(&r, sizeof(r));
                }
        fuzz_seed(&snp_evidence()->report, sizeof(SnpReport));
}

const FuzzTarget fuzz_target = { run, seeds, repair };
