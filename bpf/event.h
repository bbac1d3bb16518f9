/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* How programs tell user space: one ring, one numbering, one way to wake up. exec.bpf.c defines the variables and the
 * ring. */

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"
#include "bpf/kernel.h"

enum {
        CGROUP_DEPTH_MAX = 32,
        PID_DEPTH_MAX = 32, /* the kernel's MAX_PID_NS_LEVEL */
        WAKE_INTERVAL_NS = 1000000,
};

extern const volatile SensorSettings settings;
extern SensorState state;

struct ring {
        __uint(type, BPF_MAP_TYPE_RINGBUF);
        __uint(max_entries, 4096); /* user space sets its own */
};
extern struct ring ring SEC(".maps");

/* The exec that a hook was asked about last. Root can silence every hook with one write (kernel.ftrace_enabled), but not the
 * tracepoint behind it: that finds another one, or none. */
struct checked {
        __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __type(key, int);
        __type(value, __u64);
};
extern struct checked checked SEC(".maps");

/* Which exec it is, by the memory that was made for it: never 0. A failed one's is freed, so an address alone may come back. */
static __always_inline __u64 exec_of(struct mm_struct *mm) {
        if (bpf_core_field_exists(mm->context.ctx_id))
                return mm->context.ctx_id;
        return (__u64) mm;
}

/* An ancestor's level is not known to user space in a cgroup namespace, so all are tried; 0 ends them. */
static __always_inline bool in_scope(void) {
        if (settings.cgroup == 0)
                return true;
        for (int level = 0; level < CGROUP_DEPTH_MAX; level++) {
                __u64 id = bpf_get_current_ancestor_cgroup_id(level);

                if (id == settings.cgroup)
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

        if (cred->euid.val == 0)
                return true;
        if (cred->user_ns->level != 0)
                return false;
        bpf_core_read(&capabilities, sizeof(capabilities), &cred->cap_effective);
        return capabilities != 0;
}

static __always_inline void fill_head(EventHead *e, EventType type, __u64 sequence, struct task_struct *task) {
        const struct cred *cred = task->cred;

        e->version = ABI_EVENTS;
        e->type = type;
        e->flags = is_privileged(cred) ? EVENT_PRIVILEGED : 0;
        e->sequence = sequence;
        e->time = bpf_ktime_get_boot_ns();
        e->pid = pid_in_namespace(task, settings.pid_namespace);
        e->host_pid = task->tgid;
        e->started = task->group_leader->start_boottime;
        e->cgroup = bpf_get_current_cgroup_id();
        e->uid = cred->uid.val;
        e->euid = cred->euid.val;
        e->mount_namespace = task->nsproxy->mnt_ns->ns.inum;
        e->zero = 0;
        bpf_get_current_comm(e->comm, sizeof(e->comm));
}

/* Waking the daemon costs the process twenty times what the event does. So only the first event of an empty ring wakes,
 * and at most once per interval; daemon/sensor/bpf/drain.c argues why no event is left behind. The interval counts only
 * from wake-ups that are really sent: it starts here, with the event in hand. */
static __always_inline __u64 wake_flag(bool was_empty) {
        __u64 now = bpf_ktime_get_ns();

        if (!was_empty || now - state.last_wake < WAKE_INTERVAL_NS)
                return BPF_RB_NO_WAKEUP;
        state.last_wake = now;
        return BPF_RB_FORCE_WAKEUP;
}

/* Room for an event of a constant size, which has its number. NULL: there is none, which is counted. */
static __always_inline void *reserve_room(EventType type, __u64 size) {
        void *e = bpf_ringbuf_reserve(&ring, size, 0);

        if (!e)
                __sync_fetch_and_add(&state.head.lost[type], 1);
        return e;
}

/* Numbers an event and finds room for it, or NULL. It must be submitted with wake_flag(*ret_empty). */
static __always_inline void *reserve_event(EventType type, __u64 size, __u64 *ret_sequence, bool *ret_empty) {
        *ret_sequence = __sync_fetch_and_add(&state.head.sequence, 1);
        *ret_empty = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) == 0; /* before reserve: see drain.c */
        return reserve_room(type, size);
}

/* One that is lost before it was begun. */
static __always_inline void lose_event(EventType type) {
        __sync_fetch_and_add(&state.head.sequence, 1);
        __sync_fetch_and_add(&state.head.lost[type], 1);
}

/* Half of the ring is kept free of what anybody can cause without end. */
static __always_inline bool ring_is_half_full(void) {
        return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > bpf_ringbuf_query(&ring, BPF_RB_RING_SIZE) / 2;
}

/* A refusal that is left out: nothing happened, so that it is counted is enough. `kind`: a CodeKind, or
 * _CODE_MAX + an ActivityKind. */
static __always_inline bool leave_out(__u32 kind) {
        if (!ring_is_half_full())
                return false;
        __sync_fetch_and_add(&state.untold[kind & (ABI_KINDS_MAX - 1)], 1);
        return true;
}

/* True for a file of a later daemon's, which probes itself: what is left of an earlier one is not asked about it. */
static __always_inline bool is_let_go(const struct inode *inode) {
        for (int i = 0; i < ABI_LET_GO_MAX; i++)
                if (state.head.let_go[i] != 0 && state.head.let_go[i] == (__u64) inode)
                        return true;
        return false;
}
