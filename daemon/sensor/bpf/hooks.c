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
#include "daemon/sensor/deputy.h"
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

static const DeputyOrder deputies[_EVENT_CODE_MAX] = {
        [EVENT_MODULE] = DEPUTY_MODULE,
        [EVENT_KEXEC] = DEPUTY_KEXEC,
};

/* What a rung that works is worth for each way, and why not more. */
static const struct {
        Level level;
        const char *why;
} worth[_RUNG_MAX][_EVENT_CODE_MAX] = {
        [RUNG_LSM] = {
                [EVENT_EXEC] = { LEVEL_ENFORCE, "lsm" },
                [EVENT_LIBRARY] = { LEVEL_ENFORCE, "lsm" },
                [EVENT_MODULE] = { LEVEL_ENFORCE, "lsm" },
                [EVENT_KEXEC] = { LEVEL_ENFORCE, "lsm" },
                [EVENT_FIRMWARE] = { LEVEL_ENFORCE, "lsm" },
                [EVENT_OVERWRITE] = { LEVEL_ENFORCE, "lsm" },
        },
#define REFUSED_ONCE "fmod_ret: a file that was not seen yet is in no reference set"
        [RUNG_FMOD_RET] = {
                [EVENT_EXEC] = { LEVEL_ENFORCE, "fmod_ret" },
                [EVENT_LIBRARY] = { LEVEL_OBSERVE, "fmod_ret: a file that was not seen yet is judged after the fact" },
                [EVENT_MODULE] = { LEVEL_ENFORCE, REFUSED_ONCE },
                [EVENT_KEXEC] = { LEVEL_ENFORCE, REFUSED_ONCE },
                [EVENT_FIRMWARE] = { LEVEL_ENFORCE, REFUSED_ONCE },
                [EVENT_OVERWRITE] = { LEVEL_ENFORCE, "fmod_ret" },
        },
#undef REFUSED_ONCE
#define ONLY_SEEN "fentry: can only see"
        [RUNG_FENTRY] = {
                [EVENT_EXEC] = { LEVEL_OBSERVE, ONLY_SEEN },
                [EVENT_LIBRARY] = { LEVEL_OBSERVE, ONLY_SEEN },
                [EVENT_MODULE] = { LEVEL_OBSERVE, ONLY_SEEN },
                [EVENT_KEXEC] = { LEVEL_OBSERVE, ONLY_SEEN },
                [EVENT_FIRMWARE] = { LEVEL_OBSERVE, ONLY_SEEN },
                [EVENT_OVERWRITE] = { LEVEL_OBSERVE, ONLY_SEEN },
        },
#undef ONLY_SEEN
};

/* NULL when the hook does what its rung can. */
static const char *probe_one(Observer *o, Event e, int fd) {
        char path[64];
        int r;

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        r = tries[e](fd, path);
        drain_probe(o);
        if (deputies[e] && r == -EPERM && !(o->hooks_probe.seen & 1U << e)) { /* we may not even try */
                int q = deputy_try(DEPUTY_SOCKET, deputies[e], fd);

                r = q == -ENOLINK ? r : q;
                drain_probe(o);
        }
        if (!(o->hooks_probe.seen & 1U << e))
                return r == -EPERM ? "the kernel refused the probe before the hook was asked"
                                   : "the hook does not fire";
        if (r != -EPERM && o->rung != RUNG_FENTRY)
                return "the hook fires, and what it says is not done";
        if (o->rung == RUNG_LSM && !(o->hooks_probe.hashed & 1U << e))
                return "the kernel gives no SHA-256 of files (IMA, ima_hash=)";
        return NULL;
}

/* failed: NULL, or why nothing is claimed. */
static void claim(const Observer *o, Level ret_levels[_EVENT_CODE_MAX], const char *ret_why[_EVENT_CODE_MAX], Event e,
                  const char *failed) {
        ret_levels[e] = failed ? LEVEL_OFF : worth[o->rung][e].level;
        ret_why[e] = failed ?: worth[o->rung][e].why;
}

static void claim_nothing(const Observer *o, Level ret_levels[_EVENT_CODE_MAX], const char *ret_why[_EVENT_CODE_MAX],
                          const char *why) {
        for (Event e = 0; e < _EVENT_CODE_MAX; e++)
                claim(o, ret_levels, ret_why, e, why);
}

/* Returns why the rung is of no use; NULL when it is. */
static const char *probe_rung(Observer *o, int fd, const FileIdentity *file, Level ret_levels[_EVENT_CODE_MAX],
                              const char *ret_why[_EVENT_CODE_MAX]) {
        const char *failed[_EVENT_CODE_MAX] = {};

        o->hooks_probe = (HooksProbe){ .inode_address = file->inode_address };
        keep_let_go(o, 0, file->inode_address);
        __atomic_store_n(&o->state->refused, file->inode_address, __ATOMIC_RELEASE);
        for (Event e = 0; e < _EVENT_CODE_MAX; e++)
                if (tries[e])
                        failed[e] = probe_one(o, e, fd);
        __atomic_store_n(&o->state->refused, 0, __ATOMIC_RELEASE);
        keep_let_go(o, 0, 0);
        /* No driver can be asked to load firmware; it comes through the same hook as modules do. */
        failed[EVENT_FIRMWARE] = failed[EVENT_MODULE];
        o->hooks_probe = (HooksProbe){ .exec_since = failed[EVENT_EXEC] ? 0 : clock_ns(CLOCK_BOOTTIME) };
        observer_say_hooked(o);
        for (Event e = 0; e < _EVENT_CODE_MAX; e++)
                claim(o, ret_levels, ret_why, e, failed[e]);
        return failed[EVENT_EXEC]; /* the one whose silence would be found out */
}

int observer_probe_hooks(Observer *o, const char *canary, Level ret_levels[_EVENT_CODE_MAX],
                         const char *ret_why[_EVENT_CODE_MAX]) {
        const char *why = "the kernel takes no BPF programs at these places";
        _cleanup_close_ int fd = -1;
        FileIdentity file;
        int r;

        if (o->options.hooks == RUNG_NONE)
                why = "switched off (Hooks=no)";
        fd = copy_to_memfd(canary);
        if (fd < 0 || observer_identify(observer_identify_fd(o), fd, &file) < 0) {
                claim_nothing(o, ret_levels, ret_why, "the probe could not be made");
                return 0;
        }
        while (o->rung != RUNG_NONE) {
                why = probe_rung(o, fd, &file, ret_levels, ret_why);
                if (!why)
                        return 0;
                r = observer_descend(o);
                if (r < 0)
                        return r;
        }
        claim_nothing(o, ret_levels, ret_why, why);
        return 0;
}
