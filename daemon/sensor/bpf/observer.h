/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The observer: sees every program that the kernel runs, whatever let it, and knows the kernel's identity of files.
 * Everything is called on the main thread, but for observer_identify(). The daemon must be in the initial time
 * namespace. */

#include <systemd/sd-event.h>

#include "core/input.h"
#include "policy/compile.h"

typedef struct Observer Observer;

typedef struct ObserverOptions {
        const char
                *cgroup; /* borrowed; NULL: the whole machine; else "/..." in the unified hierarchy, children included.
                             * It must be there: another one that is made later in its place is not it. */
        size_t ring_size; /* bytes, a power of two; 0: RING_SIZE_MIN */
        Rung hooks;       /* the best of those that judge code to be tried; RUNG_NONE: none are */
        const char *
                bpf_dir; /* borrowed; where the programs are pinned, so that they outlive the daemon; NULL: they do not */
        bool host_view; /* the pins are missing when the machine's first process does not see them, whatever we do */
} ObserverOptions;

/* Code that the kernel side let go or refused without a digest, where it has none of its own: to be hashed now. */
typedef struct UnhashedCode UnhashedCode;

const char *unhashed_path(
        const UnhashedCode *u); /* in the root of the process' mount namespace; "" or not from "/": unknown */
uint32_t unhashed_pid(const UnhashedCode *u); /* 0: not visible to the daemon */
FileIdentity unhashed_file(const UnhashedCode *u);

typedef struct ObserverOps {
        /* A program runs. Of the subject exe, cgroup and unit are missing when it has ended already. */
        void (*execed)(void *userdata, const Execed *x);

        /* The kernel side denied code or let it run, and tells for the first time. generation: that of the policy by which it
         * decided, 0: another daemon's; `stale` is not set. */
        void (*code)(void *userdata, CodeSeen *c, uint32_t generation);

        /* To be answered by observer_hashed(), now or later, which then calls code(). */
        void (*unhashed)(void *userdata, UnhashedCode *u);

        /* Something was done to the machine's running state, or tried. generation: as of code(). */
        void (*activity)(void *userdata, Activity *a, uint32_t generation);

        /* Of the events with these sequence numbers `count` are not known. sensor: "exec", "code" or "any" (static). */
        void (*lost)(void *userdata, const char *sensor, uint64_t first, uint64_t last, uint64_t count);

        /* So many refusals were not told one by one, to keep room in the ring. May be NULL. */
        void (*untold)(void *userdata, Event event, uint64_t count);

        /* Somebody took away what makes the programs outlive the daemon. Once. May be NULL. */
        void (*unpinned)(void *userdata);

        /* A program ran without the hook being asked, although it was claimed to work: it is claimed no more. Once. */
        void (*hooks_died)(void *userdata);

        /* The same happened to the programs of an earlier daemon, while they were alone. Once for each. */
        void (*hooks_were_dead)(void *userdata);

        /* It will not see anything any more. */
        void (*died)(void *userdata, const char *why);

        /* What the probe has shown: LEVEL_OBSERVE, or LEVEL_OFF and why. */
        void (*level)(void *userdata, Level level, const char *why);

        void *userdata;
} ObserverOps;

/* 0 or -ENOMEM. */
int observer_new(sd_event *event, const ObserverOptions *options, const ObserverOps *ops, Observer **ret);
Observer *observer_free(Observer *o);

/* Loads and attaches: from here on execs are seen. On failure a negative errno, and *ret_why says why (static, until the next
 * call). *ret_why otherwise: why the programs are not at the best place there is, for as long as the observer; NULL: they are. */
int observer_attach(Observer *o, const char **ret_why);

/* Runs the program out of a memfd, which no gate sees, and tells level() whether it was seen. Where memfds may not be
 * executed its own file is run, and the gate sees it like any other. -EBUSY while a probe runs. */
int observer_probe(Observer *o, const char *canary);

/* CLOCK_BOOTTIME at which the gate was up: processes born before it, executing at most a second after it, have
 * before_gate set. So has everything until this is called. */
void observer_gate_armed(Observer *o, usec_t armed);

/* Reports everything that was executed before this is called. To be called before a question of the gate is passed on:
 * the process that asks may have run another program since the last drain, and its earlier answers end with that. */
