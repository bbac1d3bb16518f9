/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Has somebody else try. */

#include "daemon/sensor/deputy.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/io/fd.h"

enum { ANSWER_MS = 5000 };

static int send_order(int to, DeputyOrder order, int fd) {
        char byte = (char) order;
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control = { .header = {
                              .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
        struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
        const struct msghdr m = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };

        memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
        return sendmsg(to, &m, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

static int call(const char *socket_path) {
        int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        strncpy(address.sun_path, socket_path, sizeof(address.sun_path) - 1);
        if (s >= 0 && connect(s, (const struct sockaddr *) &address, sizeof(address)) < 0)
                s = safe_close(s);
        return s;
}

static int take_answer(int s) {
        struct pollfd p = { .fd = s, .events = POLLIN };
        int32_t answer;

        if (poll(&p, 1, ANSWER_MS) <= 0 || recv(s, &answer, sizeof(answer), MSG_DONTWAIT) != sizeof(answer))
                return -ENOLINK;
        return answer;
}

int deputy_try(const char *socket_path, DeputyOrder order, int fd) {
        _cleanup_close_ int s = call(socket_path);

        return s < 0 || send_order(s, order, fd) < 0 ? -ENOLINK : take_answer(s);
}

int deputy_join(const char *socket_path, const char *directory) {
        _cleanup_close_ int s = call(socket_path);
        char order[1 + DEPUTY_PATH_MAX] = { DEPUTY_JOIN };
        size_t n = strlen(directory);

        if (n >= DEPUTY_PATH_MAX)
                return -ENAMETOOLONG;
        memcpy(order + 1, directory, n);
        if (s < 0 || send(s, order, 1 + n, MSG_NOSIGNAL) != (ssize_t) (1 + n))
                return -ENOLINK;
        return take_answer(s);
}
