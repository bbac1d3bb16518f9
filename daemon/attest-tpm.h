/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The TPM's queue as the attester asks for it. */

#include "daemon/attest/attest.h"
#include "daemon/tpm/tpm.h"

/* The TPM must outlive whoever uses *ret. */
void attest_tpm_init(Tpm *t, bool is_software, AttestTpm *ret);
