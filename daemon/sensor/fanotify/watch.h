/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Watching a file for changes, so that its digest may be cached. */

#include <stdbool.h>

/* Events of the group tell from here on when the file was changed; false when the kernel cannot. Any thread. */
bool watch_begin(int group, int fd);

/* The file was changed, and is of no interest any more. */
void watch_end(int group, int fd);
