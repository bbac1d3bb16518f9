/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Runs the canary of a round: a program that nobody can have known before. */

#include "core/attestation.h"
#include "daemon/sensor/fanotify/gate.h"
#include "lib/io/background.h"

typedef struct CanaryRun CanaryRun;

/* Borrowed for as long as the run lives. */
typedef struct CanaryOptions {
        Gate *gate;
        Background *background; /* writes the file */
        const char *directory;  /* on a file system from which programs can be run */
        const char *cgroup;     /* where it runs: path in the unified hierarchy; NULL: with us */
        /* Called once, from the event loop; trouble is static. The run may be freed in it. */
        void (*done)(void *userdata, CanaryOutcome outcome, const char *trouble);
        void *userdata;
} CanaryOptions;

/* nonce: n bytes, at most CANARY_NONCE_MAX. 0 or a negative errno. */
int canary_run_new(const CanaryOptions *options, const void *nonce, size_t n, CanaryRun **ret);
CanaryRun *canary_run_free(CanaryRun *c);
