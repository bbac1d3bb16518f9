/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Why something did not work, as a value. All-zero is success. */

#include <tss2/tss2_common.h>

#include "daemon/tpm/job.h"

typedef struct TpmError {
        TpmOutcome outcome;
        TSS2_RC rc;      /* 0: none */
        const char *why; /* static; NULL: what rc says */
        bool uncertain;  /* the command may have taken effect all the same */
        int error;       /* errno behind `why`, 0: none */
} TpmError;

static inline bool failed(TpmError e) {
        return e.outcome != TPM_OK;
}

/* What an RC of ESYS or below means. */
TpmError tpm_error(TSS2_RC rc);

/* One that has no RC, and did nothing. */
TpmError tpm_error_why(TpmOutcome outcome, const char *why);

/* An RC of the TPM itself, without the number of the handle, session or parameter it is about: TPM2_RC_POLICY_FAIL
 * for 0x99d. 0 for an RC of another layer. */
TSS2_RC tpm_rc_base(TSS2_RC rc);

void tpm_error_describe(TpmError e, char *ret, size_t size);
