/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The TPM life we know. */

#include "daemon/tpm/life.h"

static void unlockp(pthread_mutex_t **lock) {
        pthread_mutex_unlock(*lock);
}

#define LIFE_LOCKED(l)                                                                                                \
        _cleanup_(unlockp) __attribute__((__unused__)) pthread_mutex_t *_locked = &(l)->lock;                         \
        pthread_mutex_lock(_locked)

void life_begin(Life *l, TpmCounters counters) {
        LIFE_LOCKED(l);

        l->is_known = true;
        l->known = counters;
}

bool life_is_over(Life *l, TpmCounters counters) {
        LIFE_LOCKED(l);

        return l->is_known && !counters_equal(l->known, counters);
}

bool life_tell_once(Life *l, TpmCounters counters) {
        LIFE_LOCKED(l);
        bool first = !l->was_told || !counters_equal(l->told, counters);

        l->was_told = true;
        l->told = counters;
        return first;
}

bool life_needs_cap(Life *l, TpmCounters counters) {
        LIFE_LOCKED(l);

        return !l->was_capped || !counters_equal(l->capped, counters);
}

void life_capped(Life *l, TpmCounters counters) {
        LIFE_LOCKED(l);

        l->was_capped = true;
        l->capped = counters;
}

bool life_banks(Life *l, TpmCounters counters, BankSet *ret) {
        LIFE_LOCKED(l);

        if (!l->has_banks || !counters_equal(l->banks_of, counters))
                return false;
        *ret = l->banks;
        return true;
}

void life_set_banks(Life *l, TpmCounters counters, BankSet banks) {
        LIFE_LOCKED(l);

        l->has_banks = true;
        l->banks_of = counters;
        l->banks = banks;
}
