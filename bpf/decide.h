/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* How a hook decides about code, once it has what is kept with the file and, where that can be had, the digest. Shared by the
 * programs of all rungs (code.bpf.c, lower.bpf.c); rules.bpf.c defines the maps and what the verifier looks at once.
 *
 * Why a kept digest is that of the content: each opening for writing makes a new version (with get_write_access() done
 * before security_file_open()), and a digest is used, and kept, only when nobody had the file open for writing before and
 * after it was computed, and the version is the same still. A mapping keeps its file open, so a writable mapping
 * counts as a writer. On file systems where content can change behind the inode (overlayfs, network, FUSE) nothing is kept. */

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"
#include "bpf/event.h"
#include "bpf/file.h"
#include "bpf/judge.h"
#include "bpf/kernel.h"

enum {
        HASH_ALGO_SHA256 = 4, /* include/uapi/linux/hash_info.h */
        PROT_EXEC = 0x4,
        VM_EXEC = 0x4,
        SEALS_ALL = 0x2 | 0x4 | 0x8, /* F_SEAL_SHRINK, _GROW, _WRITE: one that is sealed for writing only can be cut */
        FMODE_WRITE = 0x2,
        OPEN_TRUNCATE = 01000, /* O_TRUNC */
        INODE_FLAG_IMA = 1024, /* S_IMA */
        POLICY_TRIES = 3,
        ERROR_AGAIN = -11,
        ERROR_NOMEM = -12,
        ERROR_NODATA = -61,
        ERROR_REMOTE = -66,
        ERROR_LAYERS = -18,
        ERROR_STALE = -116,
        ERROR_NOTSUPP = -95,
};

/* Files whose content can change while no inode of ours is open for writing (linux/magic.h, and fs/smb for CIFS): those that
 * are made of others', and those whose server can do it. */
enum {
        MAGIC_ECRYPTFS = 0xf15f,
        MAGIC_FUSE = 0x65735546,
        MAGIC_NFS = 0x6969,
        MAGIC_9P = 0x01021997,
        MAGIC_CEPH = 0x00c36400,
        MAGIC_AFS = 0x5346414f,
        MAGIC_KAFS = 0x6b414653,
        MAGIC_CODA = 0x73757245,
        MAGIC_ORANGEFS = 0x20030528,
        MAGIC_VBOXSF = 0x786f4256,
        MAGIC_OCFS2 = 0x7461636f,
        MAGIC_GFS2 = 0x01161970,
};
enum { MAGIC_TMPFS = 0x01021994 };
static const __u64 MAGIC_HUGETLB = 0x958458f6, MAGIC_CIFS = 0xff534d42, MAGIC_SMB2 = 0xfe534d42;

/* Two slots: user space fills the one that is not in force, then names it by counting state.policy up. It waits until programs that
 * cannot sleep have left the other one; those that can look at the count again (is_in_force()). */
struct policies {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, 2);
        __type(key, __u32);
        __type(value, KernelPolicy);
};
extern struct policies policies SEC(".maps");

/* What one hook found out. */
struct finding {
        __u64 digest[ABI_DIGEST_SIZE / 8];
        __u32 sets;
        __s32 error;
        __u32 writers;
        __u64 version;    /* of the content, before anything was found out */
        __u32 generation; /* of the policy by which it is decided */
        __u32 no_path;    /* user space will not learn it */
        __u32 untold;     /* CodeVerdict where user space cannot be asked */
        __u32 stale;      /* the digest may be that of an earlier content */
        __u32 check;      /* nothing will run */
        __u32 asked;      /* the rules look at what the kernel side cannot see */
};

/* The 6.12 verifier wants to see the constants; clang 14 hides them behind arithmetic. */
static __always_inline int allow(void) {
        int r;

        asm volatile("%0 = 0" : "=r"(r));
        return r;
}

static __always_inline int deny(void) {
        int r;

        asm volatile("%0 = -1" : "=r"(r)); /* -EPERM */
        return r;
}

/* The lowest rung only sees. */
static __always_inline bool can_refuse(void) {
        return settings.rung != RUNG_FENTRY;
}

static __always_inline int carry_out(CodeVerdict verdict) {
        return verdict == CODE_DENIED && can_refuse() ? deny() : allow();
}

