/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* map-bench CGROUP.PROCS COUNT FILE...: moves itself into the cgroup ("-": stays), then maps the files in turn as the loader of
 * libraries does, COUNT times in all, and unmaps them. Prints the nanoseconds of each mmap(), one per line. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/bench/bench.h"

/* Nanoseconds; -1: it cannot be mapped. */
static long long map(const char *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        long long start = now(), taken;
        void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

        taken = now() - start;
        close(fd);
        return p == MAP_FAILED || munmap(p, 4096) < 0 ? -1 : taken;
}

int main(int argc, char *argv[]) {
        int count = argc > 3 ? atoi(argv[2]) : 0;
        long long *taken = calloc((size_t) count + 1, sizeof(long long));

        if (count <= 0 || !taken || enter(argv[1]) < 0) {
                fprintf(stderr, "usage: map-bench CGROUP.PROCS COUNT FILE...\n");
                return 2;
        }
        for (int i = 0; i < count; i++) {
                const char *path = argv[3 + i % (argc - 3)];

                taken[i] = map(path);
                if (taken[i] < 0) {
                        fprintf(stderr, "%s cannot be mapped\n", path);
                        return 1;
                }
        }
        for (int i = 0; i < count; i++)
                printf("%lld\n", taken[i]);
        return 0;
}
