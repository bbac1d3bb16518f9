/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* When the guest attests itself, and what is known of it from round to round. Times are CLOCK_BOOTTIME unless they say
 * otherwise: it goes on while the machine sleeps, so that a round is due when it wakes up. */

#include "lib/canary.h"
#include "lib/evidence/pins.h"

typedef enum AttestResult {
        ATTEST_NONE, /* no round is over yet */
        ATTEST_PASSED,
        ATTEST_FAILED,
        ATTEST_UNDECIDED,
        _ATTEST_RESULT_MAX,
} AttestResult;

typedef enum AttestCause {
        ATTEST_AT_START,
        ATTEST_SCHEDULED,
        ATTEST_RESUMED,
        ATTEST_ASKED,
        _ATTEST_CAUSE_MAX
} AttestCause;

extern const char *const attest_result_names[_ATTEST_RESULT_MAX + 1]; /* ended by NULL */
extern const char *const attest_cause_names[_ATTEST_CAUSE_MAX + 1];   /* ended by NULL */

enum { ATTEST_QUEUE_MAX = 8, ROUND_NONCE_SIZE = 32, ROUND_NONCE_MAX = CANARY_NONCE_MAX };

/* A round that takes longer has no result. */
#define ATTEST_ROUND_DEADLINE (180 * USEC_PER_SEC)
/* So long after its run the canary may still be seen. */
#define ATTEST_SEEN_DEADLINE (5 * USEC_PER_SEC)
/* An undecided round is tried again after this, then after twice as long, and so on up to the interval. */
#define ATTEST_RETRY (10 * USEC_PER_SEC)

typedef struct AttestSettings {
        bool required;   /* without a passed round the guard is degraded */
        usec_t interval; /* 0: only on demand */
        usec_t grace;    /* undecided for so long is a violation; USEC_INFINITY: never */
} AttestSettings;

/* Somebody who asks. */
typedef struct AttestRequest {
        uint64_t request;  /* by which the caller is known; 0: nobody waits */
        size_t nonce_size; /* 0: ours */
        uint8_t nonce[ROUND_NONCE_MAX];
        AttestCause cause;
} AttestRequest;

typedef enum AttestPhase {
        ATTEST_IDLE,
        ATTEST_ANNOUNCED, /* the canary's digest is on its way to the register */
        ATTEST_PROVING,   /* it runs, or not */
        ATTEST_PROVED,    /* it did, or not; a sensor may still be about to say so */
        ATTEST_SETTLING,  /* what came of that is on its way to the register */
        ATTEST_GATHERING, /* evidence is gathered and appraised */
} AttestPhase;

/* What became of the canary when it was run. */
typedef enum CanaryOutcome {
        CANARY_NOT_ASKED, /* no sensor here can hold programs */
        CANARY_REFUSED,
        CANARY_RAN,
        CANARY_TROUBLE, /* it could not be made or run, for reasons of its own */
} CanaryOutcome;

typedef struct AttestRound {
        AttestPhase phase;
        uint64_t number; /* from 1 */
        AttestRequest asked;
        usec_t deadline, seen_deadline;
        uint8_t digest[SHA256_SIZE]; /* of the canary */
        uint64_t seq;                /* the entry that must be in the register before the next phase */
        bool seen, must_refuse;      /* a sensor saw it, and it is recorded; the policy refuses it, in enforce */
        CanaryOutcome outcome;
        const char *trouble; /* static */
} AttestRound;

/* All-zero knows nothing. Owns nothing. */
typedef struct Attestation {
        AttestSettings settings;
        uint8_t seed[16];
        char provider[32]; /* "": none */
        bool open;         /* rounds may begin */
        AttestRound round;
        uint64_t rounds;   /* the number of the last one */
        AttestCause cause; /* of the next one that the schedule begins */
        usec_t due;        /* of that; USEC_INFINITY: none */
        unsigned retries;
        AttestResult last;
        usec_t last_realtime, passed_realtime; /* CLOCK_REALTIME of the last one, and the last that passed; 0: none */
        usec_t undecided_since;                /* 0: it is not */
        bool overdue;                          /* that was too long, and said */
        Pins pins;
        AttestRequest queue[ATTEST_QUEUE_MAX];
        size_t queue_size;
} Attestation;

void attestation_init(Attestation *a, const AttestSettings *settings, const uint8_t seed[16]);

/* There is a provider (NULL: none): the first round is due. */
void attestation_provider(Attestation *a, const char *name, usec_t now);

/* The machine was asleep: a round is due. */
void attestation_resumed(Attestation *a, usec_t now);

/* Queues a request. 0; -EBUSY when too many wait; -EOPNOTSUPP without a provider; -EINVAL for a nonce that is too long. */
int attestation_ask(Attestation *a, const AttestRequest *q);

/* Begins the round that is due, if none is under way: true with a->round at ATTEST_ANNOUNCED, its nonce and deadline set.
 * scheduled: also what nobody asked for. */
bool attestation_begin(Attestation *a, usec_t now, bool scheduled);

/* The round under way is over. */
void attestation_end(Attestation *a, AttestResult result, usec_t now, usec_t realtime);

/* True when it is undecided for too long, once. */
bool attestation_is_overdue(Attestation *a, usec_t now);

/* When attestation_begin(), the deadlines of a round or attestation_is_overdue() are to be looked at; USEC_INFINITY: never. */
usec_t attestation_deadline(const Attestation *a, bool scheduled);

/* Adds denial: was the canary of this round seen, and did it fare as the policy demands? */
void attestation_judge_canary(const AttestRound *round, CheckList *checks);
