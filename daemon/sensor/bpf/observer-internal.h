/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by observer.c, drain.c and probe.c. */

#include <bpf/libbpf.h>
#include <time.h>

#include "daemon/sensor/bpf/activity.h"
#include "daemon/sensor/bpf/event.h"
#include "daemon/sensor/bpf/left.h"
#include "daemon/sensor/bpf/observer.h"
#include "daemon/sensor/bpf/programs.h"
#include "daemon/sensor/runner.h"
#include "daemon/sensor/subject.h"

typedef struct ObserverProbe {
        Runner *runner; /* NULL: none */
        int canary;     /* memfd or -1 */
        uint64_t inode_address;
        bool seen;
} ObserverProbe;

typedef struct HooksProbe {
        uint64_t inode_address; /* 0: none */
        unsigned seen, hashed;  /* bits 1 << CodeKind */
        uint64_t exec_since;    /* CLOCK_BOOTTIME, ns: who is born later is asked about; 0: that is not claimed */
} HooksProbe;

struct UnhashedCode {
        CodeEvent event;
        uint32_t generation; /* 0: another daemon's */
        char path[PARTS_PATH_SIZE];
};
typedef struct ActivityProbe {
        bool active;
        unsigned seen; /* bits 1 << ActivityWhat */
} ActivityProbe;

struct Observer {
        sd_event *event;
        ObserverOptions options;
        ObserverOps ops;
        Programs *programs;
        Rung rung; /* of programs */
        SensorState *state;
        struct ring_buffer *ring;
        sd_event_source *wake, *again; /* again: one-shot, 1 ms after a drain */
        bool again_set, draining, dead, detached;
        uint64_t accounted;   /* sequence numbers that were seen or are known to be lost */
        uint64_t reported;    /* numbers below it were part of an earlier report of losses */
        unsigned idle_drains; /* in a row that found nothing although numbers are missing */
        unsigned at_once;     /* events in this drain */
        uint64_t waited;      /* ns, for what probes have caused */
        usec_t gate_armed;
        uint32_t mount_namespace; /* our own */
        ObserverProbe probe;
        HooksProbe hooks_probe;
        ActivityProbe activity_probe;
        ActivityText activity;
        int guarded[32]; /* directories that are held open */
        size_t guarded_size;
        ObserverStats stats;
        SubjectBuffer subject;

        Pins *pins;           /* NULL: nothing outlives us */
        const char *pins_why; /* … and why (static) */
        char *refused;        /* why the first rung that was tried is not ours; NULL: it is */
        sd_event_source *pins_watch, *mounts_watch, *host_mounts_watch, *left_end;
        Left *left;           /* of earlier daemons; NULL: nothing, or it is over */
        int left_canary;      /* keeps the inode that they let go */
        uint64_t execs_since; /* CLOCK_BOOTTIME, ns: what ran before was told by their programs */
};

/* protect.c */
void protect_done(Observer *o);

/* drain.c */
int drain_start(Observer *o);
void drain_now(Observer *o);
void drain_probe(Observer *o); /* what a probe has caused is told when it returns, unless it is not told at all */
void drain_last(Observer *o);  /* and says what was lost */
void drain_stop(Observer *o);
/* An event of an earlier daemon's programs. False when it is none that we know. */
bool drain_earlier(Observer *o, const void *data, size_t size);
extern const char *const drain_sensors[ABI_TYPES_MAX + 1]; /* whose events were lost; last of all: it cannot be told */

/* keep.c: what outlives the daemon. */
void keep_maps(Observer *o);
void keep_links(Observer *o);
void keep_let_go(Observer *o, unsigned which, uint64_t inode_address); /* by the programs of earlier daemons */
void keep_let_canary_go(Observer *o, const char *canary);
void keep_done(Observer *o);
uint64_t clock_ns(clockid_t clock);
FileIdentity identity_of(const KernelFile *f);
void report_code(Observer *o, const CodeEvent *e, uint32_t generation,
                 bool unread); /* unread: nobody knows its digest */

void observer_say_hooked(Observer *o); /* what hooks_probe.exec_since is, for who comes after us */

/* unhashed.c */
UnhashedCode *unhashed_new(const CodeEvent *e, size_t size, uint32_t generation); /* NULL: out of memory */

/* observer.c: leaves the rung for the best of those below. 0 or a negative errno: then there is nothing at all. */
int observer_descend(Observer *o);

/* probe.c */
void observer_probe_done(Observer *o);
int copy_to_memfd(const char *path); /* a memfd that may be executed, or a negative errno */
