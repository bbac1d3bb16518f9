/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Indexes of the NV memory. */

#include "daemon/tpm/connection.h"

/* Reads a whole index from offset 0 on. TPM_REFUSED with TPM2_RC_HANDLE when there is none. The caller frees ret->data. */
TpmError nv_read(Connection *c, uint32_t index, TpmBytes *ret);

/* NV_ReadPublic alone. */
bool nv_exists(Connection *c, uint32_t index);

/* See tpm_job_nv_write(). */
TpmError nv_write(Connection *c, uint32_t index, const uint8_t *data, size_t n);
