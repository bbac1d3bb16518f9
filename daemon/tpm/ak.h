/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The attestation key. */

#include "daemon/tpm/connection.h"

/* Makes it ready on an open connection. *ret_ak: all but its certificate; its bytes are the caller's in any case. */
TpmError ak_load(Connection *c, TpmAkChoice choice, Handle *ret, TpmAk *ret_ak);
