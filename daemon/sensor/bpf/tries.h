/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Harmless things that hooks must see, each done by ourselves. */

#include "bpf/abi.h"

/* Something that can be traced: the canary, held until trial_done(). All-zero: none. */
typedef struct Trial {
        int file; /* the canary */
        int child, line;
        char own[64];                         /* a file of ours that is protected; "": none */
        unsigned map_id, link_id, program_id; /* of ours */
} Trial;

/* Before the hooks watch us: makes the file, then, when the hooks of earlier daemons let it go, the process. 0 or a negative errno;
 * trial_done() in any case. */
int trial_begin(const char *canary, Trial *ret); /* own and the numbers are the caller's to fill in */
int trial_spawn(Trial *t);
void trial_done(Trial *t);

/* Does what the hook of that kind is about; whether it is let or not, nothing changes. 0, a negative errno, or 1 where the
 * kernel's answer says nothing about the hook. */
int trial_do(const Trial *t, unsigned number);

/* What the number-th trial must be seen as; _WHAT_MAX past the last. */
ActivityWhat trial_what(unsigned number);
