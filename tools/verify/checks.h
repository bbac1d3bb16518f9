/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The list of named checks that every verb ends in, for people and for programs. */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/macro.h"

typedef enum CheckResult {
        CHECK_PASS,
        CHECK_FAIL,
        CHECK_NA,        /* nothing to check; the detail says why */
        CHECK_UNDECIDED, /* could not be decided; never reads as passed */
        _CHECK_MAX,
} CheckResult;

typedef struct Check {
        const char *name; /* static */
        CheckResult result;
        char *detail;
} Check;

/* All-zero is empty. */
typedef struct CheckList {
        Check *items;
        size_t size, allocated;
        bool incomplete; /* out of memory: the whole is undecided */
} CheckList;

void check_list_done(CheckList *l);
void check_add(CheckList *l, const char *name, CheckResult result, const char *format, ...) _printf_(4, 5);

/* Exit codes of sealwatch-verify(1). */
enum { EXIT_PASS = 0, EXIT_FAIL = 1, EXIT_UNDECIDED = 2 };

/* A failed check wins over an undecided one; no check at all is undecided. */
int check_list_exit_code(const CheckList *l);

/* Prints all, the verdict last; colour on terminals. Returns the exit code. */
int check_list_print(const CheckList *l, const char *subject, bool json);
