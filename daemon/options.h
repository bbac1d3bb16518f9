/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The command line of sealwatchd(8). */

#include <stdbool.h>

#include "lib/io/confdir.h"

enum { OPTIONS_CONFIG_DIRS_MAX = 8 };

typedef struct Options {
        const char *config_dirs_given[OPTIONS_CONFIG_DIRS_MAX + 1];
        ConfigDirs config_dirs;
        const char *run_dir, *state_dir, *log_dir; /* /run/sealwatch, /var/lib/sealwatch, /var/log/sealwatch */
        const char *software_tpm;                  /* its directory, or NULL */
        const char *bus_address;                   /* NULL: the system bus */
        const char *canary;                        /* the program that probes run */
        const char *bpf_dir;                       /* where the programs in the kernel are pinned */
        bool host_view;                            /* GateOptions, ObserverOptions */
} Options;

/* 0: go on; 1: end with *ret_code. */
int options_parse(int argc, char **argv, Options *ret, int *ret_code);
