/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sev-guest.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/snp/appraise.h"
#include "lib/tpm/key.h"
#include "lib/tpm/quote.h"
#include "lib/tpm/reportdata.h"
#include "tests/snp-case.h"

static int find_ak(void *userdata, bool azure _unused_, AttestKey *ret, char *why) {
        RigTpm *t = userdata;

        snprintf(why, ATTEST_WHY_MAX, "the rig says so");
        if (t->ak_error < 0)
                return t->ak_error;
        ret->origin = AK_ORIGIN_OWN;
        ret->persistent = true;
        buffer_bytes(&ret->public, t->key.encoded.data, t->key.encoded.size);
        return tpm_public_name(&t->key.public, &ret->name);
}

static int quote(void *userdata, bool azure _unused_, const void *nonce, size_t n, PcrSet pcrs, AttestQuote *ret,
                 TpmName *ret_signer, char *why) {
        RigTpm *t = userdata;
        const SimKey *key = t->swap ? &t->other : &t->key;
        Attest attest = {
                .extra = { nonce, n }, .clock = 7, .resets = 1, .restarts = 2, .safe = true, .n_selections = 1
        };
        PcrInputs inputs = { .banks = bank(HASH_SHA256) };

        t->quotes++;
        snprintf(why, ATTEST_WHY_MAX, "the rig says so");
        if (t->quote_error < 0)
                return t->quote_error;
        attest.selections[0] = (TpmSelection){ hash_tpm_id(HASH_SHA256), HASH_SHA256, pcrs };
        inputs.files[HASH_SHA256].present = pcrs;
        ret->pcrs = t->pcrs;
        ret->selected = pcrs;
        ret->clock = attest.clock;
        ret->reset_count = attest.resets;
        ret->restart_count = attest.restarts;
        ret->safe = attest.safe;
        memcpy(inputs.files[HASH_SHA256].values, t->pcrs.values[HASH_SHA256],
               sizeof(inputs.files[HASH_SHA256].values));
        assert_int_equal(sim_quote(key, TPM_HANDLE_ENDORSEMENT, &attest, &inputs, &ret->attest), 0);
        assert_int_equal(sim_sign(key, true, ret->attest.data, ret->attest.size, &ret->signature), 0);
        return tpm_public_name(&key->public, ret_signer);
}

static int nv_read(void *userdata _unused_, uint32_t index _unused_, Buffer *ret _unused_, char *why _unused_) {
        return -ENOENT;
}

static int nv_write(void *userdata _unused_, uint32_t index _unused_, const void *data _unused_, size_t n _unused_,
                    char *why _unused_) {
        return -EIO;
}

void rig_tpm_init(RigTpm *t) {
        *t = (RigTpm){ .pcrs.banks = bank(HASH_SHA256) };
        assert_int_equal(sim_key_new(TPM_ID_ECDSA, TPM_CURVE_P256, HASH_SHA256, SIM_AK_ATTRIBUTES, &t->key), 0);
        assert_int_equal(sim_key_new(TPM_ID_ECDSA, TPM_CURVE_P256, HASH_SHA256, SIM_AK_ATTRIBUTES, &t->other), 0);
        for (unsigned i = 0; i < PCR_COUNT; i++)
                memset(t->pcrs.values[HASH_SHA256][i], (int) i, SHA256_SIZE);
        t->ops = (AttestTpm){ t, false, find_ak, quote, nv_read, nv_write };
}

void rig_tpm_done(RigTpm *t) {
        sim_key_done(&t->key);
        sim_key_done(&t->other);
}

const RigChip *rig_chip(void) {
        static RigChip c;
        SimCertificate vek, ask, ark;
        SnpTcb tcb;
        SimCrl crl;

        if (c.vek.size > 0)
                return &c;
        assert_int_equal(sim_pki_new(&c.pki), 0);
        c.report = sim_report(3, SNP_MILAN, SNP_VCEK, 1);
        tcb = sim_report_tcb(&c.report, SNP_MILAN);
        vek = sim_vek(&c.pki, SNP_VCEK, SNP_MILAN, &tcb, c.report.chip_id);
        ask = sim_authority(&c.pki, SNP_ASK, SNP_MILAN);
        ark = sim_authority(&c.pki, SNP_ARK, SNP_MILAN);
        crl = sim_crl(&c.pki, SNP_MILAN);
        assert_int_equal(sim_certificate_write(&vek, &c.vek), 0);
        assert_int_equal(sim_certificate_write(&ask, &c.ask), 0);
        assert_int_equal(sim_certificate_write(&ark, &c.ark), 0);
        assert_int_equal(sim_crl_write(&crl, &c.crl), 0);
        return &c;
}

