/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What earlier daemons left in the kernel: programs that judge on, and a ring that holds what they saw. A directory of pins each
 * (pins.h). Those of another version are read as far as StateHead and the version of their events allow. */

#include <stdbool.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "daemon/sensor/bpf/pins.h"

typedef struct Left Left;

typedef struct LeftOps {
        /* An event of our own version. False: it is not, whatever it says. */
        bool (*event)(void *userdata, const void *data, size_t size);

        /* Of the events with these sequence numbers `count` are lost. type: an EventType, or -1 for what cannot be told or read. */
        void (*lost)(void *userdata, int type, uint64_t first, uint64_t last, uint64_t count);

        /* A program ran that no hook of theirs was asked about, while they were attached: somebody had silenced them. */
        void (*unchecked)(void *userdata);

        /* Refusals of a CodeKind were left out. */
        void (*untold)(void *userdata, uint32_t kind, uint64_t count);

        void *userdata;
} LeftOps;

typedef struct LeftFacts {
        unsigned runs, links; /* how many daemons; programs that were attached still */
        unsigned judging; /* those of the daemon in charge that has most of them, where what they saw can be known */
        uint64_t queued, lost;
        bool readable; /* their events are of our version */
} LeftFacts;

/* Finds all that is there. 0 or a negative errno. */
int left_find(const Pins *pins, Left **ret);
Left *left_free(Left *l); /* leaves everything in place */

void left_facts(const Left *l, LeftFacts *ret);

/* Files that the programs that are left must let go and not report. inode_address: 0: none any more. */
void left_let_go(Left *l, unsigned which, uint64_t inode_address);

/* Ends the programs. A sleeping one that has begun already goes on, and may tell later. now: CLOCK_BOOTTIME, ns; what runs from then
 * on is told by the caller's own programs. */
void left_detach(Left *l, uint64_t now);

/* Reads what is there now. */
void left_read(Left *l, const LeftOps *ops);

/* Reads the rest, says what was lost, and removes everything; then only left_free() is to come. */
void left_end(Left *l, const LeftOps *ops);
