/* SPDX-License-Identifier: GPL-2.0-only */

/* The rungs below: BPF is not among the kernel's active security modules, as on stock Ubuntu, or its IMA has no digests for
 * us. The same decisions (decide.h), asked before the kernel's own security_…() (fmod_ret), or only told to user space (fentry).
 * Here no program may sleep, hash a file, or keep something with an inode, and paths are read by hand.
 *
 * Programs: the gate has held and judged each; it says so here before it answers. One that it did not answer for came past it.
 *
 * Other code: user space hashes a file after it was seen, under a lease, and says what it found. From then on the kernel
 * side decides by itself. Until then a library is let go, since nobody could ever map one otherwise, and judged after the fact; a
 * module, kexec image or firmware is refused as one without a digest is, and can be had once it is known.
 *
 * What is kept of files has places of our own: those of the kernel's hash maps are reused while we look at them. A place only ever
 * counts its version up, also when another file takes it, so who has read from it finds out at the end (settle()). It ends with
 * the inode, and holds only as long as the file's change time does. */

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/decide.h"
#include "bpf/memory.h"

enum {
        PLACES = 1 << 14, /* a power of two */
        ADMISSIONS = 1 << 13,
        PATH_PARTS_MAX = 32,
        PATH_PART_SIZE = 256, /* NAME_MAX + 1 */
        PROT_READ = 0x1,
        MODE_TYPE = 0170000,
        MODE_REGULAR = 0100000,
        READ_IMPLIES_EXEC = 0x0400000, /* personality(2) */
        ERROR_BUSY = -16,
        NSEC_PER_SEC = 1000000000,
};

struct place {
        InodeState kept;
        __u64 inode_address, inode; /* 0: nobody's */
        __u64 changed;              /* change time of the content that has the digest, ns */
        __u32 device;
        __u32 zero;
};

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, PLACES);
        __type(key, __u32);
        __type(value, struct place);
} places SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_LRU_HASH);
        __uint(max_entries, ADMISSIONS);
        __type(key, Admission);
        __type(value, AdmissionTerm);
} admissions SEC(".maps");

const LearnRequest *type_of_learn_requests __attribute__((unused));

static __always_inline __u64 change_time(struct inode *inode) {
        const struct inode___since_6_6 *newer = (void *) inode;
        const struct inode___before_6_6 *older = (void *) inode;

        if (bpf_core_field_exists(inode->i_ctime_sec))
                return BPF_CORE_READ(inode, i_ctime_sec) * NSEC_PER_SEC + BPF_CORE_READ(inode, i_ctime_nsec);
        if (bpf_core_field_exists(newer->__i_ctime))
                return BPF_CORE_READ(newer, __i_ctime.tv_sec) * NSEC_PER_SEC + BPF_CORE_READ(newer, __i_ctime.tv_nsec);
        return BPF_CORE_READ(older, i_ctime.tv_sec) * NSEC_PER_SEC + BPF_CORE_READ(older, i_ctime.tv_nsec);
}

static __always_inline bool is_of(const struct place *p, struct inode *inode) {
        return p->inode_address == (__u64) inode && p->inode == BPF_CORE_READ(inode, i_ino) &&
               p->device == BPF_CORE_READ(inode, i_sb, s_dev);
}

/* A file has two places to choose from. */
static __always_inline struct place *place_at(struct inode *inode, __u32 choice) {
        __u64 number = BPF_CORE_READ(inode, i_ino) + ((__u64) BPF_CORE_READ(inode, i_sb, s_dev) << 32);
        __u32 index = ((number * 0x9e3779b97f4a7c15ULL >> 40) ^ choice) & (PLACES - 1);

        return bpf_map_lookup_elem(&places, &index);
}

static __always_inline struct place *find_place(struct inode *inode) {
        struct place *first = place_at(inode, 0), *second = place_at(inode, 1);

        if (first && is_of(first, inode))
                return first;
        return second && is_of(second, inode) ? second : NULL;
}

