/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The event log's rules across records, and its replay.
 *
 * A violation record extends a constant, so nothing in the PCR holds its path. The open-writers record right behind
 * it carries the SHA-256 of its template data and closes that hole; a violation without it is refused. */

#include "lib/logreader.h"

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/batch.h"
#include "lib/escape.h"
#include "lib/json.h"

struct LogReader {
        Reader reader;
        size_t base; /* where in the log the reader's bytes start */
        BankDigests value;
        uint32_t pcr;
        uint64_t records, entries;

        RecordView batch; /* the batch being read, if in_batch */
        Reader inside;
        bool in_batch;
        uint64_t inside_entries;

        bool owed;                        /* a violation record waits for its open-writers record */
        uint8_t owed_digest[SHA256_SIZE]; /* SHA-256 of its template data */

        json_t *json;
        LogResult last;
        const char *why, *why_key;
        size_t offset;
};

int log_reader_new(const void *data, size_t n, BankSet banks, LogReader **ret) {
        LogReader *l = new0(LogReader, 1);

        if (!l)
                return -ENOMEM;
        l->reader = reader_new(data, n);
        l->value = bank_digests_zero(banks);
        l->last = LOG_ENTRY;
        l->why = l->why_key = "";
        *ret = l;
        return 0;
}

void log_reader_resume(LogReader *l, uint64_t records, uint64_t entries, uint32_t pcr, const BankDigests *value) {
        l->records = records;
        l->entries = entries;
        l->pcr = pcr;
        l->value = *value;
}

void log_reader_more(LogReader *l, const void *data, size_t n) {
        l->reader = reader_new(data, n);
        l->base = l->offset;
        l->last = LOG_ENTRY;
        l->why = l->why_key = "";
}

void log_reader_continue(LogReader *l, const void *data, size_t n) {
        l->offset = 0;
        log_reader_more(l, data, n);
}

LogReader *log_reader_free(LogReader *l) {
        if (!l)
                return NULL;
        json_decref(l->json);
        free(l);
        return NULL;
}

static LogResult stop_at_key(LogReader *l, LogResult result, const char *why, const char *key) {
        l->last = result;
        l->why = why;
        l->why_key = key;
        return result;
}

static LogResult stop(LogReader *l, LogResult result, const char *why) {
        return stop_at_key(l, result, why, "");
}

static LogResult from_record_result(LogReader *l, RecordResult result, const char *why) {
        static const LogResult results[] = {
                [RECORD_OK] = LOG_ENTRY, [RECORD_END] = LOG_END,       [RECORD_TRUNCATED] = LOG_TRUNCATED,
                [RECORD_BAD] = LOG_BAD,  [RECORD_FAILED] = LOG_FAILED,
        };

        return result == RECORD_OK ? LOG_ENTRY : stop(l, results[result], why);
}

static LogResult check_event(LogReader *l, LogEntry *e) {
        const char *key = "", *why = "";
        int r;

        e->kind = kind_from_record_name(e->record.name);
        if (e->kind == _KIND_INVALID)
                return stop(l, LOG_BAD, "the event is of no known kind");
        json_decref(l->json);
        l->json = NULL;
        r = json_parse_canonical(e->record.buf, e->record.buf_size, &l->json, &why);
        if (r == -ENOMEM)
                return stop(l, LOG_FAILED, "out of memory");
        if (r < 0)
                return stop(l, LOG_BAD, why);
        if (!kind_check(e->kind, l->json, &key, &why))
                return stop_at_key(l, LOG_BAD, why, key);
        e->json = l->json;
        return LOG_ENTRY;
}

/* The pairing of violation and open-writers records. */
static LogResult check_pair(LogReader *l, const LogEntry *e) {
        char expected[2 * SHA256_SIZE + 1];

        if (l->owed) {
                hex_encode(l->owed_digest, SHA256_SIZE, expected);
                if (e->kind != KIND_OPEN_WRITERS ||
                    !streq(json_string_value(json_object_get(e->json, "record")), expected))
                        return stop(l, LOG_BAD, "the violation record before it is not bound by this record");
                l->owed = false;
        } else if (e->kind == KIND_OPEN_WRITERS)
                return stop(l, LOG_BAD, "there is no violation record before it");
        if (e->record.violation) {
                if (sha256(e->record.data, e->record.data_size, l->owed_digest) < 0)
                        return stop(l, LOG_FAILED, "no crypto");
                l->owed = true;
        }
        return LOG_ENTRY;
}

