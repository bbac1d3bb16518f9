/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kernel-side programs: loaded, attached, and what they share with us. */

#include <stddef.h>

#include "bpf/abi.h"

typedef struct Programs Programs;

/* Loads. ring_size: bytes, a power of two of at least a page. On failure a negative errno, and *ret_why says what is
 * missing (static). */
int programs_load(const SensorSettings *settings, size_t ring_size, Programs **ret, const char **ret_why);
Programs *programs_free(Programs *p);

int programs_attach(Programs *p); /* 0 or a negative errno */

/* Shared with the programs, which write to it at any time. */
SensorState *programs_state(Programs *p);

int programs_ring_fd(const Programs *p);
int programs_identify_fd(const Programs *p);

/* How often the kernel left out the program because it was running on the same CPU already; a negative errno. */
long programs_missed(const Programs *p);
