/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the search for endorsements is about. */

#include "daemon/attest/provider.h"
#include "lib/snp/endorsements.h"
#include "lib/snp/fetch.h"

/* What the report says of who signed it. Of a version without CPUID the product is not known: _SNP_PRODUCT_INVALID. */
typedef struct Signer {
        SnpRole role;
        SnpProduct product;
        uint8_t tcb[SNP_TCB_SIZE], chip_id[SNP_CHIP_ID_SIZE];
} Signer;

typedef struct Parts {
        Buffer parts[_FETCH_PART_MAX];
} Parts;

void parts_done(Parts *p);

/* Replaces a part by a copy. 0 or -ENOMEM. */
int part_set(Parts *p, FetchPart part, const void *data, size_t n);

/* cache.c: files in a directory, by what they are about. What is read is no more believed than anything else. */
void cache_read(const char *path, const Signer *s, FetchPart part, Parts *ret);

/* Replaces the file; a VEK's earlier ones are removed. A cache that cannot be written is none. */
void cache_write(const char *path, const Signer *s, FetchPart part, const Parts *parts);

/* How old the file is, in seconds; INT64_MAX: there is none. */
int64_t cache_age(const char *path, const Signer *s, FetchPart part);

/* fetcher.c: asks the helper, and waits a minute at most. 0; a negative errno with a sentence in `why`. */
int fetcher_ask(Gathering *g, const FetchRequest *request, Parts *ret, char why[ATTEST_WHY_MAX]);
