/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Unsealing keys, then shutting the door. */

#include <openssl/crypto.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "daemon/tpm/pcr.h"
#include "daemon/tpm/run.h"
#include "daemon/tpm/srk.h"
#include "daemon/tpm/wipe.h"
#include "lib/sealpolicy.h"

/* An extend of any register by anybody between PolicyPCR and Unseal makes the session's policy void. */
enum { UNSEAL_TRIES = 16 };

static void sensitive_freep(TPM2B_SENSITIVE_DATA **s) {
        if (*s)
                OPENSSL_cleanse(*s, sizeof(**s));
        Esys_Free(*s);
}

static bool is_pinned_to(const SealedItem *item, const TpmName *srk_name) {
        return item->srk_name_size == srk_name->size && memcmp(item->srk_name, srk_name->bytes, srk_name->size) == 0;
}

static TpmError load(Connection *c, const SealedItem *item, const Handle *srk, Handle *ret) {
        TPM2B_PUBLIC public = {};
        TPM2B_PRIVATE private = {};
        size_t public_size = 0, private_size = 0;
        ESYS_TR tr;
        TpmError e;

        if (Tss2_MU_TPM2B_PUBLIC_Unmarshal(item->public, item->public_size, &public_size, &public) !=
                    TSS2_RC_SUCCESS ||
            Tss2_MU_TPM2B_PRIVATE_Unmarshal(item->private, item->private_size, &private_size, &private) !=
                    TSS2_RC_SUCCESS ||
            public_size != item->public_size || private_size != item->private_size)
                return tpm_error_why(TPM_REFUSED, "the blob does not hold a TPM object");
        e = COMMAND(c,
                    Esys_Load(c->esys, srk->tr, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &private, &public, &tr));
        if (!failed(e))
                *ret = handle_own(c, tr);
        return e;
}

/* With no digest of its own the command takes the registers as they are; whether that is what the object is sealed to
 * is seen by Unseal. */
static TpmError policy_pcr(Connection *c, const SealedItem *item, const Handle *session) {
        static const TPM2B_DIGEST as_they_are = {};
        TPML_PCR_SELECTION pcrs = pcr_selection(item->bank, item->pcrs);

        return COMMAND(c, Esys_PolicyPCR(c->esys, session->tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &as_they_are,
                                         &pcrs));
}

static TpmError unseal(Connection *c, const Handle *object, const Handle *session, uint8_t key[SEALED_KEY_SIZE]) {
        _cleanup_(sensitive_freep) TPM2B_SENSITIVE_DATA *data = NULL;
        TpmError e = COMMAND(c, Esys_Unseal(c->esys, object->tr, session->tr, ESYS_TR_NONE, ESYS_TR_NONE, &data));

        wipe_traces(c);
        if (failed(e))
                return e;
        if (data->size != SEALED_KEY_SIZE)
                return tpm_error_why(TPM_REFUSED, "the object holds no key of ours");
        memcpy(key, data->buffer, SEALED_KEY_SIZE);
        return (TpmError){};
}

static TpmError policy_restart(Connection *c, const Handle *session) {
        return COMMAND(c, Esys_PolicyRestart(c->esys, session->tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE));
}

/* Back to back: not even the lock plan gets in between. */
static TpmError open_object(Connection *c, const SealedItem *item, const Handle *object, const Handle *session,
                            uint8_t key[SEALED_KEY_SIZE]) {
        const TpmClass urgency = c->urgency;
        TpmError e = {};

        for (unsigned n = 0; n < UNSEAL_TRIES && !failed(e); n++) {
                c->urgency = TPM_CLASS_LOCK;
                e = policy_pcr(c, item, session);
                if (!failed(e))
                        e = unseal(c, object, session, key);
                c->urgency = urgency;
                if (tpm_rc_base(e.rc) != TPM2_RC_PCR_CHANGED)
                        return e;
                e = policy_restart(c, session);
        }
        return failed(e) ? e : tpm_error_why(TPM_BUSY, "registers move all the time");
}

static TpmError harvest_item(Connection *c, const SealedItem *item, const Handle *srk, const TpmName *srk_name,
                             uint8_t key[SEALED_KEY_SIZE]) {
        _cleanup_(handle_done) Handle session = {}, object = {};
        TpmError e;

        if (!is_pinned_to(item, srk_name))
                return tpm_error_why(TPM_WRONG_TPM, "the blob was sealed by another TPM");
        e = load(c, item, srk, &object);
        if (!failed(e))
                e = srk_session(c, srk, TPM2_SE_POLICY, &session);
        return failed(e) ? e : open_object(c, item, &object, &session, key);
}

/* All items that are not decided yet. A lost connection leaves the rest undecided, with that outcome. */
static TpmError harvest_items(Connection *c, TpmJob *job, TpmHarvested *ret) {
        _cleanup_(handle_done) Handle srk = {};
        TpmName srk_name;
        TpmError e = connection_open_pinned(c);

        if (!failed(e))
                e = srk_load(c, &srk, &srk_name);
        for (size_t i = 0; i < job->harvest.n; i++) {
                SealedItem *item = &job->harvest.items[i];
                TpmError one;

                if (item->decided)
                        continue;
                one = failed(e) ? e : harvest_item(c, item, &srk, &srk_name, ret[i].key);
                ret[i].outcome = one.outcome;
                ret[i].rc = one.rc;
                item->decided = one.outcome != TPM_LOST;
                if (!item->decided)
                        e = one;
        }
        return e;
}

/* The cap comes last and always: whatever could not be had by now is not to be had any more. */
TpmError harvest_run(Connection *c, TpmJob *job, TpmResult *result) {
        TpmError e = {};

        if (job->harvest.n > 0)
                e = harvest_items(c, job, result->harvest.items);
        if (e.outcome == TPM_LOST)
                (void) harvest_items(c, job, result->harvest.items); /* once more, as every job */
        c->pinned = 0;
        e = extend_run(c, job->harvest.cap);
        result->harvest.capped = extend_is_complete(job->harvest.cap);
        return e;
}
