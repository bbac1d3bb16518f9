/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One thread's way to the TPM: the ESYS context, opened when it is needed. */

#include <tss2/tss2_esys.h>

#include "daemon/tpm/life.h"
#include "daemon/tpm/outcome.h"
#include "daemon/tpm/wire.h"

/* Callbacks into the worker. */
typedef struct ConnectionHooks {
        void (*give_way)(void *userdata);    /* before a command: do what is more urgent, on this connection */
        void (*opened)(void *userdata);      /* a connection was opened: do what is owed */
        void (*reset_seen)(void *userdata);  /* once for each reset */
        bool (*is_stopping)(void *userdata); /* nobody waits for results any more */
} ConnectionHooks;

enum { OWN_MAX = 4 };

/* All-zero but for the first group is a closed connection. */
typedef struct Connection {
        const TpmTransport *transport;
        usec_t deadline; /* for one command */
        Life *life;
        const ConnectionHooks *hooks;
        void *userdata;

        Wire *wire;
        ESYS_CONTEXT *esys; /* NULL: closed */
        usec_t opened_at;   /* CLOCK_MONOTONIC */
        usec_t greeting;    /* how long the first commands of this connection took */
        TpmCounters counters;
        BankSet banks;       /* allocated */
        unsigned generation; /* one more with each opening: what was loaded before is gone */

        TpmClass urgency; /* of what runs now; only what is more urgent gets in between */
        unsigned pinned;  /* the generation without which the running job cannot go on; 0: any */

        bool is_clean; /* no objects or sessions of others, or of ours before an error, are in the TPM */
        bool is_flushing;
        TPM2_HANDLE own[OWN_MAX]; /* objects and sessions in use */
        size_t n_own;
} Connection;

/* Opens the connection unless it is open. */
TpmError connection_open(Connection *c);

/* As connection_open(), and from here on the running job depends on what it loads. */
TpmError connection_open_pinned(Connection *c);

/* Asks for the counters again. */
TpmError connection_check(Connection *c);

/* When they were asked for last they were not those of the TPM life that we know. */
bool connection_is_reset(const Connection *c);

static inline bool connection_is_held(const Connection *c) {
        return c->wire;
}

/* Closes it, so that others get at the TPM, after a last check. */
void connection_rest(Connection *c);

/* Closes it for good. */
void connection_close(Connection *c);

/* An object or session in the TPM, flushed at the end of the scope. */
typedef struct Handle {
        Connection *connection; /* NULL: none */
        unsigned generation;
        ESYS_TR tr;
        TPM2_HANDLE own; /* 0: a persistent object, which stays */
} Handle;

Handle handle_own(Connection *c, ESYS_TR tr);
Handle handle_persistent(Connection *c, ESYS_TR tr);

/* One for a persistent object or an NV index. TPM_REFUSED with TPM2_RC_HANDLE when there is none. */
TpmError handle_open(Connection *c, TPM2_HANDLE handle, Handle *ret);
void handle_done(Handle *h);

static inline void esys_freep(void *p) {
        Esys_Free(*(void **) p);
}
#define _cleanup_esys_ _cleanup_(esys_freep)

/* Runs one ESYS call, and gives a TpmError:
 *
 *         TpmError e = COMMAND(c, Esys_ReadClock(c->esys, ...));
 *
 * Before it, what is more urgent gets its turn. When the TPM is busy the call is repeated until the deadline. When it
 * has no room left, leftovers are flushed and the call repeated once. After an error of anything but the TPM itself
 * the connection is closed, since ESYS cannot go on with it. */
#define COMMAND(c, call)                                                                                              \
        ({                                                                                                            \
                Attempt _attempt = command_begin(c);                                                                  \
                while (command_goes_on((c), &_attempt))                                                               \
                        _attempt.rc = (call);                                                                         \
                command_end((c), &_attempt);                                                                          \
        })

typedef struct Attempt {
        TSS2_RC rc;
        unsigned count;
        usec_t end;
        bool has_flushed;
        bool is_refused; /* not even tried: the connection that it needs is gone */
} Attempt;

Attempt command_begin(Connection *c);
bool command_goes_on(Connection *c, Attempt *a);
TpmError command_end(Connection *c, const Attempt *a);
