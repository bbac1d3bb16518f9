/* SPDX-License-Identifier: GPL-2.0-only */

/* The tree of file systems, and devices that lead around it. */

#include "bpf/self.h"

enum {
        MOUNTS_MAX = 4096,        /* of one file system, in all mount namespaces */
        TASK_KERNEL = 0x00200000, /* PF_KTHREAD */
        TYPE_MASK = 0170000,      /* S_IFMT */
        TYPE_CHARACTER = 0020000,
        TYPE_BLOCK = 0060000,
        TYPE_REGULAR = 0100000,
        DEVICE_MEM = 1 << 20 | 1,
        DEVICE_KMEM = 1 << 20 | 2,
        DEVICE_PORT = 1 << 20 | 4,
        DEVICE_TPM0 = 10 << 20 | 224,
        DEVICE_MAPPER = 10 << 20 | 236,
        DM_IOCTL_TYPE = 0xfd, /* linux/dm-ioctl.h */
        DM_NAME_OFFSET = 48,
        DM_COMMANDS = 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 9 | 1 << 10 |
                      1 << 14, /* create, remove, rename, suspend, load,
                                                                                        * clear, message */
};

static __always_inline struct mount *mount_of(__u64 vfsmount) {
        return (void *) (vfsmount - bpf_core_field_offset(struct mount, mnt));
}

struct climb {
        struct dentry *dentry;
        struct mount *mount;
        __u32 names, whole;
};

static long climb_up(__u32 index, void *context) {
        struct climb *c = context;
        struct dentry *dentry = c->dentry, *parent;
        struct mount *mount = c->mount, *above;

        if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
                above = BPF_CORE_READ(mount, mnt_parent);
                c->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
                c->mount = above;
                if (above != mount)
                        return 0;
                c->whole = 1;
                return 1;
        }
        parent = BPF_CORE_READ(dentry, d_parent);
        if (parent == dentry)
                return 1;
        c->names++;
        c->dentry = parent;
        return 0;
}

/* How many names lead to it; UINT32_MAX when it is not in the tree. */
__noinline __u32 depth_of(const struct activity *a) {
        struct climb c = {};

        if (!a)
                return 0xffffffff;
        c.dentry = (void *) a->dentry;
        c.mount = mount_of(a->mount);
        bpf_loop(64, climb_up, &c, 0);
        return c.whole ? c.names : 0xffffffff;
}

/* Who has mounts of his own may do with them what he likes. */
static __always_inline bool has_own_mounts(void) {
        __u32 mounts = BPF_CORE_READ(bpf_get_current_task_btf(), nsproxy, mnt_ns, ns.inum);

        return mounts != activities.first_mounts && mounts != activities.mounts;
}

static const __u64 OLDEST_UNKNOWN = ~0ULL;

struct super_block___since_6_18 {
        struct mount *s_mounts;
} __attribute__((preserve_access_index));

struct mount___since_6_18 {
        struct mount *mnt_next_for_sb;
} __attribute__((preserve_access_index));

struct search {
        struct super_block *sb;
        struct mnt_namespace *mounts;
        struct mount *next, *found;
};

static __always_inline bool is_oldest_first(void) {
        return bpf_core_field_exists(struct mount, mnt_instance);
}

static __always_inline struct mount *mount_in(struct list_head *item, struct super_block *sb) {
        if ((void *) item == (void *) sb + bpf_core_field_offset(struct super_block, s_mounts))
                return NULL;
        return (void *) item - bpf_core_field_offset(struct mount, mnt_instance);
}

static __always_inline struct mount *first_mount(struct super_block *sb) {
        if (!is_oldest_first())
                return BPF_CORE_READ((struct super_block___since_6_18 *) sb, s_mounts);
        return mount_in(BPF_CORE_READ(sb, s_mounts.next), sb);
}

