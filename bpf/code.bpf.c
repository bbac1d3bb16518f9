/* SPDX-License-Identifier: GPL-2.0-only */

/* The rung of the BPF security modules. Code that is about to run: programs, files mapped executable, kernel modules, kexec
 * images and firmware. Each is hashed once by the kernel itself (bpf_ima_file_hash), looked up among the known digests, and
 * judged by the rules that user space compiled. What is kept with the inode is the digest; and that nothing but it matters to the
 * policy, which lets it run. */

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/decide.h"
#include "bpf/memory.h"

struct {
        __uint(type, BPF_MAP_TYPE_INODE_STORAGE);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __type(key, int);
        __type(value, InodeState);
} inodes SEC(".maps");

/* NULL: there is no memory for it. Of those who make it at once the kernel gives one a pointer and the others nothing; who found
 * another map's being made has to ask twice. */
static __always_inline InodeState *state_of(struct inode *inode) {
        InodeState *kept = NULL;

        for (int i = 0; i < 2 && !kept; i++) {
                kept = bpf_inode_storage_get(&inodes, inode, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
                if (!kept)
                        kept = bpf_inode_storage_get(&inodes, inode, NULL, 0);
        }
        return kept;
}

/* Where IMA has a policy and has taken note of the file, the kernel gives us the digest that IMA has of it. That is taken anew
 * only after a writer that IMA knows of: not one below an overlayfs, and (6.1) not truncate(2). */
static __always_inline bool is_known_to_ima(struct inode *inode) {
        return BPF_CORE_READ(inode, i_flags) & INODE_FLAG_IMA;
}

static __always_inline bool may_be_stale(InodeState *kept, struct inode *inode) {
        bool doubtful = BPF_CORE_READ(inode, i_sb, s_magic) == MAGIC_OVERLAY || !kept || kept->flags & INODE_CUT;

        return doubtful && is_known_to_ima(inode);
}

/* What IMA has of it stays there as long as the inode does, and so does this. */
static __always_inline void note_cut(struct inode *inode) {
        InodeState *kept = is_known_to_ima(inode) ? state_of(inode) : NULL;

        if (kept)
                __sync_fetch_and_or(&kept->flags, INODE_CUT);
}

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
        f->stale = may_be_stale(kept, inode);
        count_writers(kept, inode, f);
        if (!kept && f->error == 0) /* nothing would tell us of a writer */
                f->error = ERROR_NOMEM;
        if (f->error == 0 && f->writers == 0 && !f->stale && may_keep(inode))
                keep(kept, f);
}

/* As writers_of(), by the shortest way, and true for some files that nobody can write to as well. */
static __always_inline bool may_have_writers(struct inode *inode) {
        return inode->i_writecount.counter > 0 || inode->i_mapping->i_mmap_writable.counter > 0 || inode->i_nlink == 0;
}

/* True when this content was let run in this way under this policy, without a question, and nobody can have changed it since. The
 * version is looked at first and last: a writer who came and went in between has raised it, and one who comes later finds
 * INODE_CODE. What is noted belongs to the digest's version and to the policy that stand there before it is read: both are changed
 * behind it (keep(), look_up()). */
static __always_inline bool is_settled(struct inode *inode, InodeState *kept, CodeKind kind) {
        const volatile InodeState *now = kept;
        const __u64 version = now->version;

        order_loads();
        if (now->digest_version != version)
                return false;
        order_loads();
        if (now->policy != count_of_policies())
                return false;
        order_loads();
        if (!(now->reported & 1U << (INODE_SETTLED + kind)) || may_have_writers(inode))
                return false;
        order_loads();
        return now->version == version;
}

/* In a program that may sleep. Where nobody is there to report programs they are looked at, as is what is only asked about. */
static __always_inline int on_code(CodeKind kind, struct file *file, bool check) {
        struct inode *inode = file->f_inode;
        struct finding f = { .check = check };
        InodeState *kept;

        if (is_canary(inode)) {
                f.error = hash_content(file, &f);
                return refuse_canary(kind, file, &f, fill_path);
        }
        kept = bpf_inode_storage_get(&inodes, inode, NULL, 0);
        if (kept && !check && !(kind == CODE_EXEC && state.head.unattended) && is_settled(inode, kept, kind))
                return allow();
        if (!in_scope())
                return allow();
        if (!kept)
                kept = state_of(inode);
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
        return file ? on_code(CODE_EXEC, file, false) : allow();
}

SEC("?lsm.s/bprm_creds_for_exec")
int BPF_PROG(check_question, struct linux_binprm *bprm, int earlier) {
        struct file *file = bprm->file;

        return file && is_only_check(bprm) ? on_code(CODE_EXEC, file, true) : allow();
}

SEC("?lsm.s/mmap_file")
int BPF_PROG(check_mapping, struct file *file, unsigned long asked, unsigned long prot, unsigned long flags,
             int earlier) {
        if (!(prot & PROT_EXEC))
                return allow();
        if (is_absent(ctx) || !file)
                return on_anonymous_mapping(prot);
        if (on_private_mapping(file, prot, flags) < 0)
                return deny();
        return on_code(CODE_LIBRARY, file, false);
}

SEC("?lsm.s/kernel_read_file")
int BPF_PROG(check_kernel_file, struct file *file, unsigned int id, bool contents, int earlier) {
        CodeKind kind;

        if (!file || !kind_of_id(id, &kind))
                return allow();
        return on_code(kind, file, false);
}

SEC("?lsm/kernel_load_data")
int BPF_PROG(check_kernel_data, unsigned int id, bool contents, int earlier) {
        return on_kernel_data(id);
}

SEC("?lsm/file_mprotect")
int BPF_PROG(check_protection, struct vm_area_struct *vma, unsigned long asked, unsigned long prot, int earlier) {
        struct file *file = vma->vm_file;
        struct finding f = { .no_path = 1 }; /* bpf_d_path is not for this hook */
        struct inode *inode;
        InodeState *kept;

        if (!(prot & PROT_EXEC))
                return allow();
        if (on_protection(vma, prot) < 0)
                return deny();
        if (!file || vma->vm_flags & VM_EXEC)
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

SEC("?lsm/file_open")
int BPF_PROG(check_open, struct file *file, int earlier) {
        struct inode *inode;
        InodeState *kept;

        if (!opens_for_writing(file))
                return allow();
        inode = file->f_inode;
        if (is_canary(inode)) {
                struct finding f = {};

                return refuse_canary(CODE_OVERWRITE, file, &f, fill_path);
        }
        if (!(file->f_mode & FMODE_WRITE))
                note_cut(inode);
        kept = bpf_inode_storage_get(&inodes, inode, NULL, 0);
        return kept ? on_overwrite(file, kept, fill_path) : allow();
}

/* truncate(2) opens nothing. */
SEC("?lsm/path_truncate")
int BPF_PROG(check_truncate, struct path *path, int earlier) {
        struct inode *inode = path->dentry->d_inode;
        InodeState *kept;

        if (!inode)
                return allow();
        note_cut(inode);
        kept = bpf_inode_storage_get(&inodes, inode, NULL, 0);
        return kept ? on_truncate(path, inode, kept) : allow();
}
