/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* sealwatchd.conf(5): what the daemon is told beside the policy. */

#include <stdbool.h>

#include "lib/base/macro.h"
#include "lib/pcr.h"
#include "lib/problem.h"
#include "policy/level.h"

typedef enum OnDeath { ON_DEATH_GAP, ON_DEATH_LOCK } OnDeath;

typedef struct Config {
        /* [Daemon] */
        uint64_t log_max_size; /* bytes */
        int on_death;          /* OnDeath */
        /* [Registers] */
        char *tpm; /* "auto", "device:PATH" or "swtpm:PATH" */
        uint64_t measurement_pcr, cap_pcr;
        PcrSet poison_pcrs;
        usec_t extend_deadline, tpm_deadline;
        /* [Watch] */
        char *scope_cgroup;                /* NULL: the whole machine; else a path in the unified hierarchy, "/..." */
        char **file_systems;               /* NULL: every local one; else paths on those to watch, ended by NULL */
        int required_levels[_WATCHED_MAX]; /* Level, or -1: what is reached at start */
        bool hooks;                        /* in the kernel, where it takes them */
        usec_t hash_deadline, answer_deadline;
        uint64_t max_file_size, queue_max, workers;
        /* [Secrets] */
        bool seal_pcrs_auto;
        PcrSet seal_pcrs; /* beside the cap PCR */
        bool release_when_degraded;
} Config;

/* The defaults. 0 or -ENOMEM. */
int config_init(Config *ret);
void config_done(Config *c);

/* Applies one file on top. 0 or -ENOMEM; mistakes go to *problems. */
int config_apply(Config *c, const char *name, const char *text, size_t n, ProblemList *problems);

/* Checks what only the whole can break (two roles for one register). */
void config_check(const Config *c, ProblemList *problems);
