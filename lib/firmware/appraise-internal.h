/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Between the parts of lib/firmware/appraise.h. */

#include "lib/firmware/appraise.h"

struct FirmwareAppraisal {
        const FirmwareRequirements *requirements;
        const PcrInputs *pcrs;
        FirmwareLog *log;
        FirmwareFacts facts;
        LogResult result;
        PcrSet anchored;   /* given and equal, in every bank given */
        PcrSet mismatched; /* given and not equal */
        PcrSet foreign;    /* of the OS's registers: extended, and this log has no event of them */
};

/* What the log says of the boot, as checks. */
void firmware_judge_facts(const FirmwareAppraisal *a, CheckList *checks);
