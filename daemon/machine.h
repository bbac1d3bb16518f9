/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the records say of the machine, and the two clocks. */

#include "lib/event.h"

typedef struct Machine {
        char boot_id[40]; /* as the kernel writes it */
        char kernel[200]; /* "Linux 6.12.1 #1 SMP ..." */
        uint8_t cmdline[SHA256_SIZE];
        bool stub_booted; /* by systemd-stub: a unified kernel image */
} Machine;

/* What cannot be read stays empty. 0 or a negative errno from the crypto library. */
int machine_read(Machine *ret);

Now now_get(void);
