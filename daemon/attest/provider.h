/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the gathering thread works with, and the sources of reports behind one table. */

#include "daemon/attest/attest.h"

/* The thread's own, but for the stop. */
typedef struct Gathering {
        const AttesterOptions *options;
        int stop_fd;                 /* readable when the thread shall end */
        bool sev_guest_dead;         /* it said so; the next boot is the first time to ask again */
        bool azure_found;            /* to look for it costs one of the few reports that it makes */
        usec_t network_after;        /* CLOCK_BOOTTIME: not before that for what can wait */
        struct Simulator *simulator; /* NULL: not made yet */
} Gathering;

typedef struct Provider {
        EvidenceProvider id;
        bool azure; /* the paravisor's key quotes */

        /* May it be asked at all? NULL: always. */
        bool (*is_there)(Gathering *g);

        /* Asks for a report with g->report_data; fills in what of a Gathered it has. */
        AttestFailure (*report)(Gathering *g, Gathered *ret);
} Provider;

extern const Provider configfs_provider, sev_guest_provider, azure_provider, simulator_provider;

/* Why it failed; returns f. */
AttestFailure gather_fail(Gathered *ret, AttestFailure f, const char *format, ...) _printf_(3, 4);

/* Of an error of AttestTpm's functions, with the sentence in ret->why. */
AttestFailure gather_fail_tpm(Gathered *ret, int error);

/* Sleeps. False when the thread shall end. */
bool gather_pause(Gathering *g, usec_t time);
bool gather_is_stopping(Gathering *g);

/* CLOCK_BOOTTIME. */
usec_t gather_now(void);

/* gather.c: everything for one request. */
void gather_run(Gathering *g, PcrSet pcrs, Gathered *ret);
