/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* PCR values and the extend operation. */

#include "lib/pcr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

char *pcr_set_text(PcrSet set, char ret[PCR_SET_TEXT_MAX]) {
        size_t used = 0;

        snprintf(ret, PCR_SET_TEXT_MAX, "none");
        for (unsigned i = 0, end; i < PCR_COUNT; i = end + 1) {
                for (end = i; end + 1 < PCR_COUNT && set & 1U << i && set & 1U << (end + 1);)
                        end++;
                if (!(set & 1U << i))
                        continue;
                used += (size_t) snprintf(ret + used, PCR_SET_TEXT_MAX - used, "%s%u", used ? ", " : "", i);
                if (end > i)
                        used += (size_t) snprintf(ret + used, PCR_SET_TEXT_MAX - used, "-%u", end);
        }
        return ret;
}

char *bank_set_text(BankSet set, char ret[BANK_SET_TEXT_MAX]) {
        size_t used = 0;

        snprintf(ret, BANK_SET_TEXT_MAX, "none");
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                if (set & bank(alg))
                        used += (size_t) snprintf(ret + used, BANK_SET_TEXT_MAX - used, "%s%s", used ? ", " : "",
                                                  hash_name(alg));
        return ret;
}

BankDigests bank_digests_zero(BankSet banks) {
        return (BankDigests){ .banks = banks };
}

int bank_digests_hash(BankSet banks, const void *data, size_t n, BankDigests *ret) {
        BankDigests d = { .banks = banks };

        for (HashAlg alg = 0; alg < _HASH_MAX; alg++) {
                Digest one;
                int r;

                if (!(banks & bank(alg)))
                        continue;
                r = digest_data(alg, data, n, &one);
                if (r < 0)
                        return r;
                memcpy(d.values[alg], one.bytes, hash_size(alg));
        }
        *ret = d;
        return 0;
}

BankDigests bank_digests_violation(BankSet banks) {
        BankDigests d = { .banks = banks };

        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                if (banks & bank(alg))
                        memset(d.values[alg], 0xff, hash_size(alg));
        return d;
}

int bank_digests_extend(BankDigests *value, const BankDigests *digest) {
        BankDigests extended = *value;

        if ((value->banks & digest->banks) != value->banks)
                return -EINVAL;
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++) {
                size_t size = hash_size(alg);
                Digest result;
                int r;

                if (!(value->banks & bank(alg)))
                        continue;
                r = digest_pair(alg, value->values[alg], size, digest->values[alg], size, &result);
                if (r < 0)
                        return r;
                memcpy(extended.values[alg], result.bytes, size);
        }
        *value = extended;
        return 0;
}

bool bank_digests_equal(const BankDigests *a, const BankDigests *b) {
        if (a->banks != b->banks)
                return false;
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                if (a->banks & bank(alg) && memcmp(a->values[alg], b->values[alg], hash_size(alg)) != 0)
                        return false;
        return true;
}

bool bank_digests_is_zero(const BankDigests *value) {
        BankDigests zero = bank_digests_zero(value->banks);

        return bank_digests_equal(value, &zero);
}

int pcr_values_extend(PcrValues *values, unsigned pcr, const BankDigests *digest) {
        BankSet banks = values->banks & digest->banks;

        for (HashAlg alg = 0; alg < _HASH_MAX; alg++) {
                uint8_t *value = values->values[alg][pcr];
                Digest result;
                int r;

                if (!(banks & bank(alg)))
                        continue;
                r = digest_pair(alg, value, hash_size(alg), digest->values[alg], hash_size(alg), &result);
                if (r < 0)
                        return r;
                memcpy(value, result.bytes, hash_size(alg));
        }
        return 0;
}

BankDigests pcr_values_get(const PcrValues *values, unsigned pcr) {
        BankDigests d = { .banks = values->banks };

        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                memcpy(d.values[alg], values->values[alg][pcr], DIGEST_MAX);
        return d;
}

HashAlg bank_preferred(BankSet banks) {
        static const HashAlg order[] = { HASH_SHA256, HASH_SHA384, HASH_SHA512 };

        for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
                if (banks & bank(order[i]))
                        return order[i];
        return _HASH_INVALID;
}
