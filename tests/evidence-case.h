/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Simulated evidence in which one thing at a time is wrong: a guest that booted, measured, and answers a nonce. */

#include "lib/evidence/appraise.h"
#include "lib/sim/quote.h"
#include "tests/snp-case.h"

enum { EVIDENCE_CASE_NONCE = 32 };

typedef struct EvidenceCase {
        SnpCase snp;  /* report (but its report data) and certificates */
        SimKey ak;    /* who quotes */
        SimKey named; /* of Azure's claims; empty: the same */
        EvidenceProvider provider;
        bool svsm;
        uint8_t nonce[EVIDENCE_CASE_NONCE]; /* that the guest was asked */
        Buffer log, firmware, ima;
        uint64_t log_since, log_first, ima_since; /* what of them was seen before */
        size_t log_from, ima_from;                /* the same in bytes */
        PcrInputs pcrs;                           /* as the logs have them, in SHA-256 */
        uint32_t resets;
        uint64_t clock;

        Evidence evidence; /* by evidence_case_seal() */

        /* how it is judged */
        TpmRequirements tpm;
        FirmwareRequirements firmware_asked;
        ImaRequirements ima_asked;
        uint32_t log_pcr;
        uint8_t asked[EVIDENCE_CASE_NONCE];
        const EvidenceBase *base;
        const EvidenceSink *sink;
        bool allow_simulated;
} EvidenceCase;

/* One in which nothing is wrong, with the firmware's log, an IMA list, and ours as it is given (copied), all in the PCRs. Not
 * sealed yet. The pointer is borrowed. */
void evidence_case_new(EvidenceCase *c, const SimPki *pki, EvidenceProvider provider, const void *log, size_t n);
void evidence_case_done(EvidenceCase *c);

/* Sets PCRs to what a log replays to. */
void evidence_case_replay_log(EvidenceCase *c);
void evidence_case_replay_ima(EvidenceCase *c);

/* Asks for the report, quotes, and makes the document, from all that is above. */
void evidence_case_seal(EvidenceCase *c);

/* Appraises the document as it is. */
void evidence_case_appraise(const EvidenceCase *c, CheckList *checks, EvidenceFindings *found);

/* The same, and expects exactly these checks to fail (with blanks between them). */
void evidence_case_fails(const EvidenceCase *c, const char *names);
