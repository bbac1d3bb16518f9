/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guard: one table of transitions. Only a reboot leaves `locked`. */

#include <stdbool.h>

typedef enum State {
        STATE_STARTING,
        STATE_TRUSTED,
        STATE_DEGRADED, /* something is not as good as it was or must be */
        STATE_VIOLATED, /* the lock plan runs */
        STATE_LOCKED,
        _STATE_MAX,
        _STATE_INVALID = -1,
} State;

typedef enum Cause {
        CAUSE_READY,
        CAUSE_DEGRADE,
        CAUSE_RECOVER,
        CAUSE_VIOLATE,
        CAUSE_LOCKED, /* the lock plan is through */
        _CAUSE_MAX,
} Cause;

/* Why the guard is degraded, a set of bits. */
typedef enum Reason {
        REASON_LEVEL = 1 << 0,      /* a sensor can do less than at start */
        REASON_TPM = 1 << 1,        /* the TPM is slow or refuses */
        REASON_LOST = 1 << 2,       /* events were lost */
        REASON_UNGATED = 1 << 3,    /* code ran past the gate */
        REASON_WOULD_LOCK = 1 << 4, /* a violation, in observe */
        REASON_FAILURE = 1 << 5,    /* another row of the failure table */
        REASON_ACTIVITY = 1 << 6,   /* something was done that the policy refuses */
        REASON_ATTEST = 1 << 7,     /* it is not known whether this is still the same genuine guest */
        _REASON_ALL = (1 << 8) - 1,
        REASON_RECOVERABLE = REASON_LEVEL | REASON_TPM | REASON_ATTEST, /* the others stay until reboot */
} Reason;

extern const char *const state_names[_STATE_MAX + 1]; /* ended by NULL */
extern const char *const reason_names[];              /* in the order of the bits, ended by NULL */

State state_from_name(const char *name); /* _STATE_INVALID when unknown */

/* The state after a cause. */
State guard_next(State state, Cause cause);

/* True from a violation on. */
static inline bool guard_is_closed(State state) {
        return state == STATE_VIOLATED || state == STATE_LOCKED;
}

/* True when secrets may be handed out. */
bool guard_releases(State state, bool when_degraded);
