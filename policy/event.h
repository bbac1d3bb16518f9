/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What sensors see and policies judge. */

#include <stdbool.h>
#include <stdint.h>

#include "lib/digest.h"
#include "policy/failure.h"

/* Ways in which code comes to run. */
typedef enum Event {
        EVENT_EXEC,      /* a program, a script or an interpreter is executed */
        EVENT_LIBRARY,   /* a file is mapped executable */
        EVENT_MODULE,    /* a kernel module is loaded */
        EVENT_KEXEC,     /* a kernel image is loaded for kexec */
        EVENT_FIRMWARE,  /* a driver loads firmware */
        EVENT_OVERWRITE, /* a file that ran as code is opened for writing */
        _EVENT_MAX,
        _EVENT_INVALID = -1,
} Event;

extern const char *const event_names[_EVENT_MAX + 1]; /* ended by NULL */
Event event_from_name(const char *name, size_t n);

/* Who does something. Strings are borrowed and may be NULL where they could not be read. */
typedef struct Subject {
        uint32_t pid; /* thread group, in the daemon's PID namespace */
        uint32_t uid, euid;
        const char *exe; /* what it runs now */
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
        uint32_t zero;
} FileIdentity;

/* A file that asks to run. */
typedef struct Observation {
        Event event;
        uint64_t token;   /* by which the sensor knows what waits for the answer */
        const char *path; /* raw bytes, NUL-terminated */
        bool has_digest;
        uint8_t digest[SHA256_SIZE]; /* of the whole content */
        Failure failure;             /* why there is no digest, or what else went wrong; _FAILURE_INVALID: nothing */
        Subject subject;
        FileIdentity file;
} Observation;
