/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* reference-load FILE: loads a reference set as the daemon does. Prints seconds, digests, and the bytes of memory that
 * stay. */

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "policy/reference.h"

int main(int argc, char **argv) {
        int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
        static char piece[65536];
        struct timespec start, end;
        ProblemList problems = {};
        ReferenceSet *set;
        size_t before;
        ssize_t n;

        if (fd < 0)
                return 2;
        before = mallinfo2().uordblks + mallinfo2().hblkhd;
        clock_gettime(CLOCK_MONOTONIC, &start);
        if (reference_set_new(&set) < 0)
                return 1;
        while ((n = read(fd, piece, sizeof(piece))) > 0)
                if (reference_set_feed(set, argv[1], piece, (size_t) n, &problems) < 0)
                        return 1;
        if (reference_set_feed(set, argv[1], "", 0, &problems) < 0 || reference_set_finish(set) < 0)
                return 1;
        clock_gettime(CLOCK_MONOTONIC, &end);
        printf("%.6f %zu %zu\n", (double) (end.tv_sec - start.tv_sec) + (double) (end.tv_nsec - start.tv_nsec) / 1e9,
               reference_set_size(set), mallinfo2().uordblks + mallinfo2().hblkhd - before);
        return problem_list_is_empty(&problems) ? 0 : 1;
}
