/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Verbs of sealwatch-verify. argv starts with the verb; each returns the exit code. */

int verb_log(int argc, char **argv);

/* Prints an error about the input or the usage and returns EXIT_UNDECIDED; with json as the JSON of an error. */
int fail_undecided(int json, const char *format, ...) __attribute__((__format__(__printf__, 2, 3)));
