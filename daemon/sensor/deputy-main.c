/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatch-probe: for the daemon, which may not, tries to load a file that is neither a module nor a kernel, or moves the process
 * that asks into a cgroup. Standard input is a connection of the socket. It knows nothing of a file but its descriptor, loads nothing
 * with a size of its own, moves nobody else, and ends. */

#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/sensor/deputy.h"

/* Smaller than any module, and than any kernel: the file of a probe is a few pages. */
enum { FILE_MAX = 64 << 10 };

typedef struct Order {
        char what, path[DEPUTY_PATH_MAX];
        int fd; /* -1: there is none */
} Order;

static bool receive(Order *ret) {
        struct iovec iov[] = { { .iov_base = &ret->what, .iov_len = 1 },
                               { .iov_base = ret->path, .iov_len = sizeof(ret->path) - 1 } };
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control;
        struct msghdr m = {
                .msg_iov = iov, .msg_iovlen = 2, .msg_control = &control, .msg_controllen = sizeof(control)
        };
        const struct cmsghdr *c;

        if (recvmsg(STDIN_FILENO, &m, MSG_CMSG_CLOEXEC) < 1)
                return false;
        c = CMSG_FIRSTHDR(&m);
        if (!c)
                return true;
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int)))
                return false;
        memcpy(&ret->fd, CMSG_DATA(c), sizeof(ret->fd));
        return true;
}

/* The caller, by the number that the kernel has of it. */
static int32_t join(const char *directory) {
        char path[DEPUTY_PATH_MAX + sizeof("/cgroup.procs")], number[16];
        struct ucred caller;
        socklen_t size = sizeof(caller);
        int fd, n;

        if (strncmp(directory, DEPUTY_CGROUPS, strlen(DEPUTY_CGROUPS)) != 0 || strstr(directory, "/.."))
                return -EINVAL;
        if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_PEERCRED, &caller, &size) < 0)
                return -errno;
        snprintf(path, sizeof(path), "%s/cgroup.procs", directory);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        n = snprintf(number, sizeof(number), "%d", caller.pid);
        return fd < 0 || write(fd, number, (size_t) n) != n ? -errno : 0;
}

static int32_t try(char order, int fd) {
        struct stat st;

        if (fstat(fd, &st) < 0 || st.st_size > FILE_MAX)
                return -EFBIG;
        if (order == DEPUTY_MODULE)
                return syscall(SYS_finit_module, fd, "", 0) < 0 ? -errno : 0;
        if (order == DEPUTY_KEXEC)
                return syscall(SYS_kexec_file_load, fd, -1, 1UL, "", (unsigned long) KEXEC_FILE_NO_INITRAMFS) < 0
                               ? -errno
                               : 0;
        return -EINVAL;
}

int main(void) {
        Order order = { .fd = -1 };
        int32_t answer = !receive(&order)            ? -EBADMSG
                         : order.what == DEPUTY_JOIN ? join(order.path)
                         : order.fd < 0              ? -EBADMSG
                                                     : try(order.what, order.fd);

        return send(STDIN_FILENO, &answer, sizeof(answer), MSG_NOSIGNAL) == sizeof(answer) ? 0 : 1;
}
