/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads an event log entry by entry, checks every rule that the log alone can break, and replays it. Pure: the
 * daemon's reconciliation, sealwatchctl and sealwatch-verify all read logs through this.
 *
 * A committed record is what one extend covers; an entry is what it says. A batch record has many entries, every
 * other record one. Entries are numbered from 0; that number is the SEQ of alerts and of D-Bus. */

#include <jansson.h>

#include "lib/kind.h"
#include "lib/logresult.h"
#include "lib/record.h"

/* One entry. Pointers lead into the log's bytes or are owned by the reader until its next call. */
typedef struct LogEntry {
        uint64_t seq;
        RecordView record;
        Kind kind;          /* of ima-buf entries; _KIND_INVALID for ima-ng */
        const json_t *json; /* of ima-buf entries, canonical and checked against the kind table */
} LogEntry;

typedef struct LogReader LogReader;

/* Reads n bytes (borrowed). banks: the banks to replay, 0 for none. Returns 0 or -ENOMEM. */
int log_reader_new(const void *data, size_t n, BankSet banks, LogReader **ret);
LogReader *log_reader_free(LogReader *l);

/* Before the first entry: the bytes are those behind so many records and entries of a log of that PCR, which replay to the
 * value. Its banks are replayed from now on. */
void log_reader_resume(LogReader *l, uint64_t records, uint64_t entries, uint32_t pcr, const BankDigests *value);

/* Goes on with more bytes (borrowed), after LOG_END or the LOG_TRUNCATED of a missing open-writers record. */
void log_reader_continue(LogReader *l, const void *data, size_t n);

/* After LOG_END or LOG_TRUNCATED: the log's bytes from log_reader_offset() on (borrowed), more of them than before. */
void log_reader_more(LogReader *l, const void *data, size_t n);

/* The next entry. Once it returned anything but LOG_ENTRY it returns that again. */
LogResult log_reader_next(LogReader *l, LogEntry *ret);

/* Why the last result was LOG_TRUNCATED or LOG_BAD (a static sentence; the key it is about, or ""), and where. */
const char *log_reader_why(const LogReader *l);
const char *log_reader_why_key(const LogReader *l);
size_t log_reader_offset(const LogReader *l); /* of the record at fault, or behind the last good record */

/* Up to and with the record that the last entry belongs to. */
uint64_t log_reader_records(const LogReader *l);
uint64_t log_reader_entries(const LogReader *l);         /* complete records only */
const BankDigests *log_reader_value(const LogReader *l); /* the replayed PCR, from zero */
uint32_t log_reader_pcr(const LogReader *l);             /* the PCR all records name; 0 when there are none */

/* True after the last entry of a record: where the log may be cut into a valid prefix. (Not between a violation
 * record and the open-writers record that binds it.) */
bool log_reader_at_boundary(const LogReader *l);
