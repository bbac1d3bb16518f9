/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A snapshot of the engine, for D-Bus and tests. */

#include "core/attestation.h"
#include "core/guard.h"
#include "policy/level.h"
#include "policy/policy.h"

typedef struct Status {
        State state;
        unsigned reasons; /* Reason bits */
        Mode mode;
        uint64_t events;   /* entries in the log, those on their way to it included */
        uint64_t anchored; /* of them, entries in the PCR */
        uint64_t lost, denied, ungated, suppressed;
        uint64_t generation; /* of the policy */
        uint8_t policy_digest[SHA256_SIZE];
        uint64_t failures[_FAILURE_MAX]; /* how often each row happened */
        Level levels[_WATCHED_MAX];
        const char *level_why[_WATCHED_MAX];
        struct {
                bool required;
                const char *provider; /* "": nobody gives evidence of this guest */
                AttestResult last;
                uint64_t rounds;
                usec_t last_realtime, passed_realtime; /* 0: never */
        } attestation;
        bool capped;                  /* the TPM unseals none of our secrets any more */
        bool lock_recorded, poisoned; /* there is a lock record; its digest is in the registers */
} Status;