/* Between a load and a later one, for processors that would change their order. */
static __always_inline void order_loads(void) {
#ifdef __TARGET_ARCH_x86
        asm volatile("" ::: "memory");
#else
        __u64 mine = 0;

        __sync_fetch_and_add((volatile __u64 *) &mine, 0);
#endif
}

static __always_inline __u32 count_of_policies(void) {
        return *(const volatile __u32 *) &state.policy;
}

/* NULL: there is none yet, and user space decides what such a start is worth. */
static __always_inline KernelPolicy *current_policy(__u32 *ret_count) {
        __u32 slot;

        *ret_count = count_of_policies();
        if (*ret_count == 0)
                return NULL;
        slot = *ret_count & 1;
        order_loads();
        return bpf_map_lookup_elem(&policies, &slot);
}

/* True when all that was read since current_policy() belongs to that policy: its slot is filled anew only after the count moved. */
static __always_inline bool is_in_force(__u32 count) {
        order_loads();
        return count_of_policies() == count;
}

/* The reference sets that hold the digest. `count`: as of current_policy(). */
__u32 sets_of(const struct finding *f, __u32 count, __u32 size);

/* CodeVerdict of the first rule that matches. */
__u32 judge(const KernelPolicy *p, __u32 kind, const struct finding *f);

static __always_inline bool is_remote(struct inode *inode) {
        __u64 magic = BPF_CORE_READ(inode, i_sb, s_magic);

        switch (magic) {
        case MAGIC_FUSE:
        case MAGIC_NFS:
        case MAGIC_9P:
        case MAGIC_CEPH:
        case MAGIC_AFS:
        case MAGIC_KAFS:
        case MAGIC_CODA:
        case MAGIC_ORANGEFS:
        case MAGIC_VBOXSF:
        case MAGIC_OCFS2:
        case MAGIC_GFS2:
                return true;
        }
        return magic == MAGIC_CIFS || magic == MAGIC_SMB2;
}

/* Whoever mounted it has the layers, and what is written to them nobody sees who looks at the overlay. */
static __always_inline bool has_user_layers(struct inode *inode) {
        return BPF_CORE_READ(inode, i_sb, s_magic) == MAGIC_OVERLAY &&
               BPF_CORE_READ(inode, i_sb, s_user_ns, level) > 0;
}

static __always_inline bool may_keep(struct inode *inode) {
        __u64 magic = BPF_CORE_READ(inode, i_sb, s_magic);

        return magic != MAGIC_OVERLAY && magic != MAGIC_ECRYPTFS && !is_remote(inode);
}

/* A file without a name that was never opened by one (memfd_create(2), shmget(2)) can be written through the descriptor
 * that made it, which i_writecount does not count; until it is sealed. */
static __always_inline bool is_open_memory(struct inode *inode) {
        const void *info = (const void *) inode - bpf_core_field_offset(struct shmem_inode_info, vfs_inode);
        unsigned int seals = 0;

        if (BPF_CORE_READ(inode, i_nlink) != 0)
                return false;
        if (BPF_CORE_READ(inode, i_sb, s_magic) != MAGIC_TMPFS)
                return BPF_CORE_READ(inode, i_sb, s_magic) == MAGIC_HUGETLB;
        bpf_probe_read_kernel(&seals, sizeof(seals), info + bpf_core_field_offset(struct shmem_inode_info, seals));
        return (seals & SEALS_ALL) != SEALS_ALL;
}

/* How many can change the content now. i_writecount is negative while the file runs as a program. */
static __always_inline __u32 writers_of(struct inode *inode) {
        int open = BPF_CORE_READ(inode, i_writecount.counter);
        int mapped = BPF_CORE_READ(inode, i_mapping, i_mmap_writable.counter);

        return (open > 0 ? open : 0) + (mapped > 0 ? mapped : 0) + is_open_memory(inode);
}

/* Atomic operations order what stands around them; nothing else here does. */
static __always_inline __u64 version_of(InodeState *kept) {
        return __sync_fetch_and_add(&kept->version, 0);
}

/* One at a time changes what is kept; who finds another at it leaves it alone. */
static __always_inline bool claim(InodeState *kept) {
        return !(__sync_fetch_and_or(&kept->flags, INODE_CLAIMED) & INODE_CLAIMED);
}

static __always_inline void release(InodeState *kept) {
        __sync_fetch_and_and(&kept->flags, ~INODE_CLAIMED);
}

