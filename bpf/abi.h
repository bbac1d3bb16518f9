/* SPDX-License-Identifier: LGPL-2.1-or-later OR GPL-2.0-only */
#pragma once

/* What kernel-side programs and user space say to each other. Fixed widths, no implicit padding; every layout is
 * asserted here for both compilers, and against the compiled object's BTF by tests/edge/sensor/test-abi.c. */

#include <linux/types.h>

#ifndef SEALWATCH_ABI_VERSION /* tests build daemons of others */
#define SEALWATCH_ABI_VERSION 10
#endif
#ifndef SEALWATCH_ABI_EVENTS
#define SEALWATCH_ABI_EVENTS 3
#endif

enum {
        ABI_VERSION = SEALWATCH_ABI_VERSION, /* of everything below */
        ABI_EVENTS =
                SEALWATCH_ABI_EVENTS, /* of the events alone, so that another version's may be read; their first field */
        ABI_TYPES_MAX = 8,            /* room for an EventType */
        ABI_KINDS_MAX = 32,           /* room for a CodeKind, and behind those an ActivityKind */
        ABI_LET_GO_MAX = 3,
        ABI_COMM_SIZE = 16,
        ABI_FILENAME_SIZE = 256,
        ABI_PATH_SIZE = 1024,
        ABI_SHORT_PATH_SIZE = 128,
        ABI_PARTS_SIZE = 640,
        ABI_NAME_SIZE = 64,
        ABI_DIGEST_SIZE = 32, /* SHA-256 */
        ABI_RULES_MAX = 64,
        ABI_SETS_MAX = 32,     /* reference sets: bits of a __u32 */
        ABI_DIGESTS_BITS = 24, /* at most 2^24 digests: what a search may take */
};

/* The kernel's own identity of a file. Not that of stat(2): on btrfs st_dev differs per subvolume, on overlayfs device
 * and inode number may be those of a layer. */
typedef struct KernelFile {
        __u64 inode_address;
        __u64 inode;         /* i_ino */
        __u32 device;        /* s_dev: major << 20 | minor */
        __u32 link_count;    /* 0: nameless, as a memfd or an unlinked file */
        __u64 magic;         /* s_magic */
        __u64 backing_inode; /* of a file on overlayfs: that of the layer that has the content; 0: not known */
        __u32 backing_device;
        __u32 zero;
} KernelFile;

typedef enum EventType {
        EVENT_TYPE_EXEC,     /* ExecEvent */
        EVENT_TYPE_CODE,     /* CodeEvent */
        EVENT_TYPE_ACTIVITY, /* ActivityEvent */
} EventType;

enum {
        EVENT_PRIVILEGED = 1 << 0, /* euid 0 or any effective capability, in the initial user namespace */
        EVENT_TRUNCATED = 1 << 1,  /* the path was longer; of a CodeEvent there is the file's name only */
        EVENT_UNCHECKED = 1 << 2,  /* of an ExecEvent: the hook was not asked about the program */
        EVENT_PARTS = 1 << 3,      /* the path is its names, last first, each ended by NUL; an empty one ends them */
        EVENT_CHECK = 1 << 4, /* of a CodeEvent: it was only asked whether the program might run (AT_EXECVE_CHECK) */
};

/* Which programs judge code. Each is tried, best first; only what is seen to work is claimed. */
typedef enum Rung {
        RUNG_NONE,     /* none: programs that run are seen (exec.bpf.c), no more */
        RUNG_LSM,      /* code.bpf.c: BPF is among the kernel's active security modules */
        RUNG_FMOD_RET, /* lower.bpf.c: before the kernel's own security_…(): can refuse, and has no digests of its own */
        RUNG_FENTRY, /* the same programs, which can only see */
        _RUNG_MAX,
} Rung;

/* What every event begins with: who did it, and when. Up to and with `sequence` it is the same in every version. */
typedef struct EventHead {
        __u32 version; /* ABI_EVENTS */
        __u16 type;
        __u16 flags;
        __u64 sequence; /* from 0; also counts events that found no room in the ring */
        __u64 time;     /* CLOCK_BOOTTIME, ns */
        __u64 started;  /* CLOCK_BOOTTIME at which the process was born, ns */
        __u64 cgroup;   /* id in the unified hierarchy */
        __u32 pid;      /* thread group, in the daemon's PID namespace; 0 when it is not visible there */
        __u32 host_pid; /* thread group, in the initial PID namespace */
        __u32 uid, euid;
        __u32 mount_namespace; /* its inode number */
        __u32 zero;
        char comm[ABI_COMM_SIZE];
} EventHead;

