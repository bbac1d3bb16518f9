/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/tpm/connection.h"

/* Flushes all loaded objects and sessions but our own. Only for a TPM without a resource manager: there nobody else
 * does it, and saved contexts are not touched. */
TpmError flush_leftovers(Connection *c);