SnpReport rig_report(const uint8_t report_data[SNP_REPORT_DATA_SIZE]) {
        SnpReport r = rig_chip()->report;

        memcpy(r.report_data, report_data, SNP_REPORT_DATA_SIZE);
        assert_int_equal(sim_report_sign(&r, rig_chip()->pki.keys[SNP_VCEK]), 0);
        return r;
}

void rig_table(const Buffer *vcek, const Buffer *ask, const Buffer *ark, const Buffer *crl, Buffer *ret) {
        static const char *const guids[] = { "63da758de6644564adc5f4b93be8accd", "4ab7b379bbac4fe4a02f05aef327c782",
                                             "c0b406a4a803495297433fb6014cd0ae", "92f81bc358114d3d97ffd19f88dc67ea" };
        const Buffer *parts[] = { vcek, ask, ark, crl };
        uint32_t at = 24;

        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                at += parts[i] ? 24 : 0;
        for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
                uint8_t guid[16];

                if (!parts[i])
                        continue;
                from_hex(guids[i], sizeof(guid), guid);
                buffer_bytes(ret, guid, sizeof(guid));
                buffer_u32le(ret, at);
                buffer_u32le(ret, (uint32_t) parts[i]->size);
                at += (uint32_t) parts[i]->size;
        }
        buffer_bytes(ret, (uint8_t[24]){}, 24);
        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                if (parts[i])
                        buffer_bytes(ret, parts[i]->data, parts[i]->size);
        assert_int_equal(buffer_error(ret), 0);
}

RigDevice rig_device;

