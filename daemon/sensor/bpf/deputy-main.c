/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatch-probe: for the daemon, which may not, tries to load a file that is neither a module nor a kernel. Standard input is
 * a connection of the socket. It knows nothing of a file but its descriptor, loads nothing with a size of its own, and ends. */

#include <errno.h>
#include <linux/kexec.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/sensor/bpf/deputy.h"

/* Smaller than any module, and than any kernel: the file of a probe is a few pages. */
enum { FILE_MAX = 64 << 10 };

static int receive(char *ret_order) {
        struct iovec iov = { .iov_base = ret_order, .iov_len = 1 };
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control;
        struct msghdr m = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };
        const struct cmsghdr *c;
        int fd;

        if (recvmsg(STDIN_FILENO, &m, MSG_CMSG_CLOEXEC) != 1)
                return -1;
        c = CMSG_FIRSTHDR(&m);
        if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int)))
                return -1;
        memcpy(&fd, CMSG_DATA(c), sizeof(fd));
        return fd;
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
        char order = 0;
        int fd = receive(&order);
        int32_t answer = fd < 0 ? -EBADMSG : try(order, fd);

        return send(STDIN_FILENO, &answer, sizeof(answer), MSG_NOSIGNAL) == sizeof(answer) ? 0 : 1;
}
