/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files and pipes of any size through a window of memory. */

#include <stdbool.h>
#include <stddef.h>

enum { STREAM_WINDOW = 1024 * 1024, STREAM_WINDOW_MAX = 16 * 1024 * 1024 };

/* Takes n bytes: those of the last call from *ret_used on, and more behind them. last: there are no others. Returns 1 when
 * it should be called with more, 0 when it has seen enough, or a negative errno. */
typedef int (*StreamTake)(void *userdata, const void *data, size_t n, bool last, size_t *ret_used);

/* Feeds a file ("-": standard input) to take(). The window grows where take() uses nothing of a full one, to at most
 * STREAM_WINDOW_MAX. Returns 0, or EXIT_UNDECIDED after it said what is wrong (as JSON too, where json is set). */
int stream_file(const char *path, bool json, StreamTake take, void *userdata);
