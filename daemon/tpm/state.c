/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading the TPM's state. */

#include <errno.h>

#include "daemon/tpm/pcr.h"
#include "daemon/tpm/run.h"
#include "daemon/tpm/srk.h"
#include "lib/base/alloc.h"

static TpmError read_clock(Connection *c, TpmState *state) {
        _cleanup_esys_ TPMS_TIME_INFO *time = NULL;
        TpmError e = COMMAND(c, Esys_ReadClock(c->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &time));

        if (failed(e))
                return e;
        state->clock = time->clockInfo.clock;
        state->counters = (TpmCounters){ time->clockInfo.resetCount, time->clockInfo.restartCount };
        return (TpmError){};
}

/* The registers, and counters that were the same before and after. Nobody gets in behind the registers any more: an extend whose
 * result comes before ours is in what we give. */
static TpmError read_registers(Connection *c, TpmState *state) {
        const TpmClass urgency = c->urgency;
        TpmCounters before;
        TpmError e = read_clock(c, state);

        if (failed(e))
                return e;
        before = state->counters;
        e = pcr_read_all(c, &state->pcrs);
        c->urgency = TPM_CLASS_LOCK;
        if (!failed(e))
                e = read_clock(c, state);
        c->urgency = urgency;
        if (!failed(e) && !counters_equal(before, state->counters))
                return tpm_error_why(TPM_RESET, "the TPM was reset while it was read");
        return e;
}

static TpmError read_srk_name(Connection *c, TpmName *ret) {
        _cleanup_(handle_done) Handle srk = {};

        return srk_load(c, &srk, ret);
}

static TpmError read_once(Connection *c, TpmState *state, bool with_srk) {
        TpmError e = connection_open_pinned(c);

        if (!failed(e))
                e = read_registers(c, state);
        if (!failed(e) && with_srk)
                e = read_srk_name(c, &state->srk_name);
        return e;
}

static TpmError read_state(Connection *c, TpmResult *result, bool with_srk) {
        _cleanup_free_ TpmState *state = new0(TpmState, 1);
        TpmError e;

        if (!state)
                return tpm_error_why(TPM_FAILED, "out of memory");
        e = read_once(c, state, with_srk);
        if (e.outcome == TPM_LOST)
                e = read_once(c, state, with_srk);
        if (!failed(e))
                result->state = TAKE_PTR(state);
        return e;
}

TpmError read_run(Connection *c, TpmResult *result) {
        return read_state(c, result, false);
}

TpmError state_run(Connection *c, TpmResult *result) {
        TpmError e = read_state(c, result, true);

        if (failed(e))
                return e;
        c->counters = result->state->counters;
        life_begin(c->life, c->counters);
        return e;
}
