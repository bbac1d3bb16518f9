/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the verbs read from their command lines: one way to read each kind of input. Every function returns 0, or
 * EXIT_UNDECIDED after it said what is wrong (as JSON too, where json is set). */

#include <getopt.h>
#include <stdbool.h>

#include "lib/pcrfile.h"

/* True when --json, or what getopt_long() takes for it, is among the arguments: errors about the other ones are JSON, too. */
bool input_wants_json(int argc, char **argv);

/* The next option, as getopt_long() says it; long ones only. '?', after it said why, for an unknown one and for one with a
 * value that was given before: the second value would silently take the place of the first. --pcrs is per bank, and may be
 * repeated. *seen starts as 0. */
int input_next_option(int argc, char **argv, const struct option *options, uint64_t *seen);

/* --pcrs "[ALG:]FILE": plain FILE means sha256. Adds to what was given before of other banks. */
int input_pcrs(PcrInputs *in, const char *value, bool json);

/* A number from 0 to max, or, when the text is none, an error about the option. */
int input_number(const char *option, const char *value, uint64_t max, bool json, uint64_t *ret);

/* Opens a file for reading; "-" is standard input. */
int input_open(const char *path, bool json, int *ret_fd);

/* True for what can be read a second time: a regular file. */
bool input_is_regular(const char *path);

/* All bytes, 1 to max, of a file or a pipe; "-" is standard input. The caller frees them; a NUL stands behind them. */
int input_file(const char *path, size_t max, bool json, char **ret, size_t *ret_size);

/* Hexadecimal digits of 1 to max bytes. */
int input_hex(const char *option, const char *value, size_t max, bool json, uint8_t *ret, size_t *ret_size);
