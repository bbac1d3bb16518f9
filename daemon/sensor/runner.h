/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Runs a small program some times in a row on a thread of its own, and tells how it went: an exec under our own gate
 * waits for the event loop. The only thing in the daemon that makes processes. */

#include <systemd/sd-event.h>

#include "lib/base/macro.h"

enum { RUNS_MAX = 2 };

typedef struct Runner Runner;

typedef struct RunnerResult {
        int error;                /* 0, or a negative errno: -ETIMEDOUT, or the runs could not be made */
        int exec_error[RUNS_MAX]; /* 0, or the negative errno with which execve() failed */
        int status[RUNS_MAX];     /* as of waitpid(), when it did not fail */
} RunnerResult;

/* In which cgroup, and what must not stay open in the child. -1: in ours; nothing. */
typedef struct RunnerPlace {
        int cgroup_fd; /* a directory of the unified hierarchy; borrowed until done() */
        int close_fd;
} RunnerPlace;

/* path is run `runs` times without arguments. place->close_fd: a descriptor that the child closes before it executes: held by
 * a process that waits in execve(), a fanotify group outlives the daemon, and the process waits for ever. -1: none.
 * done() is called once, on the event loop; the runner may be freed in it. */
int runner_start(sd_event *event, const char *path, unsigned runs, const RunnerPlace *place, usec_t deadline,
                 void (*done)(void *userdata, const RunnerResult *result), void *userdata, Runner **ret);

/* Does not wait for a run under way. */
Runner *runner_free(Runner *r);
