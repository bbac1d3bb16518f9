/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Does things to the running state of the machine, as a test asks for:
 *
 *   act WHAT [ARGUMENT]
 *
 * Exit status 0: done, 1: refused, 2: neither. Whatever it does ends with it, or is undone by it. */

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/dm-ioctl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/macro.h"

enum { NOBODY = 65534 };

static int result(long r) {
        return r < 0 ? -errno : 0;
}

static int anonymous(const char *argument) {
        return mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -errno : 0;
}

static int protect(const char *argument) {
        void *p = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return p == MAP_FAILED ? -errno : result(mprotect(p, 1, PROT_READ | PROT_EXEC));
}

/* The program's own file, changed in memory only. */
static int modified(const char *argument) {
        int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        char *p = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

        if (p == MAP_FAILED)
                return -errno;
        p[0] ^= 1;
        return result(mprotect(p, 1, PROT_READ | PROT_EXEC));
}

static int ask_for_module(const char *argument) {
        return syscall(SYS_fsopen, argument, 0) < 0 && errno != ENODEV ? -errno : 0;
}

/* In a mount namespace of its own, which is private already. */
static int own_mounts(void) {
        return result(unshare(CLONE_NEWNS));
}

static int load_program(const char *argument) {
        static const struct bpf_insn code[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
                                                { .code = BPF_JMP | BPF_EXIT } };
        union bpf_attr attr = {
                .prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
                .insns = (uintptr_t) code,
                .insn_cnt = ELEMENTSOF(code),
                .license = (uintptr_t) "GPL",
                .prog_name = "act_filter",
        };

        if (streq(argument, "elsewhere") && own_mounts() < 0)
                return -EIO;
        return result(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)));
}

static int with_child(int (*attack)(pid_t child, void *word)) {
        static long word;
        pid_t child = fork();
        int r;

        if (child == 0)
                for (;;)
                        pause();
        r = attack(child, &word);
        (void) kill(child, SIGKILL);
        (void) waitpid(child, NULL, 0);
        return r;
}

static int seize(pid_t child, void *word) {
        return result(ptrace(PTRACE_SEIZE, child, NULL, NULL));
}

static int write_mem(pid_t child, void *word) {
        char path[64];
        int fd;

        snprintf(path, sizeof(path), "/proc/%d/mem", child);
        fd = open(path, O_RDWR | O_CLOEXEC);
        return fd < 0 ? -errno : result(pwrite(fd, "x", 1, (off_t) (uintptr_t) word));
}

static int write_vm(pid_t child, void *word) {
        long value = 1;
        const struct iovec from = { &value, sizeof(value) }, to = { word, sizeof(value) };

        return result(process_vm_writev(child, &from, 1, &to, 1, 0));
}

static int ptrace_child(const char *argument) {
        return with_child(seize);
}

static int mem_child(const char *argument) {
        return with_child(write_mem);
}

static int vm_child(const char *argument) {
        return with_child(write_vm);
}

static int traceme(const char *argument) {
        int status;
        pid_t child = fork();

        if (child == 0)
                _exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? errno : 0);
        (void) waitpid(child, &status, 0);
        return -WEXITSTATUS(status);
}

static int mount_tmpfs(const char *argument) {
        int r = own_mounts();

        return r < 0 ? r : result(mount("act", argument, "tmpfs", 0, NULL));
}

