/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The list of named checks that every appraisal ends in: an attestation result (RFC 9334) that says what was looked at,
 * what came out, and why. The same list is shown by sealwatch-verify, and by everything else that judges evidence. */

#include <jansson.h>
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
        char *detail; /* escaped (lib/escape.h): whatever the evidence said, a terminal and JSON can take it */
} Check;

/* All-zero is empty. */
typedef struct CheckList {
        Check *items;
        size_t size, allocated;
        bool incomplete; /* out of memory: the whole is undecided */
} CheckList;

void check_list_done(CheckList *l);
void check_add(CheckList *l, const char *name, CheckResult result, const char *format, ...) _printf_(4, 5);

/* The first check of that name; NULL when there is none. */
const Check *check_list_find(const CheckList *l, const char *name);

/* True when there is a check of that name, and it passed. */
bool check_list_passed(const CheckList *l, const char *name);

/* Moves all checks of another list behind those of this one. names: pairs of a name there and the one to have here, ended by
 * NULL (static; a name that is in no pair stays). */
void check_list_take(CheckList *l, CheckList *from, const char *const (*names)[2]);

/* CHECK_FAIL where one failed, else CHECK_UNDECIDED where one is undecided or there is none at all, else CHECK_PASS: what
 * does not apply changes nothing. */
CheckResult check_list_verdict(const CheckList *l);

/* "pass", "fail", "na", as in the JSON of a check; an undecided one is "na" there, and the verdict "error". */
const char *check_result_word(CheckResult result);

/* {"result":"pass|fail|error","checks":[{"name","result","detail"}…]}; NULL when out of memory or incomplete. */
json_t *check_list_json(const CheckList *l);
