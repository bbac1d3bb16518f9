/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/tpm/connection.h"

/* Overwrites what ESYS keeps of the last command and response. To be called when a key was in one of them. */
void wipe_command_buffer(Connection *c);
