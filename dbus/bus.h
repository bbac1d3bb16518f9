/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The daemon's face on the message bus. It never waits for the bus: connecting, the name, and even the question who a
 * caller is are asynchronous, since the bus daemon may itself be waiting for the gate. Without a bus the daemon works
 * on, and the face appears when the bus does. */

#include <systemd/sd-event.h>

#include "core/status.h"
#include "lib/pcr.h"

typedef struct Bus Bus;

/* A number with its name, in the property Gate. */
typedef struct BusCounter {
        const char *name;
        uint64_t value;
} BusCounter;

enum { BUS_GATE_COUNTERS = 5 };

/* In the property Attestation, beside what the status says of it. "": not known, or none. */
typedef struct BusAttestation {
        const char *why, *failed, *ak_origin, *tpm_trust;
} BusAttestation;

/* What the properties show, borrowed for the length of one call. */
typedef struct BusProperties {
        Status status;
        const char *version, *life, *scope;
        const char *const *taints; /* ended by NULL */
        uint32_t measurement_pcr, cap_pcr;
        PcrSet poison_pcrs;
        BusCounter gate[BUS_GATE_COUNTERS];
        BusAttestation attestation;
} BusProperties;

typedef enum BusRequestType {
        BUS_SEAL,    /* name, fd */
        BUS_RELEASE, /* name */
        BUS_LOCK,    /* name is the reason */
        BUS_DETACH,  /* name is the reason */
        BUS_RELOAD,
        BUS_SNAPSHOT,
        BUS_ATTEST,    /* nonce; size 0: one of ours */
        BUS_EVIDENCE,  /* nonce, since, ima_since */
        BUS_DRILL,     /* items */
        BUS_DRILL_END, /* name is the drill's id */
} BusRequestType;

typedef struct BusDrillItem {
        const char *name;
        uint32_t pid;
} BusDrillItem;

/* A request is answered once, later or at once, with bus_reply(). */
typedef struct BusRequest {
        BusRequestType type;
        uint64_t id;
        const char *name;
        int fd; /* borrowed */
        uint32_t uid, pid;
        const void *nonce; /* borrowed */
        size_t nonce_size;
        uint64_t since, ima_since;
        const BusDrillItem *items; /* borrowed */
        size_t items_size;
} BusRequest;

/* Results are passed on in pairs and triples of strings. */
typedef int (*BusEventSink)(void *sink, uint64_t seq, const char *kind, const char *json);
typedef int (*BusSecretSink)(void *sink, const char *name, const char *state);

typedef struct BusOps {
        void *userdata;
        void (*properties)(void *userdata, BusProperties *ret);
        int (*list_events)(void *userdata, uint64_t since, uint32_t max, BusEventSink entry, void *sink);
        int (*list_secrets)(void *userdata, BusSecretSink entry, void *sink);
        void (*request)(void *userdata, const BusRequest *request);
        void (*gone)(void *userdata); /* the connection was lost; it will be made again */
} BusOps;

/* address: of the bus; NULL: the system bus. 0 or a negative errno; no bus there yet is no error. */
int bus_new(sd_event *event, const char *address, const BusOps *ops, Bus **ret);
Bus *bus_free(Bus *b);

typedef struct BusPair {
        const char *name, *text;
} BusPair;

typedef struct BusReply {
        const char *error, *message; /* an error name and a sentence; NULL: success */
        int fd;                      /* BUS_RELEASE, BUS_SNAPSHOT, BUS_EVIDENCE: borrowed */
        const char *texts[2];        /* BUS_ATTEST: the result, and the checks as JSON; BUS_DRILL: the id */
        uint64_t size; /* BUS_SNAPSHOT: bytes of the log that belong to it; BUS_DRILL: the entry that announces it */
        const BusPair
                *pairs[2];     /* BUS_DRILL: targets; items that are left out, and why; each ended by a name of NULL */
        const PcrValues *pcrs; /* BUS_SNAPSHOT */
} BusReply;

/* Unknown ids (the caller has gone) are ignored. */
void bus_reply(Bus *b, uint64_t id, const BusReply *reply);

void bus_state_changed(Bus *b, State from, State to, unsigned reasons);
void bus_violation(Bus *b, uint64_t seq, const char *kind, const char *json);
void bus_events_anchored(Bus *b, uint64_t count);
void bus_levels_changed(Bus *b);
void bus_attestation_changed(Bus *b);
