/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* exec-bench CGROUP.PROCS COUNT FILE...: moves itself into the cgroup ("-": stays), then executes the files in turn,
 * COUNT executions in all, one after the other. Prints the nanoseconds of each from vfork() to the end of the child, one
 * per line. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

static int run(char *path) {
        char *arguments[] = { path, NULL }, *environment[] = { NULL };
        pid_t child = vfork();
        int status;

        if (child == 0) {
                int null = open("/dev/null", O_WRONLY);

                dup2(null, STDOUT_FILENO);
                execve(path, arguments, environment);
                _exit(126);
        }
        if (child < 0 || waitpid(child, &status, 0) != child)
                return -1;
        return WIFEXITED(status) && WEXITSTATUS(status) != 126 ? 0 : -1;
}

int main(int argc, char **argv) {
        int count = argc > 3 ? atoi(argv[2]) : 0;
        long long *taken = calloc((size_t) count + 1, sizeof(long long));

        if (count <= 0 || !taken || enter(argv[1]) < 0) {
                fprintf(stderr, "usage: exec-bench CGROUP.PROCS COUNT FILE...\n");
                return 2;
        }
        for (int i = 0; i < count; i++) {
                long long start = now();

                if (run(argv[3 + i % (argc - 3)]) < 0) {
                        fprintf(stderr, "%s did not run\n", argv[3 + i % (argc - 3)]);
                        return 1;
                }
                taken[i] = now() - start;
        }
        for (int i = 0; i < count; i++)
                printf("%lld\n", taken[i]);
        return 0;
}
