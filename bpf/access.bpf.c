/* SPDX-License-Identifier: GPL-2.0-only */

/* Power over other processes and the kernel: ptrace, BPF programs, becoming root, modules that the kernel asks for, probes and
 * patches of its code. */

#include "bpf/self.h"

enum { PTRACE_ATTACH = 0x2 }; /* PTRACE_MODE_ATTACH; reading alone is what ps(1) does */

static __always_inline int on_ptrace(struct task_struct *other, ActivityWhat what, __u64 mode) {
        struct activity a = { .kind = ACTIVITY_PTRACE, .what = what, .number = mode };

        if (what == WHAT_PTRACE_ATTACH && is_daemon(other)) { /* a child that asks for it gives the daemon power */
                a.kind = ACTIVITY_SELF;
                a.what = WHAT_SELF_PTRACE;
        }
        about_task(&a, other);
        return settle_activity(&a);
}

/* The number of the link behind a descriptor of this process, as far as it can be told. */
static __always_inline __u32 link_of(__u32 fd) {
        struct fdtable *table = BPF_CORE_READ(bpf_get_current_task_btf(), files, fdt);
        struct file *file = NULL;
        struct bpf_link *link;

        if (fd >= BPF_CORE_READ(table, max_fds))
                return 0;
        bpf_probe_read_kernel(&file, sizeof(file), BPF_CORE_READ(table, fd) + fd);
        link = file ? BPF_CORE_READ(file, private_data) : NULL;
        return link ? BPF_CORE_READ(link, id) : 0;
}

/* A file that is no link has something else there, whose bytes are taken for a number: so links are asked for by number as
 * well, and a descriptor of one of ours is nobody's. */
static __always_inline int on_link(int cmd, union bpf_attr *attr) {
        struct activity a = { .kind = ACTIVITY_SELF, .what = WHAT_SELF_LINK };
        __u32 first = 0;

        bpf_probe_read_kernel(&first, sizeof(first), attr);
        a.number = a.object = cmd == BPF_LINK_GET_FD_BY_ID ? first : link_of(first);
        if (!is_own_object(OWN_LINK, a.number))
                return allow();
        return settle_activity(&a);
}

static __always_inline int on_bpf(int cmd, union bpf_attr *attr) {
        struct activity a = { .kind = ACTIVITY_BPF, .what = WHAT_BPF_PROGRAM };
        __u64 name[BPF_OBJ_NAME_LEN / 8];
        __u32 type = 0;

        if (cmd == BPF_LINK_GET_FD_BY_ID || cmd == BPF_LINK_UPDATE || cmd == BPF_LINK_DETACH)
                return on_link(cmd, attr);
        if (cmd != BPF_PROG_LOAD)
                return allow();
        bpf_probe_read_kernel(&type, sizeof(type), &attr->prog_type);
        bpf_probe_read_kernel(name, sizeof(name), attr->prog_name);
        a.number = type;
        a.name = (__u64) attr->prog_name;
        a.object = name[0] ^ name[1] << 1 ^ type;
        return settle_activity(&a);
}

/* One that never was root, nor came from one that was. */
static __always_inline bool is_user(const struct cred *cred) {
        return cred->uid.val != 0 && cred->euid.val != 0 && cred->suid.val != 0;
}

static __always_inline bool is_probing(void) {
        return activities.probing;
}

static __always_inline int on_setuid(const struct cred *new, const struct cred *old) {
        struct activity a = { .kind = ACTIVITY_SETUID, .what = WHAT_SETUID_CALL };

        if ((new->euid.val != 0 || !is_user(old)) && !is_probing())
                return allow();
        about_task(&a, bpf_get_current_task_btf());
        a.other = 0;
        return settle_activity(&a);
}

static __always_inline int on_setuid_program(struct linux_binprm *bprm, struct file *file) {
        struct activity a = { .kind = ACTIVITY_SETUID, .what = WHAT_SETUID_PROGRAM };
        struct task_struct *task = bpf_get_current_task_btf();

        if ((bprm->cred->euid.val != 0 || !is_user(task->cred)) && !is_probing())
                return allow();
        a.object = (__u64) BPF_CORE_READ(file, f_inode);
        about_file(&a, file);
        return settle_activity(&a);
}

