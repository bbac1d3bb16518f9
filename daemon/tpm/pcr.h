/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The commands about registers. */

#include "daemon/tpm/connection.h"

/* All registers of the open connection's banks, at one moment. */
TpmError pcr_read_all(Connection *c, PcrValues *ret);

/* One register, in those banks. */
TpmError pcr_read_one(Connection *c, uint32_t pcr, BankSet banks, BankDigests *ret);

/* One TPM2_PCR_Extend, in all banks of the digest. */
TpmError pcr_extend(Connection *c, uint32_t pcr, const BankDigests *digest);
