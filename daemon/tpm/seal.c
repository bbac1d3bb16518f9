/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sealing a key. */

#include <errno.h>
#include <openssl/crypto.h>
#include <tss2/tss2_mu.h>

#include "daemon/tpm/run.h"
#include "daemon/tpm/srk.h"
#include "daemon/tpm/wipe.h"
#include "lib/base/alloc.h"

static void sensitive_wipe(TPM2B_SENSITIVE_CREATE *s) {
        OPENSSL_cleanse(s, sizeof(*s));
}

/* The object opens to the policy alone: userWithAuth is clear, or an empty password would do, whatever the policy. It
 * has no password to guess, so no dictionary attack protection either, which could lock it up. */
static TPM2B_PUBLIC sealed_template(const TpmJob *job) {
        TPM2B_PUBLIC t = {
                .publicArea = {
                        .type = TPM2_ALG_KEYEDHASH,
                        .nameAlg = TPM2_ALG_SHA256,
                        .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_NODA,
                        .authPolicy.size = SHA256_SIZE,
                        .parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL,
                },
        };

        memcpy(t.publicArea.authPolicy.buffer, job->seal.policy, SHA256_SIZE);
        return t;
}

static TpmError create(Connection *c, const TpmJob *job, const Handle *srk, const Handle *session,
                       TPM2B_PRIVATE **ret_private, TPM2B_PUBLIC **ret_public) {
        _cleanup_(sensitive_wipe) TPM2B_SENSITIVE_CREATE sensitive = { .sensitive.data.size = SEALED_KEY_SIZE };
        static const TPML_PCR_SELECTION no_pcrs = {};
        static const TPM2B_DATA no_data = {};
        TPM2B_PUBLIC template = sealed_template(job);

        memcpy(sensitive.sensitive.data.buffer, job->seal.key, SEALED_KEY_SIZE);
        return COMMAND(c, Esys_Create(c->esys, srk->tr, session->tr, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &template,
                                      &no_data, &no_pcrs, ret_private, ret_public, NULL, NULL, NULL));
}

/* Both are shorter than their C structures. */
static TpmError marshal(const TPM2B_PRIVATE *private, const TPM2B_PUBLIC *public, TpmResult *result) {
        _cleanup_free_ void *private_bytes = calloc(1, sizeof(*private)), *public_bytes = calloc(1, sizeof(*public));
        size_t private_size = 0, public_size = 0;

        if (!private_bytes || !public_bytes)
                return tpm_error_why(TPM_FAILED, "out of memory");
        if (Tss2_MU_TPM2B_PRIVATE_Marshal(private, private_bytes, sizeof(*private), &private_size) !=
                    TSS2_RC_SUCCESS ||
            Tss2_MU_TPM2B_PUBLIC_Marshal(public, public_bytes, sizeof(*public), &public_size) != TSS2_RC_SUCCESS)
                return tpm_error_why(TPM_GARBAGE, "an object that cannot be stored");
        if (private_size > SEALED_TPM_MAX || public_size > SEALED_TPM_MAX)
                return tpm_error_why(TPM_GARBAGE, "an object larger than a blob may be");
        result->seal.private = (TpmBytes){ TAKE_PTR(private_bytes), private_size };
        result->seal.public = (TpmBytes){ TAKE_PTR(public_bytes), public_size };
        return (TpmError){};
}

static TpmError get_ready(Connection *c, Handle *ret_srk, Handle *ret_session, TpmName *ret_name) {
        TpmError e = connection_open_pinned(c);

        if (!failed(e))
                e = srk_load(c, ret_srk, ret_name);
        if (!failed(e))
                e = srk_session(c, ret_srk, TPM2_SE_HMAC, ret_session);
        return e;
}

/* *ret_tried: the key has been given to ESYS. */
static TpmError seal_once(Connection *c, const TpmJob *job, TpmResult *result, bool *ret_tried) {
        _cleanup_(handle_done) Handle srk = {}, session = {};
        _cleanup_esys_ TPM2B_PRIVATE *private = NULL;
        _cleanup_esys_ TPM2B_PUBLIC *public = NULL;
        TpmError e;

        *ret_tried = false;
        e = get_ready(c, &srk, &session, &result->seal.srk_name);
        if (failed(e))
                return e;
        *ret_tried = true;
        e = create(c, job, &srk, &session, &private, &public);
        wipe_traces(c);
        return failed(e) ? e : marshal(private, public, result);
}

/* A lost connection is opened again once, but not with a key of which ESYS may have left a copy behind (wipe.h). */
TpmError seal_run(Connection *c, const TpmJob *job, TpmResult *result) {
        bool tried;
        TpmError e = seal_once(c, job, result, &tried);

        return e.outcome == TPM_LOST && !tried ? seal_once(c, job, result, &tried) : e;
}