/* The policy's count and sets, read and written as one. */
static __always_inline volatile __u64 *sets_kept_in(InodeState *kept) {
        return (volatile __u64 *) &kept->policy;
}

/* What is kept is of one version, so a writer ends it by the next one, whenever that comes: nobody has to take it back. Who
 * uses it looks at the version again afterwards (settle()). */
static __always_inline bool take_kept(InodeState *kept, struct finding *f) {
        if (!(__sync_fetch_and_or(&kept->flags, 0) & INODE_DIGEST) || kept->digest_version != f->version)
                return false;
        __builtin_memcpy(f->digest, kept->digest, ABI_DIGEST_SIZE);
        return true;
}

/* After the claim no later version can be kept by others, so the older one never comes over the newer. */
static __always_inline void keep(InodeState *kept, const struct finding *f) {
        if (!claim(kept))
                return;
        if (version_of(kept) == f->version) {
                *sets_kept_in(kept) = 0;
                __builtin_memcpy(kept->digest, f->digest, ABI_DIGEST_SIZE);
                asm volatile("" ::: "memory");
                kept->digest_version = f->version;
                __sync_fetch_and_or(&kept->flags, INODE_DIGEST);
        }
        release(kept);
}

/* Counts those who can change the file now, and those who came and went since the version was looked at. */
static __always_inline void count_writers(InodeState *kept, struct inode *inode, struct finding *f) {
        f->writers += writers_of(inode);
        if (kept && version_of(kept) != f->version)
                f->writers++;
}

/* The bits of the sets, from the inode when they are those of this policy and of this digest. */
static __always_inline void look_up(InodeState *kept, const KernelPolicy *p, __u32 count, struct finding *f) {
        __u64 judged;

        if (f->error != 0)
                return;
        if (kept && f->writers == 0 && kept->digest_version == f->version) {
                judged = *sets_kept_in(kept);
                if ((__u32) judged == count) {
                        f->sets = judged >> 32;
                        return;
                }
        }
        f->sets = sets_of(f, count, p->digests_size);
        if (!kept || f->writers > 0 || !is_in_force(count) || !claim(kept))
                return;
        if (kept->flags & INODE_DIGEST && kept->digest_version == f->version && version_of(kept) == f->version) {
                __sync_fetch_and_and(&kept->reported, 0); /* before what says that it is of this policy */
                *sets_kept_in(kept) = (__u64) f->sets << 32 | count;
        }
        release(kept);
}

/* Where the path of an event comes from: fill_…() below, or fill_parts(). `room`: for it, a constant. False when it did not fit, which may be
 * said of short events only. */
typedef bool (*Fill)(CodeEvent *e, __u32 room, struct file *file);

static __always_inline bool put_name(CodeEvent *e, __u32 room, struct dentry *dentry) {
        long n = bpf_probe_read_kernel_str(e->path, room, BPF_CORE_READ(dentry, d_name.name));

        e->head.flags |= EVENT_TRUNCATED;
        if (n <= 0)
                e->path[0] = '\0';
        return room == ABI_PATH_SIZE || n < room;
}

static __always_inline bool fill_name(CodeEvent *e, __u32 room, struct file *file) {
        return put_name(e, room, BPF_CORE_READ(file, f_path.dentry));
}

/* There is none when it is longer than a whole event's room for it. */
static __always_inline bool fill_path(CodeEvent *e, __u32 room, struct file *file) {
        if (bpf_d_path(&file->f_path, e->path, room) > 0)
                return true;
        return room == ABI_PATH_SIZE && fill_name(e, room, file);
}

/* Of a constant size: how long a path is can be told only once it was written somewhere, and a program that can sleep has no other
 * place for it than the ring. */
static __always_inline CodeEvent *begin(CodeKind kind, CodeVerdict verdict, const struct finding *f, __u64 size,
                                        bool *ret_empty) {
        __u64 sequence;
        CodeEvent *e;

        if (verdict == CODE_DENIED && leave_out(kind))
                return NULL;
        e = reserve_event(EVENT_TYPE_CODE, size, &sequence, ret_empty);
        if (!e)
                return NULL;
        fill_head(&e->head, EVENT_TYPE_CODE, sequence, bpf_get_current_task_btf());
        e->head.flags |= f->check ? EVENT_CHECK : 0;
        e->kind = kind;
        e->verdict = verdict;
        e->error = f->error;
        e->writers = f->writers;
        e->generation = f->generation;
        e->zero = 0;
        __builtin_memcpy(e->digest, f->digest, ABI_DIGEST_SIZE);
        return e;
}

