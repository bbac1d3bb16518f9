/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The gate: programs that start on watched file systems are held by fanotify until they are answered. Each is put under
 * a read lease and hashed, then passed on as an Observation; the kernel is told what gate_answer() says.
 *
 * Everything is called on the main thread, and every operation is called there (but for identify()). An operation may
 * call gate_answer(), gate_confirmed() and gate_stats(), nothing else. Nothing here logs, and nothing waits for a file
 * system.
 *
 * For the process that uses it: SIGIO is ignored and blocked (leases raise it), and must be blocked in older threads;
 * RLIMIT_NOFILE is raised to its hard limit, and nothing may be executed or forked but by the probes. The paths of files are those of the daemon's mount namespace: a
 * service that has one of its own must see in it everything it is to judge, and needs CAP_DAC_READ_SEARCH to look. */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "core/input.h"
#include "daemon/sensor/runner.h"

typedef struct Gate Gate;

/* Strings and lists are borrowed for the life of the gate. */
typedef struct GateOptions {
        const char *const *paths; /* NULL: every local file system; else the file systems of these, ended by NULL */
        bool host_view;           /* mounts and paths are those of the machine's first process, not ours */
        const char *cgroup;     /* NULL: the whole machine; else "/..." in the unified hierarchy, children included */
        usec_t hash_deadline;   /* from reading the event */
        usec_t answer_deadline; /* likewise; kept below /proc/sys/fs/lease-break-time */
        usec_t linger;          /* how long a lease outlives an answer that is not confirmed; 0: GATE_LINGER_ALONE */
        uint64_t max_file_size; /* bytes */
        size_t queue_max;       /* execs that wait at once; less where RLIMIT_NOFILE is low */
        unsigned workers;       /* threads that hash */
        size_t cache_max;       /* digests that are kept; 0: none */
        int identify_fd;        /* what identify() needs; -1: nothing */
        uint8_t seed[16];       /* random */
} GateOptions;

/* For a gate that nobody tells of execs: each program keeps writers off and its file system mounted for so long. And for
 * one that an observer does: only failed execs cost that, and the more of it the longer an attacker must delay his own
 * program after the answer to change it before it runs. */
#define GATE_LINGER_ALONE (50 * USEC_PER_MSEC)
#define GATE_LINGER_OBSERVED (2 * USEC_PER_SEC)

typedef struct GateOps {
        /* A program asks to run; gate_answer() is owed. Of o->subject only the pid is known (SUBJECT_UID_UNKNOWN) when
         * the digest was known, nobody set gate_set_needs_subject() and is_known() did not object. The path starts
         * with "(unreachable)" when it leads elsewhere, or nowhere, in the mount namespace that counts: whoever has a mount
         * namespace of its own chooses what paths look like there. Everything is borrowed for the length of the call. */
        void (*ask)(void *userdata, const Observation *o);

        /* The process may run the file from now on: called before the kernel is told. Or (false) no longer, since it has run
         * something, or the lease has ended. NULL: nobody wants to know. */
        void (*admit)(void *userdata, uint32_t pid, const FileIdentity *file, bool admitted);

        /* What was passed on has waited for the answer deadline; gate_answer() is still owed. */
        void (*late)(void *userdata, uint64_t token);

        /* A program that was allowed runs, but its exec was confirmed only after the lease had ended, and its file was
         * touched in between; or nobody can tell. Its `changed` is set; of the subject there is what gate_confirmed()
         * was told, the path may be missing. Comes from within gate_confirmed() when there is no room to keep it. */
        void (*changed)(void *userdata, const Execed *x);

        /* What was allowed was not confirmed, and is let go: nobody knows its token any more. */
        void (*unused)(void *userdata, uint32_t pid, uint64_t token);

        /* Confirms all that was executed until now. Called before leases end. NULL: nobody tells of execs. */
        void (*catch_up)(void *userdata);

        /* A row that is not about one file. */
        void (*failure)(void *userdata, Failure row, const char *detail);

        /* What the probe has shown: LEVEL_GATE, or LEVEL_OFF and why. */
        void (*level)(void *userdata, Level level, const char *why);

        /* False when the subject of a file with this digest will be asked for. NULL: true for all. */
        bool (*is_known)(void *userdata, const uint8_t digest[SHA256_SIZE]);

        /* The kernel's identity of an open file of the calling thread. Called on any thread, with options.identify_fd;
         * also once after gate_free() at worst. NULL: identities stay unknown. 0 or a negative errno. */
        int (*identify)(int identify_fd, int fd, FileIdentity *ret);

        void *userdata;
} GateOps;

/* Since gate_new(). */
typedef struct GateStats {
        uint64_t asked;    /* observations */
        uint64_t hashed;   /* files that were read */
        uint64_t hits;     /* digests that came from the cache */
        uint64_t let_go;   /* out of scope, our own, or the canary */
        uint64_t unopened; /* events whose file could not be opened; the kernel denied them */
        size_t waiting;    /* execs that wait now */
        size_t cached;     /* digests that are known now */
} GateStats;

/* Marks the file systems: from here on programs are held. 0 or a negative errno; marks that fail are reported. */
int gate_new(sd_event *event, const GateOptions *options, const GateOps *ops, Gate **ret);

/* What waits is let go by the kernel. */
Gate *gate_free(Gate *g);

/* CLOCK_BOOTTIME at which the marks were there. */
usec_t gate_armed(const Gate *g);

/* Runs the program twice: denied, then allowed. Tells level() what came of it. Also before gate_open(). -EBUSY while a
 * probe runs. */
int gate_probe(Gate *g, const char *canary);

/* Runs a program once, as runner_start() does, where this gate holds it as any other: in that cgroup (a descriptor; -1: in
 * ours). Its file may be on a file system that is not watched. */
int gate_run(Gate *g, const char *path, int cgroup_fd, usec_t deadline,
             void (*done)(void *userdata, const RunnerResult *result), void *userdata, Runner **ret);

/* Until this is called programs wait and are not passed on; no deadline runs. */
void gate_open(Gate *g);

/* Answers. 0; -ENOENT when no answer is owed for the token; or the errno with which the kernel refused it. */
int gate_answer(Gate *g, uint64_t token, bool allow);

/* The process has executed something, so the lease may end. ran: it is this very file, which the kernel itself keeps from
 * being written while it runs, and which was passed on without a failure; NULL: it is not, or was not. Any token; but
 * one that is not known (any more) and ran is `changed`. */
void gate_confirmed(Gate *g, uint64_t token, const Execed *ran);

/* True: subjects are read for every observation. NULL is no gate. */
void gate_set_needs_subject(Gate *g, bool needs_subject);

void gate_stats(const Gate *g, GateStats *ret);
