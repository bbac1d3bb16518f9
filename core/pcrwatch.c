/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Judging changes of registers. */

#include "core/pcrwatch.h"

#include <errno.h>
#include <string.h>

#include "lib/base/macro.h"
#include "lib/systemdlog.h"

enum {
        WATCHED_PCRS = 0xffff & ~(1 << 10), /* root can reset 16 and 23; 17 to 22 are not the guest's; 10 is IMA's */
        LIVING_PCRS = 1 << 9 | 1 << 11 | 1 << 15, /* systemd extends them while the system runs */
        RECORDS_MAX = 64,                         /* of one register, the last ones */
};

void pcr_watch_init(PcrWatch *w, HashAlg alg, PcrSet known, const uint8_t values[PCR_COUNT][DIGEST_MAX], PcrSet ours) {
        *w = (PcrWatch){ .alg = alg, .watched = known & WATCHED_PCRS & ~ours };
        memcpy(w->values, values, sizeof(w->values));
}

/* What systemd extended into one register, in its order. */
typedef struct Extends {
        size_t n;
        BankDigests digests[RECORDS_MAX];
} Extends;

static void extends_add(Extends *x, const BankDigests *digest) {
        if (x->n == RECORDS_MAX) {
                memmove(x->digests, x->digests + 1, (RECORDS_MAX - 1) * sizeof(x->digests[0]));
                x->n--;
        }
        x->digests[x->n++] = *digest;
}

static void extends_of(unsigned pcr, HashAlg alg, const char *log, size_t log_size, Extends *ret) {
        const char *why;
        SystemdRecord record;
        size_t at = 0;

        ret->n = 0;
        while (systemd_record_next(log, log_size, &at, &record, &why) == LOG_ENTRY)
                if (record.pcr == (int) pcr && record.digests.banks & bank(alg))
                        extends_add(ret, &record.digests);
}

/* Whether the end of the list leads from one value to the other. 1, 0 or a negative errno. */
static int extends_explain(const Extends *x, HashAlg alg, const uint8_t *from, const uint8_t *to) {
        for (size_t first = x->n; first-- > 0;) {
                BankDigests value = bank_digests_zero(bank(alg));

                memcpy(value.values[alg], from, hash_size(alg));
                for (size_t i = first; i < x->n; i++) {
                        int r;
                        BankDigests one = x->digests[i];

                        one.banks = bank(alg);
                        r = bank_digests_extend(&value, &one);
                        if (r < 0)
                                return r;
                }
                if (memcmp(value.values[alg], to, hash_size(alg)) == 0)
                        return 1;
        }
        return 0;
}

static int judge(const PcrWatch *w, unsigned pcr, const uint8_t *now, const char *log, size_t log_size,
                 PcrChanges *ret) {
        Extends extends;
        int r;

        if (!(LIVING_PCRS & (1U << pcr))) {
                ret->tampered |= 1U << pcr;
                return 0;
        }
        extends_of(pcr, w->alg, log, log_size, &extends);
        r = extends_explain(&extends, w->alg, w->values[pcr], now);
        if (r > 0)
                ret->explained |= 1U << pcr;
        else
                ret->unexplained |= 1U << pcr;
        return r < 0 ? r : 0;
}

int pcr_watch_look(PcrWatch *w, const PcrValues *now, const char *log, size_t log_size, PcrChanges *ret) {
        const size_t size = hash_size(w->alg);
        int r = 0;

        *ret = (PcrChanges){};
        if (!(now->banks & bank(w->alg)))
                return -ENODATA;
        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
                const uint8_t *value = now->values[w->alg][pcr];
                int q;

                if (!(w->watched & (1U << pcr)) || memcmp(value, w->values[pcr], size) == 0)
                        continue;
                q = judge(w, pcr, value, log, log ? log_size : 0, ret);
                r = r < 0 ? r : q;
                memcpy(w->values[pcr], value, size);
        }
        return r;
}
