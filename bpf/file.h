/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* The identity of a file, the same for every program that reports one. */

#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"
#include "bpf/kernel.h"

static __always_inline void inode_identity(struct inode *inode, KernelFile *ret) {
        ret->inode_address = (__u64) inode;
        ret->inode = BPF_CORE_READ(inode, i_ino);
        ret->link_count = BPF_CORE_READ(inode, i_nlink);
        ret->device = BPF_CORE_READ(inode, i_sb, s_dev);
        ret->magic = BPF_CORE_READ(inode, i_sb, s_magic);
}

static __always_inline void file_identity(struct file *file, KernelFile *ret) {
        inode_identity(BPF_CORE_READ(file, f_inode), ret);
}
