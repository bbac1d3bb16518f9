/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* other-daemon CGROUP BPF_DIR: pins programs whose events no other version can read, says so by a byte, and stays until it is
 * killed. */

#include <stdio.h>
#include <unistd.h>

#include "daemon/sensor/bpf/observer.h"

static void ignore_exec(void *userdata, const Execed *x) {
}

static void ignore_code(void *userdata, CodeSeen *c, uint32_t generation) {
}

static void ignore_lost(void *userdata, const char *sensor, uint64_t first, uint64_t last, uint64_t count) {
}

static void ignore_end(void *userdata, const char *why) {
}

int main(int argc, char **argv) {
        static const ObserverOps ops = {
                .execed = ignore_exec, .code = ignore_code, .lost = ignore_lost, .died = ignore_end
        };
        const ObserverOptions options = { .cgroup = argv[1], .bpf_dir = argc > 2 ? argv[2] : NULL };
        const char *why = NULL;
        sd_event *event;
        Observer *o;

        if (argc != 3 || sd_event_new(&event) < 0 || observer_new(event, &options, &ops, &o) < 0 ||
            observer_attach(o, &why) < 0 || observer_pinned(o, &why) == 0) {
                fprintf(stderr, "other-daemon: %s\n", strempty(why));
                return 1;
        }
        observer_take_over(o);
        putchar('x');
        fflush(stdout);
        for (;;)
                pause();
}
