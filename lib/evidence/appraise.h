/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Appraisal of a whole document: bytes, requirements and the time in, named checks out. What the guest did, by its log, is
 * judged by core/conduct.h, to which the entries of the log are handed on.
 *
 * Checks, each once: evidence-nonce, hardware, taints; all of the report (with Azure's, or an SVSM's); ak-public,
 * ak-attributes, ak-binding, ak-name, ak-certificate, ak-origin; all of the quote; event-log-structure, event-log-replay,
 * event-log-continuity; where there is one, all of the firmware's log and of the IMA list, with the prefixes firmware- and
 * ima- for the names that they share, else firmware-log and ima-list. */

#include "lib/evidence/evidence.h"
#include "lib/firmware/appraise.h"
#include "lib/ima/appraise.h"
#include "lib/logreader.h"
#include "lib/snp/appraise.h"
#include "lib/tpm/attest.h"
#include "lib/tpm/public.h"
#include "lib/tpm/requirements.h"

/* What a verifier has seen before of the logs of this TPM life, so that evidence may begin there. All-zero is nothing. */
typedef struct EvidenceBase {
        uint64_t records, entries; /* of our log; it replays to the value */
        uint32_t pcr;
        BankDigests value;
        uint64_t ima_entries; /* 0: the list must come whole */
        BankDigests ima_value;
        FirmwareLater cap, lock; /* what the log said of extends of other registers; no PCRs: nothing */
} EvidenceBase;

/* Takes the entries of the log that the quote covers, oldest first. restart(): forget all that came; they come again, and
 * fewer of them. Both return 0 or a negative errno, which ends the appraisal. */
typedef struct EvidenceSink {
        void *userdata;
        int (*restart)(void *userdata);
        int (*entry)(void *userdata, const LogEntry *entry);
} EvidenceSink;

typedef struct EvidenceAppraisal {
        const Evidence *evidence;
        Bytes nonce; /* what was asked for */
        const SnpRequirements *snp;
        const TpmRequirements *tpm;
        const FirmwareRequirements *firmware;
        const ImaRequirements *ima;
        uint32_t log_pcr;                    /* that our log must be of: a log does not choose its register */
        const SnpEndorsements *endorsements; /* of the document's certificates; NULL: to be read from it */
        const EvidenceBase *base;            /* NULL: nothing was seen before */
        const EvidenceSink *sink;            /* NULL: nobody asks */
        int64_t at;                          /* when everything must be valid: seconds since 1970 */
        bool allow_simulated;
} EvidenceAppraisal;

/* To be used only where the checks have passed. Pointers lead into the evidence. */
typedef struct EvidenceFindings {
        TpmName ak_name;
        Attest quote;
        const SnpReport *report; /* NULL: none */
        uint64_t entries;        /* of our log, up to the quote */
        EvidenceBase base;       /* where the next evidence may begin */
} EvidenceFindings;

/* 0, or a negative errno (out of memory, crypto library, the sink's) after which nothing is decided. */
int evidence_appraise(const EvidenceAppraisal *a, CheckList *checks, EvidenceFindings *ret);
