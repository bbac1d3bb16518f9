/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What clients that died left in the TPM. */

#include "daemon/tpm/connection-internal.h"

static bool is_own(const Connection *c, TPM2_HANDLE handle) {
        for (size_t i = 0; i < c->n_own; i++)
                if (c->own[i] == handle)
                        return true;
        return false;
}

static TpmError flush_one(Connection *c, TPM2_HANDLE handle) {
        ESYS_TR tr;
        TpmError e = COMMAND(c, Esys_TR_FromTPMPublic(c->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &tr));

        return failed(e) ? e : COMMAND(c, Esys_FlushContext(c->esys, tr));
}

static TpmError flush_range(Connection *c, TPM2_HANDLE first) {
        _cleanup_esys_ TPMS_CAPABILITY_DATA *data = NULL;
        TPMI_YES_NO more;
        TpmError e = COMMAND(c, Esys_GetCapability(c->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_HANDLES,
                                                   first, TPM2_MAX_CAP_HANDLES, &more, &data));

        if (failed(e))
                return e;
        for (uint32_t i = 0; i < data->data.handles.count; i++) {
                if (is_own(c, data->data.handles.handle[i]))
                        continue;
                e = flush_one(c, data->data.handles.handle[i]);
                if (failed(e))
                        return e;
        }
        return (TpmError){};
}

TpmError flush_leftovers(Connection *c) {
        TpmError e;

        c->is_flushing = true;
        e = flush_range(c, TPM2_TRANSIENT_FIRST);
        if (!failed(e))
                e = flush_range(c, TPM2_LOADED_SESSION_FIRST);
        c->is_flushing = false;
        return e;
}
