/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Base64 (RFC 4648), strictly: one text for each string of bytes. (OpenSSL's decoder skips what it does not know, and
 * takes texts whose last bits mean nothing.) */

#include <stddef.h>

#include "lib/base/bytes.h"

typedef enum Base64 {
        BASE64_STANDARD, /* section 4, with padding */
        BASE64_URL,      /* section 5, without padding */
} Base64;

/* Appends the bytes that n characters stand for (no blanks, no line ends) to *ret. 0; -EINVAL at anything that the
 * encoder of that alphabet would not write, with *ret as it was; -ENOMEM. */
int base64_decode(Base64 alphabet, const char *text, size_t n, Buffer *ret);