static __always_inline struct mount *next_mount(struct mount *mount, struct super_block *sb) {
        if (!is_oldest_first())
                return BPF_CORE_READ((struct mount___since_6_18 *) mount, mnt_next_for_sb);
        return mount_in(BPF_CORE_READ(mount, mnt_instance.next), sb);
}

static long look_at_mount(__u32 index, void *context) {
        struct search *s = context;
        struct mount *mount = s->next;

        if (!mount)
                return 1;
        if (BPF_CORE_READ(mount, mnt_ns) == s->mounts) {
                s->found = mount;
                if (is_oldest_first())
                        return 1;
        }
        s->next = next_mount(mount, s->sb);
        return 0;
}

/* The file system's oldest mount (struct vfsmount) that who does something can have a path of: the kernel has mounts of its own, and
 * those of other mount namespaces are elsewhere. 0 when there is none, OLDEST_UNKNOWN when there are too many. */
__noinline __u64 oldest_mount(const struct activity *a) {
        struct search s = {};
        struct inode *inode;

        if (!a)
                return 0;
        inode = (void *) a->object;
        s.sb = BPF_CORE_READ(inode, i_sb);
        s.mounts = BPF_CORE_READ(bpf_get_current_task_btf(), nsproxy, mnt_ns);
        s.next = first_mount(s.sb);
        if (bpf_loop(MOUNTS_MAX, look_at_mount, &s, 0) == MOUNTS_MAX && s.next)
                return OLDEST_UNKNOWN;
        return s.found ? (__u64) s.found + bpf_core_field_offset(struct mount, mnt) : 0;
}

/* What happens to a mount that is shared happens to those that share it, in whatever mount namespace (Documentation/filesystems/
 * sharedsubtree.rst). */
static __always_inline bool stays_among_own(struct mount *at) {
        return has_own_mounts() && BPF_CORE_READ(at, mnt_group_id) == 0;
}

/* A place where a mount would hide or uncover what is the daemon's. The same directory can be mounted elsewhere as well (as for a
 * chroot), which is none: such a mount is younger than the one that we know, which may have been moved since. at: the mount that
 * one is put on, or taken from. */
static __always_inline bool is_guarded_place(const struct activity *a, struct mount *at) {
        __u64 oldest;
        __u32 guard;

        if (state.owner == 0)
                return false;
        guard = guard_of((struct dentry *) a->dentry);
        if (!(guard & GUARD_MOUNT) || stays_among_own(at))
                return false;
        if (depth_of(a) == guard >> GUARD_DEPTH_SHIFT)
                return true;
        oldest = oldest_mount(a);
        return a->mount == oldest || oldest == OLDEST_UNKNOWN;
}

/* One that would be covered: a directory, or a file of the daemon's. */
static __always_inline bool would_be_covered(const struct activity *a) {
        struct mount *at = mount_of(a->mount);

        return is_guarded_place(a, at) || (is_guarded((struct dentry *) a->dentry) && !stays_among_own(at));
}

/* One that would be taken away. */
static __always_inline bool would_be_uncovered(const struct activity *a) {
        const struct mount *mount = mount_of(a->mount);

        return is_guarded_place(a, BPF_CORE_READ(mount, mnt_parent));
}

static __always_inline int settle_place(struct activity *a, bool guarded) {
        if (guarded) {
                a->kind = ACTIVITY_SELF;
                a->what = WHAT_SELF_MOUNT;
        }
        return settle_activity(a);
}

static __always_inline void about_place(struct activity *a, const struct path *place) {
        about_path(a, place);
        a->object = (__u64) BPF_CORE_READ(place, dentry, d_inode);
}

static __always_inline int on_mount(const struct path *at, const char *type, unsigned long flags) {
        struct activity a = { .kind = ACTIVITY_MOUNT, .what = WHAT_MOUNT, .number = flags, .name = (__u64) type };

        about_place(&a, at);
        return settle_place(&a, would_be_covered(&a));
}

