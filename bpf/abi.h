/* SPDX-License-Identifier: LGPL-2.1-or-later OR GPL-2.0-only */
#pragma once

/* What kernel-side programs and user space say to each other. Fixed widths, no implicit padding; every layout is
 * asserted here for both compilers, and against the compiled object's BTF by tests/edge/sensor/test-abi.c. */

#include <linux/types.h>

enum {
        ABI_VERSION = 1, /* of everything below; the first field of every event */
        ABI_COMM_SIZE = 16,
        ABI_FILENAME_SIZE = 256,
};

/* The kernel's own identity of a file. Not that of stat(2): on btrfs st_dev differs per subvolume, on overlayfs device
 * and inode number may be those of a layer. */
typedef struct KernelFile {
        __u64 inode_address;
        __u64 inode;      /* i_ino */
        __u32 device;     /* s_dev: major << 20 | minor */
        __u32 link_count; /* 0: nameless, as a memfd or an unlinked file */
        __u64 magic;      /* s_magic */
} KernelFile;

enum {
        EXEC_PRIVILEGED = 1 << 0, /* euid 0 or any effective capability, in the initial user namespace */
        EXEC_TRUNCATED = 1 << 1,  /* filename was longer */
};

/* A program that runs now. */
typedef struct ExecEvent {
        __u32 version;
        __u32 flags;
        __u64 sequence; /* from 0; also counts events that found no room in the ring */
        __u64 time;     /* CLOCK_BOOTTIME, ns */
        __u64 started;  /* CLOCK_BOOTTIME at which the process was born, ns */
        __u64 cgroup;   /* id in the unified hierarchy */
        KernelFile file;
        __u32 pid;      /* thread group, in the daemon's PID namespace; 0 when it is not visible there */
        __u32 host_pid; /* thread group, in the initial PID namespace */
        __u32 uid, euid;
        char comm[ABI_COMM_SIZE];
        char filename[ABI_FILENAME_SIZE]; /* as execve() was given it; NUL-terminated */
} ExecEvent;

/* Context of the program `identify`, in and out. */
typedef struct IdentifyRequest {
        __s32 fd;    /* of the calling process */
        __s32 error; /* 0, or a negative errno: -EBADF, -EAGAIN when another thread grew the descriptor table meanwhile */
        KernelFile file;
} IdentifyRequest;

/* What the programs are told once, before they are loaded. */
typedef struct SensorSettings {
        __u64 cgroup;        /* only processes in this cgroup or below; 0: all */
        __u32 pid_namespace; /* inode number of the daemon's PID namespace */
        __u32 zero;
} SensorSettings;

/* What they share with user space all the time. */
typedef struct SensorState {
        __u64 sequence;  /* of the next event */
        __u64 lost;      /* events that found no room in the ring */
        __u64 last_wake; /* CLOCK_MONOTONIC, ns */
        __u64 probe;     /* inode address of the canary, which is in scope wherever it runs; 0: none */
} SensorState;

#define ABI_ASSERT_SIZE(type, size) _Static_assert(sizeof(type) == (size), "size of " #type)
#define ABI_ASSERT_OFFSET(type, member, offset)                                                                       \
        _Static_assert(__builtin_offsetof(type, member) == (offset), "offset of " #type "." #member)

ABI_ASSERT_SIZE(KernelFile, 32);
ABI_ASSERT_OFFSET(KernelFile, inode, 8);
ABI_ASSERT_OFFSET(KernelFile, device, 16);
ABI_ASSERT_OFFSET(KernelFile, link_count, 20);
ABI_ASSERT_OFFSET(KernelFile, magic, 24);

ABI_ASSERT_SIZE(ExecEvent, 360);
ABI_ASSERT_OFFSET(ExecEvent, flags, 4);
ABI_ASSERT_OFFSET(ExecEvent, sequence, 8);
ABI_ASSERT_OFFSET(ExecEvent, time, 16);
ABI_ASSERT_OFFSET(ExecEvent, started, 24);
ABI_ASSERT_OFFSET(ExecEvent, cgroup, 32);
ABI_ASSERT_OFFSET(ExecEvent, file, 40);
ABI_ASSERT_OFFSET(ExecEvent, pid, 72);
ABI_ASSERT_OFFSET(ExecEvent, host_pid, 76);
ABI_ASSERT_OFFSET(ExecEvent, uid, 80);
ABI_ASSERT_OFFSET(ExecEvent, euid, 84);
ABI_ASSERT_OFFSET(ExecEvent, comm, 88);
ABI_ASSERT_OFFSET(ExecEvent, filename, 104);

ABI_ASSERT_SIZE(IdentifyRequest, 40);
ABI_ASSERT_OFFSET(IdentifyRequest, error, 4);
ABI_ASSERT_OFFSET(IdentifyRequest, file, 8);

ABI_ASSERT_SIZE(SensorSettings, 16);
ABI_ASSERT_OFFSET(SensorSettings, pid_namespace, 8);

ABI_ASSERT_SIZE(SensorState, 32);
ABI_ASSERT_OFFSET(SensorState, lost, 8);
ABI_ASSERT_OFFSET(SensorState, last_wake, 16);
ABI_ASSERT_OFFSET(SensorState, probe, 24);