void rig_device_reset(const char *directory) {
        int fd;

        buffer_done(&rig_device.table);
        rig_device = (RigDevice){ .size = SNP_REPORT_SIZE };
        snprintf(rig_device.path, sizeof(rig_device.path), "%s/sev-guest", directory);
        fd = open(rig_device.path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        close(fd);
}

static int refuse(struct snp_guest_request_ioctl *r, int error, uint32_t firmware, uint32_t vmm) {
        r->fw_error = firmware;
        r->vmm_error = vmm;
        errno = error;
        return -1;
}

static int copy_table(struct snp_guest_request_ioctl *r) {
        const struct snp_ext_report_req *request = (void *) (uintptr_t) r->req_data;
        RigDevice *d = &rig_device;

        d->extended++;
        assert_int_equal(request->certs_address % 4096, 0);
        assert_int_equal(request->certs_len % 4096, 0);
        if (d->no_room || d->table.size > request->certs_len)
                return refuse(r, EIO, 0, 1);
        if (d->table.size > 0)
                memcpy((void *) (uintptr_t) request->certs_address, d->table.data, d->table.size);
        return 0;
}

int rig_ioctl(int fd, unsigned long request, void *argument) {
        struct snp_guest_request_ioctl *r = argument;
        const struct snp_report_req *q = (void *) (uintptr_t) r->req_data; /* also the start of the extended one */
        uint8_t *response = (void *) (uintptr_t) r->resp_data;
        RigDevice *d = &rig_device;
        SnpReport report;

        assert_true(fd >= 0);
        assert_int_equal(r->msg_version, 1);
        d->vmpl = q->vmpl;
        d->plain += request == SNP_GET_REPORT;
        if (d->is_dead) {
                d->extended++;
                return refuse(r, ENOTTY, 0xff, 0);
        }
        if (d->used < d->n_errors) {
                size_t i = d->used++;

                d->extended += request == SNP_GET_EXT_REPORT;
                return refuse(r, d->errors[i].error, d->errors[i].firmware, d->errors[i].vmm);
        }
        if (request == SNP_GET_EXT_REPORT && copy_table(r) < 0)
                return -1;
        report = rig_report(q->user_data);
        sim_put_u32(response, d->status);
        sim_put_u32(response + 4, d->size);
        memcpy(response + 32, &report, sizeof(report));
        return 0;
}

static void take(void *userdata, Gathered *g) {
        *(Gathered **) userdata = g;
}

static Gathered *gather(Attester *a, const char *nonce) {
        struct pollfd p = { .fd = attester_fd(a), .events = POLLIN };
        Gathered *g = NULL;

        assert_int_equal(attester_gather(a, nonce, strlen(nonce), RIG_PCRS, take, &g), 0);
        while (!g) {
                assert_int_equal(poll(&p, 1, 120 * 1000), 1);
                attester_dispatch(a);
        }
        return g;
}

Gathered *rig_gather_on(Attester *a) {
        return gather(a, NONCE);
}

Gathered *rig_gather_for(const AttesterOptions *options, const char *nonce) {
        _cleanup_(attester_freep) Attester *a = NULL;

        assert_int_equal(attester_new(options, &a), 0);
        return gather(a, nonce);
}

Gathered *rig_gather(const AttesterOptions *options) {
        return rig_gather_for(options, NONCE);
}

void assert_quote_is_good(const Gathered *g) {
        _cleanup_(check_list_done) CheckList checks = {};
        _cleanup_(tpm_key_done) TpmKey key = {};
        PcrInputs inputs = { .banks = g->quote.pcrs.banks };
        TpmPublic public;
        const char *why;
        TpmName name;
        Attest attest;

        assert_int_equal(tpm_public_parse(g->ak.public.data, g->ak.public.size, &public, &why), 0);
        assert_int_equal(tpm_public_name(&public, &name), 0);
        assert_int_equal(name.size, g->ak.name.size);
        assert_memory_equal(name.bytes, g->ak.name.bytes, name.size);
        assert_int_equal(tpm_key_from_public(&public, &key, &why), 0);
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                if (inputs.banks & bank(alg)) {
                        inputs.files[alg].present = g->quote.selected;
                        memcpy(inputs.files[alg].values, g->quote.pcrs.values[alg], sizeof(inputs.files[alg].values));
                }
        assert_int_equal(quote_appraise(
                                 &(QuoteEvidence){
                                         .quote = { g->quote.attest.data, g->quote.attest.size },
                                         .signature = { g->quote.signature.data, g->quote.signature.size },
                                         .key = &key,
                                         .scheme = public.scheme,
                                         .scheme_hash = public.scheme_hash,
                                         .nonce = { (const uint8_t *) NONCE, strlen(NONCE) },
                                         .pcrs = &inputs,
                                         .required = RIG_PCRS,
                                 },
                                 &checks, &attest),
                         0);
        assert_int_equal(quote_appraise_signer(&attest, HASH_SHA256, &name, false, &checks), 0);
        assert_list_fails(&checks, "");
        assert_int_equal(attest.clock, g->quote.clock);
        assert_int_equal(attest.resets, g->quote.reset_count);
        assert_int_equal(attest.restarts, g->quote.restart_count);
}

void assert_appraisal(const Gathered *g, int64_t at, const char *fails) {
        const SnpEndorsementFiles files = {
                .vek = g->vek.data,
                .vek_size = g->vek.size,
                .chain = g->chain.data,
                .chain_size = g->chain.size,
                .crl = g->crl.data,
                .crl_size = g->crl.size,
        };
        _cleanup_(snp_endorsements_freep) SnpEndorsements *e = NULL;
        _cleanup_(check_list_done) CheckList checks = {};
        SnpRequirements q = snp_requirements_default();
        uint8_t expected[SNP_REPORT_DATA_SIZE];

        assert_int_equal(ak_report_data(NONCE, strlen(NONCE), &g->ak.name, expected), 0);
        assert_memory_equal(expected, g->report_data, sizeof(expected));
        assert_int_equal(snp_endorsements_new(&files, &e), 0);
        snp_appraise(
                &(SnpAppraisal){
                        .report = g->report.data,
                        .report_size = g->report.size,
                        .endorsements = e,
                        .requirements = &q,
                        .report_data = expected,
                        .report_data_meaning = "the nonce",
                        .at = at,
                        .allow_simulated = true,
                },
                &checks);
        assert_list_fails(&checks, fails);
        snp_requirements_done(&q);
}

TempDir temp_dir(void) {
        TempDir d = { "/tmp/sealwatch-attest-XXXXXX" };

        assert_non_null(mkdtemp(d.path));
        return d;
}

void temp_dir_done(TempDir *d) {
        char command[128];

        snprintf(command, sizeof(command), "rm -rf %s", d->path);
        (void) !system(command);
}
