/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Opening, closing and checking the connection. */

#include "daemon/tpm/connection.h"

#include <errno.h>

#include "daemon/tpm/clock.h"
#include "daemon/tpm/connection-internal.h"

/* ESYS is of no use any more. On a device the wire is kept while an answer is outstanding: to close it would be to
 * wait for that answer in the kernel, for minutes if need be. */
static void connection_break(Connection *c) {
        if (c->esys)
                Esys_Finalize(&c->esys);
        if (c->wire && !wire_is_late(c->wire))
                c->wire = wire_free(c->wire);
        c->n_own = 0;
        c->is_clean = false;
}

static TpmError open_error(int error) {
        switch (-error) {
        case ENOMEM:
                return tpm_error_why(TPM_FAILED, "out of memory");
        case EAGAIN:
        case EBUSY:
                return tpm_error_why(TPM_BUSY, "somebody else holds the TPM");
        default:
                return (TpmError){ .outcome = TPM_LOST, .why = "the TPM cannot be opened", .error = -error };
        }
}

/* Waits before something is tried for the n-th time again; longer each time. False when the time is over. */
static bool pause_before_retry(unsigned n, usec_t end) {
        struct timespec pause = usec_to_timespec(MIN(USEC_PER_MSEC << MIN(n, 6U), 50 * USEC_PER_MSEC));

        if (now_monotonic() >= end)
                return false;
        (void) clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
        return true;
}

/* A socket whose queue is full, and a device that allows one client, will have room in a moment. */
static int open_wire(Connection *c) {
        usec_t end = now_monotonic() + c->deadline;

        for (unsigned n = 1;; n++) {
                int r = wire_new(c->transport, c->deadline, &c->wire);

                if ((r != -EAGAIN && r != -EBUSY) || !pause_before_retry(n, end))
                        return r;
        }
}

/* A new ESYS context over a new wire. */
static TpmError dial(Connection *c) {
        TSS2_RC rc;
        int r;

        if (c->wire && !wire_settle(c->wire))
                return tpm_error_why(TPM_BUSY, "still no answer to an earlier command");
        c->wire = wire_free(c->wire);
        r = open_wire(c);
        if (r < 0)
                return open_error(r);
        rc = Esys_Initialize(&c->esys, wire_tcti(c->wire), NULL);
        if (rc != TSS2_RC_SUCCESS) {
                c->wire = wire_free(c->wire);
                return tpm_error_why(TPM_FAILED, "cannot make an ESYS context");
        }
        c->opened_at = now_monotonic();
        c->generation++;
        return (TpmError){};
}

bool connection_is_reset(const Connection *c) {
        return life_is_over(c->life, c->counters);
}

TpmError connection_check(Connection *c) {
        _cleanup_esys_ TPMS_TIME_INFO *time = NULL;
        TpmError e = COMMAND(c, Esys_ReadClock(c->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &time));

        if (failed(e))
                return e;
        c->counters = (TpmCounters){ time->clockInfo.resetCount, time->clockInfo.restartCount };
        if (connection_is_reset(c) && life_tell_once(c->life, c->counters))
                c->hooks->reset_seen(c->userdata);
        return (TpmError){};
}

/* The allocation of banks is asked for once in a TPM life. */
static TpmError learn_banks(Connection *c) {
        TpmError e;

        if (life_banks(c->life, c->counters, &c->banks))
                return (TpmError){};
        e = pcr_read_banks(c, &c->banks);
        if (!failed(e))
                life_set_banks(c->life, c->counters, c->banks);
        return e;
}

/* What every new connection starts with. A client that shares the TPM with nobody's help may have died without
 * cleaning up, and three leftover objects are enough to stop the next one. */
static TpmError greet(Connection *c) {
        TpmError e = connection_check(c);

        if (!failed(e) && !c->is_clean && !c->transport->resource_manager)
                e = flush_leftovers(c);
        if (failed(e))
                return e;
        c->is_clean = true;
        return learn_banks(c);
}

