/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* map-bench COUNT FILE: maps the file as the loader of libraries does, and unmaps it. Prints the nanoseconds of each
 * mmap(), one per line. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char *argv[]) {
        int count = argc == 3 ? atoi(argv[1]) : 0, fd = argc == 3 ? open(argv[2], O_RDONLY | O_CLOEXEC) : -1;
        long long *taken = calloc((size_t) count + 1, sizeof(long long));

        if (count <= 0 || fd < 0 || !taken) {
                fprintf(stderr, "usage: map-bench COUNT FILE\n");
                return 2;
        }
        for (int i = 0; i < count; i++) {
                long long start = now();
                void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

                taken[i] = now() - start;
                if (p == MAP_FAILED || munmap(p, 4096) < 0)
                        return 1;
        }
        for (int i = 0; i < count; i++)
                printf("%lld\n", taken[i]);
        return 0;
}
