/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Deadlines of TPM commands: the time of CLOCK_MONOTONIC, which stands still while the machine is suspended, as the
 * TPM does. */

#include <time.h>

#include "lib/base/macro.h"

static inline usec_t now_monotonic(void) {
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (usec_t) ts.tv_sec * USEC_PER_SEC + (usec_t) ts.tv_nsec / NSEC_PER_USEC;
}

static inline struct timespec usec_to_timespec(usec_t t) {
        return (struct timespec){ .tv_sec = (time_t) (t / USEC_PER_SEC),
                                  .tv_nsec = (long) (t % USEC_PER_SEC * NSEC_PER_USEC) };
}
