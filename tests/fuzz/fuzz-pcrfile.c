/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files of PCR values: what was read, written in evmctl's form, reads the same. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/pcrfile.h"

static void run_as(HashAlg alg, const char *text, size_t size) {
        _cleanup_free_ char *written = NULL;
        PcrFile f, again;
        PcrValues values = { .banks = bank(alg) };
        const char *why = NULL;
        unsigned line;

        if (pcrfile_parse(text, size, alg, &f, &line, &why) < 0) {
                REQUIRE(why && line >= 1 && line <= size);
                return;
        }
        REQUIRE(f.present < 1U << PCR_COUNT);
        memcpy(values.values[alg], f.values, sizeof(f.values));
        written = pcrfile_format(&values, alg);
        REQUIRE(written && pcrfile_parse(written, strlen(written), alg, &again, &line, &why) == 0);
        REQUIRE(again.present == (1U << PCR_COUNT) - 1 && memcmp(again.values, f.values, sizeof(f.values)) == 0);
}

static void run(const uint8_t *data, size_t size) {
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                run_as(alg, (const char *) data, size);
}

static void seeds(void) {
        PcrValues values = {};

        for (HashAlg alg = 0; alg < _HASH_MAX; alg++) {
                _cleanup_free_ char *text = NULL;

                memset(values.values[alg][13], 0xa5, hash_size(alg));
                text = pcrfile_format(&values, alg);
                REQUIRE(text);
                fuzz_seed_text(text);
        }
        fuzz_seed_text("# evmctl\r\n\n13 00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff 00 11 22 33\r\nPCR-7: "
                       "00112233445566778899"
                       "aabbccddeeff00112233\n");
        fuzz_seed_text("PCR-24: 00\nPCR- 00\nPCR-013: 0\n");
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
