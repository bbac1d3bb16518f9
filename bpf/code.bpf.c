/* SPDX-License-Identifier: GPL-2.0-only */

/* The rung of the BPF security modules. Code that is about to run: programs, files mapped executable, kernel modules, kexec
 * images and firmware. Each is hashed once by the kernel itself (bpf_ima_file_hash), looked up among the known digests, and
 * judged by the rules that user space compiled. What is kept with the inode is the digest, never a verdict. */

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/decide.h"

struct {
        __uint(type, BPF_MAP_TYPE_INODE_STORAGE);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __type(key, int);
        __type(value, InodeState);
} inodes SEC(".maps");

/* IMA's own algorithm (ima_hash=) may be another one. */
static __always_inline __s32 hash_content(struct file *file, struct finding *f) {
        long r = bpf_ima_file_hash(file, f->digest, sizeof(f->digest));

        if (r >= 0 && r != HASH_ALGO_SHA256)
                r = ERROR_NOTSUPP;
        return r < 0 ? r : 0;
}

/* Writers are counted before and after: one that opened the file before we kept anything of it raised no version. */
static __always_inline void hash(struct file *file, InodeState *kept, struct finding *f) {
        struct inode *inode = file->f_inode;

        f->error = hash_content(file, f);
        count_writers(kept, inode, f);
        if (!kept && f->error == 0) /* nothing would tell us of a writer */
                f->error = ERROR_NOMEM;
        if (f->error == 0 && f->writers == 0 && may_keep(inode))
                keep(kept, f);
}

/* In a program that may sleep. */
static __always_inline int on_code(CodeKind kind, struct file *file) {
        struct inode *inode = file->f_inode;
        struct finding f = {};
        InodeState *kept;

        if (is_canary(inode)) {
                f.error = hash_content(file, &f);
                return refuse_canary(kind, file, &f, fill_path);
        }
        if (!in_scope())
                return allow();
        kept = bpf_inode_storage_get(&inodes, inode, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
        f.version = kept ? version_of(kept) : 0;
        f.writers = writers_of(inode);
        if (!kept || f.writers > 0 || !take_kept(kept, &f))
                hash(file, kept, &f);
        return carry_out(decide(file, kind, kept, &f, fill_path));
}

SEC("?lsm.s/bprm_check_security")
int BPF_PROG(check_program, struct linux_binprm *bprm, int earlier) {
        struct file *file = bprm->file;

        leave_mark(bprm);
        return file ? on_code(CODE_EXEC, file) : allow();
}

SEC("?lsm.s/mmap_file")
int BPF_PROG(check_mapping, struct file *file, unsigned long asked, unsigned long prot, unsigned long flags,
             int earlier) {
        if (!file || !(prot & PROT_EXEC))
                return allow();
        return on_code(CODE_LIBRARY, file);
}

SEC("?lsm.s/kernel_read_file")
int BPF_PROG(check_kernel_file, struct file *file, unsigned int id, bool contents, int earlier) {
        CodeKind kind;

        if (!file || !kind_of_id(id, &kind))
                return allow();
        return on_code(kind, file);
}

/* From memory: there is no file, and so no digest. (enum kernel_load_data_id has the same numbers.) */
SEC("?lsm/kernel_load_data")
int BPF_PROG(check_kernel_data, unsigned int id, bool contents, int earlier) {
        struct finding f = { .error = ERROR_NODATA };
        CodeVerdict verdict;
        KernelPolicy *p;
        CodeKind kind;
        __u32 slot;

        if (!kind_of_id(id, &kind) || !in_scope())
                return allow();
        p = current_policy(&slot);
        if (!p || p->generation == 0)
                return allow();
        verdict = judge_in_mode(p, kind, &f);
        report_nameless(kind, verdict, &f);
        return carry_out(verdict);
}

SEC("?lsm/file_mprotect")
int BPF_PROG(check_protection, struct vm_area_struct *vma, unsigned long asked, unsigned long prot, int earlier) {
        struct file *file = vma->vm_file;
        struct finding f = { .no_path = 1 }; /* bpf_d_path is not for this hook */
        struct inode *inode;
        InodeState *kept;

        if (!file || !(prot & PROT_EXEC) || vma->vm_flags & VM_EXEC)
                return allow();
        inode = file->f_inode;
        if (is_canary(inode))
                return refuse_canary(CODE_LIBRARY, file, &f, fill_name);
        if (!in_scope())
                return allow();
        kept = bpf_inode_storage_get(&inodes, inode, NULL, 0);
        find_kept(kept, inode, &f);
        return carry_out(decide(file, CODE_LIBRARY, kept, &f, fill_name));
}

/* True when it is code that is about to be changed, and *ret says what the rules say of that. */
static __always_inline bool is_overwritten(InodeState *kept, struct finding *f, CodeVerdict *ret) {
        KernelPolicy *p;
        __u32 slot;

        f->version = version_of(kept);
        f->error = take_kept(kept, f) ? 0 : ERROR_NODATA;
        if (!drop(kept) || !in_scope())
                return false;
        p = current_policy(&slot);
        if (!p || p->generation == 0)
                return false;
        if (f->error == 0)
                f->sets = sets_of(f, slot, p->digests_size);
        *ret = judge_in_mode(p, CODE_OVERWRITE, f);
        return true;
}

SEC("?lsm/file_open")
int BPF_PROG(check_open, struct file *file, int earlier) {
        struct finding f = {};
        struct inode *inode;
        CodeVerdict verdict;
        InodeState *kept;

        if (!(file->f_mode & FMODE_WRITE) && !(file->f_flags & OPEN_TRUNCATE)) /* O_RDONLY | O_TRUNC truncates, too */
                return allow();
        inode = file->f_inode;
        if (is_canary(inode))
                return refuse_canary(CODE_OVERWRITE, file, &f, fill_path);
        kept = bpf_inode_storage_get(&inodes, inode, NULL, 0);
        if (!kept || !is_overwritten(kept, &f, &verdict))
                return allow();
        verdict = report(CODE_OVERWRITE, verdict, &f, file, fill_path);
        return carry_out(verdict);
}

/* truncate(2) opens nothing. */
SEC("?lsm/path_truncate")
int BPF_PROG(check_truncate, struct path *path, int earlier) {
        struct inode *inode = path->dentry->d_inode;
        struct finding f = { .no_path = 1 }; /* bpf_d_path is for this hook on newer kernels only */
        CodeVerdict verdict;
        InodeState *kept;

        if (!inode)
                return allow();
        kept = bpf_inode_storage_get(&inodes, inode, NULL, 0);
        if (!kept || !is_overwritten(kept, &f, &verdict))
                return allow();
        report_dentry(CODE_OVERWRITE, verdict, &f, path->dentry, inode);
        return carry_out(verdict);
}
