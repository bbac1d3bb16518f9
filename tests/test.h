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
#include "tests/random.h"

enum { EXIT_SKIPPED = 77 }; /* what meson counts as skipped */

#define TEST(function) cmocka_unit_test(function)
#define RUN(tests) cmocka_run_group_tests(tests, NULL, NULL)

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
