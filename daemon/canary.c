/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A thread writes the canary's file, another one runs it, and then it is gone. Nobody waits for either: the disk may be slow,
 * and the program is held by our own gate. */

#include "daemon/canary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/canary.h"
#include "lib/io/fd.h"

#define CANARY_DEADLINE (20 * USEC_PER_SEC)

/* Shared by the run and the thread that writes; freed by who comes last, both on the main thread. */
typedef struct CanaryFile {
        CanaryRun *run; /* NULL: nobody waits any more */
        char *path;
        Buffer program;
} CanaryFile;

struct CanaryRun {
        CanaryOptions options;
        CanaryFile *file; /* NULL: it was written, or could not be */
        char *path;
        int cgroup_fd;
        Runner *runner;
};

static CanaryFile *canary_file_free(CanaryFile *f) {
        if (!f)
                return NULL;
        free(f->path);
        buffer_done(&f->program);
        free(f);
        return NULL;
}

DEFINE_CLEANUP(CanaryFile *, canary_file_free)
DEFINE_CLEANUP(CanaryRun *, canary_run_free)

CanaryRun *canary_run_free(CanaryRun *c) {
        if (!c)
                return NULL;
        if (c->file)
                c->file->run = NULL;
        runner_free(c->runner);
        safe_close(c->cgroup_fd);
        if (c->path)
                (void) unlink(c->path);
        free(c->path);
        free(c);
        return NULL;
}

/* Closed before anybody can run it: a file that is open for writing is no program. */
static int write_file(void *item) {
        const CanaryFile *f = item;
        _cleanup_close_ int fd = -1;
        int r;

        (void) unlink(f->path); /* of a run that ended badly */
        fd = open(f->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0700);
        r = fd < 0 ? -errno : write_all(fd, f->program.data, f->program.size);
        return r < 0 ? r : fchmod(fd, 0700) < 0 ? -errno : 0;
}

static void on_run(void *userdata, const RunnerResult *result) {
        CanaryRun *c = userdata;
        const CanaryOptions o = c->options;

        (void) unlink(c->path);
        if (result->error == -ETIMEDOUT)
                o.done(o.userdata, CANARY_TROUBLE, "its run did not end");
        else if (result->error < 0 && o.cgroup) /* as in a service that may not change cgroups */
                o.done(o.userdata, CANARY_NOT_ASKED, "nothing can be run in the scope's cgroup from here");
        else if (result->error < 0)
                o.done(o.userdata, CANARY_TROUBLE, "it could not be started");
        else if (result->exec_error[0] == 0)
                o.done(o.userdata, CANARY_RAN, NULL);
        else if (result->exec_error[0] == -EPERM)
                o.done(o.userdata, CANARY_REFUSED, NULL);
        else
                o.done(o.userdata, CANARY_TROUBLE, "the kernel runs no programs from there, for other reasons");
}

static int run(CanaryRun *c) {
        static const char hierarchies[][24] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

        for (size_t i = 0; c->options.cgroup && c->cgroup_fd < 0 && i < ELEMENTSOF(hierarchies); i++) {
                char path[512];

                snprintf(path, sizeof(path), "%s%s", hierarchies[i], c->options.cgroup);
                c->cgroup_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        }
        if (c->options.cgroup && c->cgroup_fd < 0)
                return -ENOENT;
        return gate_run(c->options.gate, c->path, c->cgroup_fd, CANARY_DEADLINE, on_run, c, &c->runner);
}

static void written(void *item, int result, int cancelled) {
        _cleanup_(canary_file_freep) CanaryFile *f = item;
        CanaryRun *c = f->run;

        if (!c) {
                (void) unlink(f->path);
                return;
        }
        c->file = NULL;
        c->path = TAKE_PTR(f->path);
        if (cancelled)
                return;
        if (result < 0)
                c->options.done(c->options.userdata, CANARY_TROUBLE, "its file could not be written");
        else if (run(c) < 0)
                c->options.done(c->options.userdata, c->options.cgroup ? CANARY_NOT_ASKED : CANARY_TROUBLE,
                                "nothing can be run where programs are watched");
}

int canary_run_new(const CanaryOptions *options, const void *nonce, size_t n, CanaryRun **ret) {
        _cleanup_(canary_file_freep) CanaryFile *f = new0(CanaryFile, 1);
        _cleanup_(canary_run_freep) CanaryRun *c = new0(CanaryRun, 1);
        int r;

        if (!c)
                return -ENOMEM;
        c->options = *options;
        c->cgroup_fd = -1;
        if (!f || asprintf(&f->path, "%s/canary", options->directory) < 0)
                return -ENOMEM;
        r = canary_program(nonce, n, &f->program);
        if (r < 0)
                return r;
        f->run = c;
        c->file = f;
        *ret = TAKE_PTR(c);
        (void) background_submit(options->background, write_file, written, TAKE_PTR(f));
        return 0;
}