/* FNV-1a */
static __always_inline __u64 hash_name(const char *name) {
        __u64 hash = 0xcbf29ce484222325ULL;
        char copy[ABI_NAME_SIZE] = {};

        bpf_probe_read_kernel_str(copy, sizeof(copy), name);
        for (int i = 0; i < ABI_NAME_SIZE && copy[i]; i++)
                hash = (hash ^ (__u8) copy[i]) * 0x100000001b3ULL;
        return hash;
}

static __always_inline int on_module_request(const char *name) {
        struct activity a = { .kind = ACTIVITY_MODULE_REQUEST, .what = WHAT_MODULE_REQUEST, .name = (__u64) name };

        a.object = hash_name(name);
        return settle_activity(&a);
}

/* Asked for each probe that is made of a place in the kernel's code, by perf_event_open(2) or tracefs. */
static __always_inline int on_lockdown(int reason) {
        struct activity a = { .kind = ACTIVITY_SELF, .what = WHAT_SELF_KPROBE };

        if (state.owner == 0 || reason != (int) bpf_core_enum_value(enum lockdown_reason, LOCKDOWN_KPROBES))
                return allow();
        return settle_activity(&a);
}

/* Before its code runs. Whether it is let in is decided like any other module; and no hook comes between. */
SEC("?tp_btf/module_load")
int BPF_PROG(access_livepatch, struct module *module) {
        struct activity a = {
                .kind = ACTIVITY_SELF, .what = WHAT_SELF_LIVEPATCH, .name = (__u64) module->name, .only_seen = 1
        };

        if (state.owner == 0 || !bpf_core_field_exists(module->klp) || !BPF_CORE_READ(module, klp))
                return 0;
        a.object = hash_name(module->name);
        judge_activity(&a);
        return 0;
}

SEC("?lsm/ptrace_access_check")
int BPF_PROG(access_ptrace, struct task_struct *other, unsigned int mode) {
        return mode & PTRACE_ATTACH ? on_ptrace(other, WHAT_PTRACE_ATTACH, mode) : allow();
}

SEC("?fmod_ret/security_ptrace_access_check")
int BPF_PROG(lower_access_ptrace, struct task_struct *other, unsigned int mode) {
        return mode & PTRACE_ATTACH ? on_ptrace(other, WHAT_PTRACE_ATTACH, mode) : allow();
}

SEC("?lsm/ptrace_traceme")
int BPF_PROG(access_traceme, struct task_struct *parent) {
        return on_ptrace(parent, WHAT_PTRACE_TRACEME, 0);
}

SEC("?fmod_ret/security_ptrace_traceme")
int BPF_PROG(lower_access_traceme, struct task_struct *parent) {
        return on_ptrace(parent, WHAT_PTRACE_TRACEME, 0);
}

SEC("?lsm/bpf")
int BPF_PROG(access_bpf, int cmd, union bpf_attr *attr, unsigned int size) {
        return on_bpf(cmd, attr);
}

SEC("?fmod_ret/security_bpf")
int BPF_PROG(lower_access_bpf, int cmd, union bpf_attr *attr, unsigned int size) {
        return on_bpf(cmd, attr);
}

SEC("?lsm/task_fix_setuid")
int BPF_PROG(access_setuid, struct cred *new, const struct cred *old, int flags) {
        return on_setuid(new, old);
}

SEC("?fmod_ret/security_task_fix_setuid")
int BPF_PROG(lower_access_setuid, struct cred *new, const struct cred *old, int flags) {
        return on_setuid(new, old);
}

SEC("?lsm/bprm_creds_from_file")
int BPF_PROG(access_setuid_program, struct linux_binprm *bprm, struct file *file) {
        return on_setuid_program(bprm, file);
}

SEC("?fmod_ret/security_bprm_creds_from_file")
int BPF_PROG(lower_access_setuid_program, struct linux_binprm *bprm, struct file *file) {
        return on_setuid_program(bprm, file);
}

SEC("?lsm/kernel_module_request")
int BPF_PROG(access_module, char *name) {
        return on_module_request(name);
}

SEC("?fmod_ret/security_kernel_module_request")
int BPF_PROG(lower_access_module, char *name) {
        return on_module_request(name);
}

SEC("?lsm/locked_down")
int BPF_PROG(access_lockdown, int reason) {
        return on_lockdown(reason);
}

SEC("?fmod_ret/security_locked_down")
int BPF_PROG(lower_access_lockdown, int reason) {
        return on_lockdown(reason);
}
