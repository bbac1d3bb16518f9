/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The attestation key: the platform's where it has one, else ours. */

#include "daemon/tpm/ak.h"

#include <tss2/tss2_mu.h>

#include "daemon/tpm/nv.h"
#include "daemon/tpm/run.h"
#include "lib/base/alloc.h"

/* A key that signs nothing but what this TPM made itself. */
static const TPM2B_PUBLIC own_template = {
        .publicArea = {
                .type = TPM2_ALG_ECC,
                .nameAlg = TPM2_ALG_SHA256,
                .objectAttributes = TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_FIXEDTPM |
                                    TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                                    TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA,
                .parameters.eccDetail = {
                        .symmetric.algorithm = TPM2_ALG_NULL,
                        .scheme = { .scheme = TPM2_ALG_ECDSA, .details.ecdsa.hashAlg = TPM2_ALG_SHA256 },
                        .curveID = TPM2_ECC_NIST_P256,
                        .kdf.scheme = TPM2_ALG_NULL,
                },
        },
};

/* What stands for templates of the platform; the first one that is there counts. */
static const struct {
        uint32_t template, certificate;
} templates[] = {
        { TPM_NV_GCE_RSA_TEMPLATE, TPM_NV_GCE_RSA_CERTIFICATE },
        { TPM_NV_GCE_ECC_TEMPLATE, TPM_NV_GCE_ECC_CERTIFICATE },
};

static TpmError create(Connection *c, const TPM2B_PUBLIC *template, Handle *ret) {
        static const TPM2B_SENSITIVE_CREATE no_auth = {};
        static const TPML_PCR_SELECTION no_pcrs = {};
        static const TPM2B_DATA no_data = {};
        ESYS_TR tr;
        TpmError e = COMMAND(c, Esys_CreatePrimary(c->esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                                   ESYS_TR_NONE, &no_auth, template, &no_data, &no_pcrs, &tr, NULL,
                                                   NULL, NULL, NULL));

        if (!failed(e))
                *ret = handle_own(c, tr);
        return e;
}

/* Without the owner's authorization the key is made anew each time, and is the same. */
static bool make_persistent(Connection *c, const Handle *key, TPM2_HANDLE handle) {
        ESYS_TR tr;
        TpmError e = COMMAND(c, Esys_EvictControl(c->esys, ESYS_TR_RH_OWNER, key->tr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                                  ESYS_TR_NONE, handle, &tr));

        if (failed(e))
                return false;
        (void) Esys_TR_Close(c->esys, &tr);
        return true;
}

static TpmError find_or_create(Connection *c, TPM2_HANDLE handle, const TPM2B_PUBLIC *template, Handle *ret,
                               bool *ret_persistent) {
        TpmError e = handle_open(c, handle, ret);

        *ret_persistent = !failed(e);
        if (tpm_rc_base(e.rc) != TPM2_RC_HANDLE)
                return e;
        e = create(c, template, ret);
        if (!failed(e))
                *ret_persistent = make_persistent(c, ret, handle);
        return e;
}

/* TPM_REFUSED with TPM2_RC_HANDLE when the platform has left none. */
static TpmError read_template(Connection *c, TPM2B_PUBLIC *ret) {
        for (size_t i = 0; i < ELEMENTSOF(templates); i++) {
                _cleanup_free_ uint8_t *data = NULL;
                TpmBytes bytes = {};
                size_t used = 0;
                TpmError e = nv_read(c, templates[i].template, &bytes);

                data = bytes.data;
                if (tpm_rc_base(e.rc) == TPM2_RC_HANDLE && i + 1 < ELEMENTSOF(templates))
                        continue;
                if (failed(e))
                        return e;
                if (Tss2_MU_TPMT_PUBLIC_Unmarshal(data, bytes.size, &used, &ret->publicArea) != TSS2_RC_SUCCESS)
                        return tpm_error_why(TPM_REFUSED, "the template of the platform's key is none");
                return e;
        }
        return (TpmError){};
}

