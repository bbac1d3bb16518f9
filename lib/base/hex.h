/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lower-case hexadecimal. (OpenSSL's converters write upper case and allocate.) */

#include <stddef.h>
#include <stdint.h>

/* Writes 2 * n digits and a NUL to ret, which must have room for them. Returns ret. */
char *hex_encode(const void *data, size_t n, char *ret);

/* Reads exactly 2 * n digits of either case from text (which need not end there) into ret. 0, or -EINVAL at the
 * first character that is not a digit (a NUL among them, so a short string is never read past its end). */
int hex_decode(const char *text, size_t n, uint8_t *ret);
