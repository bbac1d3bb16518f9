/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A fuzz target: one parser of bytes from outside, and what must hold whatever they are. A target defines fuzz_target;
 * the frame gives it to libFuzzer, or to a main() that plays the corpus and a fixed number of changes of it. */

#include <stddef.h>
#include <stdint.h>

#include "tests/sample.h" /* REQUIRE() */

typedef struct FuzzTarget {
        /* Takes any bytes; aborts when a property does not hold. The bytes end where their memory ends. */
        void (*run)(const uint8_t *data, size_t size);

        /* Calls fuzz_seed() with valid input, made by the project's own writers. */
        void (*seeds)(void);

        /* Makes right again what a change broke and no change would ever mend (checksums), in place. NULL: nothing. */
        void (*repair)(uint8_t *data, size_t size);
} FuzzTarget;

extern const FuzzTarget fuzz_target;

/* Keeps a copy. */
void fuzz_seed(const void *data, size_t size);
void fuzz_seed_text(const char *text);
