/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The texts of /proc that sensors read, as proc(5) and cgroups(7) describe them: bytes in, values out. Some of it is
 * chosen by whoever is watched (names of processes and cgroups). Texts end with a NUL. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/macro.h"

enum { PROC_COMM_SIZE = 16, PROC_UNIT_SIZE = 256 };

/* /proc/PID/status. */
typedef struct ProcStatus {
        uint32_t ppid, uid, euid;
        char comm[PROC_COMM_SIZE];
} ProcStatus;

/* 0, or -EBADMSG when a line is missing. */
int proc_status_parse(const char *text, ProcStatus *ret);

/* The same file: the state's letter, and how many threads there are. 0 or -EBADMSG. */
int proc_status_parse_threads(const char *text, char *ret_state, uint64_t *ret_threads);

/* /proc/PID/schedstat: how long it ran, in ns. 0 or -EBADMSG. */
int proc_schedstat_parse(const char *text, uint64_t *ret);

/* /proc/PID/stat: the clock tick since boot in which the process was born. 0 or -EBADMSG. */
int proc_stat_parse_started(const char *text, uint64_t *ret);

/* /proc/PID/cgroup: the path in the unified hierarchy, cut out of the text in place. NULL when there is none. */
const char *proc_cgroup_parse(char *text);

/* True for the cgroup `scope` and all below it. Paths start with "/". */
bool cgroup_is_in(const char *path, const char *scope);

/* The systemd unit that a cgroup path belongs to: the first component that is not a slice. What comes behind it was
 * named by whoever the unit delegated its cgroup to, a user's service manager or a container. Returns ret, or NULL when
 * there is none. */
const char *cgroup_unit(const char *path, char ret[PROC_UNIT_SIZE]);
