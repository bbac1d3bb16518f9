/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What must be done, in the order of the list. */

#include "core/guard.h"
#include "core/input.h"

typedef enum ActionType {
        ACTION_RECORD,    /* append a pending entry */
        ACTION_COMMIT,    /* write a committed record and extend it; answer with INPUT_EXTENDED or its failures */
        ACTION_HARVEST,   /* unseal the secrets (unless cap_only), then extend the cap; answer with INPUT_HARVESTED */
        ACTION_ANSWER,    /* answer the gate's token */
        ACTION_CONFIRMED, /* the process behind a token has executed something: its lease may end */
        ACTION_KILL,      /* kill a process */
        ACTION_LOCK_STEP, /* a step of the lock plan; answer with INPUT_LOCK_STEP */
        ACTION_ALERT,     /* tell people */
        ACTION_STATE,     /* the guard's state changed */
        ACTION_RELEASE,   /* hand out the secret */
        ACTION_REFUSE,    /* do not */
        ACTION_PROVE,     /* make the canary of this nonce and run it; answer with INPUT_PROVED */
        ACTION_ATTEST,    /* gather evidence for this nonce and appraise it; answer with INPUT_ATTESTED */
        ACTION_ATTESTED,  /* the round is over */
        ACTION_NO_ROUND,  /* there will be no round for this request */
        ACTION_DETACH,    /* the kernel side ends: programs, maps, pins; what that costs follows as INPUT_LEVELS */
        ACTION_DRILL, /* the drill is open, or over, or used up what is told once: tell that again, and answer who waits */
        ACTION_STOP, /* the stop is anchored and all are answered: end; once */
        _ACTION_MAX,
} ActionType;

typedef struct Action {
        ActionType type;
        union {
                struct {
                        uint64_t seq;
                        bool known;           /* may be folded into a batch */
                        const uint8_t *bytes; /* the engine's, until its next input */
                        size_t size;
                } record;
                struct {
                        uint64_t upto; /* the last entry it holds */
                        const uint8_t *bytes;
                        size_t size;
                        BankDigests digest; /* to extend */
                        BankDigests before; /* what the register holds before it */
                } commit;
                struct {
                        bool cap_only; /* there was a violation: no secret is opened any more */
                } harvest;
                struct {
                        uint64_t token;
                        bool allow;
                } answer;
                struct {
                        uint64_t token;
                        bool ran;      /* the token's file runs now, and what was judged must be what runs */
                        Execed execed; /* then this is it; without the strings */
                } confirmed;
                struct {
                        uint32_t pid;
                        usec_t started; /* 0: whatever has that pid is held by the gate */
                } kill;
                struct {
                        LockStep step;
                        BankDigests poison; /* LOCK_POISON: the digests of the lock record */
                } lock_step;
                struct {
                        Severity severity;
                        Kind kind;
                        uint64_t seq;
                        char *json; /* owned */
                } alert;
                struct {
                        State from, to;
                } state;
                struct {
                        uint64_t request;
                        char *name;         /* owned */
                        const char *reason; /* ACTION_REFUSE: static */
                } release;
                uint64_t detach; /* the request */
                uint64_t drill;  /* the request; 0: nobody waits */
                struct {
                        uint64_t round, request; /* request 0: nobody waits */
                        size_t nonce_size;
                        uint8_t nonce[ROUND_NONCE_MAX];
                        AttestResult result; /* ACTION_ATTESTED */
                } attest;
                struct {
                        uint64_t request;
                        int error; /* negative errno: -EBUSY, -EOPNOTSUPP: no provider, -EINVAL: the nonce, -ESHUTDOWN */
                } no_round;
        };
} Action;

/* All-zero is empty. */
typedef struct ActionList {
        Action *items;
        size_t size, allocated;
} ActionList;

void action_list_done(ActionList *l);

/* Makes room for n actions: so many that are added then need no memory. 0 or -ENOMEM. */
int action_reserve(ActionList *l, size_t n);

/* A zeroed action of the type at the end, or NULL when out of memory. */
Action *action_add(ActionList *l, ActionType type);
