/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* sealwatchd.conf(5): what the daemon is told beside the policy. */

#include <stdbool.h>

#include "lib/base/macro.h"
#include "lib/pcr.h"
#include "lib/problem.h"
#include "policy/level.h"

typedef enum OnDeath { ON_DEATH_GAP, ON_DEATH_LOCK } OnDeath;

/* Who gives evidence of this guest. */
typedef enum ProviderChoice {
        PROVIDER_AUTO,
        PROVIDER_NONE,
        PROVIDER_CONFIGFS,
        PROVIDER_SEV_GUEST,
        PROVIDER_AZURE,
        PROVIDER_SIMULATOR,
        _PROVIDER_MAX,
} ProviderChoice;

extern const char *const provider_names[_PROVIDER_MAX + 1]; /* ended by NULL */

/* Of the ring by which the kernel tells the daemon, in bytes. */
enum { RING_SIZE_MIN = 1 << 20, RING_SIZE_MAX = 1 << 24 };

typedef struct Config {
        /* [Daemon] */
        uint64_t log_max_size; /* bytes */
        int on_death;          /* OnDeath */
        bool refuse_stop;      /* nobody may end the daemon, not even who started it */
        /* [Registers] */
        char *tpm; /* "auto", "device:PATH" or "swtpm:PATH" */
        uint64_t measurement_pcr, cap_pcr;
        PcrSet poison_pcrs;
        usec_t extend_deadline, tpm_deadline;
        /* [Watch] */
        char *scope_cgroup;  /* NULL: the whole machine; else a path in the unified hierarchy, "/..." */
        char **file_systems; /* NULL: every local one; else paths on those to watch, ended by NULL */
        char **files;        /* NULL: config_default_files; else patterns to watch, ended by NULL; none: empty */
        int required_levels[_WATCHED_MAX]; /* Level, or -1: what is reached at start */
        bool hooks;                        /* in the kernel, where it takes them */
        uint64_t ring_size;                /* bytes, a power of two */
        usec_t hash_deadline, answer_deadline;
        uint64_t max_file_size, queue_max, workers;
        /* [Attestation] */
        int attest_provider; /* ProviderChoice */
        bool require_attestation;
        usec_t attest_interval, attest_grace;
        PcrSet attest_pcrs;       /* quoted */
        char *attest_policy;      /* path of the appraisal policy; NULL: the defaults */
        char *simulator_scenario; /* path of a file that says what shall be wrong; NULL: nothing */
        /* [Secrets] */
        bool seal_pcrs_auto;
        PcrSet seal_pcrs; /* beside the cap PCR */
        bool release_when_degraded;
} Config;

/* Configuration whose change matters to who may do what, ended by NULL. */
extern const char *const config_default_files[];

/* The defaults. 0 or -ENOMEM. */
int config_init(Config *ret);
void config_done(Config *c);

/* Applies one file on top. 0 or -ENOMEM; mistakes go to *problems. */
int config_apply(Config *c, const char *name, const char *text, size_t n, ProblemList *problems);

/* Checks what only the whole can break (two roles for one register). */
void config_check(const Config *c, ProblemList *problems);