/* A whole event takes the place of a short one, and its number. NULL: it is lost. Who looked at the ring meanwhile did not find it
 * empty, so one that was to wake the daemon does, also when nothing comes of it. */
static __always_inline CodeEvent *lengthen(CodeEvent *e, bool was_empty) {
        CodeEvent *whole = reserve_room(EVENT_TYPE_CODE, sizeof(*whole));

        if (!whole) {
                bpf_ringbuf_discard(e, wake_flag(was_empty));
                return NULL;
        }
        __builtin_memcpy(whole, e, __builtin_offsetof(CodeEvent, path));
        bpf_ringbuf_discard(e, BPF_RB_NO_WAKEUP);
        return whole;
}

/* fill: fill_path() where the hook may call bpf_d_path(), else fill_name(); or fill_parts(), which needs a whole event. Returns the
 * verdict, which is another one when user space cannot be asked for it. */
static __always_inline CodeVerdict report(CodeKind kind, CodeVerdict verdict, const struct finding *f,
                                          struct file *file, Fill fill) {
        const bool is_short = fill == fill_path || fill == fill_name;
        bool was_empty;
        CodeEvent *e = begin(kind, verdict, f, is_short ? CODE_EVENT_SHORT : sizeof(*e), &was_empty);

        if (!e)
                return verdict == CODE_ASK ? f->untold : verdict;
        file_identity(file, &e->file);
        if (!fill(e, is_short ? ABI_SHORT_PATH_SIZE : ABI_PATH_SIZE, file)) {
                e = lengthen(e, was_empty);
                if (!e)
                        return verdict == CODE_ASK ? f->untold : verdict;
                (void) fill(e, ABI_PATH_SIZE, file);
        }
        if (verdict == CODE_ASK && e->head.flags & EVENT_TRUNCATED)
                e->verdict = verdict = f->untold;
        bpf_ringbuf_submit(e, wake_flag(was_empty));
        return verdict;
}

/* The same where there is no open file. */
static __always_inline void report_dentry(CodeKind kind, CodeVerdict verdict, const struct finding *f,
                                          struct dentry *dentry, struct inode *inode) {
        bool was_empty;
        CodeEvent *e = begin(kind, verdict, f, CODE_EVENT_SHORT, &was_empty);

        if (!e)
                return;
        inode_identity(inode, &e->file);
        if (!put_name(e, ABI_SHORT_PATH_SIZE, dentry)) {
                e = lengthen(e, was_empty);
                if (!e)
                        return;
                (void) put_name(e, ABI_PATH_SIZE, dentry);
        }
        bpf_ringbuf_submit(e, wake_flag(was_empty));
}

static __always_inline void report_nameless(CodeKind kind, CodeVerdict verdict, const struct finding *f) {
        bool was_empty;
        CodeEvent *e = begin(kind, verdict, f, CODE_EVENT_SHORT, &was_empty);

        if (!e)
                return;
        e->file = (KernelFile){};
        e->path[0] = '\0';
        bpf_ringbuf_submit(e, wake_flag(was_empty));
}

/* True when user space knows already that this inode is used so. Programs that are let run are the gate's to report, while there is
 * one, and so is not what is only asked about. What it is asked about may have another path each time. */
static __always_inline bool is_reported(const KernelPolicy *p, InodeState *kept, CodeKind kind, CodeVerdict verdict,
                                        const struct finding *f) {
        if (kind == CODE_EXEC && !state.head.unattended && !f->check)
                return true;
        if (verdict == CODE_ASK || p->every_time || !kept || f->error != 0 || f->writers > 0 ||
            !(kept->flags & INODE_DIGEST) || kept->digest_version != f->version)
                return false;
        return __sync_fetch_and_or(&kept->reported, 1U << kind) & (1U << kind);
}

/* Notes that this content may be used so from now on as long as the policy is in force (code.bpf.c: is_settled()): not where the
 * rules look at anything else, though they may have come to nothing this time. Under the claim, since only so what is noted
 * is of the content and the policy that it was found out of. */
