/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading /proc. A directory of a process is opened once and everything read through it: when the process ends in
 * between, the reads fail, and never reach another process of the same number.
 *
 * What may not be read here, since the gate reads while the process waits in execve(): cmdline and environ (they take
 * the lock of its memory, which a page fault on a dead file system can hold for ever), syscall and stack (they wait for
 * an exec to end). */

#include "daemon/sensor/subject.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/io/fd.h"

enum { STATUS_MAX = 8192, STAT_MAX = 2048 };

static int open_process(uint32_t pid) {
        char path[32];
        int fd;

        snprintf(path, sizeof(path), "/proc/%u", pid);
        fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* The text of a file below the process, cut at the size. Its length or a negative errno. */
static ssize_t read_text(int process, const char *name, char *text, size_t size) {
        _cleanup_close_ int fd = openat(process, name, O_RDONLY | O_CLOEXEC);
        ssize_t n;

        if (fd < 0)
                return -errno;
        n = read_up_to(fd, text, size - 1);
        if (n < 0)
                return n;
        text[n] = '\0';
        return n;
}

static int read_status(int process, ProcStatus *ret) {
        char text[STATUS_MAX];
        ssize_t n = read_text(process, "status", text, sizeof(text));

        return n < 0 ? (int) n : proc_status_parse(text, ret);
}

/* True when the process was born in the clock tick of `started`, or that does not matter. */
static bool is_same_process(int process, usec_t started) {
        char text[STAT_MAX];
        uint64_t ticks;

        if (started == 0)
                return true;
        if (read_text(process, "stat", text, sizeof(text)) < 0 || proc_stat_parse_started(text, &ticks) < 0)
                return false;
        return ticks == started / (USEC_PER_SEC / (usec_t) sysconf(_SC_CLK_TCK));
}

static const char *read_exe(int process, char ret[PATH_MAX]) {
        ssize_t n = readlinkat(process, "exe", ret, PATH_MAX - 1);

        if (n < 0)
                return NULL;
        ret[n] = '\0';
        return ret;
}

static const char *read_cgroup(int process, SubjectBuffer *buffer) {
        if (read_text(process, "cgroup", buffer->cgroup, sizeof(buffer->cgroup)) < 0)
                return NULL;
        return proc_cgroup_parse(buffer->cgroup);
}

static void read_place(int process, Subject *s, SubjectBuffer *buffer) {
        s->exe = read_exe(process, buffer->exe);
        s->cgroup = read_cgroup(process, buffer);
        if (s->cgroup)
                s->unit = cgroup_unit(s->cgroup, buffer->unit);
}

Subject subject_read(uint32_t pid, SubjectBuffer *buffer) {
        _cleanup_close_ int process = open_process(pid);
        Subject s = subject_unread(pid);
        ProcStatus status;

        if (process < 0)
                return s;
        if (read_status(process, &status) >= 0) {
                s.uid = status.uid;
                s.euid = status.euid;
                memcpy(buffer->comm, status.comm, sizeof(buffer->comm));
                s.comm = buffer->comm;
        }
        read_place(process, &s, buffer);
        return s;
}

void subject_complete(Subject *s, usec_t started, SubjectBuffer *buffer) {
        _cleanup_close_ int process = open_process(s->pid);

        if (process >= 0 && is_same_process(process, started))
                read_place(process, s, buffer);
}

int subject_parent(uint32_t pid, uint32_t *ret) {
        _cleanup_close_ int process = open_process(pid);
        ProcStatus status;
        int r;

        if (process < 0)
                return process;
        r = read_status(process, &status);
        if (r >= 0)
                *ret = status.ppid;
        return r;
}

const char *subject_cgroup(uint32_t pid, SubjectBuffer *buffer) {
        _cleanup_close_ int process = open_process(pid);

        return process < 0 ? NULL : read_cgroup(process, buffer);
}

/* From the gate's answer to where the kernel itself keeps writers off it takes some µs. */
static const uint64_t ENOUGH_NS = 1000000;

static bool is_still_there(uint32_t pid, bool waiting, uint64_t *ran) {
        _cleanup_close_ int process = open_process(pid);
        const uint64_t before = *ran;
        char text[STATUS_MAX], state;
        uint64_t threads;

        if (process < 0 || read_text(process, "status", text, sizeof(text)) < 0 ||
            proc_status_parse_threads(text, &state, &threads) < 0 ||
            read_text(process, "schedstat", text, sizeof(text)) < 0 || proc_schedstat_parse(text, ran) < 0)
                return true;
        if (threads > 1)
                return true;
        if (state == 'D')
                return waiting;
        return state == 'R' && (before == UINT64_MAX || *ran - before < ENOUGH_NS);
}

bool process_is_starved(uint32_t pid, uint64_t *ran) {
        return is_still_there(pid, false, ran);
}

bool process_may_be_there(uint32_t pid, uint64_t *ran) {
        return is_still_there(pid, true, ran);
}

int process_started(uint32_t pid, usec_t *ret_started, usec_t *ret_tolerance) {
        const usec_t tick = USEC_PER_SEC / (usec_t) sysconf(_SC_CLK_TCK);
        _cleanup_close_ int process = open_process(pid);
        char text[STAT_MAX];
        uint64_t ticks;

        if (process < 0)
                return process;
        if (read_text(process, "stat", text, sizeof(text)) < 0 || proc_stat_parse_started(text, &ticks) < 0)
                return -ESRCH;
        *ret_started = ticks * tick;
        *ret_tolerance = tick;
        return 0;
}

int process_kill(uint32_t pid, usec_t started) {
        _cleanup_close_ int pidfd = (int) syscall(SYS_pidfd_open, pid, 0), process = -1;

        if (pidfd < 0)
                return errno == ESRCH ? 0 : -errno;
        /* Looked at after the pidfd was opened: if it is the right process now, the pidfd is of no other. */
        process = open_process(pid);
        if (process < 0 || !is_same_process(process, started))
                return 0;
        if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0)
                return errno == ESRCH ? 0 : -errno;
        return 1;
}
