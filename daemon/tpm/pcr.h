/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The commands about registers. */

#include "daemon/tpm/connection.h"

/* All registers of the open connection's banks, at one moment. */
TpmError pcr_read_all(Connection *c, PcrValues *ret);

/* Some registers of one bank, each at its own moment; the values of others are left as they are. */
TpmError pcr_read_some(Connection *c, HashAlg alg, PcrSet pcrs, uint8_t values[PCR_COUNT][DIGEST_MAX]);

/* How a command names registers of one bank. */
TPML_PCR_SELECTION pcr_selection(HashAlg alg, PcrSet pcrs);

/* One register, in those banks. */
TpmError pcr_read_one(Connection *c, uint32_t pcr, BankSet banks, BankDigests *ret);

/* One TPM2_PCR_Extend, in all banks of the digest. */
TpmError pcr_extend(Connection *c, uint32_t pcr, const BankDigests *digest);
