/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* File descriptors. */

#include "lib/io/fd.h"

#include <errno.h>
#include <unistd.h>

int safe_close(int fd) {
        if (fd >= 0) {
                int saved = errno;

                close(fd); /* never again on EINTR: the descriptor is gone, and may be another thread's by then */
                errno = saved;
        }
        return -1;
}

int write_all(int fd, const void *data, size_t n) {
        const char *p = data;

        while (n > 0) {
                ssize_t written = write(fd, p, n);

                if (written < 0 && errno == EINTR)
                        continue;
                if (written < 0)
                        return -errno;
                p += written;
                n -= (size_t) written;
        }
        return 0;
}

int pwrite_all(int fd, const void *data, size_t n, off_t offset) {
        const char *p = data;

        while (n > 0) {
                ssize_t written = pwrite(fd, p, n, offset);

                if (written < 0 && errno == EINTR)
                        continue;
                if (written < 0)
                        return -errno;
                p += written;
                n -= (size_t) written;
                offset += written;
        }
        return 0;
}

ssize_t read_up_to(int fd, void *data, size_t n) {
        size_t done = 0;

        while (done < n) {
                ssize_t got = read(fd, (char *) data + done, n - done);

                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        return -errno;
                if (got == 0)
                        break;
                done += (size_t) got;
        }
        return (ssize_t) done;
}
