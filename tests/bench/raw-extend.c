/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* raw-extend SOCKET COUNT: extends PCR 15 in the SHA-256 bank COUNT times with bytes of its own making, no library
 * between, and prints the nanoseconds of each. The floor for everything that measures. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/bench/bench.h"

/* TPM2_PCR_Extend (TPM 2.0 part 3, 22.2): header, PCR handle, a password session, one SHA-256 digest. */
static const unsigned char command[65] = {
        0x80, 0x02, 0, 0, 0, 65, 0, 0, 0x01, 0x82, 0, 0, 0, 15, 0, 0,    0,
        9,    0x40, 0, 0, 9, 0,  0, 0, 0,    0,    0, 0, 0, 1,  0, 0x0b,
};

int main(int argc, char **argv) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), count = argc == 3 ? atoi(argv[2]) : 0;
        unsigned char answer[64];

        if (count <= 0 || strlen(argv[1]) >= sizeof(address.sun_path))
                return 2;
        strcpy(address.sun_path, argv[1]);
        if (fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0) {
                perror("raw-extend");
                return 1;
        }
        for (int i = 0; i < count; i++) {
                long long start = now();

                if (write(fd, command, sizeof(command)) != sizeof(command) || read(fd, answer, sizeof(answer)) < 10 ||
                    memcmp(answer + 6, "\0\0\0", 4) != 0) {
                        fprintf(stderr, "raw-extend: the TPM refused\n");
                        return 1;
                }
                printf("%lld\n", now() - start);
        }
        return 0;
}