/* By move_mount(2). With mount(2), which says no more than a string, it is on_mount(). */
static __always_inline int on_move(const struct path *from, const struct path *to) {
        struct activity a = { .kind = ACTIVITY_MOUNT, .what = WHAT_MOUNT_MOVE };
        bool guarded;

        about_place(&a, from);
        guarded = would_be_uncovered(&a);
        if (!guarded) {
                about_place(&a, to);
                guarded = would_be_covered(&a);
        }
        return settle_place(&a, guarded);
}

static __always_inline int on_pivot(const struct path *old) {
        struct activity a = { .kind = ACTIVITY_MOUNT, .what = WHAT_MOUNT_PIVOT };

        about_place(&a, old);
        return settle_place(&a, would_be_covered(&a));
}

/* By fspick(2) and fsconfig(2), or once more after on_mount(). It is one for all its mounts, whoever's they are and wherever. The
 * kernel itself does so in an emergency. */
static __always_inline int on_reconfigure(struct super_block *sb) {
        struct activity a = { .kind = ACTIVITY_MOUNT, .what = WHAT_MOUNT_RECONFIGURE };
        struct dentry *root = BPF_CORE_READ(sb, s_root);
        struct vfsmount *mount;

        if (BPF_CORE_READ(bpf_get_current_task_btf(), flags) & TASK_KERNEL)
                return allow();
        a.object = (__u64) BPF_CORE_READ(root, d_inode);
        a.mount = oldest_mount(&a);
        if (a.mount == OLDEST_UNKNOWN)
                a.mount = 0;
        mount = (void *) a.mount;
        a.dentry = mount ? (__u64) BPF_CORE_READ(mount, mnt_root) : (__u64) root;
        return settle_place(&a, state.owner != 0 && guard_of(root) & GUARD_MOUNT);
}

static __always_inline int on_unmount(struct vfsmount *mount, int flags) {
        struct activity a = { .kind = ACTIVITY_MOUNT, .what = WHAT_MOUNT_UNMOUNT, .number = flags };

        a.mount = (__u64) mount;
        a.dentry = (__u64) BPF_CORE_READ(mount, mnt_root);
        a.object = (__u64) BPF_CORE_READ(mount, mnt_root, d_inode);
        return settle_place(&a, would_be_uncovered(&a));
}

/* A name of up to 23 bytes, with zeros behind it. */
struct name {
        __u64 words[3];
};

static __always_inline struct name name_of(struct dentry *dentry) {
        struct name n = {};

        bpf_probe_read_kernel_str(&n, sizeof(n), BPF_CORE_READ(dentry, d_name.name));
        return n;
}

#define NAME(text)                                                                                                    \
        ({                                                                                                            \
                union {                                                                                               \
                        char bytes[24];                                                                               \
                        struct name name;                                                                             \
                } u = { text };                                                                                       \
                u.name;                                                                                               \
        })

static __always_inline bool is_name(struct name a, struct name b) {
        return a.words[0] == b.words[0] && a.words[1] == b.words[1] && a.words[2] == b.words[2];
}

static __always_inline bool is_kernel_core(struct file *file) {
        struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);

        return BPF_CORE_READ(dentry, d_parent) == BPF_CORE_READ(file, f_inode, i_sb, s_root) &&
               is_name(name_of(dentry), NAME("kcore"));
}

/* Most files are told apart by two loads. */
static __always_inline bool is_watched_device(struct file *file, struct inode *inode, ActivityWhat *ret) {
        unsigned short type = inode->i_mode & TYPE_MASK;
        __u32 device = inode->i_rdev;

        if (type == TYPE_REGULAR) {
                *ret = WHAT_DEVICE_MEMORY;
                return inode->i_sb->s_magic == MAGIC_PROC && is_kernel_core(file);
        }
        if (type == TYPE_BLOCK) {
                *ret = WHAT_DEVICE_DISK;
                return file->f_mode & FMODE_WRITE;
        }
        if (type != TYPE_CHARACTER)
                return false;
        *ret = WHAT_DEVICE_TPM;
        if (device == DEVICE_TPM0 || (activities.tpm_major != 0 && device >> 20 == activities.tpm_major))
                return true;
        *ret = WHAT_DEVICE_MEMORY;
        return device == DEVICE_MEM || device == DEVICE_KMEM || device == DEVICE_PORT || activities.probing;
}