static LogResult check_entry(LogReader *l, LogEntry *e) {
        LogResult result = LOG_ENTRY;

        e->kind = _KIND_INVALID;
        e->seq = l->entries + l->inside_entries;
        if (e->record.template == TEMPLATE_BUF)
                result = check_event(l, e);
        else if (!escape_is_canonical(e->record.name, e->record.name_size))
                return stop(l, LOG_BAD, "the path is not in the escaped form");
        if (result != LOG_ENTRY)
                return result;
        if ((e->seq == 0) != (e->kind == KIND_BOOT))
                return stop(l, LOG_BAD, "the boot record must be the first one, and only that");
        result = check_pair(l, e);
        if (result == LOG_ENTRY)
                l->inside_entries++;
        return result;
}

/* The record at the reader is complete: count and replay it. */
static LogResult finish_record(LogReader *l, const RecordView *record) {
        BankDigests extended;

        if (record_extend_value(record, l->value.banks, &extended) < 0 ||
            bank_digests_extend(&l->value, &extended) < 0)
                return stop(l, LOG_FAILED, "no crypto");
        l->records++;
        l->entries += l->inside_entries;
        l->inside_entries = 0;
        l->in_batch = false;
        l->offset = l->base + l->reader.pos;
        return LOG_ENTRY;
}

static LogResult next_inside(LogReader *l, LogEntry *ret) {
        const char *why = "";
        RecordResult result = batch_next(&l->inside, &l->batch, &ret->record, &why);
        LogResult checked;

        if (result != RECORD_OK)
                return from_record_result(l, result == RECORD_END ? RECORD_BAD : result, why);
        checked = check_entry(l, ret);
        if (checked == LOG_ENTRY && reader_left(&l->inside) == 0)
                checked = finish_record(l, &l->batch);
        return checked;
}

static LogResult next_record(LogReader *l, LogEntry *ret) {
        const char *why = "";
        RecordResult result = record_parse(&l->reader, &ret->record, &why);
        LogResult checked;

        if (result == RECORD_END && l->owed)
                return stop(l, LOG_TRUNCATED, "the record that binds the last violation record is missing");
        if (result != RECORD_OK)
                return from_record_result(l, result, why);
        if (l->records == 0)
                l->pcr = ret->record.pcr;
        if (l->pcr >= PCR_COUNT || !(PCRS_OF_LOGS & 1U << l->pcr))
                return stop(l, LOG_BAD,
                            "the record is of a PCR that no log is of: root could reset it, or it is not ours");
        if (ret->record.pcr != l->pcr)
                return stop(l, LOG_BAD, "the record is not of this log's PCR");
        if (batch_is(&ret->record)) {
                l->batch = ret->record;
                l->inside = batch_reader(&l->batch);
                l->in_batch = true;
                return next_inside(l, ret);
        }
        checked = check_entry(l, ret);
        return checked == LOG_ENTRY ? finish_record(l, &ret->record) : checked;
}

LogResult log_reader_next(LogReader *l, LogEntry *ret) {
        if (l->last != LOG_ENTRY)
                return l->last;
        *ret = (LogEntry){};
        return l->in_batch ? next_inside(l, ret) : next_record(l, ret);
}

const char *log_reader_why(const LogReader *l) {
        return l->why;
}

const char *log_reader_why_key(const LogReader *l) {
        return l->why_key;
}

size_t log_reader_offset(const LogReader *l) {
        return l->offset;
}

uint64_t log_reader_records(const LogReader *l) {
        return l->records;
}

uint64_t log_reader_entries(const LogReader *l) {
        return l->entries;
}

const BankDigests *log_reader_value(const LogReader *l) {
        return &l->value;
}

uint32_t log_reader_pcr(const LogReader *l) {
        return l->pcr;
}

bool log_reader_at_boundary(const LogReader *l) {
        return !l->in_batch && !l->owed;
}
