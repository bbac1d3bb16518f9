/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* sealwatch.appraisal(5): what evidence must say beyond being genuine. */

#include "lib/firmware/appraise.h"
#include "lib/ima/appraise.h"
#include "lib/problem.h"
#include "lib/snp/requirements.h"
#include "lib/tpm/requirements.h"
#include "policy/appraisal-guest.h"

typedef struct AppraisalPolicy {
        SnpRequirements snp;
        TpmRequirements tpm;
        FirmwareRequirements firmware;
        ImaRequirements log;
        GuestRequirements guest;
} AppraisalPolicy;

/* The strict defaults. */
AppraisalPolicy appraisal_policy_default(void);
void appraisal_policy_done(AppraisalPolicy *p);

/* Applies one file on top. 0 or -ENOMEM; mistakes go to *problems. */
int appraisal_policy_apply(AppraisalPolicy *p, const char *name, const char *text, size_t n, ProblemList *problems);
