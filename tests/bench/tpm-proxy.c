/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tpm-proxy LISTEN SOCKET MICROSECONDS: passes on commands and answers, each answer so much later, as a TPM on a bus
 * does. One client at a time, like swtpm itself. */

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int open_socket(const char *path, int listening) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
                return -1;
        strcpy(address.sun_path, path);
        if (listening ? bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0 || listen(fd, 8) < 0
                      : connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return -1;
        return fd;
}

/* Sleeps until a time: what the real TPM took counts. */
static void answer_after(const struct timespec *asked, long microseconds) {
        struct timespec until = *asked;

        until.tv_nsec += microseconds * 1000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static void serve(int client, int tpm, long microseconds) {
        struct pollfd fds[] = { { client, POLLIN, 0 }, { tpm, POLLIN, 0 } };
        struct timespec asked = {};
        char buffer[8192];

        for (;;) {
                ssize_t n;

                if (poll(fds, 2, -1) < 0)
                        return;
                if (fds[0].revents) {
                        n = read(client, buffer, sizeof(buffer));
                        clock_gettime(CLOCK_MONOTONIC, &asked);
                        if (n <= 0 || write(tpm, buffer, (size_t) n) != n)
                                return;
                }
                if (fds[1].revents) {
                        n = read(tpm, buffer, sizeof(buffer));
                        answer_after(&asked, microseconds);
                        if (n <= 0 || write(client, buffer, (size_t) n) != n)
                                return;
                }
        }
}

int main(int argc, char **argv) {
        int listening;

        if (argc != 4)
                return 2;
        listening = open_socket(argv[1], 1);
        if (listening < 0) {
                perror("tpm-proxy");
                return 1;
        }
        for (;;) {
                int client = accept(listening, NULL, NULL), tpm = open_socket(argv[2], 0);

                if (client >= 0 && tpm >= 0)
                        serve(client, tpm, atol(argv[3]));
                close(client);
                close(tpm);
        }
}