/* Its public area and Name, as the TPM tells them. */
static TpmError describe(Connection *c, const Handle *key, TpmAk *ret) {
        _cleanup_esys_ TPM2B_PUBLIC *public = NULL;
        _cleanup_esys_ TPM2B_NAME *name = NULL;
        size_t size = 0;
        TpmError e = COMMAND(
                c, Esys_ReadPublic(c->esys, key->tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public, &name, NULL));

        if (failed(e))
                return e;
        if (name->size > sizeof(ret->name.bytes))
                return tpm_error_why(TPM_GARBAGE, "a Name longer than any hash");
        ret->name = (TpmName){ .size = name->size };
        memcpy(ret->name.bytes, name->name, name->size);
        ret->public.data = calloc(1, sizeof(*public));
        if (!ret->public.data)
                return tpm_error_why(TPM_FAILED, "out of memory");
        if (Tss2_MU_TPMT_PUBLIC_Marshal(&public->publicArea, ret->public.data, sizeof(*public), &size) !=
            TSS2_RC_SUCCESS)
                return tpm_error_why(TPM_GARBAGE, "a key that cannot be written down");
        ret->public.size = size;
        return e;
}

static TpmError load_guest(Connection *c, Handle *ret, TpmAk *ret_ak) {
        TPM2B_PUBLIC template = {};
        TpmError e = read_template(c, &template);

        if (!failed(e)) {
                ret_ak->origin = TPM_AK_ORIGIN_TEMPLATE;
                return find_or_create(c, TPM_AK_HANDLE_TEMPLATE, &template, ret, &ret_ak->persistent);
        }
        if (tpm_rc_base(e.rc) != TPM2_RC_HANDLE)
                return e;
        ret_ak->origin = TPM_AK_ORIGIN_OWN;
        return find_or_create(c, TPM_AK_HANDLE_OWN, &own_template, ret, &ret_ak->persistent);
}

TpmError ak_load(Connection *c, TpmAkChoice choice, Handle *ret, TpmAk *ret_ak) {
        TpmError e;

        if (choice == TPM_AK_AZURE) {
                ret_ak->origin = TPM_AK_ORIGIN_AZURE;
                ret_ak->persistent = true;
                e = handle_open(c, TPM_AK_HANDLE_AZURE, ret);
        } else
                e = load_guest(c, ret, ret_ak);
        return failed(e) ? e : describe(c, ret, ret_ak);
}

/* That there is none is no error. */
static TpmError read_certificate(Connection *c, TpmAk *ak) {
        uint32_t index = TPM_NV_AZURE_AK_CERTIFICATE;
        TpmError e;

        if (ak->origin == TPM_AK_ORIGIN_OWN)
                return (TpmError){};
        if (ak->origin == TPM_AK_ORIGIN_TEMPLATE)
                index = nv_exists(c, templates[0].template) ? templates[0].certificate : templates[1].certificate;
        e = nv_read(c, index, &ak->certificate);
        return e.outcome == TPM_REFUSED ? (TpmError){} : e;
}

static TpmError ak_once(Connection *c, const TpmJob *job, TpmResult *result) {
        _cleanup_(handle_done) Handle key = {};
        TpmError e = connection_open_pinned(c);

        if (failed(e))
                return e;
        result->ak = new0(TpmAk, 1);
        if (!result->ak)
                return tpm_error_why(TPM_FAILED, "out of memory");
        e = ak_load(c, job->attest.choice, &key, result->ak);
        return failed(e) ? e : read_certificate(c, result->ak);
}

static TpmError ak_try(Connection *c, const TpmJob *job, TpmResult *result) {
        TpmError e = ak_once(c, job, result);

        if (failed(e))
                result->ak = tpm_ak_free(result->ak);
        return e;
}

TpmError ak_run(Connection *c, const TpmJob *job, TpmResult *result) {
        TpmError e = ak_try(c, job, result);

        return e.outcome == TPM_LOST ? ak_try(c, job, result) : e;
}
