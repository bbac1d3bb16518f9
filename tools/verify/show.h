/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How a list of checks is shown, and what the process ends with. */

#include "lib/check.h"

/* Exit codes of sealwatch-verify(1). */
enum { EXIT_PASS = 0, EXIT_FAIL = 1, EXIT_UNDECIDED = 2 };

/* Prints all, the verdict last; colour on terminals. Returns the exit code. */
int show_checks(const CheckList *l, const char *subject, bool json);

/* One line about line `number` of many: with json as the JSON of one verdict. error: a negative errno by which nothing was
 * decided, or 0. Returns what the exit code would be. */
int show_line(const CheckList *l, uint64_t number, int error, bool json);

/* Prints an error about the input or the usage and returns EXIT_UNDECIDED; with json as the JSON of an error, too. */
int show_undecided(bool json, const char *format, ...) _printf_(2, 3);
