/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A process that makes processes, forked before there is a gate: what it forks cannot inherit the gate's descriptor. A
 * process that has one and waits in execve() keeps the group alive, and would wait for ever if the test dies. */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness-internal.h"
#include "lib/io/fd.h"
#include "lib/io/file.h"

enum { RUNS_MAX_AT_ONCE = 512, COMMAND_MAX = 4 * PATH_MAX };

enum { SAYS_PID, SAYS_STATUS };

/* Strings follow, each with its NUL, in the order of the members; an absent one is empty. */
typedef struct Command {
        Run run;
        unsigned number;
        bool go_on, kill;
} Command;

typedef struct Message {
        unsigned what, number;
        int value;
} Message;

static struct {
        int socket;
        pid_t pid;
        sd_event_source *source;
        unsigned next;
        struct {
                pid_t pid;
                bool ended;
                int status;
        } runs[1 << 16];
} launcher = { .socket = -1 };

/* In the child. */

static void leave(const char *what) {
        fprintf(stderr, "launcher: %s: %s\n", what, strerror(errno));
        _exit(127);
}

static void write_proc(const char *path, const char *text) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        if (fd < 0 || write(fd, text, strlen(text)) < 0)
                leave(path);
        close(fd);
}

static void join_cgroup(const char *directory) {
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "%s/cgroup.procs", directory);
        write_proc(path, "0");
}

static void enter_user_namespace(uint32_t uid) {
        char map[64];

        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
                leave("unshare");
        snprintf(map, sizeof(map), "0 %u 1", uid);
        write_proc("/proc/self/setgroups", "deny");
        write_proc("/proc/self/uid_map", map);
        write_proc("/proc/self/gid_map", map);
}

/* After the change of user: permitted, not effective. Ambient, it survives execve(). */
static void keep_capability(void) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2] = {};

        data[0].permitted = data[0].inheritable = data[0].effective = 1U << CAP_NET_RAW;
        if (syscall(SYS_capset, &header, data) < 0 ||
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) < 0)
                leave("capset");
}

static int read_content(const char *path, char **ret, size_t *ret_n) {
        return file_read(AT_FDCWD, path, 4 << 20, ret, ret_n);
}

static const char *copy_to_own_tmpfs(const char *path) {
        static const char place[] = "/tmp/program";
        char *data;
        size_t n;
        int fd;

        if (read_content(path, &data, &n) < 0)
                leave(path);
        if (mount("tmpfs", "/tmp", "tmpfs", 0, "mode=755") < 0)
                leave("mount");
        fd = open(place, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
        if (fd < 0 || write_all(fd, data, n) < 0)
                leave(place);
        close(fd);
        free(data);
        return place;
}

static const char *copy_to_memfd(const char *path) {
        static char link[32];
        int fd = memfd_create("test", MFD_CLOEXEC);
        char *data;
        size_t n;

        if (fd < 0 || read_content(path, &data, &n) < 0 || write_all(fd, data, n) < 0)
                leave("memfd");
        free(data);
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        return link;
}

static const char *bind_over(const char *path, const char *over) {
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount(path, over, NULL, MS_BIND, NULL) < 0)
                leave("bind");
        return over;
}

/* Into a new PID namespace: only children are in it. */
static void enter_pid_namespace(void) {
        int status;
        pid_t pid;

        if (unshare(CLONE_NEWPID) < 0)
                leave("unshare");
        pid = fork();
        if (pid == 0)
                return;
        waitpid(pid, &status, 0);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 127);
}

static void execute(const Run *r) {
        const char *path = r->path, *arguments[2 + ELEMENTSOF(r->arguments)] = { path };

        for (size_t i = 0; i < ELEMENTSOF(r->arguments); i++)
                arguments[i + 1] = r->arguments[i];
        if (r->pause_first)
                raise(SIGSTOP);
        if (r->cgroup)
                join_cgroup(r->cgroup);
        if (r->own_pids)
                enter_pid_namespace();
        if (r->own_mounts)
                path = bind_over(path, r->bind_to);
        if (r->capability && prctl(PR_SET_KEEPCAPS, 1) < 0)
                leave("keepcaps");
        if (r->uid != 0 && (setresgid(r->uid, r->uid, r->uid) < 0 || setresuid(r->uid, r->uid, r->uid) < 0 ||
                            prctl(PR_SET_DUMPABLE, 1) < 0))
                leave("setresuid");
        if (r->capability)
                keep_capability();
        if (r->user_namespace)
                enter_user_namespace(r->uid);
        if (r->own_tmpfs)
                path = copy_to_own_tmpfs(path);
        if (r->memfd)
                path = copy_to_memfd(path);
        execv(path, (char **) arguments);
        while (r->stay)
                pause();
        _exit(STATUS_EXEC + errno);
}

/* In the launcher. */

static struct {
        unsigned number;
        pid_t pid;
} children[RUNS_MAX_AT_ONCE];

static void say(unsigned what, unsigned number, int value) {
        const Message m = { .what = what, .number = number, .value = value };

        if (send(launcher.socket, &m, sizeof(m), 0) < 0)
                _exit(1);
}

static const char *take_string(const char **at) {
        const char *s = *at;

        *at += strlen(s) + 1;
        return *s ? s : NULL;
}

/* fork(), with a number of our choice unless that is 0. */
static pid_t fork_as(pid_t wanted) {
        struct clone_args args = { .exit_signal = SIGCHLD,
                                   .set_tid = (uint64_t) (uintptr_t) &wanted,
                                   .set_tid_size = 1 };
        pid_t pid;

        if (wanted == 0)
                return fork();
        pid = (pid_t) syscall(SYS_clone3, &args, sizeof(args));
        if (pid < 0)
                leave("clone3");
        return pid;
}