static int remount(const char *argument) {
        int r = own_mounts();

        return r < 0 ? r : result(mount(NULL, argument, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
}

/* For everybody, wherever it is mounted; with the options that it has. */
static int reconfigure_at(int at, const char *path) {
        int fs = (int) syscall(SYS_fspick, at, path, FSPICK_EMPTY_PATH);

        return fs < 0 ? -EIO : result(syscall(SYS_fsconfig, fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
}

static int reconfigure(const char *argument) {
        return reconfigure_at(AT_FDCWD, argument);
}

/* A file system that is mounted nowhere. */
static int new_tmpfs(void) {
        int fs = (int) syscall(SYS_fsopen, "tmpfs", 0);

        if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return -EIO;
        return (int) syscall(SYS_fsmount, fs, 0, 0);
}

static int reconfigure_new(const char *argument) {
        int tree = new_tmpfs();

        return tree < 0 ? -EIO : reconfigure_at(tree, "");
}

static int unmount(const char *argument) {
        int r = own_mounts();

        return r < 0 ? r : result(umount2(argument, MNT_DETACH));
}

static int move(const char *argument) {
        int r = own_mounts();
        int tree = r < 0 ? r : new_tmpfs();

        return tree < 0 ? -EIO
                        : result(syscall(SYS_move_mount, tree, "", AT_FDCWD, argument, MOVE_MOUNT_F_EMPTY_PATH));
}

static int move_clone(const char *argument) {
        int r = own_mounts();
        int tree = r < 0 ? r : (int) syscall(SYS_open_tree, AT_FDCWD, "/proc", OPEN_TREE_CLONE);

        return tree < 0 ? -EIO
                        : result(syscall(SYS_move_mount, tree, "", AT_FDCWD, argument, MOVE_MOUNT_F_EMPTY_PATH));
}

/* The argument is mounted, and hides the root then. */
static int pivot(const char *argument) {
        int r = own_mounts();

        return r < 0 ? r : result(syscall(SYS_pivot_root, argument, argument));
}

/* A file system of a user namespace's own. */
static int user_tmpfs(const char *argument) {
        if (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
                return -EIO;
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
                return -ENOSYS;
        return result(mount("act", argument, "tmpfs", 0, NULL));
}

/* Somebody else who may change who he is. */
static int become_root(const char *argument) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2] = { { .effective = 1 << CAP_SETUID, .permitted = 1 << CAP_SETUID } };

        if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0 ||
            syscall(SYS_capset, &header, data) < 0)
                return -EIO;
        return result(syscall(SYS_setresuid, 0, 0, 0));
}

/* The argument is a copy of this program that belongs to root and is setuid. */
static int run_setuid(const char *argument) {
        int status;
        pid_t child = fork();

        if (child == 0) {
                if (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
                        _exit(2);
                (void) execl(argument, argument, "is-root", NULL);
                _exit(errno == EPERM ? 1 : 2);
        }
        (void) waitpid(child, &status, 0);
        return WEXITSTATUS(status) == 0 ? 0 : WEXITSTATUS(status) == 1 ? -EPERM : -EIO;
}

static int is_root(const char *argument) {
        return geteuid() == 0 ? 0 : -EIO;
}

static int open_file(const char *argument) {
        return result(open(argument, O_RDONLY | O_CLOEXEC));
}

static int open_for_writing(const char *argument) {
        return result(open(argument, O_WRONLY | O_CLOEXEC));
}

static int create_dm(const char *argument) {
        int fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC), r;
        struct dm_ioctl request = { .version = { 4, 0, 0 },
                                    .data_size = sizeof(request),
                                    .data_start = sizeof(request) };

        if (fd < 0)
                return -EIO;
        snprintf(request.name, sizeof(request.name), "%s", argument);
        r = result(ioctl(fd, DM_DEV_CREATE, &request));
        request.dev = 0; /* filled in; who names it by both finds nothing */
        return r < 0 ? r : result(ioctl(fd, DM_DEV_REMOVE, &request));
}

static const struct {
        const char *name;
        int (*act)(const char *argument);
} acts[] = {
        { "anonymous", anonymous },   { "protect", protect },
        { "modified", modified },     { "module", ask_for_module },
        { "bpf", load_program },      { "ptrace", ptrace_child },
        { "mem", mem_child },         { "vm", vm_child },
        { "traceme", traceme },       { "mount", mount_tmpfs },
        { "remount", remount },       { "reconfigure", reconfigure },
        { "unmount", unmount },       { "move", move },
        { "clone", move_clone },      { "pivot", pivot },
        { "user-tmpfs", user_tmpfs }, { "setuid", become_root },
        { "run-setuid", run_setuid }, { "is-root", is_root },
        { "open", open_file },        { "write", open_for_writing },
        { "dm", create_dm },          { "reconfigure-new", reconfigure_new },
};

int main(int argc, char **argv) {
        for (size_t i = 0; argc >= 2 && i < ELEMENTSOF(acts); i++)
                if (streq(acts[i].name, argv[1])) {
                        int r = acts[i].act(argc > 2 ? argv[2] : "/");

                        if (r < 0)
                                fprintf(stderr, "%s: %s\n", argv[1], strerror(-r));
                        return r == 0 ? 0 : r == -EPERM || r == -EACCES ? 1 : 2;
                }
        return 2;
}
