/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Numbers that look random and come again with the same seed (Vigna: "xorshift64*", 2014). */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct Random {
        uint64_t state;
} Random;

/* SEALWATCH_SEED=, or a fixed seed: a test that fails must fail again. */
static inline Random random_new(uint64_t fallback) {
        const char *text = getenv("SEALWATCH_SEED");
        uint64_t seed = text ? strtoull(text, NULL, 0) : fallback;

        return (Random){ .state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1 };
}

static inline uint64_t random_next(Random *r) {
        r->state ^= r->state >> 12;
        r->state ^= r->state << 25;
        r->state ^= r->state >> 27;
        return r->state * UINT64_C(2685821657736338717);
}

/* 0 to below - 1. */
static inline size_t random_below(Random *r, size_t below) {
        return (size_t) ((random_next(r) >> 33) % below);
}

static inline void random_fill(Random *r, void *data, size_t n) {
        for (size_t i = 0; i < n; i++)
                ((uint8_t *) data)[i] = (uint8_t) (random_next(r) >> 32);
}
