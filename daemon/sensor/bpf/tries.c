/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Harmless things that hooks must see. Refused or not, each leaves everything as it was: what it asks for does not exist, is
 * what there is already, or is given back. */

#include "daemon/sensor/bpf/tries.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/sensor/bpf/observer-internal.h"
#include "lib/base/cleanup.h"
#include "lib/base/macro.h"
#include "lib/io/fd.h"
#include "lib/io/file.h"

#define NO_SUCH "sealwatch-probe"

static int result(long r) {
        return r < 0 ? -errno : 0;
}

static int spawn(const Trial *t, int line, char *argument, pid_t *ret) {
        char *const arguments[] = { (char *) "sealwatch-canary", argument, NULL }, *const environment[] = { NULL };
        posix_spawn_file_actions_t actions;
        char path[64];
        int r;

        snprintf(path, sizeof(path), "/proc/self/fd/%d", t->file);
        posix_spawn_file_actions_init(&actions);
        if (line >= 0)
                posix_spawn_file_actions_adddup2(&actions, line, STDIN_FILENO);
        r = posix_spawn(ret, path, &actions, NULL, arguments, environment);
        posix_spawn_file_actions_destroy(&actions);
        return -r;
}

int trial_begin(const char *canary, Trial *ret) {
        *ret = (Trial){ .file = copy_to_memfd(canary), .line = -1 };
        return ret->file < 0 ? ret->file : 0;
}

int trial_spawn(Trial *t) {
        int r, line[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line) < 0)
                return -errno;
        t->line = line[0];
        r = spawn(t, line[1], (char *) "wait", &t->child);
        (void) close(line[1]);
        return r;
}

void trial_done(Trial *t) {
        t->line = safe_close(t->line);
        t->file = safe_close(t->file);
        if (t->child > 0)
                (void) waitpid(t->child, NULL, 0);
        *t = (Trial){ .file = -1, .line = -1 };
}

static int map_anonymous(const Trial *t) {
        void *p = mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return p == MAP_FAILED ? -errno : result(munmap(p, 1));
}

/* Our own code, which is executable as it is: a sandbox that lets nothing become so (MemoryDenyWriteExecute=) lets that be. */
static int protect_code(const Trial *t) {
        const uintptr_t page = (uintptr_t) sysconf(_SC_PAGESIZE), code = (uintptr_t) (void *) protect_code;

        return result(mprotect((void *) (code & ~(page - 1)), 1, PROT_READ | PROT_EXEC));
}

static int map_writable(const Trial *t) {
        void *p = mmap(NULL, 1, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, t->file, 0);

        return p == MAP_FAILED ? -errno : result(munmap(p, 1));
}

/* The kernel asks for the module "fs-sealwatch-probe". */
static int ask_for_module(const Trial *t) {
        long fd = syscall(SYS_fsopen, NO_SUCH, 0);

        if (fd >= 0)
                (void) close((int) fd);
        return 1;
}

/* … or, for a program of a kind that nobody knows, for "binfmt-0403" (until 6.14). */
static int run_garbage(const Trial *t) {
        static const char garbage[] = { 1, 2, 3, 4, 5 };
        _cleanup_close_ int fd = memfd_create("sealwatch-garbage", MFD_CLOEXEC);
        const Trial other = { .file = fd };
        pid_t pid;

        if (fd >= 0 && write(fd, garbage, sizeof(garbage)) == sizeof(garbage) && spawn(&other, -1, NULL, &pid) == 0)
                (void) waitpid(pid, NULL, 0);
        return 1;
}

static int load_program(const Trial *t) {
        union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .prog_name = "probe" };

        return result(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr))); /* it has no instructions */
}

static int be_traced(const Trial *t) {
        char answer = 0;

        if (write(t->line, "t", 1) != 1 || read(t->line, &answer, 1) != 1)
                return -EIO;
        return answer == 'y' ? 0 : -EPERM;
}

/* Opening its memory is what ptrace(2) asks for, too. */
static int attach(const Trial *t) {
        _cleanup_close_ int fd = -1;
        char path[64];

        snprintf(path, sizeof(path), "/proc/%d/mem", t->child);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        return fd >= 0 ? 0 : errno == EACCES ? -EPERM : -errno;
}

static int mount_nothing(const Trial *t) {
        return result(mount(NULL, "/", NO_SUCH, 0, NULL));
}

static int move_nothing(const Trial *t) {
        return result(syscall(SYS_move_mount, AT_FDCWD, "/proc/self", AT_FDCWD, "/proc/self", 0));
}