/* A program that runs now. */
typedef struct ExecEvent {
        EventHead head;
        KernelFile file;
        char filename[ABI_FILENAME_SIZE]; /* as execve() was given it; NUL-terminated */
} ExecEvent;

/* Ways in which code comes to run, in the order of policy/event.h. */
typedef enum CodeKind {
        CODE_EXEC,      /* security_bprm_check */
        CODE_LIBRARY,   /* security_mmap_file, security_file_mprotect: a file becomes executable memory */
        CODE_MODULE,    /* security_kernel_read_file, security_kernel_load_data */
        CODE_KEXEC,     /* the same; image and initramfs */
        CODE_FIRMWARE,  /* the same */
        CODE_OVERWRITE, /* security_file_open, security_path_truncate: of a file that ran as code */
        _CODE_MAX,
} CodeKind;

/* What is done to the machine's running state, in the order of policy/event.h behind the ways of code. */
typedef enum ActivityKind {
        ACTIVITY_MEMORY,
        ACTIVITY_MODULE_REQUEST,
        ACTIVITY_BPF,
        ACTIVITY_PTRACE,
        ACTIVITY_MOUNT,
        ACTIVITY_SETUID,
        ACTIVITY_DEVICE,
        ACTIVITY_DM,
        ACTIVITY_CONFIG,
        ACTIVITY_UNIT, /* this and the next two are not the kernel side's */
        ACTIVITY_PCR,
        ACTIVITY_IMA,
        ACTIVITY_SELF,
        _ACTIVITY_MAX,
} ActivityKind;

/* What the kernel side did with it. */
typedef enum CodeVerdict {
        CODE_ALLOWED, /* by the rules; or they refuse it, in observe */
        CODE_DENIED,
        CODE_ASK, /* a rule looks at what the kernel side cannot see: let go, for user space to judge */
} CodeVerdict;

typedef struct CodeEvent {
        EventHead head;
        KernelFile file;  /* all zero: no file, as for init_module(2) */
        __u32 kind;       /* CodeKind */
        __u32 verdict;    /* CodeVerdict */
        __s32 error;      /* why there is no digest: a negative errno; 0: there is one */
        __u32 writers;    /* > 0: the file is open for writing, or mapped so: the digest binds nothing */
        __u32 generation; /* of the policy by which it was decided */
        __u32 zero;
        __u8 digest[ABI_DIGEST_SIZE];
        char path[ABI_PATH_SIZE]; /* in the process' root; NUL-terminated */
} CodeEvent;

/* What a CodeEvent takes in the ring when its path is short, as most are: it ends there. One with EVENT_PARTS is always whole. */
enum { CODE_EVENT_SHORT = __builtin_offsetof(CodeEvent, path) + ABI_SHORT_PATH_SIZE };

