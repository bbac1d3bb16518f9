/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Strict base64. */

#include "lib/base/base64.h"

#include <errno.h>

static int digit(Base64 alphabet, char c) {
        if (c >= 'A' && c <= 'Z')
                return c - 'A';
        if (c >= 'a' && c <= 'z')
                return c - 'a' + 26;
        if (c >= '0' && c <= '9')
                return c - '0' + 52;
        if (c == (alphabet == BASE64_URL ? '-' : '+'))
                return 62;
        return c == (alphabet == BASE64_URL ? '_' : '/') ? 63 : -1;
}

/* The number of characters before the padding, or 0 where padding is wrong. */
static size_t without_padding(Base64 alphabet, const char *text, size_t n) {
        if (alphabet == BASE64_URL)
                return n;
        if (n % 4 != 0)
                return 0;
        for (unsigned pads = 0; pads < 2 && n > 0 && text[n - 1] == '='; pads++)
                n--;
        return n;
}

int base64_decode(Base64 alphabet, const char *text, size_t n, Buffer *ret) {
        size_t digits = without_padding(alphabet, text, n), start = ret->size;
        unsigned bits = 0;
        uint32_t value = 0;

        if ((digits == 0 && n > 0) || digits % 4 == 1)
                return -EINVAL;
        for (size_t i = 0; i < digits; i++) {
                int d = digit(alphabet, text[i]);

                if (d < 0) {
                        ret->size = start;
                        return -EINVAL;
                }
                value = value << 6 | (uint32_t) d;
                bits += 6;
                if (bits >= 8) {
                        bits -= 8;
                        buffer_u8(ret, (uint8_t) (value >> bits));
                        value &= (1U << bits) - 1;
                }
        }
        if (value != 0) {
                ret->size = start;
                return -EINVAL;
        }
        return buffer_error(ret);
}
