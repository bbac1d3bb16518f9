/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Quotes: what is accepted is written again as it was, but for the width of its selections; and their digest is of values
 * that were given. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/sim/quote.h"

enum { FULL_WIDTH = 3 };

static bool has_full_selections(const uint8_t *data, const Attest *a) {
        const uint8_t *p = data + 6 + 2 + a->signer.size + 2 + a->extra.size + 17 + 8 + 4;

        for (size_t i = 0; i < a->n_selections; i++, p += 3 + FULL_WIDTH)
                if (p[2] != FULL_WIDTH)
                        return false;
        return true;
}

static void run(const uint8_t *data, size_t size) {
        _cleanup_(buffer_done) Buffer again = {};
        PcrInputs pcrs = { .banks = bank(HASH_SHA1) | bank(HASH_SHA256) | bank(HASH_SHA512) };
        const char *why = NULL;
        size_t offset = SIZE_MAX;
        Digest digest;
        Attest a;
        int r = attest_parse(data, size, &a, &offset, &why);

        REQUIRE(offset <= size && (r == 0 ? !why : r == -EINVAL && why));
        if (r < 0)
                return;
        REQUIRE(a.signer.size <= TPM_NAME_MAX && a.extra.size <= ATTEST_EXTRA_MAX && a.digest.size <= DIGEST_MAX);
        if (has_full_selections(data, &a)) {
                sim_attest_write(&a, &again);
                REQUIRE(again.size == size && memcmp(again.data, data, size) == 0);
        }
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                pcrs.files[alg].present = 0xffffff;
        r = attest_pcr_digest(&a, &pcrs, HASH_SHA256, &digest);
        REQUIRE(r == 0 || r == -ENODATA);
}

static void seeds(void) {
        static const uint8_t name[TPM_NAME_MAX] = { 0, 0x0b }, extra[ATTEST_EXTRA_MAX] = { 1 };
        const Attest quotes[] = {
                { .signer = { name, 34 },
                  .extra = { extra, 32 },
                  .digest = { name, 32 },
                  .clock = 1,
                  .safe = true,
                  .n_selections = 1,
                  .selections = { { 0x000b, HASH_SHA256, 0xffffff } } },
                { .signer = { name, TPM_NAME_MAX },
                  .extra = { extra, sizeof(extra) },
                  .digest = { name, DIGEST_MAX },
                  .n_selections = 3,
                  .selections = { { 0x0004, HASH_SHA1, 1 },
                                  { 0x0012, _HASH_INVALID, 0 },
                                  { 0x000d, HASH_SHA512, 2 } } },
                {},
        };

        for (size_t i = 0; i < ELEMENTSOF(quotes); i++) {
                _cleanup_(buffer_done) Buffer b = {};

                sim_attest_write(&quotes[i], &b);
                fuzz_seed(b.data, b.size);
        }
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
