/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The life file, /var/lib/sealwatch/life: which TPM life had an event log last, and how many of its records were
 * seen in the register. It outlives the log, so that a log that vanished is missed. One line:
 *
 *   sealwatch-life 1 <life> <watermark>
 *
 * A TPM life is named <resetCount>-<first 16 hexadecimal digits of the SHA-256 of the SRK's Name>. */

#include <stdbool.h>

#include "lib/digest.h"

enum { LIFE_NAME_MAX = 40 };

typedef struct Life {
        char name[LIFE_NAME_MAX + 1];
        uint64_t watermark; /* records */
} Life;

/* 0, or -EINVAL for anything that life_format() does not write. */
int life_parse(const char *text, size_t n, Life *ret);

enum { LIFE_TEXT_MAX = 96 };
/* Writes the text with its newline; returns its length. */
size_t life_format(const Life *l, char ret[LIFE_TEXT_MAX]);

/* 0 or a negative errno from the crypto library. */
int life_name(uint64_t reset_count, const void *srk_name, size_t srk_name_size, char ret[LIFE_NAME_MAX + 1]);
