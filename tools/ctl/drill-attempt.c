/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is tried against the daemon and the kernel. What would be asked of the kernel in an attack comes as far as the question
 * whether it may; what follows is nothing: no byte is written, values stay what they are, what is removed or mounted is not there. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/macro.h"
#include "lib/io/fd.h"
#include "tools/ctl/drill.h"

DEFINE_CLEANUP(DIR *, closedir)

enum { SOME_ADDRESS = 4096 }; /* where nothing is */

DrillTry drill_result(long result) {
        return result >= 0 || (errno != EPERM && errno != EACCES) ? TRY_DONE : TRY_REFUSED;
}

static DrillTry open_one(const char *path, int flags) {
        _cleanup_close_ int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);

        return fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO) ? TRY_ABSENT : drill_result(fd);
}

_printf_(1, 2) static DrillTry open_to_write(const char *format, ...) {
        char path[PATH_MAX];
        va_list ap;
        int n;

        va_start(ap, format);
        n = vsnprintf(path, sizeof(path), format, ap);
        va_end(ap);
        return n < 0 || n >= (int) sizeof(path) ? TRY_ABSENT : open_one(path, O_WRONLY);
}

/* The first that there is. */
static DrillTry open_match(const char *pattern) {
        DrillTry result = TRY_ABSENT;
        glob_t found;

        if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
                return TRY_ABSENT;
        if (found.gl_pathc > 0)
                result = open_to_write("%s", found.gl_pathv[0]);
        globfree(&found);
        return result;
}

/* A signal that is refused as those that end it are, and that it ignores. */
static DrillTry send_signal(const DrillPlaces *p) {
        return drill_result(kill(p->daemon, SIGPIPE));
}

/* It is let go when this process ends. */
static DrillTry seize(const DrillPlaces *p) {
        return drill_result(ptrace(PTRACE_SEIZE, p->daemon, NULL, NULL));
}

static DrillTry read_memory(const DrillPlaces *p) {
        char byte;
        const struct iovec here = { &byte, 1 }, there = { (void *) SOME_ADDRESS, 1 };

        return drill_result(process_vm_readv(p->daemon, &here, 1, &there, 1, 0));
}

static DrillTry open_memory(const DrillPlaces *p) {
        return open_to_write("/proc/%d/mem", p->daemon);
}

static DrillTry get_descriptor(const DrillPlaces *p) {
        _cleanup_close_ int process = (int) syscall(SYS_pidfd_open, p->daemon, 0), fd = -1;

        if (process < 0)
                return TRY_ABSENT;
        fd = (int) syscall(SYS_pidfd_getfd, process, 0, 0);
        return drill_result(fd);
}

static DrillTry set_same_limit(const DrillPlaces *p) {
        struct rlimit limit;

        if (prlimit(p->daemon, RLIMIT_CORE, NULL, &limit) < 0)
                return drill_result(-1);
        return drill_result(prlimit(p->daemon, RLIMIT_CORE, &limit, NULL));
}

static DrillTry set_same_processors(const DrillPlaces *p) {
        cpu_set_t set;

        if (sched_getaffinity(p->daemon, sizeof(set), &set) < 0)
                return drill_result(-1);
        return drill_result(sched_setaffinity(p->daemon, sizeof(set), &set));
}

static DrillTry open_oom_score(const DrillPlaces *p) {
        return open_to_write("/proc/%d/oom_score_adj", p->daemon);
}

static DrillTry open_sysrq(const DrillPlaces *p) {
        return open_to_write("/proc/sysrq-trigger");
}

static DrillTry open_log(const DrillPlaces *p) {
        return open_to_write("%s/measurements", p->run);
}

/* A file that the daemon made for that. */
static DrillTry remove_file(const DrillPlaces *p) {
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "%s/drill", p->run);
        return drill_result(unlink(path));
}

/* The kernel asks whether a directory may be removed before it looks whether there is something in it. */
static DrillTry remove_pins(const DrillPlaces *p) {
        _cleanup_(closedirp) DIR *d = *p->pins ? opendir(p->pins) : NULL;
        const struct dirent *e;

        while (d && (e = readdir(d)))
                if (e->d_name[0] != '.' && e->d_type == DT_DIR)
                        return drill_result(unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR));
        return TRY_ABSENT;
}

static DrillTry get_object(int command, uint32_t id) {
        union bpf_attr attr = { .map_id = id }; /* link_id and prog_id are at the same place */
        _cleanup_close_ int fd = -1;

        if (id == 0)
                return TRY_ABSENT;
        fd = (int) syscall(SYS_bpf, command, &attr, sizeof(attr));
        return drill_result(fd);
}

static DrillTry get_map(const DrillPlaces *p) {
        return get_object(BPF_MAP_GET_FD_BY_ID, p->map);
}

static DrillTry get_link(const DrillPlaces *p) {
        return get_object(BPF_LINK_GET_FD_BY_ID, p->link);
}

static DrillTry get_program(const DrillPlaces *p) {
        return get_object(BPF_PROG_GET_FD_BY_ID, p->program);
}

/* The kernel asks before it looks for what is to be mounted. */
static DrillTry mount_over(const DrillPlaces *p) {
        return drill_result(mount("/sealwatch/drill/nothing", p->run, NULL, MS_BIND, NULL));
}