/* /proc, with the options that it has. */
static int reconfigure_nothing(const Trial *t) {
        _cleanup_close_ int fd = (int) syscall(SYS_fspick, AT_FDCWD, "/proc", FSPICK_CLOEXEC);

        if (fd < 0)
                return 1; /* it is no mount here */
        return result(syscall(SYS_fsconfig, fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
}

static int unmount_root(const Trial *t) {
        return result(umount2("/", MNT_EXPIRE));
}

static int pivot_nowhere(const Trial *t) {
        return result(syscall(SYS_pivot_root, "/", "/"));
}

static int become_the_same(const Trial *t) {
        return result(syscall(SYS_setreuid, -1, -1));
}

static int run_canary(const Trial *t) {
        pid_t pid;
        int r = spawn(t, -1, NULL, &pid);

        if (r == 0) /* it ran */
                (void) waitpid(pid, NULL, 0);
        return r;
}

static int open_device(const Trial *t) {
        _cleanup_close_ int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        return fd < 0 ? -errno : 0;
}

static int change_table(const Trial *t) {
        return result(
                ioctl(t->file, _IOWR(0xfd, 3, char[312]), NULL)); /* DM_DEV_CREATE, of a file that is no device */
}

static int signal_ourselves(const Trial *t) {
        return result(kill(getpid(), SIGURG)); /* which is ignored */
}

static int limit_ourselves(const Trial *t) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_CORE, &limit) < 0)
                return -errno;
        return result(prlimit(getpid(), RLIMIT_CORE, &limit, NULL));
}

static int open_own(const Trial *t) {
        _cleanup_close_ int fd = open(t->own, O_WRONLY | O_CLOEXEC);

        return fd < 0 ? -errno : 0;
}

static int remove_own(const Trial *t) {
        return result(unlink(t->own));
}

static int get_map(const Trial *t) {
        _cleanup_close_ int fd = bpf_map_get_fd_by_id(t->map_id);

        return fd < 0 ? -errno : 0;
}

static int get_link(const Trial *t) {
        _cleanup_close_ int fd = bpf_link_get_fd_by_id(t->link_id);

        return fd < 0 ? -errno : 0;
}

/* A probe of the kernel at an address that is no code. */
static int probe_nowhere(const Trial *t) {
        struct perf_event_attr attributes = { .size = sizeof(attributes), .kprobe_addr = 1 };
        _cleanup_free_ char *type = NULL;
        _cleanup_close_ int fd = -1;
        size_t n;

        if (file_read(AT_FDCWD, "/sys/bus/event_source/devices/kprobe/type", 4096, &type, &n) < 0)
                return 1; /* this kernel has none */
        attributes.type = (uint32_t) strtoul(type, NULL, 10);
        fd = (int) syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
        return fd >= 0 ? 0 : errno == EACCES ? -EPERM : -errno;
}

static int get_program(const Trial *t) {
        _cleanup_close_ int fd = bpf_prog_get_fd_by_id(t->program_id);

        return fd < 0 ? -errno : 0;
}

static const struct {
        ActivityWhat what;
        int (*try)(const Trial *t);
} trials[] = {
        { WHAT_MEMORY_ANONYMOUS, map_anonymous },
        { WHAT_MEMORY_MODIFIED, protect_code },
        { WHAT_MEMORY_MODIFIED, map_writable },
        { WHAT_MODULE_REQUEST, ask_for_module },
        { WHAT_MODULE_REQUEST, run_garbage },
        { WHAT_BPF_PROGRAM, load_program },
        { WHAT_PTRACE_TRACEME, be_traced },
        { WHAT_PTRACE_ATTACH, attach },
        { WHAT_MOUNT, mount_nothing },
        { WHAT_MOUNT_MOVE, move_nothing },
        { WHAT_MOUNT_RECONFIGURE, reconfigure_nothing },
        { WHAT_MOUNT_UNMOUNT, unmount_root },
        { WHAT_MOUNT_PIVOT, pivot_nowhere },
        { WHAT_SETUID_CALL, become_the_same },
        { WHAT_SETUID_PROGRAM, run_canary },
        { WHAT_DEVICE_MEMORY, open_device },
        { WHAT_DM, change_table },
        { WHAT_SELF_SIGNAL, signal_ourselves },
        { WHAT_SELF_LIMIT, limit_ourselves },
        { WHAT_SELF_WRITE, open_own },
        { WHAT_SELF_REMOVE, remove_own },
        { WHAT_SELF_MAP, get_map },
        { WHAT_SELF_LINK, get_link },
        { WHAT_SELF_KPROBE, probe_nowhere },
        { WHAT_SELF_PROGRAM, get_program },
};

int trial_do(const Trial *t, unsigned number) {
        return trials[number].try(t);
}

ActivityWhat trial_what(unsigned number) {
        return number < ELEMENTSOF(trials) ? trials[number].what : _WHAT_MAX;
}
