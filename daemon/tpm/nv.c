/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* TPM2_NV_ReadPublic, NV_Read, NV_DefineSpace, NV_UndefineSpace and NV_Write. */

#include "daemon/tpm/nv.h"

#include "daemon/tpm/run.h"
#include "lib/base/alloc.h"

enum { CHUNK_MAX = 1024 }; /* where the TPM does not say how much it gives at once */

static TpmError open_index(Connection *c, uint32_t index, Handle *ret, TPMS_NV_PUBLIC *ret_public) {
        _cleanup_esys_ TPM2B_NV_PUBLIC *public = NULL;
        TpmError e = handle_open(c, index, ret);

        if (!failed(e))
                e = COMMAND(c, Esys_NV_ReadPublic(c->esys, ret->tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public,
                                                  NULL));
        if (!failed(e))
                *ret_public = public->nvPublic;
        return e;
}

static TpmError chunk_size(Connection *c, uint16_t *ret) {
        _cleanup_esys_ TPMS_CAPABILITY_DATA *data = NULL;
        const TPML_TAGGED_TPM_PROPERTY *list;
        TPMI_YES_NO more;
        TpmError e = COMMAND(c, Esys_GetCapability(c->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                                   TPM2_CAP_TPM_PROPERTIES, TPM2_PT_NV_BUFFER_MAX, 1, &more, &data));

        if (failed(e))
                return e;
        list = &data->data.tpmProperties;
        *ret = CHUNK_MAX;
        if (data->capability == TPM2_CAP_TPM_PROPERTIES && list->count == 1 &&
            list->tpmProperty[0].property == TPM2_PT_NV_BUFFER_MAX && list->tpmProperty[0].value > 0)
                *ret = (uint16_t) MIN(list->tpmProperty[0].value, (uint32_t) TPM2_MAX_NV_BUFFER_SIZE);
        return (TpmError){};
}

/* From offset 0 to the end, with one authority. */
static TpmError read_from(Connection *c, const Handle *index, ESYS_TR authority, uint16_t chunk, TpmBytes *ret) {
        for (size_t offset = 0; offset < ret->size;) {
                _cleanup_esys_ TPM2B_MAX_NV_BUFFER *data = NULL;
                uint16_t n = (uint16_t) MIN(ret->size - offset, (size_t) chunk);
                TpmError e = COMMAND(c, Esys_NV_Read(c->esys, authority, index->tr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                                     ESYS_TR_NONE, n, (uint16_t) offset, &data));

                if (failed(e))
                        return e;
                if (data->size != n)
                        return tpm_error_why(TPM_GARBAGE, "other bytes of the NV memory than were asked for");
                memcpy(ret->data + offset, data->buffer, n);
                offset += n;
        }
        return (TpmError){};
}

/* The owner's authorization may be set to something that we do not know; an index may take its own, too. */
static bool is_denied(TpmError e) {
        TSS2_RC base = tpm_rc_base(e.rc);

        return base == TPM2_RC_BAD_AUTH || base == TPM2_RC_AUTH_FAIL || base == TPM2_RC_NV_AUTHORIZATION;
}

TpmError nv_read(Connection *c, uint32_t index, TpmBytes *ret) {
        _cleanup_(handle_done) Handle handle = {};
        _cleanup_free_ uint8_t *data = NULL;
        TpmError e = tpm_error_why(TPM_REFUSED, "the index may not be read by us");
        TPMS_NV_PUBLIC public = {};
        TpmBytes bytes;
        uint16_t chunk;
        TpmError found = open_index(c, index, &handle, &public);

        if (!failed(found))
                found = chunk_size(c, &chunk);
        if (failed(found))
                return found;
        data = calloc(1, (size_t) public.dataSize + 1);
        if (!data)
                return tpm_error_why(TPM_FAILED, "out of memory");
        bytes = (TpmBytes){ data, public.dataSize };
        if (public.attributes & TPMA_NV_OWNERREAD)
                e = read_from(c, &handle, ESYS_TR_RH_OWNER, chunk, &bytes);
        if (public.attributes & TPMA_NV_AUTHREAD && failed(e) && (e.rc == 0 || is_denied(e)) && c->esys)
                e = read_from(c, &handle, handle.tr, chunk, &bytes);
        if (failed(e))
                return e;
        *ret = (TpmBytes){ TAKE_PTR(data), public.dataSize };
        return e;
}

