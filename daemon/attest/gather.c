/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From a nonce to evidence. */

#include <errno.h>
#include <stdio.h>

#include "daemon/attest/endorse.h"
#include "daemon/attest/provider.h"
#include "lib/base/alloc.h"
#include "lib/tpm/reportdata.h"

static const Provider none_provider = { .id = EVIDENCE_PROVIDER_NONE };

/* In the order in which they are tried; the simulator and none only when they are asked for. */
static const Provider *const providers[] = {
        &configfs_provider, &sev_guest_provider, &azure_provider, &simulator_provider, &none_provider,
};
enum { PROVIDERS_AUTO = 3 };
static_assert(ELEMENTSOF(providers) == _EVIDENCE_PROVIDER_MAX, "one of each");

Gathered *gathered_free(Gathered *g) {
        if (!g)
                return NULL;
        buffer_done(&g->nonce);
        buffer_done(&g->report);
        buffer_done(&g->hcl);
        buffer_done(&g->manifest);
        buffer_done(&g->certificates);
        buffer_done(&g->ak.public);
        buffer_done(&g->ak.certificate);
        buffer_done(&g->quote.attest);
        buffer_done(&g->quote.signature);
        buffer_done(&g->vek);
        buffer_done(&g->chain);
        buffer_done(&g->crl);
        free(g);
        return NULL;
}

static void move(Buffer *from, Evidence *to, EvidencePart part) {
        buffer_done(&to->parts[part]);
        to->parts[part] = TAKE_STRUCT(*from);
}

static PcrInputs quoted(const AttestQuote *q) {
        PcrInputs inputs = { .banks = q->pcrs.banks };

        for (HashAlg alg = 0; alg < _HASH_MAX; alg++) {
                if (!(inputs.banks & bank(alg)))
                        continue;
                inputs.files[alg].present = q->selected;
                memcpy(inputs.files[alg].values, q->pcrs.values[alg], sizeof(inputs.files[alg].values));
        }
        return inputs;
}

int gathered_move(Gathered *g, Evidence *ret) {
        ret->provider = g->provider;
        ret->pcrs = quoted(&g->quote);
        move(&g->nonce, ret, EVIDENCE_NONCE);
        move(&g->quote.attest, ret, EVIDENCE_QUOTE);
        move(&g->quote.signature, ret, EVIDENCE_SIGNATURE);
        move(&g->ak.public, ret, EVIDENCE_AK_PUBLIC);
        move(&g->ak.certificate, ret, EVIDENCE_AK_CERTIFICATES);
        if (g->provider != EVIDENCE_PROVIDER_AZURE)
                move(&g->report, ret, EVIDENCE_REPORT);
        move(&g->hcl, ret, EVIDENCE_HCL);
        move(&g->manifest, ret, EVIDENCE_MANIFEST);
        move(&g->vek, ret, EVIDENCE_VEK);
        move(&g->chain, ret, EVIDENCE_CHAIN);
        move(&g->crl, ret, EVIDENCE_CRL);
        return g->simulated ? evidence_texts_add(&ret->taints, NULL, "simulator") : 0;
}

static const Provider *choose(Gathering *g) {
        EvidenceProvider wanted = g->options->provider;

        for (size_t i = 0; i < ELEMENTSOF(providers); i++)
                if (wanted == ATTEST_PROVIDER_AUTO ? i < PROVIDERS_AUTO && providers[i]->is_there(g)
                                                   : providers[i]->id == wanted)
                        return providers[i];
        return NULL;
}

static AttestFailure find_ak(Gathering *g, const Provider *p, Gathered *ret) {
        const AttestTpm *tpm = g->options->tpm;
        int r = tpm->find_ak(tpm->userdata, p->azure, &ret->ak, ret->why);

        if (r == -ENOENT)
                return gather_fail(ret, ATTEST_NO_AK, "the platform's attestation key is not at 0x81000003");
        return r < 0 ? gather_fail_tpm(ret, r) : ATTEST_GATHERED;
}

static AttestFailure report(Gathering *g, const Provider *p, Gathered *ret) {
        if (ak_report_data(ret->nonce.data, ret->nonce.size, &ret->ak.name, ret->report_data) < 0)
                return gather_fail(ret, ATTEST_INTERNAL, "cannot compute a digest");
        return p->report ? p->report(g, ret) : ATTEST_GATHERED;
}

/* Whoever swaps keys in between gets nothing that fits together. */
static AttestFailure quote(Gathering *g, const Provider *p, PcrSet pcrs, Gathered *ret) {
        const AttestTpm *tpm = g->options->tpm;
        TpmName signer = {};
        int r = tpm->quote(tpm->userdata, p->azure, ret->nonce.data, ret->nonce.size, pcrs, &ret->quote, &signer,
                           ret->why);

        if (r < 0)
                return gather_fail_tpm(ret, r);
        if (signer.size != ret->ak.name.size || memcmp(signer.bytes, ret->ak.name.bytes, signer.size) != 0)
                return gather_fail(ret, ATTEST_AK_CHANGED,
                                   "the attestation key was replaced between the report and the quote");
        return ATTEST_GATHERED;
}

/* A software TPM is none, whatever reports say. */
static TpmTrust trust(const Gathering *g, const Gathered *ret) {
        if (g->options->tpm->is_software)
                return TPM_TRUST_SOFTWARE;
        return ret->hcl.size > 0 || ret->manifest.size > 0 ? TPM_TRUST_TEE : TPM_TRUST_HOST;
}

void gather_run(Gathering *g, PcrSet pcrs, Gathered *ret) {
        const Provider *p;
        AttestFailure f;

        if (gather_is_stopping(g)) {
                gather_fail(ret, ATTEST_CANCELLED, "the daemon ends");
                return;
        }
        p = choose(g);
        if (!p) {
                gather_fail(ret, ATTEST_NO_PROVIDER, "no source of SEV-SNP reports is on this machine");
                return;
        }
        ret->provider = p->id;
        f = find_ak(g, p, ret);
        if (f == ATTEST_GATHERED)
                f = report(g, p, ret);
        if (gather_is_stopping(g))
                f = gather_fail(ret, ATTEST_CANCELLED, "the daemon ends");
        if (f == ATTEST_GATHERED)
                f = quote(g, p, pcrs, ret);
        if (f != ATTEST_GATHERED)
                return;
        *ret->why = '\0';
        ret->tpm_trust = trust(g, ret);
        if (ret->report.size > 0 && ret->vek.size == 0)
                endorse(g, ret);
}