/* In the /proc directory of one of the daemon's threads. */
static __always_inline bool is_of_daemon(struct inode *inode) {
        const struct proc_inode *info = (const void *) inode - bpf_core_field_offset(struct proc_inode, vfs_inode);
        struct pid *of = BPF_CORE_READ(info, pid);
        struct task_struct *daemon = (void *) state.owner;

        return of && daemon &&
               of == BPF_CORE_READ(daemon, signal, pids[bpf_core_enum_value(enum pid_type, PIDTYPE_TGID)]);
}

/* What silences every trampoline of BPF. */
static __always_inline bool is_ftrace_switch(struct dentry *dentry) {
        return is_name(name_of(dentry), NAME("ftrace_enabled")) &&
               is_name(name_of(BPF_CORE_READ(dentry, d_parent)), NAME("kernel"));
}

/* It kills, stops and starves without a signal that a hook is asked about. */
static __always_inline bool is_sysrq(struct file *file) {
        struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);

        return BPF_CORE_READ(dentry, d_parent) == BPF_CORE_READ(file, f_inode, i_sb, s_root) &&
               is_name(name_of(dentry), NAME("sysrq-trigger"));
}

/* …/drivers/tpm_crb/unbind, and the like */
static __always_inline bool is_tpm_unbinding(struct dentry *dentry) {
        struct name driver = name_of(BPF_CORE_READ(dentry, d_parent));

        return is_name(name_of(dentry), NAME("unbind")) &&
               (driver.words[0] & 0xffffff) == ('t' | 'p' << 8 | 'm' << 16);
}

/* /sys/kernel/livepatch/NAME/enabled, and the like */
static __always_inline bool is_livepatch_switch(struct dentry *dentry) {
        struct dentry *above = BPF_CORE_READ(dentry, d_parent, d_parent);

        return is_name(name_of(above), NAME("livepatch")) &&
               is_name(name_of(BPF_CORE_READ(above, d_parent)), NAME("kernel"));
}

/* What of a cgroup stops or starves who is in it. */
static __always_inline bool is_cgroup_brake(struct dentry *dentry) {
        struct name n = name_of(dentry);

        if (!(guard_of(BPF_CORE_READ(dentry, d_parent)) & GUARD_CGROUP))
                return false;
        return is_name(n, NAME("cgroup.kill")) || is_name(n, NAME("cgroup.freeze")) ||
               is_name(n, NAME("memory.max")) || is_name(n, NAME("memory.high")) ||
               is_name(n, NAME("memory.swap.max")) || is_name(n, NAME("pids.max")) || is_name(n, NAME("cpu.max")) ||
               is_name(n, NAME("cpuset.cpus"));
}

static __always_inline bool is_against_us(struct file *file, struct inode *inode, ActivityWhat *ret) {
        struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
        __u64 magic = inode->i_sb->s_magic;

        if (state.owner == 0)
                return false;
        if (magic == MAGIC_PROC) {
                *ret = WHAT_SELF_KERNEL;
                if (is_ftrace_switch(dentry) || is_sysrq(file))
                        return true;
                *ret = WHAT_SELF_WRITE;
                return is_of_daemon(inode);
        }
        if (magic == MAGIC_SYSFS) {
                *ret = WHAT_SELF_KERNEL;
                return is_tpm_unbinding(dentry) || is_livepatch_switch(dentry);
        }
        if (magic == MAGIC_CGROUP2) {
                *ret = WHAT_SELF_CGROUP;
                return is_cgroup_brake(dentry);
        }
        *ret = WHAT_SELF_WRITE;
        return is_guarded(dentry);
}

