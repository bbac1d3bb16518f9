/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What sensors see and policies judge. */

#include <stdbool.h>
#include <stdint.h>

#include "lib/digest.h"
#include "policy/failure.h"

/* What is judged. */
typedef enum Event {
        /* ways in which code comes to run */
        EVENT_EXEC,      /* a program, a script or an interpreter is executed */
        EVENT_LIBRARY,   /* a file is mapped executable */
        EVENT_MODULE,    /* a kernel module is loaded */
        EVENT_KEXEC,     /* a kernel image is loaded for kexec */
        EVENT_FIRMWARE,  /* a driver loads firmware */
        EVENT_OVERWRITE, /* a file that ran as code is opened for writing */
        /* activities: what is done to the machine's running state */
        EVENT_MEMORY,         /* memory that no file backs, or that was changed, becomes executable */
        EVENT_MODULE_REQUEST, /* the kernel asks for a module by itself */
        EVENT_BPF,            /* a BPF program is loaded */
        EVENT_PTRACE,         /* a process is attached to, or its memory written */
        EVENT_MOUNT,          /* the tree of file systems is changed */
        EVENT_SETUID,         /* a process becomes root */
        EVENT_DEVICE,         /* the TPM, a raw disk or the kernel's memory is opened */
        EVENT_DM,             /* a device-mapper table is changed */
        EVENT_CONFIG,         /* a watched configuration file has other content */
        EVENT_UNIT,           /* systemd loaded another unit than before */
        EVENT_PCR,            /* a PCR changed */
        EVENT_IMA,            /* the kernel's own measurement list */
        EVENT_SELF,           /* something is done to sealwatch itself */
        _EVENT_MAX,
        _EVENT_CODE_MAX = EVENT_MEMORY, /* those before it are about code */
        _EVENT_INVALID = -1,
} Event;

static inline bool event_is_code(Event e) {
        return e < _EVENT_CODE_MAX;
}

extern const char *const event_names[_EVENT_MAX + 1]; /* ended by NULL */
Event event_from_name(const char *name, size_t n);

/* Who does something. Strings are borrowed and may be NULL where they could not be read. */
typedef struct Subject {
        uint32_t pid; /* thread group, in the daemon's PID namespace */
        uint32_t uid, euid;
        uint32_t mount_namespace; /* its inode number; 0: the daemon's own, or not known */
        const char *exe;          /* what it runs now */
        const char *comm;
        const char *cgroup; /* path in the unified hierarchy */
        const char *unit;   /* systemd unit, from the cgroup path */
} Subject;

/* The kernel's identity of a file: device and inode numbers as the kernel holds them (on btrfs and overlayfs not
 * those of stat) and the inode's address, which tells apart what the numbers do not. All zero: unknown. */
typedef struct FileIdentity {
        uint64_t inode_address;
        uint64_t inode;
        uint32_t device; /* kernel encoding: major << 20 | minor */
        /* Of a file on overlayfs: the file in the layer that has the content, which is another one after it was copied up. 0: not known */
        uint32_t backing_device;
        uint64_t backing_inode;
} FileIdentity;

static inline bool is_same_file(const FileIdentity *a, const FileIdentity *b) {
        return a->inode_address == b->inode_address && a->inode == b->inode && a->device == b->device;
}

/* A file that asks to run, or what an activity is about. */
typedef struct Observation {
        Event event;
        uint64_t token;   /* by which the sensor knows what waits for the answer */
        const char *path; /* raw bytes, NUL-terminated; of an activity: its target */
        bool no_path;     /* that is the file's name only, or something in the place of a path */
        bool has_digest;
        uint8_t digest[SHA256_SIZE]; /* of the whole content */
        Failure failure;             /* why there is no digest, or what else went wrong; _FAILURE_INVALID: nothing */
        Subject subject;
        FileIdentity file;
        bool check; /* it was only asked whether it might run: nothing does */
} Observation;
