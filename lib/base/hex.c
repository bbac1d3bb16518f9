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

static int digit_value(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -EINVAL;
}

int hex_decode(const char *text, size_t n, uint8_t *ret) {
        for (size_t i = 0; i < n; i++) {
                int high = digit_value(text[2 * i]);
                if (high < 0)
                        return high;
                int low = digit_value(text[2 * i + 1]);
                if (low < 0)
                        return low;
                ret[i] = (uint8_t) (high << 4 | low);
        }
        return 0;
}
