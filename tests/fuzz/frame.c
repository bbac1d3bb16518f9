/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What every target has. "--seeds DIRECTORY" as the only arguments writes the target's seeds there. */

#include "tests/fuzz/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/macro.h"
#include "tests/fuzz/fuzz.h"

static void (*seed_taker)(const void *data, size_t size);
static const char *seed_directory;
static unsigned seed_count;

void fuzz_seed(const void *data, size_t size) {
        seed_taker(data, size);
}

void fuzz_seed_text(const char *text) {
        fuzz_seed(text, strlen(text));
}

void frame_each_seed(void (*take)(const void *data, size_t size)) {
        seed_taker = take;
        fuzz_target.seeds();
}

static void write_seed(const void *data, size_t size) {
        _cleanup_free_ char *path = NULL;
        _cleanup_(fclosep) FILE *f = NULL;

        REQUIRE(asprintf(&path, "%s/seed-%03u", seed_directory, seed_count++) > 0);
        f = fopen(path, "we");
        REQUIRE(f && fwrite(data, 1, size, f) == size && fflush(f) == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        if (*argc != 3 || !streq((*argv)[1], "--seeds"))
                return 0;
        seed_directory = (*argv)[2];
        frame_each_seed(write_seed);
        exit(EXIT_SUCCESS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        fuzz_target.run(data, size);
        return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) {
        size_t n = LLVMFuzzerMutate(data, size, max);

        if (fuzz_target.repair && seed % 8 > 0) /* wrong ones must be refused, too */
                fuzz_target.repair(data, n);
        return n;
}
