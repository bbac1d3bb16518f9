/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keys that tpm2-tss leaves behind. */

#include "daemon/tpm/wipe.h"

#include <tss2/tss2_sys.h>

/* ESYS decrypts a response in place, in the one buffer that it uses for commands and responses, and frees that buffer
 * as it is. A further command would overwrite its first bytes, if it is long enough and the TPM still there. So a
 * command is only prepared, one with a kilobyte of zeros in it, and never sent; the next one starts afresh. */
void wipe_command_buffer(Connection *c) {
        static const TPM2B_MAX_BUFFER zeros = { .size = sizeof(zeros.buffer) };
        TSS2_SYS_CONTEXT *sys;

        if (c->esys && Esys_GetSysContext(c->esys, &sys) == TSS2_RC_SUCCESS)
                (void) Tss2_Sys_Hash_Prepare(sys, &zeros, TPM2_ALG_SHA256, TPM2_RH_NULL);
}
