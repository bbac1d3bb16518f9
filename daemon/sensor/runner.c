/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs on a thread. The thread owns its order and the writing end of a pipe, so that nobody has to wait for it. */

#include "daemon/sensor/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/sensor/deputy.h"
#include "lib/base/alloc.h"
#include "lib/io/fd.h"

enum { NOT_THERE = 1 }; /* no errno: the child did not get into the cgroup, and executed nothing */

typedef struct RunOrder {
        char *path;
        unsigned runs;
        RunnerPlace place;
        int result_fd;
} RunOrder;

struct Runner {
        int result_fd;
        sd_event_source *source, *timer;
        void (*done)(void *userdata, const RunnerResult *result);
        void *userdata;
};

static RunOrder *run_order_free(RunOrder *o) {
        if (!o)
                return NULL;
        safe_close(o->result_fd);
        safe_close(o->place.cgroup_fd);
        free(o->path);
        free(o);
        return NULL;
}

DEFINE_CLEANUP(RunOrder *, run_order_free)

/* The child's side of run_in_cgroup(): nothing but system calls. */
_Noreturn static void execute(const RunOrder *o, int error_fd) {
        char *const arguments[] = { o->path, NULL }, *const environment[] = { NULL };
        struct sigaction fallback = { .sa_handler = SIG_DFL };
        sigset_t none;
        int error;

        for (int s = 1; s < NSIG; s++)
                (void) sigaction(s, &fallback, NULL);
        sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        if (o->place.close_fd >= 0)
                (void) close(o->place.close_fd);
        (void) execve(o->path, arguments, environment);
        error = -errno;
        (void) !write(error_fd, &error, sizeof(error));
        _exit(127);
}

/* A service that may make no namespaces (RestrictNamespaces=) has no clone3(), since what that is asked for cannot be seen, and
 * its cgroups may be read-only: somebody else moves the child. */
static pid_t fork_into(const char *cgroup, int error_fd) {
        pid_t pid = fork();
        int r;

        if (pid != 0)
                return pid;
        r = deputy_join(DEPUTY_SOCKET, cgroup);
        if (r >= 0)
                return 0;
        r = NOT_THERE;
        (void) !write(error_fd, &r, sizeof(r));
        _exit(127);
}

/* posix_spawn() of this C library puts nobody into a cgroup. 0, or why no process could be made there. */
static int run_in_cgroup(const RunOrder *o, int *ret_exec_error, int *ret_status) {
        struct clone_args args = { .flags = CLONE_INTO_CGROUP,
                                   .exit_signal = SIGCHLD,
                                   .cgroup = (uint64_t) o->place.cgroup_fd };
        char link[32], path[DEPUTY_PATH_MAX] = "";
        int pair[2], r;
        pid_t pid;

        snprintf(link, sizeof(link), "/proc/self/fd/%d", o->place.cgroup_fd);
        if (readlink(link, path, sizeof(path) - 1) < 0 || pipe2(pair, O_CLOEXEC) < 0)
                return -errno;
        pid = (pid_t) syscall(SYS_clone3, &args, sizeof(args));
        if (pid < 0 && errno == ENOSYS)
                pid = fork_into(path, pair[1]);
        if (pid == 0)
                execute(o, pair[1]);
        r = pid < 0 ? -errno : 0;
        safe_close(pair[1]);
        if (pid > 0 && read(pair[0], ret_exec_error, sizeof(*ret_exec_error)) < 0)
                *ret_exec_error = -errno;
        safe_close(pair[0]);
        if (pid > 0 && waitpid(pid, ret_status, 0) < 0 && *ret_exec_error == 0)
                *ret_exec_error = -errno;
        if (*ret_exec_error == NOT_THERE)
                r = -ENOLINK;
        return r;
}

