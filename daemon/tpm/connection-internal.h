/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a connection does when it is opened, before anybody uses it. */

#include "daemon/tpm/connection.h"

/* pcr.c: the banks in which all 24 PCRs are allocated, among those of which we know the hash. */
TpmError pcr_read_banks(Connection *c, BankSet *ret);

/* flush.c: flushes all loaded objects and sessions but our own. Only for a TPM without a resource manager: there nobody
 * else does it, and saved contexts are not touched. */
TpmError flush_leftovers(Connection *c);
