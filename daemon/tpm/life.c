/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The TPM life we know. */

#include "daemon/tpm/life.h"

#include "daemon/tpm/lock.h"

void life_begin(Life *l, TpmCounters counters) {
        HOLD(&l->lock);

        l->is_known = true;
        l->known = counters;
}

bool life_is_over(Life *l, TpmCounters counters) {
        HOLD(&l->lock);

        return l->is_known && !counters_equal(l->known, counters);
}

bool life_tell_once(Life *l, TpmCounters counters) {
        HOLD(&l->lock);
        bool first = !l->was_told || !counters_equal(l->told, counters);

        l->was_told = true;
        l->told = counters;
        return first;
}

bool life_needs_cap(Life *l, TpmCounters counters) {
        HOLD(&l->lock);

        return !l->was_capped || !counters_equal(l->capped, counters);
}

void life_capped(Life *l, TpmCounters counters) {
        HOLD(&l->lock);

        l->was_capped = true;
        l->capped = counters;
}

bool life_banks(Life *l, TpmCounters counters, BankSet *ret) {
        HOLD(&l->lock);

        if (!l->has_banks || !counters_equal(l->banks_of, counters))
                return false;
        *ret = l->banks;
        return true;
}

void life_set_banks(Life *l, TpmCounters counters, BankSet banks) {
        HOLD(&l->lock);

        l->has_banks = true;
        l->banks_of = counters;
        l->banks = banks;
}