/* Whatever was kept there is nobody's any more; NULL when somebody else is at it. */
static __always_inline bool take_place(struct place *p, struct inode *inode) {
        if (!claim(&p->kept))
                return false;
        __sync_fetch_and_add(&p->kept.version, 1);
        __sync_fetch_and_and(&p->kept.flags, INODE_CLAIMED);
        p->kept.policy = 0;
        p->kept.reported = 0;
        p->changed = 0;
        p->inode = inode ? BPF_CORE_READ(inode, i_ino) : 0;
        p->device = inode ? BPF_CORE_READ(inode, i_sb, s_dev) : 0;
        asm volatile("" ::: "memory");
        p->inode_address = (__u64) inode;
        release(&p->kept);
        return true;
}

/* The file's place: its own, a free one, or that of another file. */
static __always_inline struct place *make_place(struct inode *inode) {
        struct place *p = find_place(inode), *second = place_at(inode, 1);

        if (p)
                return p;
        p = place_at(inode, 0);
        if (!p || (p->inode_address != 0 && second && second->inode_address == 0))
                p = second;
        return p && take_place(p, inode) ? p : NULL;
}

static __always_inline InodeState *kept_of(struct place *p) {
        return p ? &p->kept : NULL;
}

/* As find_kept(), but for what was changed in a way that no hook has seen. */
static __always_inline void find_known(struct place *p, struct inode *inode, struct finding *f) {
        find_kept(kept_of(p), inode, f);
        if (f->error == 0 && (p->changed != change_time(inode) || !is_of(p, inode)))
                f->error = ERROR_AGAIN;
}

/* Whether the gate has let this process run this file. */
static __always_inline bool is_admitted(struct inode *inode) {
        const Admission key = {
                .inode_address = (__u64) inode,
                .inode = BPF_CORE_READ(inode, i_ino),
                .device = BPF_CORE_READ(inode, i_sb, s_dev),
                .pid = pid_in_namespace(bpf_get_current_task_btf(), settings.pid_namespace),
        };
        const AdmissionTerm *term = bpf_map_lookup_elem(&admissions, &key);

        return term && bpf_ktime_get_boot_ns() < term->until;
}

struct walk {
        __u64 dentry, mount; /* struct mount */
};

/* The names of the path up to the root of the mount namespace, for user space to put together. Returns 0 when they did not
 * all find room. Not static: the verifier looks at it once. */
__noinline __u32 put_parts(CodeEvent *e, const struct walk *from) {
        struct dentry *dentry, *parent;
        struct mount *mount, *above;
        __u32 used = 0, at, whole = 0;
        const unsigned char *name;
        long n;

        if (!e || !from)
                return 0;
        dentry = (void *) from->dentry;
        mount = (void *) from->mount;
#pragma clang loop unroll(disable)
        for (int i = 0; i < PATH_PARTS_MAX; i++) {
                if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
                        above = BPF_CORE_READ(mount, mnt_parent);
                        whole = above == mount;
                        if (whole)
                                break;
                        dentry = BPF_CORE_READ(mount, mnt_mountpoint);
                        mount = above;
                        continue;
                }
                parent = BPF_CORE_READ(dentry, d_parent);
                name = BPF_CORE_READ(dentry, d_name.name);
                at = used;
                asm volatile(
                        ""
                        : "+r"(at)); /* so that what is looked at is what is used, which the verifier wants to see */
                if ((parent == dentry && at > 0) || at > ABI_PATH_SIZE - PATH_PART_SIZE)
                        break;
                n = bpf_probe_read_kernel_str(e->path + at, PATH_PART_SIZE, name);
                if (n <= 0 || n > PATH_PART_SIZE)
                        break;
                used = at + n;
                if (parent == dentry) /* of no directory, as a memfd */
                        break;
                dentry = parent;
        }
        if (used < ABI_PATH_SIZE)
                e->path[used] = '\0';
        return whole;
}

