/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The appraisal of an SNP report: bytes, endorsements, requirements and the time in, named checks out. */

#include "lib/check.h"
#include "lib/snp/endorsements.h"
#include "lib/snp/requirements.h"

typedef struct SnpAppraisal {
        const void *report;
        size_t report_size;
        const SnpEndorsements *endorsements;
        const SnpRequirements *requirements;
        const uint8_t
                *report_data; /* SNP_REPORT_DATA_SIZE bytes that it must have, beside the requirements; NULL: any */
        const char *report_data_meaning; /* what those bytes are, for details */
        int64_t at;                      /* when everything must be valid: seconds since 1970 */
        bool allow_simulated;
} SnpAppraisal;

/* Adds all checks of a report, in a fixed order, each of them exactly once: what cannot be looked at because of what failed
 * before is not applicable and says so. */
void snp_appraise(const SnpAppraisal *a, CheckList *checks);

/* True when the chain leads to the simulator's root: then whatever comes out must say so. */
bool snp_endorsements_are_simulated(const SnpEndorsements *e);