/* How it was done. */
typedef enum ActivityWhat {
        WHAT_MEMORY_ANONYMOUS, /* security_mmap_file, security_file_mprotect */
        WHAT_MEMORY_MODIFIED,  /* private changes to a file's mapping */
        WHAT_MODULE_REQUEST,   /* security_kernel_module_request */
        WHAT_BPF_PROGRAM,      /* security_bpf */
        WHAT_PTRACE_ATTACH,    /* security_ptrace_access_check: ptrace, /proc/PID/mem, process_vm_*, pidfd_getfd */
        WHAT_PTRACE_TRACEME,   /* security_ptrace_traceme: by a child, to its parent */
        WHAT_MOUNT,            /* security_sb_mount */
        WHAT_MOUNT_MOVE,       /* security_move_mount */
        WHAT_MOUNT_UNMOUNT,    /* security_sb_umount */
        WHAT_MOUNT_PIVOT,      /* security_sb_pivotroot */
        WHAT_SETUID_CALL,      /* security_task_fix_setuid */
        WHAT_SETUID_PROGRAM,   /* security_bprm_creds_from_file */
        WHAT_DEVICE_TPM,       /* security_file_open */
        WHAT_DEVICE_DISK,      /* a block device, for writing */
        WHAT_DEVICE_MEMORY,    /* /dev/mem, /dev/kmem, /dev/port, /proc/kcore */
        WHAT_DM,               /* security_file_ioctl */
        WHAT_SELF_SIGNAL,      /* security_task_kill: one that could end or stop the daemon */
        WHAT_SELF_PTRACE,      /* as of WHAT_PTRACE_ATTACH */
        WHAT_SELF_LIMIT,       /* security_task_setrlimit, _setscheduler, _setnice */
        WHAT_SELF_WRITE,       /* security_file_open, for writing: its files, or in its /proc directory */
        WHAT_SELF_REMOVE,      /* security_inode_unlink, _rmdir, _rename: its files and pins */
        WHAT_SELF_MAP,         /* security_bpf_map, for writing */
        WHAT_SELF_LINK,        /* security_bpf: a descriptor of a link, or a change of one */
        WHAT_SELF_MOUNT,       /* as of WHAT_MOUNT: over its files, or what they are on */
        WHAT_SELF_CGROUP,      /* security_file_open, for writing: what stops or starves its cgroup */
        WHAT_SELF_KERNEL, /* … what silences hooks, takes the TPM away, switches a livepatch, or kills whomever */
        WHAT_SELF_KPROBE, /* security_locked_down: a probe in the kernel's code */
        WHAT_SELF_LIVEPATCH, /* tracepoint module_load: a module that replaces the kernel's code, which nobody can refuse here */
        WHAT_SELF_PROGRAM,      /* security_bpf_prog: a descriptor of a program, which could be run by hand */
        WHAT_MOUNT_RECONFIGURE, /* security_sb_remount: a whole file system, wherever it is mounted */
        _WHAT_MAX,
} ActivityWhat;

typedef struct ActivityEvent {
        EventHead head;
        KernelFile file;  /* what it was done to; all zero: no file */
        __u32 kind;       /* ActivityKind */
        __u32 what;       /* ActivityWhat */
        __u32 denied;     /* 1: it did not happen */
        __u32 generation; /* of the policy by which that was decided */
        __u64 number;     /* flags, mode, command, device or type */
        __u32 other_pid; /* the other process, in the daemon's PID namespace; 0: there is none, or it is not visible */
        __u32 other_host_pid;
        char name[ABI_NAME_SIZE];     /* of what is not a file; NUL-terminated */
        char target[ABI_PARTS_SIZE];  /* a path: its names, last first, each ended by NUL; an empty one ends them */
        char program[ABI_PARTS_SIZE]; /* likewise, of what the process runs */
} ActivityEvent;

/* Why a directory is protected; above GUARD_DEPTH_SHIFT how many names lead to it. */
enum {
        GUARD_DEPTH_SHIFT = 8,
        GUARD_FILES = 1 << 0,  /* what is directly in it */
        GUARD_TREE = 1 << 1,   /* … and one level below */
        GUARD_MOUNT = 1 << 2,  /* as a place to mount on, or to unmount */
        GUARD_CGROUP = 1 << 3, /* a cgroup that the daemon is in */
};

/* Kinds of what is the daemon's own, above the number (kind << 32 | id). */
enum { OWN_MAP = 1, OWN_LINK = 2, OWN_PROGRAM = 3 };

/* What programs about activities share with user space. */
typedef struct ActivityState {
        __u32 probing; /* everything that the owner's thread does is told of, and refused; and what its children do */
        __u32 tpm_major;    /* of /dev/tpmrm*; 0: there is none */
        __u32 refuse_stop;  /* its manager may send it the signal to hand over, and no other that ends it */
        __u32 first_mounts; /* mount namespace of the first process */
        __u32 mounts;       /* … of the daemon */
        __u32 zero;
} ActivityState;

/* A rule of the policy, as far as the kernel side can decide it. The first match wins. A rule with `maybe` also looks at
 * what the kernel side cannot see: whether it matches or not, the verdict stands only when it is the same. */
typedef struct KernelRule {
        __u32 kinds;   /* bits 1 << CodeKind */
        __u32 any;     /* bits of reference sets: one of them must hold the digest; 0: none must */
        __u32 none;    /* bits of reference sets: none of them may hold it */
        __u16 verdict; /* CODE_ALLOWED or CODE_DENIED */
        __u16 maybe;
} KernelRule;

