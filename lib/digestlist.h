/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Digests of any algorithm, as reference values. */

#include "lib/digest.h"

enum { DIGEST_LIST_MAX = 4096 };

/* All-zero is empty. */
typedef struct DigestList {
        Digest *items;
        size_t size, allocated;
} DigestList;

void digest_list_done(DigestList *l);

/* Adds n hexadecimal digits; their number says which algorithm it is. 0; -EINVAL when they are no digest; -E2BIG,
 * -ENOMEM. */
int digest_list_add(DigestList *l, const char *digits, size_t n);

/* True when the list has the digest: its size is that of alg. */
bool digest_list_has(const DigestList *l, HashAlg alg, const uint8_t *digest);
