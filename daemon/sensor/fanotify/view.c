/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whose mounts and paths the gate means. */

#include "daemon/sensor/fanotify/view.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/io/fd.h"

View view_open(bool host) {
        if (!host)
                return (View){ .root = -1, .mounts = "/proc/self/mountinfo", .prefix = "" };
        return (View){
                .root = open("/proc/1/root", O_PATH | O_DIRECTORY | O_CLOEXEC),
                .mounts = "/proc/1/mountinfo",
                .prefix = "/proc/1/root",
        };
}

void view_close(View *v) {
        if (v->root >= 0)
                safe_close(v->root);
        v->root = -1;
}

int view_lookup(const View *v, const char *path, uint64_t flags, uint64_t resolve) {
        const bool host = *v->prefix;
        const struct open_how how = { .flags = flags, .resolve = resolve | (host ? RESOLVE_IN_ROOT : 0) };
        int fd = (int) syscall(SYS_openat2, host ? v->root : AT_FDCWD, path, &how, sizeof(how));

        return fd < 0 ? -errno : fd;
}
