/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by gate.c, arrive.c, answer.c, lease.c and probe.c. */

#include <limits.h>
#include <sys/signalfd.h>

#include "daemon/sensor/fanotify/cache.h"
#include "daemon/sensor/fanotify/gate.h"
#include "daemon/sensor/fanotify/marks.h"
#include "daemon/sensor/fanotify/slots.h"
#include "daemon/sensor/runner.h"
#include "daemon/sensor/subject.h"

#define UNREACHABLE "(unreachable)"

/* The canary's run under way. */
typedef struct Probe {
        Runner *runner; /* NULL: none */
        int canary;     /* open, so that its inode stays its own */
        bool marked;    /* by itself: its file system is not watched */
        uint32_t major, minor;
        uint64_t inode;
        unsigned asked; /* events seen */
} Probe;

struct Gate {
        sd_event *event;
        GateOptions options;
        GateOps ops;
        int group; /* the fanotify descriptor */
        sd_event_source *group_source, *timer, *breaks;
        usec_t timer_at;    /* CLOCK_MONOTONIC; USEC_INFINITY: off */
        uint64_t last_turn; /* of the event loop, in which something arrived */
        usec_t ahead_since; /* when what arrives began to come before all else */
        Slots *slots;
        Cache *cache;
        Pool *pool;
        Marks *marks;
        Probe probe;
        bool open, paused, needs_subject;
        usec_t lease_limit; /* how long a lease can be counted on */
        usec_t broken_at;   /* when to look at those again that somebody waits for; USEC_INFINITY: there is none */
        int32_t self;
        usec_t armed;
        GateStats stats;
        SubjectBuffer subject;
        char path[sizeof(UNREACHABLE) + PATH_MAX];
};

/* arrive.c: from the kernel's event to what is known of the file */
int arrive_on_event(sd_event_source *source, int fd, uint32_t events, void *userdata);
void arrive_remote(void *userdata, Remote *remote, const RemoteEvent *e);
void arrive_remote_ended(void *userdata, Remote *remote);
void arrive_hashed(void *userdata, uint64_t token, HashFile *file, const HashResult *result);
void arrive_parked(Gate *g);

/* answer.c: from there to the kernel's answer, and the deadlines */
void answer_ask(Gate *g, Slot *slot, Failure failure, bool from_cache);
void answer_respond(Gate *g, int fd, bool allow); /* to an event of the main group; leaves the descriptor open */
void answer_admit(Gate *g, Slot *slot, bool admitted);
void answer_expect(Gate *g, usec_t when);           /* look at the deadlines at that time at the latest */
const char *answer_path(Gate *g, const Slot *slot); /* of the file; in g->path */
int answer_on_timer(sd_event_source *source, uint64_t when, void *userdata);

/* lease.c: what is held after the answer, and how slots end */
void lease_keep(Gate *g, Slot *slot);
void lease_release(Gate *g, Slot *slot);    /* whatever its state */
usec_t lease_on_timer(Gate *g, usec_t now); /* when to look again */
int lease_on_break(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata);
void lease_rechecked(Gate *g, Slot *slot, const HashResult *result);
bool lease_make_room(Gate *g); /* true when a slot was given back */

/* The kernel ends the lease of who stands still while somebody waits for it, and tells nobody. True when the file was written
 * to since. */
bool lease_was_overtaken(const Slot *slot);

/* probe.c */
/* True when the event was the canary's, and has been dealt with. */
bool probe_takes(Gate *g, int fd, uint32_t pid);
void probe_done(Gate *g);