/* In a whole event: what is left of the room must be that of the longest name, for each of them. */
static __always_inline bool fill_parts(CodeEvent *e, __u32 room, struct file *file) {
        struct vfsmount *vfsmount = BPF_CORE_READ(file, f_path.mnt);
        const struct walk from = {
                .dentry = (__u64) BPF_CORE_READ(file, f_path.dentry),
                .mount = (__u64) vfsmount - bpf_core_field_offset(struct mount, mnt),
        };

        e->head.flags |= EVENT_PARTS;
        if (!put_parts(e, &from))
                e->head.flags |= EVENT_TRUNCATED;
        return true;
}

/* What somebody can change anyway is judged here and now, whatever its digest may be; and what has none, as a device. */
static __always_inline bool is_worth_hashing(const KernelPolicy *p, struct inode *inode, const struct finding *f) {
        if ((BPF_CORE_READ(inode, i_mode) & MODE_TYPE) != MODE_REGULAR)
                return false;
        return (f->writers == 0 || p->allow_writers) && (p->allow_remote || !is_remote(inode)) &&
               (p->allow_user_layers || !has_user_layers(inode));
}

static __always_inline int let_go_unknown(struct file *file, struct place *place, struct finding *f) {
        KernelPolicy *p;
        __u32 count;

        p = current_policy(&count);
        if (!p || is_let_go(file->f_inode))
                return allow();
        if (!is_worth_hashing(p, file->f_inode, f))
                return carry_out(decide(file, CODE_LIBRARY, kept_of(place), f, fill_parts));
        if (place)
                __sync_fetch_and_or(&place->kept.flags, INODE_CODE);
        (void) judge_in_mode(p, CODE_LIBRARY, f); /* what is done where user space cannot be asked */
        return carry_out(report(CODE_LIBRARY, CODE_ASK, f, file, fill_parts));
}

/* The program itself and its loader are mapped within the exec for which they were let run; nobody else runs in it. */
static __always_inline bool is_executed(struct inode *inode) {
        struct task_struct *task = bpf_get_current_task_btf();

        if (bpf_core_field_exists(task->in_execve) && !BPF_CORE_READ_BITFIELD_PROBED(task, in_execve))
                return false;
        return is_admitted(inode);
}

static __always_inline int on_library(struct file *file) {
        struct inode *inode = file->f_inode;
        struct finding f = {};
        struct place *place;

        if (is_canary(inode))
                return refuse_canary(CODE_LIBRARY, file, &f, fill_parts);
        if (!in_scope())
                return allow();
        place = make_place(inode);
        find_known(place, inode, &f);
        if (f.error == 0)
                return carry_out(decide(file, CODE_LIBRARY, kept_of(place), &f, fill_parts));
        return is_executed(inode) ? allow() : let_go_unknown(file, place, &f);
}

static __always_inline int on_program(struct file *file, bool check) {
        struct finding f = { .error = ERROR_AGAIN, .check = check };
        struct inode *inode = file->f_inode;
        struct place *place;

        if (is_canary(inode))
                return refuse_canary(CODE_EXEC, file, &f, fill_parts);
        if (!in_scope())
                return allow();
        place = make_place(inode);
        if (is_admitted(inode)) {
                if (place)
                        __sync_fetch_and_or(&place->kept.flags, INODE_CODE);
                return allow();
        }
        if (state.head
                    .unattended) /* the gate has ended with the daemon: nobody is admitted, and the next one must be started */
                return allow();
        return carry_out(decide(file, CODE_EXEC, kept_of(place), &f, fill_parts));
}

SEC("?fmod_ret/security_bprm_check")
int BPF_PROG(lower_program, struct linux_binprm *bprm) {
        struct file *file = bprm->file;

        leave_mark(bprm);
        return file ? on_program(file, false) : allow();
}

SEC("?fmod_ret/security_bprm_creds_for_exec")
int BPF_PROG(lower_question, struct linux_binprm *bprm) {
        struct file *file = bprm->file;

        return file && is_only_check(bprm) ? on_program(file, true) : allow();
}

