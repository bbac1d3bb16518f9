/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The smallest fanotify permission responder there can be: says yes to every exec on the file system of argv[1]. The
 * floor for every gate in user space. */

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/fanotify.h>
#include <unistd.h>

int main(int argc, char **argv) {
        int fd = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
        char buffer[65536] __attribute__((aligned(8)));

        if (argc != 2 || fd < 0 ||
            fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN_EXEC_PERM, AT_FDCWD, argv[1]) < 0) {
                perror("fan-peer");
                return 1;
        }
        puts("ready");
        fflush(stdout);
        for (;;) {
                ssize_t n = read(fd, buffer, sizeof(buffer));

                if (n <= 0)
                        return 1;
                for (const struct fanotify_event_metadata *e = (void *) buffer; FAN_EVENT_OK(e, n);
                     e = FAN_EVENT_NEXT(e, n)) {
                        const struct fanotify_response answer = { .fd = e->fd, .response = FAN_ALLOW };

                        if (write(fd, &answer, sizeof(answer)) != sizeof(answer))
                                return 1;
                        close(e->fd);
                }
        }
}
