/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by observer.c, drain.c and probe.c. */

#include <bpf/libbpf.h>
#include <time.h>

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

struct Observer {
        sd_event *event;
        ObserverOptions options;
        ObserverOps ops;
        Programs *programs;
        SensorState *state;
        struct ring_buffer *ring;
        sd_event_source *wake, *again; /* again: one-shot, 1 ms after a drain */
        bool again_set, draining, dead;
        uint64_t accounted; /* sequence numbers that were seen or are known to be lost */
        uint64_t reported;  /* numbers below it were part of an earlier report of losses */
        uint64_t lost_seen, missed_seen;
        unsigned idle_drains; /* in a row that found nothing although numbers are missing */
        usec_t gate_armed;
        uint32_t mount_namespace; /* our own */
        ObserverProbe probe;
        HooksProbe hooks_probe;
        ObserverStats stats;
        SubjectBuffer subject;
};

/* drain.c */
int drain_start(Observer *o);
void drain_now(Observer *o);
uint64_t clock_ns(clockid_t clock);

/* probe.c */
void observer_probe_done(Observer *o);
int copy_to_memfd(const char *path); /* a memfd that may be executed, or a negative errno */