typedef struct KernelPolicy {
        __u32 generation; /* never 0 */
        __u32 enforce;    /* 0: observe: CODE_DENIED is carried out as CODE_ALLOWED */
        __u32 rules_size;
        __u32 digests_size;       /* entries of the table of digests that belongs to it */
        __u32 every_time;         /* report what is allowed each time: a rule looks at who it was */
        __u32 allow_writers;      /* a digest counts although somebody can change the file */
        __u32 allow_remote;       /* … although a server can */
        __u32 allow_user_layers;  /* … although it is on an overlayfs that any user can have made */
        __u32 allow_stale;        /* … although IMA may have it from another content */
        __u32 allow_no_path;      /* a rule looks at the path, and there is none: let go */
        __u32 activities_denied;  /* bits 1 << ActivityKind: every such is refused */
        __u32 activities_ignored; /* … none of them is told of */
        __u32 self_allowed;       /* what is done to the daemon is only told of */
        KernelRule rules[ABI_RULES_MAX];
} KernelPolicy;

/* A row of the table of digests, which is sorted. */
typedef struct KernelDigest {
        __u64 digest[ABI_DIGEST_SIZE / 8]; /* as the bytes stand; compared in that order */
        __u32 sets;                        /* bits of the reference sets that hold it */
        __u32 zero;
} KernelDigest;

/* What is kept with an inode. */
typedef struct InodeState {
        __u8 digest[ABI_DIGEST_SIZE];
        __u64 version; /* goes up whenever somebody opens the file for writing: so often that 32 bits come round in hours */
        __u64 digest_version; /* the one that digest is of */
        __u32 policy;         /* SensorState.policy for which `sets` and `reported` hold; 0: for none */
        __u32 sets;
        __u32 flags;    /* INODE_* */
        __u32 reported; /* bits 1 << CodeKind: an event was sent; and 1 << INODE_SETTLED + CodeKind: see below */
} InodeState;

/* Above this bit of InodeState.reported: the rules of that policy let this content run so, whoever does it and by whatever path, and
 * nothing more is to be told of it. */
enum { INODE_SETTLED = 16 };

enum {
        INODE_DIGEST = 1 << 0,  /* there is one, of the content of digest_version */
        INODE_CODE = 1 << 1,    /* it was let run */
        INODE_CLAIMED = 1 << 2, /* somebody changes digest or sets */
        INODE_CUT = 1 << 3,     /* it was truncated while IMA had a digest of it */
};

/* Context of the program `identify`, in and out. */
typedef struct IdentifyRequest {
        __s32 fd;    /* of the calling process */
        __s32 error; /* 0, or a negative errno: -EBADF, -EAGAIN when another thread grew the descriptor table meanwhile */
        KernelFile file;
} IdentifyRequest;

/* The gate's answer, which the lower rungs ask for: this process may run this file. */
typedef struct Admission {
        __u64 inode_address, inode;
        __u32 device;
        __u32 pid; /* EventHead.pid */
} Admission;

typedef struct AdmissionTerm {
        __u64 until; /* CLOCK_BOOTTIME, ns */
} AdmissionTerm;

/* Context of the program `learn`, in and out: the digest of an open file of the calling process, which holds a read lease on
 * it since before it was hashed. */
typedef struct LearnRequest {
        __s32 fd;
        __s32 error; /* 0, or a negative errno: as of IdentifyRequest; -EBUSY: it can be written to, or nothing is kept of it */
        __u8 digest[ABI_DIGEST_SIZE];
} LearnRequest;

/* What the programs are told once, before they are loaded. */
typedef struct SensorSettings {
        __u64 cgroup;        /* only processes in this cgroup or below; 0: all */
        __u32 pid_namespace; /* inode number of the daemon's PID namespace */
        __u32 rung;          /* Rung that is loaded */
} SensorSettings;

