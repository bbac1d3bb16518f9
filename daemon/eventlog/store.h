/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The files of the event log in the runtime directory (tmpfs): `measurements`, the committed records, and `pending`,
 * what was promised before it was committed (lib/pending.h). All writes are to memory; none waits for a disk. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/io/file.h"
#include "lib/record.h"

typedef struct EventStore EventStore;

/* Opens (and makes) the files; only one daemon at a time may hold them: -EBUSY. */
int event_store_open(const char *directory, EventStore **ret);
EventStore *event_store_free(EventStore *s);

/* What an earlier run left. *has_log: false when there are no measurements. Undo with file_unmap(). */
int event_store_load(EventStore *s, bool *has_log, FileMap *log, FileMap *pending);

/* Starts to write: the first `keep` bytes of the log stay, and are in the register; of the pending file, the entries that
 * are not in those bytes and have numbers below `promised`. 0 or a negative errno. */
int event_store_begin(EventStore *s, size_t keep, uint64_t promised);

/* Writes all of a log that came from elsewhere (an archive), before event_store_begin(). A crash leaves all of it, or
 * nothing. */
int event_store_import(EventStore *s, const void *log, size_t n);

/* A pending entry. On failure nothing is left behind, and until the entry is committed every other one fails as well
 * (-EAGAIN): promises have no hole. */
int event_store_append(EventStore *s, uint64_t seq, bool known, const void *record, size_t n);

/* A committed record with all entries up to `upto`: announces it in the pending file, then writes it. */
int event_store_commit(EventStore *s, uint64_t upto, const void *record, size_t n);

/* The last commit is in the register, and with it so many entries. */
void event_store_anchored(EventStore *s, uint64_t entries);

/* Nothing is promised that is not in the register: empties the pending file. */
int event_store_idle(EventStore *s);

uint64_t event_store_anchored_records(const EventStore *s);
uint64_t event_store_anchored_size(const EventStore *s); /* bytes of the log that are in the register */
int event_store_fd(const EventStore *s);                 /* of measurements: readable, for archive and snapshot */

/* Calls entry() for entries from `since` on, at most `max` of those that are in the register, as entries_each() does. 0
 * or a negative errno. */
int event_store_list(const EventStore *s, uint64_t since, uint32_t max,
                     int (*entry)(void *userdata, uint64_t seq, const RecordView *entry), void *userdata);
