/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the programs that are measured with have in common. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* CLOCK_MONOTONIC, in nanoseconds. */
static inline long long now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Moves the process into the cgroup with that cgroup.procs; "-": it stays where it is. 0 or a negative errno. */
static inline int enter(const char *procs) {
        int fd;

        if (strcmp(procs, "-") == 0)
                return 0;
        fd = open(procs, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || dprintf(fd, "%d\n", getpid()) < 0)
                return -errno;
        close(fd);
        return 0;
}
