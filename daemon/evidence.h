/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What was gathered in one round, and the logs, as one document: judged, and written for whoever asks. These functions run on
 * a thread of their own; a job belongs to one thread at a time. */

#include "daemon/attest/attest.h"
#include "lib/evidence/appraise.h"
#include "lib/evidence/pins.h"
#include "policy/appraisal.h"

/* What the log says up to a place in it. All-zero: nothing was read. */
typedef struct LogFacts {
        size_t offset; /* of the place */
        EvidenceBase base;
        uint64_t time; /* of the last entry */
        uint8_t policy[SHA256_SIZE];
        char *mode, *state; /* owned */
        EvidenceTexts references, levels;
} LogFacts;

void log_facts_done(LogFacts *f);

typedef struct EvidenceJob {
        void *userdata;
        uint64_t round;

        /* in */
        Gathered *gathered; /* owned */
        const AppraisalPolicy *policy;
        const char *const *taints; /* ended by NULL; a guest that is tainted does not hold that against itself */
        int log_fd;                /* owned */
        uint64_t log_size;         /* bytes of it that are in the register */
        usec_t now;                /* CLOCK_REALTIME */
        LogFacts facts;            /* of the last round; comes back as those of this one, where its log was good */

        /* out */
        Evidence evidence;
        CheckList checks;
        Pins pins;
        const char *failure; /* why nothing could be judged: static; NULL: it was */
} EvidenceJob;

EvidenceJob *evidence_job_free(EvidenceJob *j);
DEFINE_CLEANUP(EvidenceJob *, evidence_job_free)

/* Reads the logs and judges all of it. */
void evidence_job_judge(EvidenceJob *j);

/* Writes the document to a memory file, sealed against every change: our log from record `since` on, the IMA list from
 * entry `ima_since` on. After evidence_job_judge(). The descriptor, or a negative errno; -ERANGE when a log has not so
 * many. */
int evidence_job_document(EvidenceJob *j, uint64_t since, uint64_t ima_since);
