/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Registers that change although nobody should change them. What they held when this TPM life was first looked at is known
 * from the boot record; from then on each change must be explained. The measurement register, the cap and IMA's are not
 * judged here: each of them has a log that it must replay to. */

#include "lib/pcr.h"

typedef struct PcrWatch {
        HashAlg alg;
        PcrSet watched;
        uint8_t values[PCR_COUNT][DIGEST_MAX]; /* what they held last */
} PcrWatch;

/* What changed since the last look. */
typedef struct PcrChanges {
        PcrSet tampered;    /* by nobody who may: the boot is over */
        PcrSet unexplained; /* registers that the system goes on to extend, and its log does not say so */
        PcrSet explained;   /* systemd's log says so */
} PcrChanges;

/* known: the registers whose values are given; ours: those that have a log of their own and are not watched. */
void pcr_watch_init(PcrWatch *w, HashAlg alg, PcrSet known, const uint8_t values[PCR_COUNT][DIGEST_MAX], PcrSet ours);

/* Compares, and goes on from what is found now. log: systemd's measurement log (lib/systemdlog.h), or NULL; what is wrong with it
 * ends it. 0, -ENODATA when the values lack the bank, or a negative errno from the crypto library. */
int pcr_watch_look(PcrWatch *w, const PcrValues *now, const char *log, size_t log_size, PcrChanges *ret);
