/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is known of the TPM life that we measure into: the span between two resets, as resetCount and restartCount
 * tell. Shared by the workers; every function takes the lock. */

#include <pthread.h>

#include "daemon/tpm/job.h"

/* The all-zero value with an initialized lock knows nothing. */
typedef struct Life {
        pthread_mutex_t lock;
        bool is_known, was_told, was_capped, has_banks;
        TpmCounters known;  /* from the last TPM_JOB_STATE */
        TpmCounters told;   /* of the reset that was reported last */
        TpmCounters capped; /* of the reset after which the cap was extended */
        TpmCounters banks_of;
        BankSet banks; /* allocated under banks_of: that changes only with a reset */
} Life;

static inline bool counters_equal(TpmCounters a, TpmCounters b) {
        return a.reset == b.reset && a.restart == b.restart;
}

/* This is the life from now on. */
void life_begin(Life *l, TpmCounters counters);

/* The counters belong to another life than the known one. */
bool life_is_over(Life *l, TpmCounters counters);

/* True the first time that the reset with these counters is asked about: tell somebody. Second: the cap is in. */
bool life_tell_once(Life *l, TpmCounters counters);
bool life_needs_cap(Life *l, TpmCounters counters);
void life_capped(Life *l, TpmCounters counters);

bool life_banks(Life *l, TpmCounters counters, BankSet *ret); /* false: to be read, then set */
void life_set_banks(Life *l, TpmCounters counters, BankSet banks);
