/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keys that tpm2-tss leaves behind. */

#include "daemon/tpm/wipe.h"

#include <tss2/tss2_sys.h>

/* ESYS decrypts a response in place, in the one buffer that it uses for commands and responses, and frees that buffer
 * as it is. A further command would overwrite its first bytes, if it is long enough and the TPM still there. So a
 * command is only prepared, one with a kilobyte of zeros in it, and never sent; the next one starts afresh. */
static void wipe_buffer(ESYS_CONTEXT *esys) {
        static const TPM2B_MAX_BUFFER zeros = { .size = sizeof(zeros.buffer) };
        TSS2_SYS_CONTEXT *sys;

        if (Esys_GetSysContext(esys, &sys) == TSS2_RC_SUCCESS)
                (void) Tss2_Sys_Hash_Prepare(sys, &zeros, TPM2_ALG_SHA256, TPM2_RH_NULL);
}

/* Esys_Create() copies the sensitive data into its context and leaves it there. It does so before it looks at the
 * parent: with one that does not exist the copy is overwritten, and nothing is sent. */
static void wipe_parameters(ESYS_CONTEXT *esys) {
        static const ESYS_TR nobody = UINT32_MAX - 1; /* ESYS counts them up from 4096 or so */
        static const TPM2B_SENSITIVE_CREATE zeros = {};
        static const TPM2B_PUBLIC no_public = {};
        static const TPM2B_DATA no_data = {};
        static const TPML_PCR_SELECTION no_pcrs = {};

        (void) Esys_Create_Async(esys, nobody, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &zeros, &no_public,
                                 &no_data, &no_pcrs);
}

void wipe_traces(Connection *c) {
        if (!c->esys)
                return;
        wipe_parameters(c->esys);
        wipe_buffer(c->esys);
}
