/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the parts of an appraisal share. */

#include "lib/evidence/appraise.h"
#include "lib/tpm/key.h"

typedef struct EvidenceContext {
        const EvidenceAppraisal *in;
        const Evidence *e;
        CheckList *checks;
        EvidenceFindings *found;

        const char *key_problem; /* NULL: public and key are good */
        TpmPublic public;
        TpmKey key;
        uint8_t report_data[SNP_REPORT_DATA_SIZE]; /* that nonce and key ask for */
} EvidenceContext;

static inline Bytes evidence_bytes(const EvidenceContext *c, EvidencePart part) {
        return (Bytes){ c->e->parts[part].data, c->e->parts[part].size };
}

/* All of them: 0 or a negative errno. */
int evidence_judge_key(EvidenceContext *c);      /* ak-public; fills key, Name and report data */
int evidence_judge_azure(EvidenceContext *c);    /* everything about report, key and quote of an Azure VM */
int evidence_judge_hardware(EvidenceContext *c); /* everything about the report of others */
int evidence_judge_quote(EvidenceContext *c);    /* everything about key and quote of others */
int evidence_judge_log(EvidenceContext *c);      /* ours */
int evidence_judge_firmware(EvidenceContext *c); /* behind evidence_judge_log() */
int evidence_judge_ima(EvidenceContext *c);
