/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* The few members of kernel structs that the programs read. libbpf moves each access to where the running kernel has
 * the member (CO-RE), so order, size and everything left out do not matter; names do. A generated vmlinux.h would make
 * the build depend on the machine it runs on.
 *
 * Differences between the kernels we run on, 6.1 to 6.18:
 * - kernel_cap_t was { u32 cap[2] } before 6.3, { u64 val } since: read as 8 bytes.
 * - an inode's change time was i_ctime before 6.6, __i_ctime before 6.11, and two members since.
 * - struct pid ends in numbers[1] or numbers[]: indexed by hand, since CO-RE moves no variable index. */

#include <stdbool.h>

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct user_namespace {
        int level;
};

struct mount;

struct list_head {
        struct list_head *next;
};

struct super_block {
        struct list_head s_mounts; /* before 6.18 */
        __u32 s_dev;
        unsigned long s_magic;
        struct user_namespace *s_user_ns;
        struct dentry *s_root;
};

typedef struct {
        int counter;
} atomic_t;

struct address_space {
        atomic_t i_mmap_writable;
};

struct timespec64 {
        __s64 tv_sec;
        long tv_nsec;
};

struct inode {
        unsigned short i_mode;
        __u32 i_rdev;
        unsigned long i_ino;
        unsigned int i_flags;
        unsigned int i_nlink;
        struct super_block *i_sb;
        struct address_space *i_mapping;
        atomic_t i_writecount;
        __s64 i_ctime_sec; /* 6.11 */
        __u32 i_ctime_nsec;
};

struct inode___since_6_6 {
        struct timespec64 __i_ctime;
};

struct inode___before_6_6 {
        struct timespec64 i_ctime;
};

struct pid;

struct proc_inode {
        struct pid *pid;
        struct inode vfs_inode;
};

struct shmem_inode_info {
        unsigned int seals;
        struct inode vfs_inode;
};

struct qstr {
        const unsigned char *name;
};

/* Of the module "overlay": types of modules are known where they are loaded before we are. */
struct ovl_path {
        struct dentry *dentry;
};

struct ovl_entry { /* 6.5 */
        unsigned int __numlower;
        struct ovl_path __lowerstack[1];
};

struct ovl_inode {
        struct inode vfs_inode;
        struct dentry *__upperdentry;
        struct ovl_entry *oe; /* 6.5 */
};

struct ovl_inode___before_6_5 {
        struct ovl_path lowerpath;
};

struct dentry {
        struct qstr d_name;
        struct dentry *d_parent;
        struct inode *d_inode;
};

struct vfsmount {
        struct dentry *mnt_root;
};

struct mnt_namespace;

struct mount {
        struct list_head mnt_instance; /* before 6.18 */
        struct mount *mnt_parent;
        struct dentry *mnt_mountpoint;
        struct vfsmount mnt;
        struct mnt_namespace *mnt_ns;
        int mnt_group_id;
};

struct path {
        struct vfsmount *mnt;
        struct dentry *dentry;
};

struct file {
        struct inode *f_inode;
        struct path f_path;
        unsigned int f_mode, f_flags;
        void *private_data;
};

struct anon_vma;

struct vm_area_struct {
        struct anon_vma *anon_vma; /* it has pages of its own */
        struct file *vm_file;
        unsigned long vm_flags;
};

enum kernel_read_file_id {
        READING_FIRMWARE = 1,
        READING_MODULE,
        READING_KEXEC_IMAGE,
        READING_KEXEC_INITRAMFS,
        READING_MODULE_COMPRESSED = 7, /* 6.17 */
};

enum lockdown_reason { LOCKDOWN_KPROBES = 25 };

struct module {
        char name[56];
        bool klp; /* a livepatch */
};

struct fdtable {
        unsigned int max_fds;
        struct file **fd;
};

struct files_struct {
        struct fdtable *fdt;
};

struct ns_common {
        unsigned int inum;
};

struct pid_namespace {
        struct ns_common ns;
};

struct mnt_namespace {
        struct ns_common ns;
};

struct nsproxy {
        struct mnt_namespace *mnt_ns;
};

struct upid {
        int nr;
        struct pid_namespace *ns;
};

struct pid {
        unsigned int level;
        struct upid numbers[1];
};

enum pid_type { PIDTYPE_PID, PIDTYPE_TGID };

struct signal_struct {
        struct pid *pids[4];
};

typedef struct {
        unsigned int val;
} kuid_t;

typedef struct {
        __u64 val;
} kernel_cap_t;

struct cred {
        kuid_t uid, euid, suid;
        kernel_cap_t cap_effective;
        struct user_namespace *user_ns;
};

typedef struct {
        __u64 ctx_id; /* x86: given to no other */
} mm_context_t;

struct bpf_map {
        __u32 id;
};

struct bpf_prog_aux {
        __u32 id;
};

struct bpf_prog {
        struct bpf_prog_aux *aux;
};

struct bpf_link {
        __u32 id;
};

struct mm_struct {
        mm_context_t context;
        struct file *exe_file;
};

struct task_struct {
        unsigned int flags, personality;
        unsigned in_execve : 1;
        int tgid;
        struct mm_struct *mm;
        __u64 start_boottime;
        struct task_struct *group_leader, *real_parent;
        struct signal_struct *signal;
        const struct cred *cred;
        struct files_struct *files;
        struct nsproxy *nsproxy;
};

struct linux_binprm {
        unsigned int is_check : 1; /* 6.14: AT_EXECVE_CHECK, nothing will run */
        struct mm_struct *mm;
        struct file *file;
        struct cred *cred;
        const char *filename;
};

#pragma clang attribute pop
