/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Execs on network and FUSE file systems. Whatever touches such a file system may hang: marking it, opening the
 * descriptor of an event, closing it. So each gets a thread with a fanotify group and a descriptor table of its own.
 * When its server never answers, that thread hangs and with it the programs that wait for the same server; the daemon
 * does not, and no descriptor of the daemon is kept open by it when the daemon ends. */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "policy/event.h"

typedef struct Remote Remote;

typedef struct RemoteEvent {
        int fd; /* a number in the thread's table, for remote_answer() */
        uint32_t pid;
        uint64_t mount; /* id */
        FileIdentity file;
        const char *path;
} RemoteEvent;

typedef struct RemoteOps {
        void (*event)(void *userdata, Remote *r, const RemoteEvent *e);
        void (*marked)(void *userdata, Remote *r, int error); /* 0 or a negative errno, -ETIMEDOUT among them */
        void (*ended)(void *userdata, Remote *r);             /* the file system is gone; to be freed */
        void *userdata;
        /* Called on the thread, with identify_fd: the one other descriptor that its table keeps. NULL and -1: none. */
        int (*identify)(int identify_fd, int fd, FileIdentity *ret);
        int identify_fd;
} RemoteOps;

/* Starts to watch the file system of the mount point. device: by which the caller knows it. No operation is called
 * before this returns. */
int remote_new(sd_event *event, const char *path, uint64_t device, const RemoteOps *ops, Remote **ret);
Remote *remote_free(Remote *r); /* waits for nobody; what waits at the group is let go by the kernel */

uint64_t remote_device(const Remote *r);
const char *remote_path(const Remote *r);

/* Answers an event. 0 or a negative errno. */
int remote_answer(Remote *r, int fd, bool allow);

/* Mounts have changed. The device is mounted: mark what is there now, which may be another file system. It is not: end
 * when no process uses it any more either. */
void remote_check(Remote *r, bool mounted);
