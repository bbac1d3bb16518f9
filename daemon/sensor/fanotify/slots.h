/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Execs that wait at the gate, and files whose lease outlives the answer for a moment. All room is taken at start. */

#include "core/input.h"
#include "daemon/sensor/fanotify/pool.h"
#include "daemon/sensor/fanotify/remote.h"

typedef enum SlotState {
        SLOT_FREE,
        SLOT_PARKED,    /* read before gate_open() */
        SLOT_ARRIVED,   /* read, in scope, lease taken or not */
        SLOT_HASHING,   /* a worker has it, or will */
        SLOT_ASKED,     /* passed on; the answer is owed */
        SLOT_LATE,      /* and that it is overdue was passed on, too */
        SLOT_ANSWERED,  /* allowed: the lease is held until the exec is confirmed */
        SLOT_EXPIRED,   /* it was not; the lease has ended, the descriptor is kept */
        SLOT_RECHECKED, /* confirmed late: a worker looks whether the file was changed meanwhile */
        SLOT_CHANGED,   /* it was, or nobody can tell: to be passed on */
        _SLOT_MAX,
} SlotState;

typedef struct Slot Slot;

struct Slot {
        Slot *next, *previous; /* in the list of its state */
        SlotState state;
        uint32_t index, generation;
        int fd;          /* the event's; of a remote event a number in another table */
        bool fd_is_ours; /* to be closed here */
        bool has_lease, is_overlay, has_digest;
        bool is_wanted;   /* somebody waited for the lease before the answer was there */
        bool is_admitted; /* to be taken back */
        int lease_error;  /* why there is none; 0 */
        uint32_t pid;
        usec_t since;  /* CLOCK_MONOTONIC: read, answered, or looked at last */
        usec_t leased; /* when the lease was taken */
        uint64_t ran;  /* of process_is_starved() */
        HashJob *job;
        Remote *remote;        /* NULL: an event of the main group */
        char *remote_path;     /* owned */
        FileIdentity identity; /* from when it is asked about; of a remote event from the start */
        FileStamp file;
        uint64_t mount; /* id */
        uint8_t digest[SHA256_SIZE];
        uint64_t companion; /* token of the overlayfs file that this one is behind; 0: none */
        Execed execed;      /* of a confirmed one; without strings */
};

typedef struct Slots Slots;

int slots_new(size_t max, Slots **ret);
Slots *slots_free(Slots *s);

/* A zeroed slot at the end of the list of a state; NULL when all are taken. */
Slot *slot_new(Slots *s, SlotState state);

/* To the end of another list. SLOT_FREE gives it back: its token is not valid any more. */
void slot_move(Slots *s, Slot *slot, SlotState state);

/* Never 0. */
uint64_t slot_token(const Slot *slot);
Slot *slot_of_token(Slots *s, uint64_t token); /* NULL when it is free or another one's by now */

Slot *slots_first(const Slots *s, SlotState state); /* the oldest; NULL when there is none */
size_t slots_count(const Slots *s, SlotState state);
size_t slots_left(const Slots *s);