static __always_inline int on_open(struct file *file) {
        struct activity a = { .kind = ACTIVITY_DEVICE };
        struct inode *inode = file->f_inode;
        ActivityWhat what;

        if ((file->f_mode & FMODE_WRITE || file->f_flags & OPEN_TRUNCATE) && is_against_us(file, inode, &what))
                a.kind = ACTIVITY_SELF;
        else if (!is_watched_device(file, inode, &what))
                return allow();
        a.what = what;
        a.number = inode->i_rdev;
        a.object = (__u64) inode;
        about_file(&a, file);
        return settle_activity(&a);
}

static __always_inline int on_ioctl(struct file *file, unsigned int cmd, unsigned long arg) {
        struct activity a = { .kind = ACTIVITY_DM,
                              .what = WHAT_DM,
                              .number = cmd & 0xff,
                              .user_name = arg + DM_NAME_OFFSET,
                              .each_time = 1 };

        if ((cmd >> 8 & 0xff) != DM_IOCTL_TYPE || !(DM_COMMANDS & 1U << (cmd & 31)) || (cmd & 0xff) > 31)
                return allow();
        if (file->f_inode->i_rdev != DEVICE_MAPPER && !activities.probing)
                return allow();
        return settle_activity(&a);
}

SEC("?lsm/sb_mount")
int BPF_PROG(place_mount, const char *from, const struct path *at, const char *type, unsigned long flags, void *data) {
        return on_mount(at, type, flags);
}

SEC("?fmod_ret/security_sb_mount")
int BPF_PROG(lower_place_mount, const char *from, const struct path *at, const char *type, unsigned long flags,
             void *data) {
        return on_mount(at, type, flags);
}

SEC("?lsm/move_mount")
int BPF_PROG(place_move, const struct path *from, const struct path *to) {
        return on_move(from, to);
}

SEC("?fmod_ret/security_move_mount")
int BPF_PROG(lower_place_move, const struct path *from, const struct path *to) {
        return on_move(from, to);
}

SEC("?lsm/sb_pivotroot")
int BPF_PROG(place_pivot, const struct path *old, const struct path *new) {
        return on_pivot(old);
}

SEC("?fmod_ret/security_sb_pivotroot")
int BPF_PROG(lower_place_pivot, const struct path *old, const struct path *new) {
        return on_pivot(old);
}

SEC("?lsm/sb_remount")
int BPF_PROG(place_reconfigure, struct super_block *sb, void *options) {
        return on_reconfigure(sb);
}

SEC("?fmod_ret/security_sb_remount")
int BPF_PROG(lower_place_reconfigure, struct super_block *sb, void *options) {
        return on_reconfigure(sb);
}

SEC("?lsm/sb_umount")
int BPF_PROG(place_unmount, struct vfsmount *mount, int flags) {
        return on_unmount(mount, flags);
}

SEC("?fmod_ret/security_sb_umount")
int BPF_PROG(lower_place_unmount, struct vfsmount *mount, int flags) {
        return on_unmount(mount, flags);
}

SEC("?lsm/file_open")
int BPF_PROG(place_open, struct file *file) {
        return on_open(file);
}

SEC("?fmod_ret/security_file_open")
int BPF_PROG(lower_place_open, struct file *file) {
        return on_open(file);
}

SEC("?lsm/file_ioctl")
int BPF_PROG(place_ioctl, struct file *file, unsigned int cmd, unsigned long arg) {
        return on_ioctl(file, cmd, arg);
}

SEC("?fmod_ret/security_file_ioctl")
int BPF_PROG(lower_place_ioctl, struct file *file, unsigned int cmd, unsigned long arg) {
        return on_ioctl(file, cmd, arg);
}