static void start_child(Command *c, const char *strings, const sigset_t *mask) {
        pid_t pid;

        c->run.path = take_string(&strings);
        for (size_t i = 0; i < ELEMENTSOF(c->run.arguments); i++)
                c->run.arguments[i] = take_string(&strings);
        c->run.cgroup = take_string(&strings);
        c->run.bind_to = take_string(&strings);
        pid = fork_as(c->run.pid);
        if (pid == 0) {
                sigprocmask(SIG_UNBLOCK, mask, NULL);
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                close(launcher.socket);
                if (!getenv("SHOW") && !freopen("/dev/null", "w", stdout))
                        leave("/dev/null");
                execute(&c->run);
        }
        for (size_t i = 0; i < RUNS_MAX_AT_ONCE; i++)
                if (children[i].pid == 0) {
                        children[i].pid = pid;
                        children[i].number = c->number;
                        say(SAYS_PID, c->number, pid);
                        return;
                }
        _exit(1);
}

static void on_command(const sigset_t *mask) {
        union {
                Command command;
                char bytes[sizeof(Command) + COMMAND_MAX];
        } in;
        ssize_t n = recv(launcher.socket, &in, sizeof(in), 0);

        if (n <= 0)
                _exit(0);
        if (!in.command.go_on && !in.command.kill) {
                start_child(&in.command, in.bytes + sizeof(Command), mask);
                return;
        }
        for (size_t i = 0; i < RUNS_MAX_AT_ONCE; i++)
                if (children[i].pid != 0 && children[i].number == in.command.number)
                        kill(children[i].pid, in.command.kill ? SIGKILL : SIGCONT);
}

static void reap(void) {
        int status;
        pid_t pid;

        while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
                for (size_t i = 0; i < RUNS_MAX_AT_ONCE; i++)
                        if (children[i].pid == pid) {
                                children[i].pid = 0;
                                say(SAYS_STATUS, children[i].number, status);
                        }
}

static void be_launcher(void) {
        struct signalfd_siginfo info;
        sigset_t mask;
        int signals;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        sigemptyset(&mask);
        sigaddset(&mask, SIGCHLD);
        sigprocmask(SIG_BLOCK, &mask, NULL);
        signals = signalfd(-1, &mask, SFD_CLOEXEC);
        for (;;) {
                struct pollfd fds[] = { { .fd = launcher.socket, .events = POLLIN },
                                        { .fd = signals, .events = POLLIN } };

                if (poll(fds, ELEMENTSOF(fds), -1) < 0)
                        continue;
                if (fds[1].revents && read(signals, &info, sizeof(info)) > 0)
                        reap();
                if (fds[0].revents)
                        on_command(&mask);
        }
}

/* In the test. */

void launcher_init(void) {
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                skip_all("no socket pair");
        launcher.pid = fork();
        if (launcher.pid == 0) {
                launcher.socket = pair[1];
                close(pair[0]);
                be_launcher();
        }
        launcher.socket = pair[0];
        close(pair[1]);
}

void launcher_end(void) {
        safe_close(launcher.socket);
        waitpid(launcher.pid, NULL, 0);
}

static int on_message(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Message m;

        if (recv(fd, &m, sizeof(m), MSG_DONTWAIT) != sizeof(m))
                return 0;
        if (m.what == SAYS_PID)
                launcher.runs[m.number].pid = m.value;
        else {
                launcher.runs[m.number].ended = true;
                launcher.runs[m.number].status = m.value;
        }
        return 0;
}

void launcher_attach(sd_event *event) {
        launcher.source = sd_event_source_disable_unref(launcher.source);
        if (event)
                assert_true(sd_event_add_io(event, &launcher.source, launcher.socket, EPOLLIN, on_message, NULL) >= 0);
}

static char *put_string(char *to, const char *s) {
        return stpcpy(to, s ? s : "") + 1;
}

unsigned run_start(const Run *r) {
        union {
                Command command;
                char bytes[sizeof(Command) + COMMAND_MAX];
        } out = { .command = { .run = *r, .number = launcher.next } };
        char *end = put_string(out.bytes + sizeof(Command), r->path);

        assert_true(launcher.next < ELEMENTSOF(launcher.runs));
        for (size_t i = 0; i < ELEMENTSOF(r->arguments); i++)
                end = put_string(end, r->arguments[i]);
        end = put_string(end, r->cgroup);
        end = put_string(end, r->bind_to);
        assert_true(send(launcher.socket, &out, (size_t) (end - out.bytes), 0) > 0);
        return launcher.next++;
}

pid_t run_pid(unsigned n) {
        loop_until(launcher.runs[n].pid != 0);
        return launcher.runs[n].pid;
}

static void order(unsigned n, bool kill) {
        const Command c = { .number = n, .kill = kill, .go_on = !kill };

        assert_true(send(launcher.socket, &c, sizeof(c), 0) > 0);
}

void run_continue(unsigned n) {
        order(n, false);
}

void run_kill(unsigned n) {
        order(n, true);
}

bool run_ended(unsigned n) {
        return launcher.runs[n].ended;
}

int run_wait(unsigned n) {
        int status;

        loop_until(launcher.runs[n].ended);
        status = launcher.runs[n].status;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int run(const Run *r) {
        return run_wait(run_start(r));
}

int run_path(const char *path) {
        return run(&(Run){ .path = path });
}
