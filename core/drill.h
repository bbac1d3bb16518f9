/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A drill: what somebody announces that he will try, to see whether it is denied and seen. While it is open, what was announced
 * leads to nothing but refusal and record; what anybody else does in the meantime leads to what it always does. */

#include "lib/event.h"
#include "policy/drill.h"

enum { DRILL_CODE_MAX = 128 }; /* how often a program of the drill is exempt: more than its races need */

/* An item that somebody wants to try. */
typedef struct DrillAsked {
        DrillItem item;
        uint32_t pid;     /* who will: waits, so that nobody else gets its number; 0 for items about code */
        usec_t started;   /* CLOCK_BOOTTIME at which it was born */
        usec_t tolerance; /* … is known to so much */
} DrillAsked;

typedef struct DrillTarget {
        const char *name, *text;
} DrillTarget;

/* name NULL ends targets. */
typedef struct DrillRequest {
        uint64_t request; /* by which the caller is known */
        uint32_t uid, pid;
        const char *id; /* DRILL_ID_SIZE digits; of the end: of which */
        const DrillAsked *asked;
        size_t asked_size;
        const DrillTarget *targets;
} DrillRequest;

typedef enum DrillPhase {
        DRILL_NONE,
        DRILL_ANNOUNCED, /* its record is on the way to the register */
        DRILL_OPEN,
        DRILL_ENDED, /* … the record of its end */
} DrillPhase;

typedef struct Drill {
        DrillPhase phase;
        char id[DRILL_ID_SIZE + 1];
        uint64_t request, seq; /* who waits for the record of the phase; request 0: nobody */
        uint64_t begun;        /* the entry of the announcement */
        usec_t until;
        struct {
                bool asked, open, used;
                unsigned taken;  /* of an item about code: how often */
                const char *why; /* asked, and not taken: static */
                DrillAsked by;
                uint8_t digest[SHA256_SIZE]; /* of an item about code */
        } items[_DRILL_MAX];
} Drill;
