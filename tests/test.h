/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What every test needs: cmocka with its prerequisites, random numbers that can be had again, hexadecimal. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/hex.h"
#include "lib/base/macro.h"

enum { EXIT_SKIPPED = 77 }; /* what meson counts as skipped */

#define TEST(function) cmocka_unit_test(function)
#define RUN(tests) cmocka_run_group_tests(tests, NULL, NULL)

/* Numbers that look random and come again with the same seed (Vigna: "xorshift64*", 2014). */
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

/* The bytes that n pairs of digits write. */
static inline void from_hex(const char *text, size_t n, uint8_t *ret) {
        assert_int_equal(strlen(text), 2 * n);
        assert_int_equal(hex_decode(text, n, ret), 0);
}

/* n times the same character, NUL-terminated. */
static inline char *repeat(char c, size_t n) {
        char *text = malloc(n + 1);

        assert_non_null(text);
        memset(text, c, n);
        text[n] = '\0';
        return text;
}
