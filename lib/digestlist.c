/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Digests as reference values. */

#include "lib/digestlist.h"

#include "lib/base/alloc.h"
#include "lib/base/hex.h"

void digest_list_done(DigestList *l) {
        free(l->items);
        *l = (DigestList){};
}

int digest_list_add(DigestList *l, const char *digits, size_t n) {
        Digest d = { .alg = _HASH_INVALID };

        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                if (n == 2 * hash_size(alg))
                        d.alg = alg;
        if (d.alg == _HASH_INVALID || hex_decode(digits, n / 2, d.bytes) < 0)
                return -EINVAL;
        if (l->size == DIGEST_LIST_MAX)
                return -E2BIG;
        if (GREEDY_REALLOC(l->items, l->allocated, l->size + 1) < 0)
                return -ENOMEM;
        l->items[l->size++] = d;
        return 0;
}

bool digest_list_has(const DigestList *l, HashAlg alg, const uint8_t *digest) {
        for (size_t i = 0; i < l->size; i++)
                if (l->items[i].alg == alg && memcmp(l->items[i].bytes, digest, hash_size(alg)) == 0)
                        return true;
        return false;
}
