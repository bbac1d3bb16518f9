/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the verbs that appraise SNP evidence have in common: certificates, policy, time. Every function returns 0, or
 * EXIT_UNDECIDED after it said what is wrong. */

#include "lib/snp/appraise.h"
#include "policy/appraisal.h"

/* All-zero is none. */
typedef struct SnpArguments {
        const char *vek, *chain, *crl, *policy_file; /* paths */
        int64_t at;
        bool has_at, allow_simulated;
} SnpArguments;

typedef struct SnpInputs {
        SnpEndorsements *endorsements;
        AppraisalPolicy policy;
        int64_t at;
} SnpInputs;

void snp_inputs_done(SnpInputs *in);

/* --vek, --chain, --crl, --policy, --at and --allow-simulated; true when `option` was one of them. *error is what went wrong
 * with its value. */
enum { OPTION_VEK = 0x100, OPTION_CHAIN, OPTION_CRL, OPTION_POLICY, OPTION_AT, OPTION_ALLOW_SIMULATED };
/* clang-format off */
#define SNP_OPTIONS                                                                                                   \
        { "vek", required_argument, NULL, OPTION_VEK },                                                               \
        { "chain", required_argument, NULL, OPTION_CHAIN },                                                           \
        { "crl", required_argument, NULL, OPTION_CRL },                                                               \
        { "policy", required_argument, NULL, OPTION_POLICY },                                                         \
        { "at", required_argument, NULL, OPTION_AT },                                                                 \
        { "allow-simulated", no_argument, NULL, OPTION_ALLOW_SIMULATED }
/* clang-format on */
bool snp_option(SnpArguments *a, int option, const char *value, bool json, int *error);

/* Reads the files; the time is now, unless one was given. */
int snp_inputs_read(const SnpArguments *a, bool json, SnpInputs *ret);

/* The policy file alone (NULL: the defaults). */
int appraisal_policy_read(const char *path, bool json, AppraisalPolicy *ret);

/* "FILE", or "FILE (SIMULATED)" where the chain is the simulator's: what a verdict is about. The caller frees it. */
char *snp_subject(const char *path, const SnpEndorsements *e);
