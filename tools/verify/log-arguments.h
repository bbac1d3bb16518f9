/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the verbs about logs have in common on their command lines. */

#include <stdbool.h>

#include "lib/pcrfile.h"

typedef struct LogArguments {
        const char *file, *policy_file; /* NULL: the defaults */
        bool json, allow_tail;
        int pcr; /* -1: not given */
        PcrInputs pcrs;
} LogArguments;

/* Options beside --pcrs and --json that a verb has. */
typedef enum LogOptions {
        LOG_OPTION_PCR = 1 << 0,
        LOG_OPTION_TAIL = 1 << 1,
        LOG_OPTION_POLICY = 1 << 2,
} LogOptions;

/* Parses "VERB FILE …". 0, or EXIT_UNDECIDED after it said what is wrong. */
int log_arguments_parse(int argc, char **argv, LogOptions options, const char *usage, LogArguments *ret);
