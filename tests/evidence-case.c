/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Simulated evidence. */

#include "tests/evidence-case.h"

#include "lib/base/cleanup.h"
#include "lib/firmware/eventlog.h"
#include "lib/ima/list.h"
#include "lib/sim/firmware.h"
#include "lib/sim/hcl.h"
#include "lib/sim/ima.h"
#include "lib/svsm/manifest.h"
#include "lib/tpm/reportdata.h"
#include "tests/sample.h"
#include "tests/test.h"

#define VM_ID "7DF7B373-B947-4AAA-96E5-C358F2A03D20"

DEFINE_CLEANUP(FirmwareLog *, firmware_log_free)
DEFINE_CLEANUP(ImaList *, ima_list_free)

static uint8_t *register_of(EvidenceCase *c, unsigned pcr) {
        return c->pcrs.files[HASH_SHA256].values[pcr];
}

static void replay_firmware(EvidenceCase *c) {
        _cleanup_(firmware_log_freep) FirmwareLog *log = NULL;
        FirmwareEvent e;

        assert_int_equal(firmware_log_new(bank(HASH_SHA256), &log), 0);
        firmware_log_more(log, c->firmware.data, c->firmware.size);
        while (firmware_log_next(log, &e) == LOG_ENTRY)
                ;
        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
                memcpy(register_of(c, pcr), firmware_log_values(log)->values[HASH_SHA256][pcr], SHA256_SIZE);
}

void evidence_case_replay_ima(EvidenceCase *c) {
        _cleanup_(ima_list_freep) ImaList *list = NULL;
        ImaEntry e;

        assert_int_equal(ima_list_new(bank(HASH_SHA256), false, &list), 0);
        ima_list_more(list, c->ima.data, c->ima.size);
        while (ima_list_next(list, &e) == LOG_ENTRY)
                ;
        memcpy(register_of(c, 10), ima_list_values(list)->values[HASH_SHA256][10], SHA256_SIZE);
}

void evidence_case_replay_log(EvidenceCase *c) {
        BankDigests value = sample_replay(c->log.data, c->log.size, bank(HASH_SHA256));

        memcpy(register_of(c, 13), value.values[HASH_SHA256], SHA256_SIZE);
}

void evidence_case_new(EvidenceCase *c, const SimPki *pki, EvidenceProvider provider, const void *log, size_t n) {
        SimFirmware firmware = sim_firmware_default();
        SimIma ima = sim_ima_default();

        *c = (EvidenceCase){
                .snp = snp_case(pki, 3, SNP_MILAN, SNP_VCEK),
                .provider = provider,
                .pcrs = { .banks = bank(HASH_SHA256), .files[HASH_SHA256].present = 0xffffff },
                .resets = 7,
                .clock = 1000,
                .ima_asked = ima_requirements_default(),
                .log_pcr = 13,
                .allow_simulated = true,
        };
        memcpy(c->nonce, "what a verifier has thought of ", EVIDENCE_CASE_NONCE);
        memcpy(c->asked, c->nonce, sizeof(c->asked));
        assert_int_equal(sim_key_new(TPM_ID_RSASSA, 2048, HASH_SHA256, SIM_AK_ATTRIBUTES, &c->ak), 0);
        assert_int_equal(sim_firmware_log(&firmware, &c->firmware), 0);
        replay_firmware(c);
        ima.boot = &c->pcrs;
        assert_int_equal(sim_ima_list(&ima, &c->ima), 0);
        buffer_bytes(&c->log, log, n);
        evidence_case_replay_ima(c);
        evidence_case_replay_log(c);
}

void evidence_case_done(EvidenceCase *c) {
        snp_requirements_done(&c->snp.requirements);
        sim_key_done(&c->ak);
        sim_key_done(&c->named);
        buffer_done(&c->log);
        buffer_done(&c->firmware);
        buffer_done(&c->ima);
        evidence_done(&c->evidence);
        tpm_requirements_done(&c->tpm);
        firmware_requirements_done(&c->firmware_asked);
}

static void set(EvidenceCase *c, EvidencePart part, const void *data, size_t n) {
        c->evidence.parts[part].size = 0;
        buffer_bytes(&c->evidence.parts[part], data, n);
}

