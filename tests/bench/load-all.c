/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* load-all: loads the kernel-side programs of the rung of security modules and attaches them, as any loader of objects would, and
 * does no more. Prints the nanoseconds. */

#include <stdio.h>

#include "daemon/sensor/bpf/programs.h"
#include "tests/bench/bench.h"

int main(void) {
        const SensorSettings settings = { .rung = RUNG_LSM };
        long long start = now();
        Programs *programs;
        const char *why;

        if (programs_load(&settings, 1 << 20, &programs, &why) < 0) {
                fprintf(stderr, "%s\n", why);
                return 1;
        }
        if (programs_attach(programs) < 0) {
                fprintf(stderr, "they cannot be attached\n");
                return 1;
        }
        printf("%lld\n", now() - start);
        programs_free(programs);
        return 0;
}
