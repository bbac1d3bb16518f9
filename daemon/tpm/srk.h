/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The storage root key, under which secrets are sealed. */

#include "daemon/tpm/connection.h"

/* Makes it ready on an open connection: the persistent one at 0x81000001 (TCG TPM v2.0 Provisioning Guidance 1.0,
 * 7.5.1), whatever its algorithm; where there is none, the one that the ECC P-256 template makes, which is the same
 * each time. */
TpmError srk_load(Connection *c, Handle *ret, TpmName *ret_name);

/* Starts a session (TPM2_SE_HMAC or TPM2_SE_POLICY) whose secret only the TPM with this SRK learns, and which encrypts
 * the first parameter of commands and responses, so that nobody between us and the TPM sees a key. Always salted:
 * tpm2-tss 4.2.0 does not encrypt in policy sessions that are not (issue 3145). */
TpmError srk_session(Connection *c, const Handle *srk, TPM2_SE type, Handle *ret);