/* What is in use does not go that way, and what is not is only marked at the first time. */
static DrillTry unmount_bpffs(const DrillPlaces *p) {
        char path[256];
        char *slash;

        snprintf(path, sizeof(path), "%s", p->pins);
        slash = strrchr(path, '/');
        if (!slash || slash == path)
                return TRY_ABSENT;
        *slash = '\0';
        return drill_result(umount2(path, MNT_EXPIRE));
}

static DrillTry open_of_cgroup(const DrillPlaces *p, const char *const *names) {
        static const char *const mounts[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
        DrillTry result = TRY_ABSENT;

        for (size_t i = 0; *p->cgroup && i < ELEMENTSOF(mounts); i++)
                for (const char *const *name = names; *name && result == TRY_ABSENT; name++)
                        result = open_to_write("%s%s/%s", mounts[i], p->cgroup, *name);
        return result;
}

static DrillTry open_cgroup_kill(const DrillPlaces *p) {
        return open_of_cgroup(p, (const char *const[]){ "cgroup.kill", NULL });
}

static DrillTry open_cgroup_freeze(const DrillPlaces *p) {
        return open_of_cgroup(p, (const char *const[]){ "cgroup.freeze", NULL });
}

static DrillTry open_cgroup_limit(const DrillPlaces *p) {
        return open_of_cgroup(p, (const char *const[]){ "memory.max", "pids.max", "cpu.max", NULL });
}

static DrillTry open_cgroup_members(const DrillPlaces *p) {
        return open_of_cgroup(p, (const char *const[]){ "cgroup.procs", NULL });
}

static DrillTry open_ftrace(const DrillPlaces *p) {
        return open_to_write("/proc/sys/kernel/ftrace_enabled");
}

/* At an address that is no code. */
static DrillTry probe_kernel(const DrillPlaces *p) {
        struct perf_event_attr attributes = { .size = sizeof(attributes), .kprobe_addr = 1 };
        _cleanup_close_ int type = -1, fd = -1;
        char text[16] = "";

        type = open("/sys/bus/event_source/devices/kprobe/type", O_RDONLY | O_CLOEXEC);
        if (type < 0 || read(type, text, sizeof(text) - 1) <= 0)
                return TRY_ABSENT;
        attributes.type = (uint32_t) strtoul(text, NULL, 10);
        fd = (int) syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
        return drill_result(fd);
}

static DrillTry open_livepatch(const DrillPlaces *p) {
        return open_match("/sys/kernel/livepatch/*/enabled");
}

static DrillTry open_tpm_driver(const DrillPlaces *p) {
        return open_match("/sys/bus/*/drivers/tpm_*/unbind");
}

static DrillTry open_tpm(const DrillPlaces *p) {
        return open_one("/dev/tpmrm0", O_RDWR);
}

/* One that is attached nowhere, and gone at once. */
static DrillTry load_program(const DrillPlaces *p) {
        static const char license[] = "GPL";
        const struct bpf_insn code[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0 },
                                         { .code = BPF_JMP | BPF_EXIT } };
        union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
                                .insns = (uintptr_t) code,
                                .insn_cnt = ELEMENTSOF(code),
                                .license = (uintptr_t) license };
        _cleanup_close_ int fd = -1;

        memcpy(attr.prog_name, "drill", sizeof("drill"));
        fd = (int) syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
        return drill_result(fd);
}

static DrillTry (*const attempts[_DRILL_MAX])(const DrillPlaces *p) = {
        [DRILL_SIGNAL] = send_signal,
        [DRILL_PTRACE] = seize,
        [DRILL_READ_MEMORY] = read_memory,
        [DRILL_OPEN_MEMORY] = open_memory,
        [DRILL_GET_DESCRIPTOR] = get_descriptor,
        [DRILL_LIMIT] = set_same_limit,
        [DRILL_PROCESSORS] = set_same_processors,
        [DRILL_OOM_SCORE] = open_oom_score,
        [DRILL_SYSRQ] = open_sysrq,
        [DRILL_LOG] = open_log,
        [DRILL_PID_REUSE] = open_log, /* by a process with the daemon's number */
        [DRILL_REMOVE] = remove_file,
        [DRILL_PINS] = remove_pins,
        [DRILL_MAP] = get_map,
        [DRILL_LINK] = get_link,
        [DRILL_PROGRAM] = get_program,
        [DRILL_MOUNT] = mount_over,
        [DRILL_UNMOUNT] = unmount_bpffs,
        [DRILL_CGROUP_KILL] = open_cgroup_kill,
        [DRILL_CGROUP_FREEZE] = open_cgroup_freeze,
        [DRILL_CGROUP_LIMIT] = open_cgroup_limit,
        [DRILL_CGROUP_MOVE] = open_cgroup_members,
        [DRILL_FTRACE] = open_ftrace,
        [DRILL_KPROBE] = probe_kernel,
        [DRILL_LIVEPATCH] = open_livepatch,
        [DRILL_TPM_DRIVER] = open_tpm_driver,
        [DRILL_TPM_DEVICE] = open_tpm,
        [DRILL_BPF] = load_program,
};

DrillTry drill_attempt(DrillItem item, const DrillPlaces *places) {
        return attempts[item] ? attempts[item](places) : TRY_UNABLE;
}
