/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The jobs that the TPM has under way for the manager, and what for. */

#include "daemon/tpm/job.h"
#include "policy/failure.h"

enum { REGISTERS_ERRANDS_MAX = 96 };

typedef struct Registers Registers;

int registers_new(Registers **ret);
Registers *registers_free(Registers *r); /* wipes keys */

/* The row of the failure table behind an outcome that is not TPM_OK. */
Failure failure_of_outcome(TpmOutcome outcome);
