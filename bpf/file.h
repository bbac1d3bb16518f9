/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Files: their identity, the same for every program that reports one, and those of the calling process. */

#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"
#include "bpf/kernel.h"

enum { MAGIC_OVERLAY = 0x794c7630 };

/* True when a hook's first argument is NULL. Some verifiers (seen: 6.12) take an argument for one that is always there, and leave out
 * what asks whether it is; as a number they know nothing of it. Others (seen: 7.3) know that a mapping may have no file, and want
 * to see the question asked of the pointer itself: both must be asked. */
static __always_inline bool is_absent(const void *context) {
        __u64 argument = 0;

        bpf_probe_read_kernel(&argument, sizeof(argument), context);
        return argument == 0;
}

/* The directory entry in the layer that has the content of a file on overlayfs. */
static __always_inline struct dentry *backing_of(struct inode *inode) {
        const struct ovl_inode *overlay;
        const struct ovl_inode___before_6_5 *older;
        struct dentry *upper;

        if (!bpf_core_type_exists(struct ovl_inode))
                return NULL;
        overlay = (const void *) inode - bpf_core_field_offset(struct ovl_inode, vfs_inode);
        older = (const void *) overlay;
        upper = BPF_CORE_READ(overlay, __upperdentry);
        if (upper)
                return upper;
        if (bpf_core_field_exists(older->lowerpath))
                return BPF_CORE_READ(older, lowerpath.dentry);
        return BPF_CORE_READ(overlay, oe, __lowerstack[0].dentry);
}

static __always_inline void backing_identity(struct inode *inode, KernelFile *ret) {
        struct dentry *dentry = ret->magic == MAGIC_OVERLAY ? backing_of(inode) : NULL;

        ret->backing_inode = dentry ? BPF_CORE_READ(dentry, d_inode, i_ino) : 0;
        ret->backing_device = dentry ? BPF_CORE_READ(dentry, d_inode, i_sb, s_dev) : 0;
        ret->zero = 0;
}

static __always_inline void inode_identity(struct inode *inode, KernelFile *ret) {
        ret->inode_address = (__u64) inode;
        ret->inode = BPF_CORE_READ(inode, i_ino);
        ret->link_count = BPF_CORE_READ(inode, i_nlink);
        ret->device = BPF_CORE_READ(inode, i_sb, s_dev);
        ret->magic = BPF_CORE_READ(inode, i_sb, s_magic);
        backing_identity(inode, ret);
}

static __always_inline void file_identity(struct file *file, KernelFile *ret) {
        inode_identity(BPF_CORE_READ(file, f_inode), ret);
}

enum { ENTRY_EAGAIN = -11, ENTRY_EBADF = -9 };

/* The caller owns the descriptor, so its entry does not change; but another thread may grow the table meanwhile, and
 * the old one is freed. Whoever finds the same table before and after has read a live one. */
static __always_inline int file_of(struct files_struct *files, __u32 fd, struct file **ret) {
        struct fdtable *table = BPF_CORE_READ(files, fdt);
        struct file **entry;

        if (fd >= BPF_CORE_READ(table, max_fds))
                return ENTRY_EBADF;
        entry = BPF_CORE_READ(table, fd) + fd;
        if (bpf_probe_read_kernel(ret, sizeof(*ret), entry) < 0 || BPF_CORE_READ(files, fdt) != table)
                return ENTRY_EAGAIN;
        return *ret ? 0 : ENTRY_EBADF;
}
