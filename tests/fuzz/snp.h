/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Simulated SNP evidence for targets: made once per process. */

#include "lib/sim/report.h"
#include "lib/snp/appraise.h"

typedef struct SnpEvidence {
        SimPki pki;
        SnpReport report; /* of Milan, version 3, signed by its VCEK */
        Buffer vek, chain, crl;
        SnpRequirements requirements; /* the defaults */
} SnpEvidence;

const SnpEvidence *snp_evidence(void);

/* Of these files, whatever they hold. */
SnpEndorsements *snp_evidence_endorsements(const Buffer *vek, const Buffer *chain, const Buffer *crl);

/* The verdict over all checks, each of which must be there, decided, and have a reason. */
CheckResult snp_evidence_judge(const void *report, size_t size, const SnpEndorsements *endorsements);
