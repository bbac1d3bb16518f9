/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The gate's probe: only a program that was kept from running shows that programs can be kept from running. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/sensor/fanotify/gate-internal.h"
#include "lib/io/fd.h"

static const usec_t PROBE_DEADLINE = 10 * USEC_PER_SEC;

static bool is_canary(const Probe *p, int fd) {
        struct statx file;

        return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &file) >= 0 &&
               file.stx_dev_major == p->major && file.stx_dev_minor == p->minor && file.stx_ino == p->inode;
}

/* The canary is a file that anybody may run: only when it is our own child does it belong to the probe. */
bool probe_takes(Gate *g, int fd, uint32_t pid) {
        uint32_t parent;

        if (!g->probe.runner || !is_canary(&g->probe, fd) || subject_parent(pid, &parent) < 0 ||
            parent != (uint32_t) g->self)
                return false;
        g->stats.let_go++;
        answer_respond(g, fd, g->probe.asked++ > 0);
        return true;
}

/* NULL: the gate holds. */
static const char *what_failed(const Probe *p, const RunnerResult *r) {
        if (r->error == -ETIMEDOUT)
                return "the canary's run did not end";
        if (r->error < 0)
                return "the canary could not be run";
        if (p->asked == 0)
                return r->exec_error[0] == 0 ? "the canary ran without asking" : "the canary could not be executed";
        if (r->exec_error[0] == 0)
                return "the canary ran although it was denied";
        if (r->exec_error[0] != -EPERM)
                return "the canary was denied by something else";
        if (r->exec_error[1] != 0 || p->asked < 2 || r->status[1] != 0)
                return "the canary did not run although it was allowed";
        return NULL;
}

void probe_done(Gate *g) {
        Probe *p = &g->probe;

        if (p->marked)
                (void) fanotify_mark(g->group, FAN_MARK_REMOVE, FAN_OPEN_EXEC_PERM, p->canary, NULL);
        runner_free(p->runner);
        if (p->canary >= 0)
                safe_close(p->canary);
        *p = (Probe){ .canary = -1 };
}

static void on_run(void *userdata, const RunnerResult *result) {
        Gate *g = userdata;
        const char *why = what_failed(&g->probe, result);

        probe_done(g);
        g->ops.level(g->ops.userdata, why ? LEVEL_OFF : LEVEL_GATE, why);
}

static int prepare(Gate *g, const char *canary) {
        Probe *p = &g->probe;
        struct statx file;

        p->canary = open(canary, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (p->canary < 0 || statx(p->canary, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &file) < 0)
                return -errno;
        p->major = file.stx_dev_major;
        p->minor = file.stx_dev_minor;
        p->inode = file.stx_ino;
        if (marks_cover_mount(g->marks, file.stx_mnt_id))
                return 0;
        if (fanotify_mark(g->group, FAN_MARK_ADD, FAN_OPEN_EXEC_PERM, p->canary, NULL) < 0)
                return -errno;
        p->marked = true;
        return 0;
}

int gate_probe(Gate *g, const char *canary) {
        int r;

        if (g->probe.runner)
                return -EBUSY;
        r = prepare(g, canary);
        if (r >= 0)
                r = runner_start(g->event, canary, 2, &(const RunnerPlace){ -1, g->group }, PROBE_DEADLINE, on_run, g,
                                 &g->probe.runner);
        if (r < 0)
                probe_done(g);
        return r;
}

int gate_run(Gate *g, const char *path, int cgroup_fd, usec_t deadline,
             void (*done)(void *userdata, const RunnerResult *result), void *userdata, Runner **ret) {
        const RunnerPlace place = { cgroup_fd, g->group };
        struct statx file;

        if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &file) < 0)
                return -errno;
        /* The mark goes with the file. */
        if (!marks_cover_mount(g->marks, file.stx_mnt_id) &&
            fanotify_mark(g->group, FAN_MARK_ADD, FAN_OPEN_EXEC_PERM, AT_FDCWD, path) < 0)
                return -errno;
        return runner_start(g->event, path, 1, &place, deadline, done, userdata, ret);
}
