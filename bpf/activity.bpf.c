/* SPDX-License-Identifier: GPL-2.0-only */

/* Judging and telling of activities. What is let happen is told once per user, program and object, and once more under each
 * policy: what a rule looks at beyond that is for user space. What is refused is told each time. */

#include "bpf/self.h"

enum {
        TOLD_MAX = 4096,
        PARTS_MAX = 48,
        PART_SIZE = 256, /* NAME_MAX + 1 */
};

ActivityState activities;
const ActivityEvent *type_of_activity_events __attribute__((unused));
const ActivityState *type_of_activity_state __attribute__((unused));

struct told_key {
        __u64 program, object;
        __u32 uid, what;
};

struct {
        __uint(type, BPF_MAP_TYPE_LRU_HASH);
        __uint(max_entries, TOLD_MAX);
        __type(key, struct told_key);
        __type(value, __u32);
} told SEC(".maps");

struct parts {
        char text[ABI_PARTS_SIZE];
};

struct walk {
        struct dentry *dentry;
        struct mount *mount;
        struct parts *to;
        __u32 used, whole;
};

/* One step up. 1: it was the last. */
static long step_up(__u32 index, void *context) {
        struct walk *w = context;
        struct dentry *dentry = w->dentry, *parent;
        struct mount *mount = w->mount, *above;
        __u32 used = w->used;
        long n;

        if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
                above = BPF_CORE_READ(mount, mnt_parent);
                w->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
                w->mount = above;
                if (above != mount)
                        return 0;
                w->whole = 1;
                return 1;
        }
        parent = BPF_CORE_READ(dentry, d_parent);
        if (parent == dentry || used > ABI_PARTS_SIZE - PART_SIZE)
                return 1;
        n = bpf_probe_read_kernel_str(w->to->text + used, PART_SIZE, BPF_CORE_READ(dentry, d_name.name));
        if (n <= 0 || n > PART_SIZE)
                return 1;
        w->used = used + n;
        w->dentry = parent;
        return 0;
}

/* The names of the path up to the root of the mount namespace, for user space to put together. Returns 0 when they did not
 * all find room. Not static: the verifier looks at it once. */
__noinline __u32 put_path(struct parts *to, __u64 dentry, __u64 mount) {
        struct walk w = {
                .dentry = (void *) dentry,
                .mount = (void *) (mount - bpf_core_field_offset(struct mount, mnt)),
                .to = to,
        };
        __u32 used;

        if (!to)
                return 0;
        bpf_loop(PARTS_MAX, step_up, &w, 0);
        used = w.used;
        if (used < ABI_PARTS_SIZE)
                to->text[used] = '\0';
        return w.whole;
}

static __always_inline void put_file(ActivityEvent *e, struct dentry *dentry) {
        inode_identity(BPF_CORE_READ(dentry, d_inode), &e->file);
}

static __always_inline void put_other(ActivityEvent *e, struct task_struct *other) {
        e->other_pid = other ? pid_in_namespace(other, settings.pid_namespace) : 0;
        e->other_host_pid = other ? BPF_CORE_READ(other, tgid) : 0;
}

static __always_inline void put_activity_name(ActivityEvent *e, const struct activity *a) {
        long n = 0;

        if (a->name)
                n = bpf_probe_read_kernel_str(e->name, sizeof(e->name), (const void *) a->name);
        else if (a->user_name)
                n = bpf_probe_read_user_str(e->name, sizeof(e->name), (const void *) a->user_name);
        if (n <= 0)
                e->name[0] = '\0';
}

__noinline __u32 tell_activity(const struct activity *a, __u32 denied, __u32 generation) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct file *exe;
        __u64 sequence;
        bool was_empty;
        ActivityEvent *e;

        if (!a)
                return 0;
        if (!denied && ring_is_half_full() && !is_privileged(task->cred)) {
                lose_event(EVENT_TYPE_ACTIVITY);
                return 0;
        }
        e = reserve_event(EVENT_TYPE_ACTIVITY, sizeof(*e), &sequence, &was_empty);
        if (!e)
                return 0;
        fill_head(&e->head, EVENT_TYPE_ACTIVITY, sequence, task);
        e->kind = a->kind;
        e->what = a->what;
        e->denied = denied;
        e->generation = generation;
        e->number = a->number;
        put_other(e, (struct task_struct *) a->other);
        put_activity_name(e, a);
        if (a->dentry) {
                put_file(e, (struct dentry *) a->dentry);
                if (!put_path((struct parts *) e->target, a->dentry, a->mount))
                        e->head.flags |= EVENT_TRUNCATED;
        } else {
                e->file = (KernelFile){};
                e->target[0] = '\0';
        }
        exe = BPF_CORE_READ(task, mm, exe_file);
        if (!exe || !put_path((struct parts *) e->program, (__u64) BPF_CORE_READ(exe, f_path.dentry),
                              (__u64) BPF_CORE_READ(exe, f_path.mnt)))
                e->program[0] = '\0';
        bpf_ringbuf_submit(e, wake_flag(was_empty));
        return 1;
}

