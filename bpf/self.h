/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* What is done to the daemon itself. Told and, in enforce, refused without any rule; only while there is a daemon. Who started it
 * (the service manager) and the first process may end it, and change its cgroup. */

#include "bpf/activity.h"

enum {
        SIGNAL_USR2 = 12, /* hands over to the next daemon: somebody judges at every moment */
        GUARDED_MAX = 256,
        OWN_OBJECTS_MAX = 256,
        MAGIC_PROC = 0x9fa0,
        MAGIC_SYSFS = 0x62656572,
        MAGIC_CGROUP2 = 0x63677270,
};

/* GUARD_*, by the address of a directory's inode, which the daemon holds open. */
struct guarded {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, GUARDED_MAX);
        __type(key, __u64);
        __type(value, __u32);
};
extern struct guarded guarded SEC(".maps");

/* Our own maps, links and programs, by kind and number. */
struct own_objects {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, OWN_OBJECTS_MAX);
        __type(key, __u64); /* OWN_* << 32 | id */
        __type(value, __u32);
};
extern struct own_objects own_objects SEC(".maps");

static __always_inline bool is_daemon(struct task_struct *task) {
        return state.owner != 0 && state.owner == (__u64) BPF_CORE_READ(task, group_leader);
}

static __always_inline bool is_own_object(__u32 kind, __u32 id) {
        __u64 key = (__u64) kind << 32 | id;

        return state.owner != 0 && bpf_map_lookup_elem(&own_objects, &key);
}

static __always_inline __u32 guard_of(struct dentry *directory) {
        __u64 key = (__u64) BPF_CORE_READ(directory, d_inode);
        __u32 *why = bpf_map_lookup_elem(&guarded, &key);

        return why ? *why : 0;
}

/* True for a file of the daemon's. */
static __always_inline bool is_guarded(struct dentry *file) {
        struct dentry *parent = BPF_CORE_READ(file, d_parent);

        if (state.owner == 0)
                return false;
        return guard_of(parent) & (GUARD_FILES | GUARD_TREE) || guard_of(BPF_CORE_READ(parent, d_parent)) & GUARD_TREE;
}
