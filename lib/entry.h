/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An entry of the log as people and programs are shown it: a kind and one line of JSON. ima-buf entries show their own
 * JSON; ima-ng entries are of kind "file" and show {"digest":…,"path":…}, or {"path":…,"violation":true}. */

#include "lib/record.h"

/* *ret_kind points into the record or is static; *ret_json is owned by the caller. 0, -ENOMEM, or
 * -EBADMSG where the path is not in the escaped form or the JSON holds a NUL: log_reader_next() refuses such a record. */
int entry_describe(const RecordView *record, const char **ret_kind, char **ret_json);

/* Calls entry() for each entry in the record: itself, or those in a batch. first: the number of the first one. Stops at
 * a negative return and returns it. Returns the number of entries, or -EBADMSG where the record is not ours. */
int entries_each(const RecordView *record, uint64_t first,
                 int (*entry)(void *userdata, uint64_t seq, const RecordView *entry), void *userdata);