/* The kernel adds what the personality implies only behind this hook. */
static __always_inline bool becomes_executable(unsigned long prot) {
        if (prot & PROT_EXEC)
                return true;
        return prot & PROT_READ && BPF_CORE_READ(bpf_get_current_task_btf(), personality) & READ_IMPLIES_EXEC;
}

SEC("?fmod_ret/security_mmap_file")
int BPF_PROG(lower_mapping, struct file *file, unsigned long prot, unsigned long flags) {
        if (!becomes_executable(prot))
                return allow();
        if (is_absent(ctx) || !file)
                return on_anonymous_mapping(prot);
        if (on_private_mapping(file, prot, flags) < 0)
                return deny();
        return on_library(file);
}

SEC("?fmod_ret/security_file_mprotect")
int BPF_PROG(lower_protection, struct vm_area_struct *vma, unsigned long asked, unsigned long prot) {
        struct file *file = vma->vm_file;

        if (!(prot & PROT_EXEC))
                return allow();
        if (on_protection(vma, prot) < 0)
                return deny();
        if (!file || vma->vm_flags & VM_EXEC)
                return allow();
        return on_library(file);
}

SEC("?fmod_ret/security_kernel_read_file")
int BPF_PROG(lower_kernel_file, struct file *file, unsigned int id, bool contents) {
        struct finding f = {};
        struct place *place;
        struct inode *inode;
        CodeKind kind;

        if (!file || !kind_of_id(id, &kind))
                return allow();
        inode = file->f_inode;
        if (is_canary(inode))
                return refuse_canary(kind, file, &f, fill_parts);
        if (!in_scope())
                return allow();
        place = make_place(inode);
        find_known(place, inode, &f);
        return carry_out(decide(file, kind, kept_of(place), &f, fill_parts));
}

SEC("?fmod_ret/security_kernel_load_data")
int BPF_PROG(lower_kernel_data, unsigned int id, bool contents) {
        return on_kernel_data(id);
}

SEC("?fmod_ret/security_file_open")
int BPF_PROG(lower_open, struct file *file) {
        struct place *place;

        if (!opens_for_writing(file))
                return allow();
        if (is_canary(file->f_inode)) {
                struct finding f = {};

                return refuse_canary(CODE_OVERWRITE, file, &f, fill_parts);
        }
        place = find_place(file->f_inode);
        return place ? on_overwrite(file, &place->kept, fill_parts) : allow();
}

SEC("?fmod_ret/security_path_truncate")
int BPF_PROG(lower_truncate, struct path *path) {
        struct inode *inode = path->dentry->d_inode;
        struct place *place = inode ? find_place(inode) : NULL;

        return place ? on_truncate(path, inode, &place->kept) : allow();
}

/* The next inode at this address is another file's. */
SEC("?fentry/security_inode_free")
int BPF_PROG(lower_free, struct inode *inode) {
        struct place *place = find_place(inode);

        if (place && !take_place(place, NULL))
                drop(&place->kept);
        return 0;
}

/* The lease keeps writers off; who has asked for access is counted already, and has made a new version. */
static __always_inline __s32 take_note(struct inode *inode, const LearnRequest *request) {
        struct place *place = make_place(inode);
        struct finding f = {};

        if (!place)
                return ERROR_BUSY;
        f.version = version_of(&place->kept);
        place->changed = change_time(inode);
        if (writers_of(inode) > 0 || !may_keep(inode))
                return ERROR_BUSY;
        __builtin_memcpy(f.digest, request->digest, sizeof(f.digest));
        keep(&place->kept, &f);
        return 0;
}

SEC("?syscall")
int learn(LearnRequest *request) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct file *file = NULL;
        __s32 error;

        error = file_of(BPF_CORE_READ(task, files), request->fd, &file);
        if (error == 0)
                error = take_note(BPF_CORE_READ(file, f_inode), request);
        request->error = error; /* at one place, as in identify() */
        return 0;
}