bool nv_exists(Connection *c, uint32_t index) {
        _cleanup_(handle_done) Handle handle = {};

        return !failed(handle_open(c, index, &handle));
}

static TpmError define(Connection *c, uint32_t index, size_t n, Handle *ret) {
        static const TPM2B_AUTH no_auth = {};
        const TPM2B_NV_PUBLIC public = {
                .nvPublic = {
                        .nvIndex = index,
                        .nameAlg = TPM2_ALG_SHA256,
                        .attributes = TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD | TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE,
                        .dataSize = (uint16_t) n,
                },
        };
        ESYS_TR tr;
        TpmError e = COMMAND(c, Esys_NV_DefineSpace(c->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                                    ESYS_TR_NONE, &no_auth, &public, &tr));

        if (!failed(e))
                *ret = handle_persistent(c, tr);
        return e;
}

static TpmError undefine(Connection *c, Handle *index) {
        return COMMAND(c, Esys_NV_UndefineSpace(c->esys, ESYS_TR_RH_OWNER, index->tr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                                ESYS_TR_NONE));
}

/* Opens an index of n bytes, whatever was there before. */
static TpmError open_of_size(Connection *c, uint32_t index, size_t n, Handle *ret) {
        TPMS_NV_PUBLIC public = {};
        TpmError e = open_index(c, index, ret, &public);

        if (!failed(e) && public.dataSize == n)
                return e;
        if (!failed(e)) {
                e = undefine(c, ret);
                *ret = (Handle){}; /* ESYS has closed it */
        } else if (tpm_rc_base(e.rc) == TPM2_RC_HANDLE)
                e = (TpmError){};
        return failed(e) ? e : define(c, index, n, ret);
}

TpmError nv_write(Connection *c, uint32_t index, const uint8_t *data, size_t n) {
        _cleanup_(handle_done) Handle handle = {};
        TPM2B_MAX_NV_BUFFER buffer = { .size = (uint16_t) n };
        TpmError e = open_of_size(c, index, n, &handle);

        if (failed(e))
                return e;
        memcpy(buffer.buffer, data, n);
        e = COMMAND(c, Esys_NV_Write(c->esys, ESYS_TR_RH_OWNER, handle.tr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                     ESYS_TR_NONE, &buffer, 0));
        if (is_denied(e))
                e = COMMAND(c, Esys_NV_Write(c->esys, handle.tr, handle.tr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                             ESYS_TR_NONE, &buffer, 0));
        return e;
}

/* A connection that turns out to be lost is opened again once, as for every job. */

static TpmError read_once(Connection *c, const TpmJob *job, TpmResult *result) {
        TpmError e = connection_open_pinned(c);

        return failed(e) ? e : nv_read(c, job->nv.index, &result->nv);
}

TpmError nv_read_run(Connection *c, const TpmJob *job, TpmResult *result) {
        TpmError e = read_once(c, job, result);

        return e.outcome == TPM_LOST ? read_once(c, job, result) : e;
}

static TpmError write_once(Connection *c, const TpmJob *job) {
        TpmError e = connection_open_pinned(c);

        return failed(e) ? e : nv_write(c, job->nv.index, job->nv.data, job->nv.size);
}

TpmError nv_write_run(Connection *c, const TpmJob *job) {
        TpmError e = write_once(c, job);

        return e.outcome == TPM_LOST ? write_once(c, job) : e;
}
