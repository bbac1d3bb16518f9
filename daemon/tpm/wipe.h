/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/tpm/connection.h"

/* Overwrites what ESYS keeps of the last command and response, and of the parameters of the last TPM2_Create. To be
 * called when a key was in one of them. Does nothing on a closed connection: what ESYS kept was given back unwiped
 * then, so that a key which was on its way into the TPM must never come to be used. */
void wipe_traces(Connection *c);
