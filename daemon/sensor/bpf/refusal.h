/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which program the kernel refused, and why, out of what libbpf prints. */

#include <stdbool.h>

enum { REFUSAL_SIZE = 256 };

typedef struct Refusal {
        char program[64];   /* the first one; empty: none was named */
        char verifier[128]; /* the last line that the verifier wrote before its figures */
} Refusal;

/* One message of libbpf's. */
void refusal_take(Refusal *r, const char *message);

/* One line; false: no program was named. error: a negative errno. */
bool refusal_format(const Refusal *r, int error, char ret[REFUSAL_SIZE]);