static __always_inline bool is_told(const struct activity *a, struct task_struct *task, __u32 generation) {
        struct told_key key = {
                .program = (__u64) BPF_CORE_READ(task, mm, exe_file, f_inode),
                .object = a->object,
                .uid = BPF_CORE_READ(task, cred, uid.val),
                .what = a->what,
        };
        __u32 *before = bpf_map_lookup_elem(&told, &key);

        if (before && *before == generation)
                return true;
        bpf_map_update_elem(&told, &key, &generation, BPF_ANY);
        return false;
}

/* The service manager, or who else started it; and the first process. */
static __always_inline bool is_manager(struct task_struct *task) {
        struct task_struct *daemon = (void *) state.owner;

        return BPF_CORE_READ(task, tgid) == 1 ||
               BPF_CORE_READ(task, group_leader) == BPF_CORE_READ(daemon, real_parent, group_leader);
}

static __always_inline bool is_helper(struct task_struct *task) {
        return state.owner == (__u64) BPF_CORE_READ(task, real_parent, group_leader);
}

static __always_inline bool may_manage(const struct activity *a) {
        if (a->what == WHAT_SELF_SIGNAL)
                return !activities.refuse_stop || a->number == SIGNAL_USR2;
        return a->what == WHAT_SELF_CGROUP || a->what == WHAT_SELF_LIMIT || a->what == WHAT_SELF_WRITE ||
               a->what == WHAT_SELF_REMOVE || a->what == WHAT_SELF_MOUNT;
}

static __always_inline __u32 judge_self(const struct activity *a, struct task_struct *task) {
        KernelPolicy *p;
        __u32 count, denied;

        p = current_policy(&count);
        if (!p || (is_manager(task) && may_manage(a)) || (is_helper(task) && a->what == WHAT_SELF_WRITE))
                return 0;
        denied = p->enforce && can_refuse() && !p->self_allowed && !a->only_seen;
        if (denied ? !leave_out(_CODE_MAX + a->kind) : !is_told(a, task, p->generation))
                tell_activity(a, denied, p->generation);
        return denied;
}

/* Without them no daemon could start and take over from one that has ended: then they are told, and not refused. */
static __always_inline __u32 needed_to_start(void) {
        return state.head.unattended ? 1U << ACTIVITY_BPF | 1U << ACTIVITY_DEVICE : 0;
}

struct judgement {
        __u32 denied, ignored, generation;
};

/* False: there is no policy yet. Some who ask can sleep, so what was read may have been another policy's meanwhile. */
static __always_inline bool judge_kind(__u32 kind, struct judgement *ret) {
        const __u32 bit = 1U << (kind & 31);
        KernelPolicy *p;
        __u32 count;

#pragma clang loop unroll(disable)
        for (int i = 0; i < POLICY_TRIES; i++) {
                p = current_policy(&count);
                if (!p)
                        return false;
                ret->denied = p->enforce && can_refuse() && p->activities_denied & bit & ~needed_to_start();
                ret->ignored = p->activities_ignored & bit;
                ret->generation = p->generation;
                if (is_in_force(count))
                        break;
                ret->denied = p->enforce && can_refuse();
        }
        return true;
}

__noinline __u32 judge_activity(const struct activity *a) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct judgement j;

        if (!a)
                return 0;
        if (is_probe(task)) {
                tell_activity(a, 1, 0);
                return 1;
        }
        if (is_daemon(task))
                return 0;
        if (a->kind == ACTIVITY_SELF)
                return judge_self(a, task);
        if (!in_scope() || is_let_go(BPF_CORE_READ(task, mm, exe_file, f_inode)) || !judge_kind(a->kind, &j))
                return 0;
        if (!j.denied && (j.ignored || (!a->each_time && is_told(a, task, j.generation))))
                return 0;
        if (!j.denied || !leave_out(_CODE_MAX + a->kind))
                tell_activity(a, j.denied, j.generation);
        return j.denied;
}
