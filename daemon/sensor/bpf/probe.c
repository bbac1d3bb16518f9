/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The observer's probe: a program that runs must be seen. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/sensor/bpf/observer-internal.h"
#include "lib/base/cleanup.h"
#include "lib/io/fd.h"
#include "lib/io/file.h"

#ifndef MFD_EXEC /* Linux 6.3 */
#define MFD_EXEC 0x0010U
#endif

enum { CANARY_MAX = 1 << 20 }; /* bytes */

static const usec_t PROBE_DEADLINE = 10 * USEC_PER_SEC;

/* A memfd with the content of the file. Kernels before 6.3 do not know the flag, and need none. */
int copy_to_memfd(const char *path) {
        _cleanup_free_ char *data = NULL;
        _cleanup_close_ int fd = -1;
        size_t n;
        int r;

        r = file_read(AT_FDCWD, path, CANARY_MAX, &data, &n);
        if (r < 0)
                return r;
        fd = memfd_create("sealwatch-canary", MFD_CLOEXEC | MFD_EXEC);
        if (fd < 0 && errno == EINVAL)
                fd = memfd_create("sealwatch-canary", MFD_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = write_all(fd, data, n);
        return r < 0 ? r : TAKE_FD(fd);
}

void observer_probe_done(Observer *o) {
        ObserverProbe *p = &o->probe;

        if (o->state)
                __atomic_store_n(&o->state->probe, 0, __ATOMIC_RELEASE);
        keep_let_go(o, 0, 0);
        runner_free(p->runner);
        safe_close(p->canary);
        *p = (ObserverProbe){ .canary = -1 };
}

static void on_run(void *userdata, const RunnerResult *result) {
        Observer *o = userdata;
        const char *why = NULL;

        drain_probe(o); /* the event is in the ring before execve() returns */
        if (result->error == -ETIMEDOUT)
                why = "the canary's run did not end";
        else if (result->error < 0 || result->exec_error[0] < 0)
                why = "the canary could not be run";
        else if (!o->probe.seen)
                why = "the canary ran and was not seen";
        observer_probe_done(o);
        o->ops.level(o->ops.userdata, why ? LEVEL_OFF : LEVEL_OBSERVE, why);
}

/* Opens what is to be run and says how; the descriptor keeps its inode's address its own. */
static int open_canary(Observer *o, const char *canary, char *ret_path, size_t size) {
        int fd = copy_to_memfd(canary);

        if (fd >= 0)
                snprintf(ret_path, size, "/proc/self/fd/%d", fd);
        else {
                if (snprintf(ret_path, size, "%s", canary) >= (int) size)
                        return -ENAMETOOLONG;
                fd = open(canary, O_RDONLY | O_CLOEXEC);
                if (fd < 0)
                        return -errno;
        }
        o->probe.canary = fd;
        return 0;
}

int observer_probe(Observer *o, const char *canary) {
        char path[PATH_MAX];
        FileIdentity file;
        int r;

        if (o->probe.runner)
                return -EBUSY;
        if (!o->programs || o->detached)
                return -EBADF;
        r = open_canary(o, canary, path, sizeof(path));
        if (r >= 0)
                r = observer_identify(observer_identify_fd(o), o->probe.canary, &file);
        if (r >= 0) {
                o->probe.inode_address = file.inode_address;
                keep_let_go(o, 0, file.inode_address);
                keep_let_canary_go(o, canary);
                __atomic_store_n(&o->state->probe, file.inode_address, __ATOMIC_RELEASE);
                r = runner_start(o->event, path, 1, &(const RunnerPlace){ -1, -1 }, PROBE_DEADLINE, on_run, o,
                                 &o->probe.runner);
        }
        if (r < 0)
                observer_probe_done(o);
        return r;
}
