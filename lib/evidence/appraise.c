/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The order of the appraisal, and what concerns the document as a whole. */

#include <stdio.h>

#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/evidence/appraise-internal.h"

static void context_done(EvidenceContext *c) {
        tpm_key_done(&c->key);
}

static void judge_nonce(const EvidenceContext *c) {
        const Buffer *said = &c->e->parts[EVIDENCE_NONCE];
        bool same = said->size == c->in->nonce.size && memcmp(said->data, c->in->nonce.data, said->size) == 0;
        char text[2 * EVIDENCE_NONCE_MAX + 1];

        hex_encode(said->data, said->size, text);
        check_add(c->checks, "evidence-nonce", same ? CHECK_PASS : CHECK_FAIL, "it answers %s%s", text,
                  same ? "" : ", which was not asked");
}

static void judge_provider(const EvidenceContext *c) {
        const char *name = evidence_provider_names[c->e->provider];
        bool simulated = c->e->provider == EVIDENCE_PROVIDER_SIMULATOR;

        if (c->e->provider == EVIDENCE_PROVIDER_NONE)
                check_add(c->checks, "hardware", CHECK_FAIL,
                          "no hardware report: nothing says that this is a confidential guest");
        else
                check_add(c->checks, "hardware", simulated && !c->in->allow_simulated ? CHECK_FAIL : CHECK_PASS,
                          "the report comes from %s%s", name, simulated ? ": SIMULATED, it proves nothing" : "");
}

/* What the guest admits itself. That it admits nothing means nothing, and is not applicable. */
static void judge_taints(const EvidenceContext *c) {
        const EvidenceTexts *l = &c->e->taints;
        char text[512] = "";

        for (size_t i = 0, n = 0; i < l->size && n < sizeof(text); i++)
                n += (size_t) snprintf(text + n, sizeof(text) - n, "%s%s", i > 0 ? ", " : "", l->items[i].value);
        if (l->size == 0)
                check_add(c->checks, "taints", CHECK_NA, "the guest admits none");
        else
                check_add(c->checks, "taints", c->in->allow_simulated ? CHECK_PASS : CHECK_FAIL, "%s", text);
}

int evidence_appraise(const EvidenceAppraisal *a, CheckList *checks, EvidenceFindings *ret) {
        static int (*const of_azure[])(EvidenceContext *) = { evidence_judge_key, evidence_judge_azure,
                                                              evidence_judge_log, evidence_judge_firmware,
                                                              evidence_judge_ima };
        static int (*const of_others[])(EvidenceContext *) = { evidence_judge_key,      evidence_judge_hardware,
                                                               evidence_judge_quote,    evidence_judge_log,
                                                               evidence_judge_firmware, evidence_judge_ima };
        _cleanup_(context_done) EvidenceContext c = { .in = a, .e = a->evidence, .checks = checks, .found = ret };
        bool azure = a->evidence->provider == EVIDENCE_PROVIDER_AZURE;

        *ret = (EvidenceFindings){};
        judge_nonce(&c);
        judge_provider(&c);
        judge_taints(&c);
        for (size_t i = 0; i < (azure ? ELEMENTSOF(of_azure) : ELEMENTSOF(of_others)); i++) {
                int r = azure ? of_azure[i](&c) : of_others[i](&c);

                if (r < 0)
                        return r;
        }
        return 0;
}