TpmError connection_open(Connection *c) {
        TpmClass urgency = c->urgency;
        unsigned pinned = c->pinned;
        TpmError e;

        if (c->esys)
                return (TpmError){};
        e = dial(c);
        if (failed(e))
                return e;
        c->urgency = TPM_CLASS_LOCK; /* nothing gets in before we know whom we talk to */
        c->pinned = 0;
        e = greet(c);
        c->greeting = now_monotonic() - c->opened_at;
        c->urgency = urgency;
        c->pinned = pinned;
        if (failed(e)) {
                connection_break(c);
                return e;
        }
        c->hooks->opened(c->userdata);
        return c->esys ? (TpmError){} : tpm_error_why(TPM_LOST, "the connection was lost again");
}

TpmError connection_open_pinned(Connection *c) {
        TpmError e = connection_open(c);

        if (!failed(e))
                c->pinned = c->generation;
        return e;
}

/* A reset is told by its hook; anything else that the check finds will be seen by the next job. */
void connection_rest(Connection *c) {
        bool is_clean;

        if (c->esys)
                (void) connection_check(c);
        is_clean = c->is_clean;
        connection_break(c);
        c->is_clean = is_clean;
        if (c->wire)
                (void) wire_settle(c->wire);
        c->wire = wire_free(c->wire);
}

void connection_close(Connection *c) {
        connection_break(c);
        c->wire = wire_free(c->wire);
}

Handle handle_persistent(Connection *c, ESYS_TR tr) {
        return (Handle){ c, c->generation, tr, 0 };
}

TpmError handle_open(Connection *c, TPM2_HANDLE handle, Handle *ret) {
        ESYS_TR tr;
        TpmError e = COMMAND(c, Esys_TR_FromTPMPublic(c->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &tr));

        if (!failed(e))
                *ret = handle_persistent(c, tr);
        return e;
}

Handle handle_own(Connection *c, ESYS_TR tr) {
        Handle h = handle_persistent(c, tr);

        if (c->n_own < OWN_MAX && Esys_TR_GetTpmHandle(c->esys, tr, &h.own) == TSS2_RC_SUCCESS)
                c->own[c->n_own++] = h.own;
        return h;
}

static void disown(Connection *c, TPM2_HANDLE handle) {
        for (size_t i = c->n_own; i-- > 0;)
                if (c->own[i] == handle) {
                        c->own[i] = c->own[--c->n_own];
                        return;
                }
}

void handle_done(Handle *h) {
        Handle gone = TAKE_STRUCT(*h);
        Connection *c = gone.connection;

        if (!c || !c->esys || c->generation != gone.generation)
                return;
        if (gone.own == 0)
                (void) Esys_TR_Close(c->esys, &gone.tr);
        else if (failed(COMMAND(c, Esys_FlushContext(c->esys, gone.tr))))
                c->is_clean = false;
        disown(c, gone.own);
}

static bool is_busy(TSS2_RC rc) {
        TSS2_RC base = tpm_rc_base(rc);

        return base == TPM2_RC_RETRY || base == TPM2_RC_YIELDED || base == TPM2_RC_TESTING;
}

static bool is_out_of_room(TSS2_RC rc) {
        TSS2_RC base = tpm_rc_base(rc);

        return base == TPM2_RC_OBJECT_MEMORY || base == TPM2_RC_SESSION_MEMORY || base == TPM2_RC_SESSION_HANDLES;
}

Attempt command_begin(Connection *c) {
        return (Attempt){ .end = now_monotonic() + c->deadline };
}

/* Lets others in, then sees whether the command can still be given. */
static bool may_start(Connection *c, Attempt *a) {
        c->hooks->give_way(c->userdata);
        if (c->esys && (c->pinned == 0 || c->pinned == c->generation) &&
            (c->urgency == TPM_CLASS_LOCK || !c->hooks->is_stopping(c->userdata)))
                return true;
        a->rc = TSS2_TCTI_RC_NO_CONNECTION;
        a->is_refused = true;
        return false;
}

bool command_goes_on(Connection *c, Attempt *a) {
        if (a->count++ == 0)
                return may_start(c, a);
        if (is_busy(a->rc))
                return pause_before_retry(a->count, a->end) && may_start(c, a);
        if (is_out_of_room(a->rc) && !c->transport->resource_manager && !a->has_flushed && !c->is_flushing) {
                a->has_flushed = true;
                return !failed(flush_leftovers(c));
        }
        return false;
}

TpmError command_end(Connection *c, const Attempt *a) {
        TpmError e = tpm_error(a->rc);

        if (failed(e) && tpm_rc_base(a->rc) == 0 && !a->is_refused)
                connection_break(c);
        return e;
}
