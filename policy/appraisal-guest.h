/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is asked of a guest's conduct: [Guest] of sealwatch.appraisal(5). */

#include "lib/digestlist.h"

typedef enum AllowedGaps {
        ALLOWED_GAPS_NONE,
        ALLOWED_GAPS_CLEAN, /* while the daemon was restarted on request */
        ALLOWED_GAPS_ALL,
} AllowedGaps;

typedef enum AllowedDrills {
        ALLOWED_DRILLS_NONE,
        ALLOWED_DRILLS_DENIED, /* in enforce all that they tried was refused */
        ALLOWED_DRILLS_ALL,
} AllowedDrills;

typedef enum WantedProof {
        WANTED_PROOF_NONE,
        WANTED_PROOF_SEEN,    /* an unknown program was measured for this nonce, whatever became of it */
        WANTED_PROOF_REFUSED, /* and was refused */
} WantedProof;

typedef struct GuestRequirements {
        uint64_t modes;   /* 1 << Mode */
        uint64_t log_pcr; /* the register of the guest's log */
        int gaps;         /* AllowedGaps */
        int proof;        /* WantedProof */
        int drills;       /* AllowedDrills */
        bool allow_losses, allow_degraded, allow_lowered_levels;
        DigestList policies; /* of the guest's own policy; empty: any */
} GuestRequirements;

/* Both modes, PCR 13, clean gaps, drills that were refused, a proof; nothing else is allowed. */
GuestRequirements guest_requirements_default(void);
void guest_requirements_done(GuestRequirements *q);

extern const char *const allowed_gaps_words[], *const allowed_drills_words[],
                                                       *const wanted_proof_words[]; /* ended by NULL */