void observer_drain(Observer *o);

/* What the kernel side can do about code, each shown by a file of our own that must be refused and is. Where that fails for
 * programs the next lower rung is tried. *ret_why (static): by which programs of the kernel, and what keeps the level from being
 * higher. To be called once, right after observer_attach(): what observer_identify_fd() gave before is not valid any more. On
 * failure a negative errno: then there is no observer. */
int observer_probe_hooks(Observer *o, const char *canary, Level ret_levels[_EVENT_CODE_MAX],
                         const char *ret_why[_EVENT_CODE_MAX]);

/* The gate lets the process run the file, or takes that back; to be called before the kernel is told. The lower rungs
 * refuse a program that was not let run (any more). 0 or a negative errno. */
int observer_admit(Observer *o, uint32_t pid, const FileIdentity *file, bool admitted);

typedef struct Hashed {
        const uint8_t *digest; /* SHA256_SIZE bytes; NULL: it could not be hashed */
        int leased_fd; /* open, with a read lease on it since before it was hashed; -1: nobody kept writers off */
        bool written;  /* somebody has it open for writing */
} Hashed;

/* What came of it; u is gone. With a lease the kernel side keeps the digest. */
void observer_hashed(Observer *o, UnhashedCode *u, const Hashed *h);

typedef struct ObserverProtect {
        const char *run_dir, *state_dir, *log_dir;
        bool refuse_stop; /* nobody may send the daemon signals that end it */
} ObserverProtect;

/* Others are kept off what is ours from the first policy on that is in force. 0 or a negative errno: then EVENT_SELF is not claimed. */
int observer_protect(Observer *o, const ObserverProtect *p);

/* The same for activities, in the order of their events: LEVEL_ENFORCE, LEVEL_OBSERVE where the kernel lets nobody refuse, or
 * LEVEL_OFF. Those of the kernel side alone: the others are left as they are. */
void observer_probe_activities(Observer *o, const char *canary, const char *run_dir, Level ret_levels[_EVENT_MAX],
                               const char *ret_why[_EVENT_MAX]);

/* What the kernel side decides by; before the first one it lets everything go and tells nobody. 0 or a negative errno: then
 * the old one stays in force. */
int observer_set_policy(Observer *o, const CompiledPolicy *policy);

/* What earlier daemons left in the kernel, as it was found by observer_attach(). */
typedef struct ObserverLeft {
        unsigned daemons;
        unsigned judging; /* programs of one that was in charge, that were attached, and whose events can be known */
        uint64_t queued, lost; /* events in the ring; those that found no room in it */
} ObserverLeft;

void observer_left(const Observer *o, ObserverLeft *ret);

/* What was told once is told once more. */
void observer_tell_again(Observer *o);

/* One of each kind that is ours in the kernel, by number; 0: none. */
typedef struct ObserverObjects {
        uint32_t map, link, program;
} ObserverObjects;

void observer_objects(const Observer *o, ObserverObjects *ret);

/* Ends the programs of earlier daemons, and tells what they saw: as it was before the gate was up, where it was, and code by
 * generation 0. To be called once the own policy is in force and the gate is up, before it opens. */
void observer_take_over(Observer *o);

/* How many programs will outlive the daemon; for 0, *ret_why says why (static). */
unsigned observer_pinned(const Observer *o, const char **ret_why);

/* Tells what was seen, and ends everything in the kernel, pins included, but for observer_identify(): nothing will be seen or refused any
 * more. What was pinned the kernel removes in its own time. Not to be called while anything is told. */
void observer_detach(Observer *o);

/* The programs end with the daemon. */
void observer_unpin(Observer *o);

/* The kernel's identity of an open file of the calling thread: the same that execs have. Any thread; `program` is
 * observer_identify_fd(), or a duplicate of it. 0 or a negative errno. */
int observer_identify_fd(const Observer *o); /* -1 unless attached */
int observer_identify(int program, int fd, FileIdentity *ret);

/* Since observer_attach(). */
typedef struct ObserverStats {
        uint64_t seen, lost, drains, wakes; /* drains: how often somebody looked; wakes: because the kernel asked to */
} ObserverStats;

void observer_stats(const Observer *o, ObserverStats *ret);
