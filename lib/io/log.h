/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the daemon says: to the journal, or on standard error when there is none. A thread of its own does the
 * writing, from a bounded queue: the journal may itself be waiting for the gate, and whoever logs must never wait for
 * it. What does not fit is counted. */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

#include "lib/base/macro.h"

/* Starts the thread. Before that, and after log_close(), messages go to standard error at once. */
int log_open(void);

/* Writes out what waits (for at most a second) and ends the thread. */
void log_close(void);

/* level: LOG_ERR and so on from syslog.h. */
void log_message(int level, const char *format, ...) _printf_(2, 3);

/* As log_message(), with ": <error text>" behind it; error is an errno of either sign. Returns it negative, so that
 * a function can log and return in one expression. */
int log_errno(int level, int error, const char *format, ...) _printf_(3, 4);

/* One structured entry: n fields, each "NAME=value"; MESSAGE= and PRIORITY= among them. On standard error only the
 * message is shown. The fields are copied. */
void log_fields(const char *const *fields, unsigned n);

/* Entries that were lost because the queue was full or the journal refused them, since the last call. */
uint64_t log_take_lost(void);