/* What SensorState begins with in every version: a daemon reads what one of another version left in the kernel. */
typedef struct StateHead {
        __u32 version;             /* ABI_VERSION */
        __u32 events;              /* ABI_EVENTS */
        __u64 sequence;            /* of the next event */
        __u64 lost[ABI_TYPES_MAX]; /* events that found no room in the ring, per EventType */
        /* By user space: events that it has dealt with, and losses that it has reported; of these, and of runs of programs that
         * the kernel left out. */
        __u64 told, lost_told[ABI_TYPES_MAX], missed_told;
        /* Files that a later daemon probes itself with, which must not be in its way: inode addresses; 0: none. */
        __u64 let_go[ABI_LET_GO_MAX];
        __u64 hooked; /* by user space: CLOCK_BOOTTIME, ns; hooks are asked about what later processes execute. 0: they may not be */
        /* By user space: CLOCK_BOOTTIME, ns; another daemon has taken over, and tells what runs from then on. 0: none has. */
        __u64 replaced;
        __u32 unattended; /* the daemon has ended, and the programs work on */
        __u32 in_charge;  /* by user space: it has taken over, and its policy is in force */
} StateHead;

/* What they share with user space all the time. */
typedef struct SensorState {
        StateHead head;
        __u64 owner;     /* address of the daemon's first thread; 0: none */
        __u64 last_wake; /* CLOCK_MONOTONIC, ns */
        __u64 probe;     /* inode address of the canary, which is in scope wherever it runs; 0: none */
        __u64 refused;   /* inode address of a file that is in scope everywhere, and refused in every mode; 0: none */
        __u32 policy; /* counts policies; its last bit says which slot of `policies` and `digests` is in force. 0: none yet */
        __u32 unmarked; /* programs that a hook looked at and could not leave its mark for */
        /* Refusals that were not reported, since the ring was more than half full: per CodeKind, and behind
         * those per ActivityKind. */
        __u64 untold[ABI_KINDS_MAX];
} SensorState;

