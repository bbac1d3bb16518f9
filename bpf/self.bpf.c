/* SPDX-License-Identifier: GPL-2.0-only */

/* Hooks that are about the daemon alone. */

#include "bpf/self.h"

enum { SIGNAL_HUP = 1, SIGNAL_CHLD = 17, SIGNAL_CONT = 18, SIGNAL_URG = 23, SIGNAL_WINCH = 28, FMODE_WRITES = 0x2 };

struct guarded guarded SEC(".maps");
struct own_objects own_objects SEC(".maps");

/* These end nothing, and hold nothing up. */
static __always_inline bool is_harmless(int signal) {
        return signal == 0 || signal == SIGNAL_HUP || signal == SIGNAL_CHLD || signal == SIGNAL_CONT ||
               signal == SIGNAL_URG || signal == SIGNAL_WINCH;
}

static __always_inline int about_daemon(ActivityWhat what, __u64 number, struct task_struct *task) {
        struct activity a = { .kind = ACTIVITY_SELF, .what = what, .number = number };

        if (!is_daemon(task))
                return allow();
        about_task(&a, task);
        return settle_activity(&a);
}

static __always_inline int on_signal(struct task_struct *task, int signal) {
        if (is_harmless(signal) && !activities.probing)
                return allow();
        return about_daemon(WHAT_SELF_SIGNAL, signal, task);
}

static __always_inline int on_removal(struct dentry *dentry) {
        struct activity a = { .kind = ACTIVITY_SELF, .what = WHAT_SELF_REMOVE, .dentry = (__u64) dentry };

        if (!is_guarded(dentry))
                return allow();
        a.object = (__u64) BPF_CORE_READ(dentry, d_inode);
        return settle_activity(&a);
}

static __always_inline int on_rename(struct dentry *from, struct dentry *to) {
        return is_guarded(from) ? on_removal(from) : on_removal(to);
}

static __always_inline int on_map(struct bpf_map *map, unsigned int mode) {
        struct activity a = { .kind = ACTIVITY_SELF, .what = WHAT_SELF_MAP };

        a.number = a.object = BPF_CORE_READ(map, id);
        if (!(mode & FMODE_WRITES) || !is_own_object(OWN_MAP, a.number))
                return allow();
        return settle_activity(&a);
}

/* One of them makes whoever runs it the daemon. */
static __always_inline int on_program(struct bpf_prog *program) {
        struct activity a = { .kind = ACTIVITY_SELF, .what = WHAT_SELF_PROGRAM };

        a.number = a.object = BPF_CORE_READ(program, aux, id);
        return is_own_object(OWN_PROGRAM, a.number) ? settle_activity(&a) : allow();
}

SEC("?lsm/task_kill")
int BPF_PROG(self_signal, struct task_struct *task, void *info, int signal, const struct cred *cred) {
        return on_signal(task, signal);
}

SEC("?fmod_ret/security_task_kill")
int BPF_PROG(lower_self_signal, struct task_struct *task, void *info, int signal, const struct cred *cred) {
        return on_signal(task, signal);
}

SEC("?lsm/task_setrlimit")
int BPF_PROG(self_limit, struct task_struct *task, unsigned int resource, void *limit) {
        return about_daemon(WHAT_SELF_LIMIT, resource, task);
}

SEC("?fmod_ret/security_task_setrlimit")
int BPF_PROG(lower_self_limit, struct task_struct *task, unsigned int resource, void *limit) {
        return about_daemon(WHAT_SELF_LIMIT, resource, task);
}

SEC("?lsm/task_setscheduler")
int BPF_PROG(self_scheduler, struct task_struct *task) {
        return about_daemon(WHAT_SELF_LIMIT, 0, task);
}

SEC("?fmod_ret/security_task_setscheduler")
int BPF_PROG(lower_self_scheduler, struct task_struct *task) {
        return about_daemon(WHAT_SELF_LIMIT, 0, task);
}

SEC("?lsm/task_setnice")
int BPF_PROG(self_nice, struct task_struct *task, int nice) {
        return about_daemon(WHAT_SELF_LIMIT, 0, task);
}

SEC("?fmod_ret/security_task_setnice")
int BPF_PROG(lower_self_nice, struct task_struct *task, int nice) {
        return about_daemon(WHAT_SELF_LIMIT, 0, task);
}

SEC("?lsm/inode_unlink")
int BPF_PROG(self_unlink, struct inode *directory, struct dentry *dentry) {
        return on_removal(dentry);
}

SEC("?fmod_ret/security_inode_unlink")
int BPF_PROG(lower_self_unlink, struct inode *directory, struct dentry *dentry) {
        return on_removal(dentry);
}

SEC("?lsm/inode_rmdir")
int BPF_PROG(self_rmdir, struct inode *directory, struct dentry *dentry) {
        return on_removal(dentry);
}

SEC("?fmod_ret/security_inode_rmdir")
int BPF_PROG(lower_self_rmdir, struct inode *directory, struct dentry *dentry) {
        return on_removal(dentry);
}

SEC("?lsm/inode_rename")
int BPF_PROG(self_rename, struct inode *old_directory, struct dentry *from, struct inode *new_directory,
             struct dentry *to) {
        return on_rename(from, to);
}

SEC("?fmod_ret/security_inode_rename")
int BPF_PROG(lower_self_rename, struct inode *old_directory, struct dentry *from, struct inode *new_directory,
             struct dentry *to) {
        return on_rename(from, to);
}

SEC("?lsm/bpf_map")
int BPF_PROG(self_map, struct bpf_map *map, unsigned int mode) {
        return on_map(map, mode);
}

SEC("?fmod_ret/security_bpf_map")
int BPF_PROG(lower_self_map, struct bpf_map *map, unsigned int mode) {
        return on_map(map, mode);
}

SEC("?lsm/bpf_prog")
int BPF_PROG(self_program, struct bpf_prog *program) {
        return on_program(program);
}

SEC("?fmod_ret/security_bpf_prog")
int BPF_PROG(lower_self_program, struct bpf_prog *program) {
        return on_program(program);
}
