/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The storage root key and the sessions it makes secret. */

#include "daemon/tpm/srk.h"

#include <string.h>

enum { SRK_HANDLE = 0x81000001 };

#define STORAGE_KEY                                                                                                   \
        (TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT | TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |              \
         TPMA_OBJECT_SENSITIVEDATAORIGIN)

static const TPMT_SYM_DEF aes_128_cfb = { .algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB };

static TpmError name_of(Connection *c, ESYS_TR tr, TpmName *ret) {
        _cleanup_esys_ TPM2B_NAME *name = NULL;

        if (Esys_TR_GetName(c->esys, tr, &name) != TSS2_RC_SUCCESS)
                return tpm_error_why(TPM_FAILED, "cannot tell the Name of a key");
        if (name->size > sizeof(ret->bytes))
                return tpm_error_why(TPM_GARBAGE, "a Name longer than any hash");
        *ret = (TpmName){ .size = name->size };
        memcpy(ret->bytes, name->name, name->size);
        return (TpmError){};
}

/* Root can make anything persistent under that handle. A key that the TPM did not make itself, or would give away,
 * would let others read our sessions. */
static TpmError check_is_srk(Connection *c, ESYS_TR tr) {
        _cleanup_esys_ TPM2B_PUBLIC *public = NULL;
        TpmError e = COMMAND(
                c, Esys_ReadPublic(c->esys, tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public, NULL, NULL));

        if (failed(e))
                return e;
        if ((public->publicArea.objectAttributes & STORAGE_KEY) != STORAGE_KEY)
                return tpm_error_why(TPM_REFUSED, "what is at 0x81000001 is no storage key of this TPM");
        return (TpmError){};
}

/* TPM_REFUSED with TPM2_RC_HANDLE when there is none. */
static TpmError find_persistent(Connection *c, Handle *ret) {
        _cleanup_(handle_done) Handle srk = {};
        TpmError e = handle_open(c, SRK_HANDLE, &srk);

        if (!failed(e))
                e = check_is_srk(c, srk.tr);
        if (!failed(e))
                *ret = TAKE_STRUCT(srk);
        return e;
}

/* The ECC template of the TCG (TPM v2.0 Provisioning Guidance 1.0, 7.5.1) with an empty unique field, as systemd and
 * tpm2-tools make it. */
static TpmError create_primary(Connection *c, Handle *ret) {
        static const TPM2B_PUBLIC template = {
                .publicArea = {
                        .type = TPM2_ALG_ECC,
                        .nameAlg = TPM2_ALG_SHA256,
                        .objectAttributes = STORAGE_KEY | TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA,
                        .parameters.eccDetail = {
                                .symmetric = { .algorithm = TPM2_ALG_AES,
                                               .keyBits.aes = 128,
                                               .mode.aes = TPM2_ALG_CFB },
                                .scheme.scheme = TPM2_ALG_NULL,
                                .curveID = TPM2_ECC_NIST_P256,
                                .kdf.scheme = TPM2_ALG_NULL,
                        },
                },
        };
        static const TPM2B_SENSITIVE_CREATE no_auth = {};
        static const TPML_PCR_SELECTION no_pcrs = {};
        static const TPM2B_DATA no_data = {};
        ESYS_TR tr;
        TpmError e =
                COMMAND(c, Esys_CreatePrimary(c->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                              &no_auth, &template, &no_data, &no_pcrs, &tr, NULL, NULL, NULL, NULL));

        if (!failed(e))
                *ret = handle_own(c, tr);
        return e;
}

TpmError srk_load(Connection *c, Handle *ret, TpmName *ret_name) {
        _cleanup_(handle_done) Handle srk = {};
        TpmError e = find_persistent(c, &srk);

        if (tpm_rc_base(e.rc) == TPM2_RC_HANDLE)
                e = create_primary(c, &srk);
        if (!failed(e))
                e = name_of(c, srk.tr, ret_name);
        if (!failed(e))
                *ret = TAKE_STRUCT(srk);
        return e;
}

TpmError srk_session(Connection *c, const Handle *srk, TPM2_SE type, Handle *ret) {
        const TPMA_SESSION attributes = TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT | TPMA_SESSION_CONTINUESESSION;
        _cleanup_(handle_done) Handle session = {};
        ESYS_TR tr;
        TpmError e = COMMAND(c, Esys_StartAuthSession(c->esys, srk->tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                                      ESYS_TR_NONE, NULL, type, &aes_128_cfb, TPM2_ALG_SHA256, &tr));

        if (failed(e))
                return e;
        session = handle_own(c, tr);
        if (Esys_TRSess_SetAttributes(c->esys, tr, attributes, 0xff) != TSS2_RC_SUCCESS)
                return tpm_error_why(TPM_FAILED, "cannot set up a session");
        *ret = TAKE_STRUCT(session);
        return (TpmError){};
}