/* Report, and what binds the 64 bytes to it. */
static void put_report(EvidenceCase *c, const uint8_t data[SNP_REPORT_DATA_SIZE]) {
        _cleanup_(snp_case_files_done) SnpCaseFiles files = {};
        _cleanup_(buffer_done) Buffer claims = {};
        HclBlob blob = { .version = 1, .hash = HASH_SHA256 };

        memcpy(c->snp.report.report_data, data, SNP_REPORT_DATA_SIZE);
        if (c->svsm) {
                const TpmPublic ek = { .type = TPM_ID_RSA,
                                       .name_alg = HASH_SHA256,
                                       .attributes = 0x000300b2,
                                       .scheme = TPM_ID_NULL,
                                       .scheme_hash = _HASH_INVALID,
                                       .bits = 2048,
                                       .exponent = 65537,
                                       .x = c->ak.public.x };

                c->evidence.parts[EVIDENCE_MANIFEST].size = 0;
                tpm_public_write(&ek, &c->evidence.parts[EVIDENCE_MANIFEST]);
                assert_int_equal(svsm_report_data(data, c->evidence.parts[EVIDENCE_MANIFEST].data,
                                                  c->evidence.parts[EVIDENCE_MANIFEST].size,
                                                  c->snp.report.report_data),
                                 0);
        }
        if (c->provider == EVIDENCE_PROVIDER_AZURE) {
                assert_int_equal(sim_hcl_claims(c->named.pkey ? &c->named : &c->ak, VM_ID, data, &claims), 0);
                blob.claims = (Bytes){ claims.data, claims.size };
                assert_int_equal(hcl_report_data(&blob, c->snp.report.report_data), 0);
        }
        if (!c->snp.keep_signature)
                assert_int_equal(sim_report_sign(&c->snp.report, c->snp.vek.key), 0);
        blob.report = (Bytes){ (const uint8_t *) &c->snp.report, sizeof(c->snp.report) };
        if (c->provider == EVIDENCE_PROVIDER_AZURE)
                sim_hcl_write(&blob, 0, &c->evidence.parts[EVIDENCE_HCL]);
        else if (c->provider != EVIDENCE_PROVIDER_NONE)
                set(c, EVIDENCE_REPORT, &c->snp.report, sizeof(c->snp.report));
        snp_case_files(&c->snp, &files);
        set(c, EVIDENCE_VEK, files.vek.data, files.vek.size);
        set(c, EVIDENCE_CHAIN, files.chain.data, files.chain.size);
        set(c, EVIDENCE_CRL, files.crl.data, files.crl.size);
}

static void put_quote(EvidenceCase *c) {
        const Attest attest = {
                .extra = { c->nonce, sizeof(c->nonce) },
                .clock = c->clock,
                .resets = c->resets,
                .safe = true,
                .n_selections = 1,
                .selections = { { 0x000b, HASH_SHA256, c->pcrs.files[HASH_SHA256].present } },
        };
        Buffer *quote = &c->evidence.parts[EVIDENCE_QUOTE];

        assert_int_equal(sim_quote(&c->ak, TPM_HANDLE_ENDORSEMENT, &attest, &c->pcrs, quote), 0);
        assert_int_equal(sim_sign(&c->ak, true, quote->data, quote->size, &c->evidence.parts[EVIDENCE_SIGNATURE]), 0);
        set(c, EVIDENCE_AK_PUBLIC, c->ak.encoded.data, c->ak.encoded.size);
        c->evidence.pcrs = c->pcrs;
}

void evidence_case_seal(EvidenceCase *c) {
        uint8_t data[SNP_REPORT_DATA_SIZE];
        TpmName name;

        evidence_done(&c->evidence);
        c->evidence.provider = c->provider;
        set(c, EVIDENCE_NONCE, c->nonce, sizeof(c->nonce));
        assert_int_equal(tpm_public_name(&c->ak.public, &name), 0);
        assert_int_equal(ak_report_data(c->nonce, sizeof(c->nonce), &name, data), 0);
        put_report(c, data);
        put_quote(c);
        set(c, EVIDENCE_FIRMWARE_LOG, c->firmware.data, c->firmware.size);
        set(c, EVIDENCE_IMA_LIST, c->ima.data + c->ima_from, c->ima.size - c->ima_from);
        set(c, EVIDENCE_LOG, c->log.data + c->log_from, c->log.size - c->log_from);
        c->evidence.log_since = c->log_since;
        c->evidence.log_first = c->log_first;
        c->evidence.ima_since = c->ima_since;
        if (c->provider == EVIDENCE_PROVIDER_SIMULATOR)
                assert_int_equal(evidence_texts_add(&c->evidence.taints, NULL, "simulated-report"), 0);
}

void evidence_case_appraise(const EvidenceCase *c, CheckList *checks, EvidenceFindings *found) {
        const EvidenceAppraisal a = {
                .evidence = &c->evidence,
                .nonce = { c->asked, sizeof(c->asked) },
                .snp = &c->snp.requirements,
                .tpm = &c->tpm,
                .firmware = &c->firmware_asked,
                .ima = &c->ima_asked,
                .log_pcr = c->log_pcr,
                .base = c->base,
                .sink = c->sink,
                .at = c->snp.at,
                .allow_simulated = c->allow_simulated,
        };

        assert_int_equal(evidence_appraise(&a, checks, found), 0);
        for (size_t i = 0; i < checks->size; i++)
                for (size_t j = 0; j < i; j++)
                        if (streq(checks->items[i].name, checks->items[j].name))
                                fail_msg("%s is there twice", checks->items[i].name);
}

void evidence_case_fails(const EvidenceCase *c, const char *names) {
        _cleanup_(check_list_done) CheckList checks = {};
        EvidenceFindings found;

        evidence_case_appraise(c, &checks, &found);
        assert_list_fails(&checks, names);
}
