/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From TSS2_RC to outcome. */

#include "daemon/tpm/outcome.h"

#include <stdio.h>
#include <string.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tpm2_types.h>

#include "daemon/tpm/wire.h"
#include "lib/base/macro.h"

static const char *const outcome_names[] = {
        [TPM_OK] = "ok",           [TPM_BUSY] = "busy",
        [TPM_LOST] = "lost",       [TPM_RESET] = "reset",
        [TPM_LOCKOUT] = "lockout", [TPM_MISSING_BANK] = "missing-bank",
        [TPM_GARBAGE] = "garbage", [TPM_REFUSED] = "refused",
        [TPM_POLICY] = "policy",   [TPM_WRONG_TPM] = "wrong-tpm",
        [TPM_FAILED] = "failed",
};
static_assert(ELEMENTSOF(outcome_names) == _TPM_OUTCOME_MAX, "a name per outcome");

const char *tpm_outcome_name(TpmOutcome outcome) {
        return outcome_names[outcome];
}

/* The kernel's resource manager and tpm2-abrmd answer in the TPM's place for some commands. */
static bool is_from_tpm(TSS2_RC rc) {
        TSS2_RC layer = rc & TSS2_RC_LAYER_MASK;

        return layer == TSS2_TPM_RC_LAYER || layer == TSS2_RESMGR_RC_LAYER || layer == TSS2_RESMGR_TPM_RC_LAYER;
}

TSS2_RC tpm_rc_base(TSS2_RC rc) {
        if (!is_from_tpm(rc))
                return 0;
        rc &= ~TSS2_RC_LAYER_MASK;
        return rc & TPM2_RC_FMT1 ? rc & (TPM2_RC_FMT1 | 0x3f) : rc;
}

static TpmOutcome outcome_of_tpm(TSS2_RC base) {
        static const struct {
                TSS2_RC base;
                TpmOutcome outcome;
        } table[] = {
                { TPM2_RC_RETRY, TPM_BUSY },
                { TPM2_RC_YIELDED, TPM_BUSY },
                { TPM2_RC_TESTING, TPM_BUSY },
                { TPM2_RC_NV_RATE, TPM_BUSY },
                { TPM2_RC_CANCELED, TPM_BUSY },
                { TPM2_RC_LOCKOUT, TPM_LOCKOUT },
                { TPM2_RC_POLICY_FAIL, TPM_POLICY },
                { TPM2_RC_INITIALIZE, TPM_RESET }, /* reset, and not even started */
                { TPM2_RC_FAILURE, TPM_LOST },     /* in failure mode, until it is reset */
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (table[i].base == base)
                        return table[i].outcome;
        return TPM_REFUSED;
}

/* RCs of our own layers; their low 16 bits mean the same in each. */
static TpmOutcome outcome_of_stack(TSS2_RC rc) {
        if (rc == WIRE_RC_LATE)
                return TPM_BUSY;
        if ((rc & TSS2_RC_LAYER_MASK) == TSS2_MU_RC_LAYER)
                return TPM_GARBAGE; /* all that we marshal is of known size, so it was a response */
        switch (rc & ~TSS2_RC_LAYER_MASK) {
        case TSS2_BASE_RC_NO_CONNECTION:
        case TSS2_BASE_RC_IO_ERROR:
                return TPM_LOST;
        case TSS2_BASE_RC_GENERAL_FAILURE: /* ESYS: the response has another number of sessions */
        case TSS2_BASE_RC_MALFORMED_RESPONSE:
        case TSS2_BASE_RC_INSUFFICIENT_RESPONSE:
        case TSS2_BASE_RC_RSP_AUTH_FAILED:
                return TPM_GARBAGE;
        default:
                return TPM_FAILED;
        }
}

TpmError tpm_error(TSS2_RC rc) {
        if (rc == TSS2_RC_SUCCESS)
                return (TpmError){};
        if (is_from_tpm(rc)) {
                TSS2_RC base = tpm_rc_base(rc);

                /* An error response means that nothing was done (TPM 2.0 part 1, 18.5), unless the TPM is broken. */
                return (TpmError){ .outcome = outcome_of_tpm(base), .rc = rc, .uncertain = base == TPM2_RC_FAILURE };
        }
        return (TpmError){
                .outcome = outcome_of_stack(rc),
                .rc = rc,
                .why = rc == WIRE_RC_LATE ? "no answer within the deadline" : NULL,
                .uncertain = rc != TSS2_TCTI_RC_NO_CONNECTION,
        };
}

TpmError tpm_error_why(TpmOutcome outcome, const char *why) {
        return (TpmError){ .outcome = outcome, .why = why };
}

void tpm_error_describe(TpmError e, char *ret, size_t size) {
        if (!failed(e))
                *ret = '\0';
        else if (e.error)
                snprintf(ret, size, "%s: %s", e.why, strerrordesc_np(e.error) ?: "unknown error");
        else if (e.rc)
                snprintf(ret, size, "%s (0x%x)", e.why ?: Tss2_RC_Decode(e.rc), e.rc);
        else
                snprintf(ret, size, "%s", e.why);
}