static __always_inline void note_settled(const KernelPolicy *p, __u32 count, CodeKind kind, InodeState *kept,
                                         const struct finding *f) {
        const __u32 bit = 1U << (INODE_SETTLED + kind);

        if (settings.rung != RUNG_LSM || f->asked || p->every_time || f->error != 0 || f->writers > 0)
                return;
        if (!kept || kept->reported & bit || !claim(kept))
                return;
        if (kept->flags & INODE_DIGEST && kept->digest_version == f->version && version_of(kept) == f->version &&
            (__u32) *sets_kept_in(kept) == count)
                __sync_fetch_and_or(&kept->reported, bit);
        release(kept);
}

/* The verdict in the policy's mode: observe carries nothing out. User space is not asked what it could not tell, since it
 * would take it for code that ran past us. */
static __always_inline CodeVerdict judge_in_mode(const KernelPolicy *p, CodeKind kind, struct finding *f) {
        CodeVerdict verdict = judge(p, kind, f);

        f->generation = p->generation;
        f->asked = verdict == CODE_ASK;
        f->untold = p->enforce && !p->allow_no_path ? CODE_DENIED : CODE_ALLOWED;
        if (verdict == CODE_ASK && f->no_path)
                return f->untold;
        return verdict == CODE_DENIED && !(p->enforce && can_refuse()) ? CODE_ALLOWED : verdict;
}

/* Marks it as code first, then looks for writers once more: one that comes later finds the mark, one that came earlier is
 * found. */
static __always_inline CodeVerdict settle(const KernelPolicy *p, CodeKind kind, InodeState *kept, struct inode *inode,
                                          struct finding *f) {
        __sync_fetch_and_or(&kept->flags, INODE_CODE);
        count_writers(kept, inode, f);
        return judge_in_mode(p, kind, f);
}

static __always_inline CodeVerdict decide_by(const KernelPolicy *p, __u32 count, struct file *file, CodeKind kind,
                                             InodeState *kept, struct finding *f) {
        CodeVerdict verdict;

        if (f->error == 0 && !p->allow_remote && is_remote(file->f_inode))
                f->error = ERROR_REMOTE;
        if (f->error == 0 && !p->allow_stale && f->stale)
                f->error = ERROR_STALE;
        if (f->error == 0 && !p->allow_user_layers && has_user_layers(file->f_inode))
                f->error = ERROR_LAYERS;
        look_up(kept, p, count, f);
        verdict = judge_in_mode(p, kind, f);
        if (verdict != CODE_DENIED && kept)
                verdict = settle(p, kind, kept, file->f_inode, f);
        return verdict;
}

/* Where no policy stays long enough to be asked, what is refused is what an unknown file would be. */
static __always_inline CodeVerdict decide(struct file *file, CodeKind kind, InodeState *kept, struct finding *f,
                                          Fill fill) {
        const __s32 error = f->error;
        CodeVerdict verdict = CODE_ALLOWED;
        KernelPolicy *p = NULL;
        __u32 count = 0;

        if (is_let_go(file->f_inode))
                return CODE_ALLOWED;
#pragma clang loop unroll(disable)
        for (int i = 0; i < POLICY_TRIES; i++) {
                p = current_policy(&count);
                if (!p)
                        return CODE_ALLOWED;
                f->error = error;
                verdict = decide_by(p, count, file, kind, kept, f);
                if (is_in_force(count))
                        break;
                verdict = p->enforce && can_refuse() ? CODE_DENIED : CODE_ALLOWED;
        }
        if (p && (verdict == CODE_DENIED || !is_reported(p, kept, kind, verdict, f)))
                verdict = report(kind, verdict, f, file, fill);
        else if (p)
                note_settled(p, count, kind, kept, f);
        return verdict;
}

/* True for the file whose refusal shows that the hooks are alive. */
static __always_inline bool is_canary(struct inode *inode) {
        return state.refused != 0 && state.refused == (__u64) inode;
}

static __always_inline int refuse_canary(CodeKind kind, struct file *file, const struct finding *f, Fill fill) {
        (void) report(kind, CODE_DENIED, f, file, fill);
        return carry_out(CODE_DENIED);
}