/* posix_spawn() returns what execve() failed with. The child starts with no signal blocked or ignored. */
static void run_once(const RunOrder *o, int *ret_exec_error, int *ret_status) {
        char *const arguments[] = { o->path, NULL }, *const environment[] = { NULL };
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none, all;
        pid_t pid;

        sigemptyset(&none);
        sigfillset(&all);
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attributes);
        if (o->place.close_fd >= 0)
                posix_spawn_file_actions_addclose(&actions, o->place.close_fd);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        *ret_exec_error = -posix_spawn(&pid, o->path, &actions, &attributes, arguments, environment);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        if (*ret_exec_error == 0 && waitpid(pid, ret_status, 0) < 0)
                *ret_exec_error = -errno;
}

static void *run(void *userdata) {
        _cleanup_(run_order_freep) RunOrder *o = userdata;
        RunnerResult result = {};

        for (unsigned i = 0; i < o->runs; i++)
                if (o->place.cgroup_fd < 0)
                        run_once(o, &result.exec_error[i], &result.status[i]);
                else
                        result.error = run_in_cgroup(o, &result.exec_error[i], &result.status[i]);
        (void) !write(o->result_fd, &result, sizeof(result)); /* nobody may listen any more */
        return NULL;
}

static void finish(Runner *r, const RunnerResult *result) {
        r->source = sd_event_source_disable_unref(r->source);
        r->timer = sd_event_source_disable_unref(r->timer);
        r->done(r->userdata, result);
}

static int on_result(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        RunnerResult result;

        if (read(fd, &result, sizeof(result)) != sizeof(result))
                result = (RunnerResult){ .error = -EIO };
        finish(userdata, &result);
        return 0;
}

static int on_deadline(sd_event_source *source, uint64_t when, void *userdata) {
        const RunnerResult result = { .error = -ETIMEDOUT };

        finish(userdata, &result);
        return 0;
}

static int start_thread(RunOrder *o) {
        pthread_attr_t attributes;
        sigset_t all, before;
        pthread_t thread;
        int r;

        sigfillset(&all);
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&thread, &attributes, run, o);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&attributes);
        return -r;
}

DEFINE_CLEANUP(Runner *, runner_free)

int runner_start(sd_event *event, const char *path, unsigned runs, const RunnerPlace *place, usec_t deadline,
                 void (*done)(void *userdata, const RunnerResult *result), void *userdata, Runner **ret) {
        _cleanup_(run_order_freep) RunOrder *o = new0(RunOrder, 1);
        _cleanup_(runner_freep) Runner *runner = new0(Runner, 1);
        int pair[2], r;

        assert(runs <= RUNS_MAX);
        if (!runner || !o)
                return -ENOMEM;
        runner->result_fd = o->result_fd = o->place.cgroup_fd = -1;
        runner->done = done;
        runner->userdata = userdata;
        if (pipe2(pair, O_CLOEXEC) < 0)
                return -errno;
        runner->result_fd = pair[0];
        *o = (RunOrder){ .path = strdup(path), .runs = runs, .place = *place, .result_fd = pair[1] };
        if (place->cgroup_fd >= 0) /* the thread may outlive the caller */
                o->place.cgroup_fd = fcntl(place->cgroup_fd, F_DUPFD_CLOEXEC, 3);
        if (!o->path || (place->cgroup_fd >= 0 && o->place.cgroup_fd < 0))
                return -ENOMEM;
        r = sd_event_add_io(event, &runner->source, runner->result_fd, EPOLLIN, on_result, runner);
        if (r >= 0)
                r = sd_event_add_time_relative(event, &runner->timer, CLOCK_MONOTONIC, deadline, 0, on_deadline,
                                               runner);
        if (r >= 0)
                r = start_thread(o);
        if (r < 0)
                return r;
        TAKE_PTR(o);
        *ret = TAKE_PTR(runner);
        return 0;
}

Runner *runner_free(Runner *r) {
        if (!r)
                return NULL;
        sd_event_source_disable_unref(r->source);
        sd_event_source_disable_unref(r->timer);
        safe_close(r->result_fd);
        free(r);
        return NULL;
}
