/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/edge/fuse-device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/io/fd.h"

enum { WRITE_MAX = 128 * 1024, REQUEST_MAX = WRITE_MAX + 4096 };

static int served = -1;

int fuse_mount(const char *directory, const char *options) {
        _cleanup_close_ int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
        char all[128];

        snprintf(all, sizeof(all), "fd=%d,rootmode=40755,user_id=0,group_id=0%s", device, options);
        return device < 0 || mount("test", directory, "fuse", 0, all) < 0 ? -1 : TAKE_FD(device);
}

void fuse_reply(const struct fuse_in_header *in, int error, const void *data, size_t n) {
        struct fuse_out_header out = { .len = (uint32_t) (sizeof(out) + n), .error = error, .unique = in->unique };
        const struct iovec parts[] = { { &out, sizeof(out) }, { (void *) data, n } };

        (void) !writev(served, parts, 2);
}

static void take(const struct fuse_in_header *in, void (*serve)(const struct fuse_in_header *in, const void *body)) {
        const struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION,
                                            .minor = FUSE_KERNEL_MINOR_VERSION,
                                            .max_write = WRITE_MAX };

        switch (in->opcode) {
        case FUSE_INIT:
                return fuse_reply(in, 0, &init, sizeof(init));
        case FUSE_FORGET:
        case FUSE_BATCH_FORGET:
        case FUSE_INTERRUPT:
                return;
        default:
                return serve(in, in + 1);
        }
}

void fuse_serve(int device, void (*serve)(const struct fuse_in_header *in, const void *body)) {
        _cleanup_free_ void *request = malloc(REQUEST_MAX);

        served = device;
        while (request) {
                ssize_t n = read(device, request, REQUEST_MAX);

                if (n >= 0)
                        take(request, serve);
                else if (errno != EINTR && errno != ENOENT && errno != EAGAIN)
                        return;
        }
}
