/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* What is done to the machine's running state: how a hook says what it saw. activity.bpf.c decides and tells.
 *
 * Each hook has two programs, for where BPF is among the active security modules and for where it is not. */

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/abi.h"
#include "bpf/decide.h"
#include "bpf/kernel.h"

/* Addresses, since who looks at them takes them for numbers. */
struct activity {
        __u32 kind, what;
        __u64 object; /* the same for what needs to be told once */
        __u64 number;
        __u64 name;          /* a string of the kernel's, or 0 */
        __u64 user_name;     /* … of the process */
        __u64 dentry, mount; /* struct vfsmount: a path, or 0 */
        __u64 other;         /* struct task_struct, or 0 */
        __u64 each_time;     /* told each time */
        __u64 only_seen;     /* who looks has nothing to say */
};

extern ActivityState activities;

/* The first thread alone: what the others do meanwhile is not refused. */
static __always_inline bool is_probe(struct task_struct *task) {
        return activities.probing &&
               (state.owner == (__u64) task || state.owner == (__u64) BPF_CORE_READ(task, real_parent));
}

/* 1: it is refused. */
__u32 judge_activity(const struct activity *a);

static __always_inline int settle_activity(const struct activity *a) {
        return judge_activity(a) && can_refuse() ? deny() : allow();
}

static __always_inline void about_path(struct activity *a, const struct path *path) {
        a->dentry = (__u64) BPF_CORE_READ(path, dentry);
        a->mount = (__u64) BPF_CORE_READ(path, mnt);
}

static __always_inline void about_file(struct activity *a, struct file *file) {
        a->dentry = (__u64) BPF_CORE_READ(file, f_path.dentry);
        a->mount = (__u64) BPF_CORE_READ(file, f_path.mnt);
}

/* Another process is known by its program. */
static __always_inline void about_task(struct activity *a, struct task_struct *task) {
        struct file *exe = BPF_CORE_READ(task, mm, exe_file);

        a->other = (__u64) task;
        if (exe)
                about_file(a, exe);
        a->object = (__u64) BPF_CORE_READ(exe, f_inode);
}