#define ABI_ASSERT_SIZE(type, size) _Static_assert(sizeof(type) == (size), "size of " #type)
#define ABI_ASSERT_OFFSET(type, member, offset)                                                                       \
        _Static_assert(__builtin_offsetof(type, member) == (offset), "offset of " #type "." #member)

ABI_ASSERT_SIZE(KernelFile, 48);
ABI_ASSERT_OFFSET(KernelFile, inode, 8);
ABI_ASSERT_OFFSET(KernelFile, device, 16);
ABI_ASSERT_OFFSET(KernelFile, link_count, 20);
ABI_ASSERT_OFFSET(KernelFile, magic, 24);
ABI_ASSERT_OFFSET(KernelFile, backing_inode, 32);
ABI_ASSERT_OFFSET(KernelFile, backing_device, 40);

ABI_ASSERT_SIZE(EventHead, 80);
ABI_ASSERT_OFFSET(EventHead, type, 4);
ABI_ASSERT_OFFSET(EventHead, flags, 6);
ABI_ASSERT_OFFSET(EventHead, sequence, 8);
ABI_ASSERT_OFFSET(EventHead, time, 16);
ABI_ASSERT_OFFSET(EventHead, started, 24);
ABI_ASSERT_OFFSET(EventHead, cgroup, 32);
ABI_ASSERT_OFFSET(EventHead, pid, 40);
ABI_ASSERT_OFFSET(EventHead, host_pid, 44);
ABI_ASSERT_OFFSET(EventHead, uid, 48);
ABI_ASSERT_OFFSET(EventHead, euid, 52);
ABI_ASSERT_OFFSET(EventHead, mount_namespace, 56);
ABI_ASSERT_OFFSET(EventHead, comm, 64);

ABI_ASSERT_SIZE(ExecEvent, 384);
ABI_ASSERT_OFFSET(ExecEvent, file, 80);
ABI_ASSERT_OFFSET(ExecEvent, filename, 128);

ABI_ASSERT_SIZE(CodeEvent, 1208);
ABI_ASSERT_OFFSET(CodeEvent, file, 80);
ABI_ASSERT_OFFSET(CodeEvent, kind, 128);
ABI_ASSERT_OFFSET(CodeEvent, verdict, 132);
ABI_ASSERT_OFFSET(CodeEvent, error, 136);
ABI_ASSERT_OFFSET(CodeEvent, writers, 140);
ABI_ASSERT_OFFSET(CodeEvent, generation, 144);
ABI_ASSERT_OFFSET(CodeEvent, digest, 152);
ABI_ASSERT_OFFSET(CodeEvent, path, 184);
_Static_assert(CODE_EVENT_SHORT == 312, "size of a short CodeEvent");

ABI_ASSERT_SIZE(ActivityEvent, 1504);
ABI_ASSERT_OFFSET(ActivityEvent, file, 80);
ABI_ASSERT_OFFSET(ActivityEvent, kind, 128);
ABI_ASSERT_OFFSET(ActivityEvent, denied, 136);
ABI_ASSERT_OFFSET(ActivityEvent, number, 144);
ABI_ASSERT_OFFSET(ActivityEvent, other_pid, 152);
ABI_ASSERT_OFFSET(ActivityEvent, name, 160);
ABI_ASSERT_OFFSET(ActivityEvent, target, 224);
ABI_ASSERT_OFFSET(ActivityEvent, program, 864);
ABI_ASSERT_SIZE(ActivityState, 24);
ABI_ASSERT_OFFSET(ActivityState, tpm_major, 4);

ABI_ASSERT_SIZE(KernelRule, 16);
ABI_ASSERT_OFFSET(KernelRule, verdict, 12);
ABI_ASSERT_OFFSET(KernelRule, maybe, 14);
ABI_ASSERT_SIZE(KernelPolicy, 52 + 16 * ABI_RULES_MAX);
ABI_ASSERT_OFFSET(KernelPolicy, digests_size, 12);
ABI_ASSERT_OFFSET(KernelPolicy, activities_denied, 40);
ABI_ASSERT_OFFSET(KernelPolicy, self_allowed, 48);
ABI_ASSERT_OFFSET(KernelPolicy, rules, 52);
ABI_ASSERT_SIZE(KernelDigest, 40);
ABI_ASSERT_OFFSET(KernelDigest, sets, 32);
ABI_ASSERT_SIZE(InodeState, 64);
ABI_ASSERT_OFFSET(InodeState, version, 32);
ABI_ASSERT_OFFSET(InodeState, digest_version, 40);
ABI_ASSERT_OFFSET(InodeState, policy, 48);
ABI_ASSERT_OFFSET(InodeState, sets, 52);
ABI_ASSERT_OFFSET(InodeState, flags, 56);
ABI_ASSERT_OFFSET(InodeState, reported, 60);

ABI_ASSERT_SIZE(IdentifyRequest, 56);
ABI_ASSERT_OFFSET(IdentifyRequest, error, 4);
ABI_ASSERT_OFFSET(IdentifyRequest, file, 8);

ABI_ASSERT_SIZE(Admission, 24);
ABI_ASSERT_OFFSET(Admission, device, 16);
ABI_ASSERT_SIZE(AdmissionTerm, 8);
ABI_ASSERT_SIZE(LearnRequest, 40);
ABI_ASSERT_OFFSET(LearnRequest, digest, 8);

ABI_ASSERT_SIZE(SensorSettings, 16);
ABI_ASSERT_OFFSET(SensorSettings, pid_namespace, 8);

ABI_ASSERT_SIZE(StateHead, 208);
ABI_ASSERT_OFFSET(StateHead, sequence, 8);
ABI_ASSERT_OFFSET(StateHead, lost, 16);
ABI_ASSERT_OFFSET(StateHead, told, 80);
ABI_ASSERT_OFFSET(StateHead, lost_told, 88);
ABI_ASSERT_OFFSET(StateHead, missed_told, 152);
ABI_ASSERT_OFFSET(StateHead, let_go, 160);
ABI_ASSERT_OFFSET(StateHead, hooked, 184);
ABI_ASSERT_OFFSET(StateHead, replaced, 192);
ABI_ASSERT_OFFSET(StateHead, unattended, 200);
ABI_ASSERT_OFFSET(StateHead, in_charge, 204);

ABI_ASSERT_SIZE(SensorState, 248 + 8 * ABI_KINDS_MAX);
ABI_ASSERT_OFFSET(SensorState, owner, 208);
ABI_ASSERT_OFFSET(SensorState, last_wake, 216);
ABI_ASSERT_OFFSET(SensorState, probe, 224);
ABI_ASSERT_OFFSET(SensorState, refused, 232);
ABI_ASSERT_OFFSET(SensorState, policy, 240);
ABI_ASSERT_OFFSET(SensorState, unmarked, 244);
ABI_ASSERT_OFFSET(SensorState, untold, 248);
