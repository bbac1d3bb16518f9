/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What outlives a boot: the archived logs (/var/log/sealwatch/<life>/measurements) and the life file
 * (/var/lib/sealwatch/life). Every function waits for the disk: call them at start and stop, or on the background
 * thread. */

#include <stdbool.h>

#include "lib/io/file.h"
#include "lib/life.h"

/* Reads the life file. 0 with *ret; -ENOENT when there is none; -EBADMSG when it is not one. */
int life_read(const char *state_directory, Life *ret);
int life_write(const char *state_directory, const Life *life);

/* The archived log of a life, mapped. -ENOENT when there is none. */
int archive_map(const char *log_directory, const char *life, FileMap *ret);

/* Copies bytes [archive's size, size) of the log to the archive of its life and syncs it. */
int archive_copy(int log_fd, uint64_t size, const char *log_directory, const char *life);

/* The archived log of a life is kept as set-aside-<time>-archive, and the next archive_copy() begins a new one: a log that
 * does not verify is no continuation of it. 0, also when there is none. */
int archive_retire(const char *log_directory, const char *life, uint64_t now);

/* Keeps what a new log replaces, or one that is cut, for whoever wants to know:
 * <log directory>/<life>/set-aside-<time>-<what>. */
int archive_set_aside(const FileMap *file, const char *log_directory, const char *life, const char *what,
                      uint64_t now);
