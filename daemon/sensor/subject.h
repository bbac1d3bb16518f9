/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who a process is, read from /proc. */

#include <limits.h>
#include <sys/types.h>

#include "daemon/sensor/proctext.h"
#include "policy/event.h"

/* The strings of a Subject, until the next reading. */
typedef struct SubjectBuffer {
        char exe[PATH_MAX];
        char cgroup[16384]; /* up to a line per hierarchy, the unified one last */
        char unit[PROC_UNIT_SIZE];
        char comm[PROC_COMM_SIZE];
} SubjectBuffer;

enum { SUBJECT_UID_UNKNOWN = UINT32_MAX }; /* uid and euid that were not or could not be read */

/* A subject of which only the pid is known. */
static inline Subject subject_unread(uint32_t pid) {
        return (Subject){ .pid = pid, .uid = SUBJECT_UID_UNKNOWN, .euid = SUBJECT_UID_UNKNOWN };
}

/* Reads what can be read of a process that is held and cannot end; the rest stays unknown. exe needs CAP_SYS_PTRACE for
 * processes of others. Reads only files of /proc that the kernel answers without waiting for the process, its memory or
 * a file system. */
Subject subject_read(uint32_t pid, SubjectBuffer *buffer);

/* Adds exe, cgroup and unit of the process that was born at `started` (CLOCK_BOOTTIME), unless it has ended. */
void subject_complete(Subject *s, usec_t started, SubjectBuffer *buffer);

/* The parent of a process. 0 or a negative errno. */
int subject_parent(uint32_t pid, uint32_t *ret);

/* The cgroup alone, in buffer->cgroup; NULL when it cannot be read. */
const char *subject_cgroup(uint32_t pid, SubjectBuffer *buffer);

/* True when the process may still be where it was when it was looked at last: it waits for a processor, and has had none
 * to speak of since; or that cannot be told, also of one with several threads. *ran: UINT64_MAX at the first look, then
 * what the last one left there. */
bool process_is_starved(uint32_t pid, uint64_t *ran);

/* The same, and true as well of one that waits in the kernel for something that no signal ends. */
bool process_may_be_there(uint32_t pid, uint64_t *ran);

/* When the process was born (CLOCK_BOOTTIME), and to how much that is known: the kernel tells the clock tick. 0 or a negative errno. */
int process_started(uint32_t pid, usec_t *ret_started, usec_t *ret_tolerance);

/* Kills the process with SIGKILL if it is the one born at `started` (0: whichever has that number now). Works through
 * a pidfd: the number may be given to another process at any time, the descriptor never is. Returns 1 when the signal
 * was sent, 0 when the process is gone, or a negative errno. */
int process_kill(uint32_t pid, usec_t started);
