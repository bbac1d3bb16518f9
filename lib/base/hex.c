/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lower-case hexadecimal. */

#include "lib/base/hex.h"

#include <errno.h>

char *hex_encode(const void *data, size_t n, char *ret) {
        static const char digits[] = "0123456789abcdef";
        const uint8_t *p = data;

        for (size_t i = 0; i < n; i++) {
                ret[2 * i] = digits[p[i] >> 4];
                ret[2 * i + 1] = digits[p[i] & 15];
        }
        ret[2 * n] = '\0';
        return ret;
}

/* A table, since nobody can predict the digits of a digest: of a million lines they are most of the time. 0 is none. */
static const uint8_t values_plus_1[256] = {
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
        ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
        ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

static int digit_value(char c) {
        return values_plus_1[(uint8_t) c] - 1;
}

int hex_decode(const char *text, size_t n, uint8_t *ret) {
        for (size_t i = 0; i < n; i++) {
                int high = digit_value(text[2 * i]);
                if (high < 0)
                        return -EINVAL;
                int low = digit_value(text[2 * i + 1]);
                if (low < 0)
                        return -EINVAL;
                ret[i] = (uint8_t) (high << 4 | low);
        }
        return 0;
}
