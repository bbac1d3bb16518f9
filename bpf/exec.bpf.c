/* SPDX-License-Identifier: GPL-2.0-only */

/* Every program that comes to run, whatever let it: sched_process_exec is raised by the kernel itself once an exec can
 * no longer fail, with the new credentials in place. */

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/abi.h"
#include "bpf/file.h"
#include "bpf/kernel.h"

enum {
        CGROUP_DEPTH_MAX = 32,
        PID_DEPTH_MAX = 32, /* the kernel's MAX_PID_NS_LEVEL */
        WAKE_INTERVAL_NS = 1000000,
};

char LICENSE[] SEC("license") = "GPL";

const volatile SensorSettings settings;
SensorState state;
const ExecEvent *type_of_events __attribute__((unused)); /* so that the object's BTF has it */

struct {
        __uint(type, BPF_MAP_TYPE_RINGBUF);
        __uint(max_entries, 4096); /* user space sets its own */
} ring SEC(".maps");

/* An ancestor's level is not known to user space in a cgroup namespace, so all are tried; 0 ends them. */
static __always_inline bool in_cgroup(__u64 cgroup) {
        for (int level = 0; level < CGROUP_DEPTH_MAX; level++) {
                __u64 id = bpf_get_current_ancestor_cgroup_id(level);

                if (id == cgroup)
                        return true;
                if (id == 0)
                        return false;
        }
        return false;
}

/* The number that the namespace gives to the process; 0 when the process is not visible there. */
static __always_inline __u32 pid_in_namespace(struct task_struct *task, __u32 namespace) {
        struct pid *pid = BPF_CORE_READ(task, signal, pids[bpf_core_enum_value(enum pid_type, PIDTYPE_TGID)]);
        __u32 level = BPF_CORE_READ(pid, level);
        void *numbers = (void *) pid + bpf_core_field_offset(pid->numbers);

        for (__u32 i = 0; i < PID_DEPTH_MAX && i <= level; i++) {
                struct upid *upid = numbers + i * bpf_core_type_size(struct upid);

                if (BPF_CORE_READ(upid, ns, ns.inum) == namespace)
                        return BPF_CORE_READ(upid, nr);
        }
        return 0;
}

/* A kuid of 0 is root of the initial user namespace whatever namespace it runs in; capabilities count only there. */
static __always_inline bool is_privileged(const struct cred *cred) {
        __u64 capabilities = 0;

        if (BPF_CORE_READ(cred, euid.val) == 0)
                return true;
        if (BPF_CORE_READ(cred, user_ns, level) != 0)
                return false;
        bpf_core_read(&capabilities, sizeof(capabilities), &cred->cap_effective);
        return capabilities != 0;
}

static __always_inline void fill_process(ExecEvent *e, struct task_struct *task) {
        const struct cred *cred = BPF_CORE_READ(task, cred);

        e->pid = pid_in_namespace(task, settings.pid_namespace);
        e->host_pid = BPF_CORE_READ(task, tgid);
        e->started = BPF_CORE_READ(task, group_leader, start_boottime);
        e->cgroup = bpf_get_current_cgroup_id();
        e->uid = BPF_CORE_READ(cred, uid.val);
        e->euid = BPF_CORE_READ(cred, euid.val);
        if (is_privileged(cred))
                e->flags |= EXEC_PRIVILEGED;
        bpf_get_current_comm(e->comm, sizeof(e->comm));
}

static __always_inline void fill_filename(ExecEvent *e, const char *filename) {
        long n = bpf_probe_read_kernel_str(e->filename, sizeof(e->filename), filename);

        if (n <= 0)
                e->filename[0] = '\0';
        if (n == sizeof(e->filename))
                e->flags |= EXEC_TRUNCATED; /* or just as long */
}

/* Waking the daemon costs the exec'ing process twenty times what the event does. So only the first event of an empty
 * ring wakes, and at most once per interval; daemon/sensor/bpf/drain.c argues why no event is left behind. The interval
 * counts only from wake-ups that are really sent: it starts here, with the event in hand. */
static __always_inline __u64 wake_flag(bool was_empty) {
        __u64 now = bpf_ktime_get_ns();

        if (!was_empty || now - state.last_wake < WAKE_INTERVAL_NS)
                return BPF_RB_NO_WAKEUP;
        state.last_wake = now;
        return BPF_RB_FORCE_WAKEUP;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm) {
        struct file *file = BPF_CORE_READ(bprm, file);
        __u64 sequence;
        bool was_empty;
        ExecEvent *e;

        if (settings.cgroup != 0 && !in_cgroup(settings.cgroup) &&
            (state.probe == 0 || state.probe != (__u64) BPF_CORE_READ(file, f_inode)))
                return 0;
        sequence = __sync_fetch_and_add(&state.sequence, 1);
        was_empty = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) == 0; /* before reserve: see drain.c */
        e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);
        if (!e) {
                __sync_fetch_and_add(&state.lost, 1);
                return 0;
        }
        e->version = ABI_VERSION;
        e->flags = 0;
        e->sequence = sequence;
        e->time = bpf_ktime_get_boot_ns();
        file_identity(file, &e->file);
        fill_process(e, task);
        fill_filename(e, BPF_CORE_READ(bprm, filename));
        bpf_ringbuf_submit(e, wake_flag(was_empty));
        return 0;
}
