/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The transition table. */

#include "core/guard.h"

#include "lib/base/macro.h"

const char *const state_names[] = {
        [STATE_STARTING] = "starting", [STATE_TRUSTED] = "trusted", [STATE_DEGRADED] = "degraded",
        [STATE_VIOLATED] = "violated", [STATE_LOCKED] = "locked",   [_STATE_MAX] = NULL,
};

const char *const reason_names[] = { "level",   "tpm",      "lost",        "ungated", "would-lock",
                                     "failure", "activity", "attestation", NULL };

static const State transitions[_STATE_MAX][_CAUSE_MAX] = {
        /*                    ready            degrade          recover          violate          locked */
        [STATE_STARTING] = { STATE_TRUSTED, STATE_STARTING, STATE_STARTING, STATE_VIOLATED, STATE_STARTING },
        [STATE_TRUSTED] = { STATE_TRUSTED, STATE_DEGRADED, STATE_TRUSTED, STATE_VIOLATED, STATE_TRUSTED },
        [STATE_DEGRADED] = { STATE_DEGRADED, STATE_DEGRADED, STATE_TRUSTED, STATE_VIOLATED, STATE_DEGRADED },
        [STATE_VIOLATED] = { STATE_VIOLATED, STATE_VIOLATED, STATE_VIOLATED, STATE_VIOLATED, STATE_LOCKED },
        [STATE_LOCKED] = { STATE_LOCKED, STATE_LOCKED, STATE_LOCKED, STATE_LOCKED, STATE_LOCKED },
};

State state_from_name(const char *name) {
        for (State s = 0; s < _STATE_MAX; s++)
                if (streq(state_names[s], name))
                        return s;
        return _STATE_INVALID;
}

State guard_next(State state, Cause cause) {
        return transitions[state][cause];
}

bool guard_releases(State state, bool when_degraded) {
        return state == STATE_TRUSTED || (state == STATE_DEGRADED && when_degraded);
}