static __always_inline void leave_mark(struct linux_binprm *bprm) {
        __u64 *mark = bpf_task_storage_get(&checked, bpf_get_current_task_btf(), NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

        if (mark)
                *mark = exec_of(bprm->mm);
        else
                __sync_fetch_and_add(&state.unmarked, 1);
}

/* Of a program that is only asked about (execveat(2), AT_EXECVE_CHECK) the kernel asks no hook but the one for credentials. */
static __always_inline bool is_only_check(struct linux_binprm *bprm) {
        return bpf_core_field_exists(bprm->is_check) && BPF_CORE_READ_BITFIELD_PROBED(bprm, is_check);
}

static __always_inline bool kind_of_id(unsigned int id, CodeKind *ret) {
        if (id == bpf_core_enum_value(enum kernel_read_file_id, READING_MODULE))
                *ret = CODE_MODULE;
        else if (id == bpf_core_enum_value(enum kernel_read_file_id, READING_FIRMWARE))
                *ret = CODE_FIRMWARE;
        else if (id == bpf_core_enum_value(enum kernel_read_file_id, READING_KEXEC_IMAGE) ||
                 id == bpf_core_enum_value(enum kernel_read_file_id, READING_KEXEC_INITRAMFS))
                *ret = CODE_KEXEC;
        else if (bpf_core_enum_value_exists(enum kernel_read_file_id, READING_MODULE_COMPRESSED) &&
                 id == bpf_core_enum_value(enum kernel_read_file_id, READING_MODULE_COMPRESSED))
                *ret = CODE_MODULE;
        else
                return false;
        return true;
}

/* What can be said of a file without sleeping: what is kept. */
static __always_inline void find_kept(InodeState *kept, struct inode *inode, struct finding *f) {
        f->version = kept ? version_of(kept) : 0;
        f->writers = writers_of(inode);
        if (!kept || f->writers > 0 || !take_kept(kept, f))
                f->error = ERROR_AGAIN;
}

/* First: whatever is decided, what was kept holds no longer. */
static __always_inline bool drop(InodeState *kept) {
        __sync_fetch_and_add(&kept->version, 1);
        return __sync_fetch_and_or(&kept->flags, 0) & INODE_CODE;
}

/* O_RDONLY | O_TRUNC truncates, too. */
static __always_inline bool opens_for_writing(struct file *file) {
        return file->f_mode & FMODE_WRITE || file->f_flags & OPEN_TRUNCATE;
}

/* True when it is code that is about to be changed, and *ret says what the rules say of that. */
static __always_inline bool is_overwritten(InodeState *kept, struct finding *f, CodeVerdict *ret) {
        KernelPolicy *p;
        __u32 count;

        f->version = version_of(kept);
        f->error = take_kept(kept, f) ? 0 : ERROR_NODATA;
        if (!drop(kept) || !in_scope())
                return false;
        p = current_policy(&count);
        if (!p)
                return false;
        if (f->error == 0)
                f->sets = sets_of(f, count, p->digests_size);
        *ret = judge_in_mode(p, CODE_OVERWRITE, f);
        return true;
}

static __always_inline int on_overwrite(struct file *file, InodeState *kept, Fill fill) {
        struct finding f = {};
        CodeVerdict verdict;

        if (!is_overwritten(kept, &f, &verdict))
                return allow();
        return carry_out(report(CODE_OVERWRITE, verdict, &f, file, fill));
}

static __always_inline int on_truncate(struct path *path, struct inode *inode, InodeState *kept) {
        struct finding f = { .no_path = 1 }; /* bpf_d_path is for this hook on newer kernels only */
        CodeVerdict verdict;

        if (!is_overwritten(kept, &f, &verdict))
                return allow();
        report_dentry(CODE_OVERWRITE, verdict, &f, path->dentry, inode);
        return carry_out(verdict);
}

/* From memory: there is no file, and so no digest. (enum kernel_load_data_id has the same numbers.) */
static __always_inline int on_kernel_data(unsigned int id) {
        struct finding f = { .error = ERROR_NODATA };
        CodeVerdict verdict;
        KernelPolicy *p;
        CodeKind kind;
        __u32 count;

        if (!kind_of_id(id, &kind) || !in_scope())
                return allow();
        p = current_policy(&count);
        if (!p)
                return allow();
        verdict = judge_in_mode(p, kind, &f);
        report_nameless(kind, verdict, &f);
        return carry_out(verdict);
}
