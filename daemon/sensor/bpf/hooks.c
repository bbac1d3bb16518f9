/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The probe of the hooks. A file of our own, named to the kernel side by its inode, must be refused whatever the policy
 * says. Only what really was refused, and told as well, is claimed. */

#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/sensor/bpf/observer-internal.h"
#include "lib/base/cleanup.h"
#include "lib/io/fd.h"

/* Each tries one thing and returns 0 or a negative errno. */

static int try_exec(int fd, const char *path) {
        char *const arguments[] = { (char *) "sealwatch-canary", NULL }, *const environment[] = { NULL };
        pid_t pid;
        int r = posix_spawn(&pid, path, NULL, NULL, arguments, environment);

        if (r == 0) /* it ran */
                (void) waitpid(pid, NULL, 0);
        return -r;
}

static int try_mapping(int fd, const char *path) {
        void *p = mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

        if (p == MAP_FAILED)
                return -errno;
        (void) munmap(p, 1);
        return 0;
}

/* The canary is no module, no kernel image and no firmware: where nothing refuses it, the kernel does for that. */
static int try_module(int fd, const char *path) {
        return syscall(SYS_finit_module, fd, "", 0) < 0 ? -errno : 0;
}

static int try_kexec(int fd, const char *path) {
        return syscall(SYS_kexec_file_load, fd, -1, 1UL, "", (unsigned long) KEXEC_FILE_NO_INITRAMFS) < 0 ? -errno : 0;
}

static int try_overwrite(int fd, const char *path) {
        _cleanup_close_ int again = open(path, O_WRONLY | O_CLOEXEC);

        return again < 0 ? -errno : 0;
}

static int (*const tries[_EVENT_CODE_MAX])(int fd, const char *path) = {
        [EVENT_EXEC] = try_exec,   [EVENT_LIBRARY] = try_mapping,     [EVENT_MODULE] = try_module,
        [EVENT_KEXEC] = try_kexec, [EVENT_OVERWRITE] = try_overwrite,
};

static const char *probe_one(Observer *o, Event e, int fd) {
        char path[64];
        int r;

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        r = tries[e](fd, path);
        drain_now(o);
        if (!(o->hooks_probe.seen & 1U << e))
                return r == -EPERM ? "the kernel refused the probe before the hook was asked"
                                   : "the hook does not fire";
        if (r != -EPERM)
                return "the hook fires, and what it says is not done";
        return o->hooks_probe.hashed & 1U << e ? NULL : "the kernel gives no SHA-256 of files (IMA, ima_hash=)";
}

static void claim(Level ret_levels[_EVENT_CODE_MAX], const char *ret_why[_EVENT_CODE_MAX], Event e, const char *why) {
        ret_levels[e] = why ? LEVEL_OFF : LEVEL_ENFORCE;
        ret_why[e] = why;
}

static void claim_nothing(Level ret_levels[_EVENT_CODE_MAX], const char *ret_why[_EVENT_CODE_MAX], const char *why) {
        for (Event e = 0; e < _EVENT_CODE_MAX; e++)
                claim(ret_levels, ret_why, e, why);
}

void observer_probe_hooks(Observer *o, const char *canary, Level ret_levels[_EVENT_CODE_MAX],
                          const char *ret_why[_EVENT_CODE_MAX]) {
        _cleanup_close_ int fd = -1;
        FileIdentity file;

        if (!o->options.hooks)
                return claim_nothing(ret_levels, ret_why, "switched off (Hooks=no)");
        if (!o->programs || !programs_have_hooks(o->programs))
                return claim_nothing(ret_levels, ret_why, "the kernel takes no BPF security programs");
        fd = copy_to_memfd(canary);
        if (fd < 0 || observer_identify(observer_identify_fd(o), fd, &file) < 0)
                return claim_nothing(ret_levels, ret_why, "the probe could not be made");
        o->hooks_probe = (HooksProbe){ .inode_address = file.inode_address };
        keep_let_go(o, 0, file.inode_address);
        __atomic_store_n(&o->state->refused, file.inode_address, __ATOMIC_RELEASE);
        for (Event e = 0; e < _EVENT_CODE_MAX; e++)
                if (tries[e])
                        claim(ret_levels, ret_why, e, probe_one(o, e, fd));
        __atomic_store_n(&o->state->refused, 0, __ATOMIC_RELEASE);
        keep_let_go(o, 0, 0);
        o->hooks_probe =
                (HooksProbe){ .exec_since = ret_levels[EVENT_EXEC] == LEVEL_ENFORCE ? clock_ns(CLOCK_BOOTTIME) : 0 };
        /* No driver can be asked to load firmware; it comes through the same hook as modules do. */
        claim(ret_levels, ret_why, EVENT_FIRMWARE, ret_why[EVENT_MODULE]);
        if (ret_levels[EVENT_EXEC] != LEVEL_ENFORCE) /* the one whose silence would be found out */
                claim_nothing(ret_levels, ret_why, ret_why[EVENT_EXEC]);
}
