/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A whole event log: reading and replay. It makes no difference how the bytes arrive; what is accepted is written back
 * byte for byte and replays to what its records extend, one by one. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/base/macro.h"
#include "lib/batch.h"
#include "lib/entry.h"
#include "lib/logreader.h"
#include "tests/fuzz/rewrite.h"

DEFINE_CLEANUP(LogReader *, log_reader_free)

static const BankSet banks = 1U << HASH_SHA1 | 1U << HASH_SHA256;

typedef struct Walk {
        LogResult result;
        uint64_t entries, records;
        size_t end; /* behind the last good record */
        const char *why;
        char key[64];
        BankDigests value;
        uint32_t pcr;
} Walk;

static Walk walk_of(const LogReader *l, LogResult result, size_t before) {
        Walk w = {
                .result = result,
                .entries = log_reader_entries(l),
                .records = log_reader_records(l),
                .end = before + log_reader_offset(l),
                .why = log_reader_why(l),
                .value = *log_reader_value(l),
                .pcr = log_reader_pcr(l),
        };

        strncpy(w.key, log_reader_why_key(l), sizeof(w.key) - 1);
        return w;
}

static void check_entry(const LogEntry *e, uint64_t seq) {
        REQUIRE(e->seq == seq);
        REQUIRE((e->kind == _KIND_INVALID) == (e->record.template == TEMPLATE_NG) && e->kind != KIND_BATCH);
        REQUIRE((e->kind == _KIND_INVALID) == !e->json);
}

static Walk walk_whole(const uint8_t *data, size_t size) {
        _cleanup_(log_reader_freep) LogReader *l = NULL;
        LogResult result;
        LogEntry entry;
        uint64_t n = 0;
        Walk w;

        REQUIRE(log_reader_new(data, size, banks, &l) == 0);
        while ((result = log_reader_next(l, &entry)) == LOG_ENTRY)
                check_entry(&entry, n++);
        REQUIRE(result != LOG_FAILED && log_reader_next(l, &entry) == result);
        w = walk_of(l, result, 0);
        REQUIRE(w.entries <= n && (w.entries == n || result == LOG_BAD) && w.end <= size);
        REQUIRE(result == LOG_END ? w.end == size && log_reader_at_boundary(l) : *w.why);
        return w;
}

/* Record by record, then the rest. */
static Walk walk_in_pieces(const uint8_t *data, size_t size) {
        _cleanup_(log_reader_freep) LogReader *l = NULL;
        Reader r = reader_new(data, size);
        LogResult result = LOG_END;
        size_t start = 0;
        RecordView view;
        const char *why;
        LogEntry entry;

        REQUIRE(log_reader_new(NULL, 0, banks, &l) == 0);
        while (record_parse(&r, &view, &why) == RECORD_OK) {
                log_reader_continue(l, data + start, r.pos - start);
                while ((result = log_reader_next(l, &entry)) == LOG_ENTRY)
                        ;
                if (result == LOG_BAD)
                        return walk_of(l, result, start);
                start = r.pos;
        }
        log_reader_continue(l, data + start, size - start);
        while ((result = log_reader_next(l, &entry)) == LOG_ENTRY)
                ;
        return walk_of(l, result, start);
}

/* Through a window that begins behind the last good record and ends a little later each time. */
static Walk walk_through_window(const uint8_t *data, size_t size) {
        _cleanup_(log_reader_freep) LogReader *l = NULL;
        const size_t step = 1 + size / 7;
        LogResult result = LOG_END;
        LogEntry entry;

        REQUIRE(log_reader_new(NULL, 0, banks, &l) == 0);
        for (size_t end = 0; end < size && result != LOG_BAD;) {
                size_t start = log_reader_offset(l);

                end = MIN(size, end + step);
                log_reader_more(l, data + start, end - start);
                while ((result = log_reader_next(l, &entry)) == LOG_ENTRY)
                        ;
        }
        return walk_of(l, result, 0);
}

static void require_equal(const Walk *a, const Walk *b) {
        REQUIRE(a->result == b->result && a->why == b->why && streq(a->key, b->key));
        REQUIRE(a->entries == b->entries && a->records == b->records && a->end == b->end);
        REQUIRE(bank_digests_equal(&a->value, &b->value));
}

static int count_entry(void *userdata, uint64_t seq, const RecordView *entry _unused_) {
        uint64_t *next = userdata;

        REQUIRE(seq == (*next)++);
        return 0;
}

static bool is_event(const RecordView *view, const char *name) {
        return view->template == TEMPLATE_BUF && streq(view->name, name);
}

/* A violation record's path is bound by the record behind it, and only there is such a record. */
static void check_binding(const RecordView *violation, const RecordView *next) {
        char hex[2 * SHA256_SIZE + 1];
        uint8_t digest[SHA256_SIZE];

        REQUIRE(!violation->violation == !is_event(next, "sealwatch:open-writers"));
        if (!violation->violation)
                return;
        REQUIRE(sha256(violation->data, violation->data_size, digest) == 0);
        REQUIRE(memmem(next->buf, next->buf_size, hex_encode(digest, sizeof(digest), hex), 2 * SHA256_SIZE));
}

/* A batch holds records of known files, of its own register. */
static void check_batch(const RecordView *batch) {
        Reader r = reader_new(batch->buf, batch->buf_size);
        RecordView view;
        const char *why;

        REQUIRE(batch->buf_size > 0);
        while (record_parse(&r, &view, &why) == RECORD_OK)
                REQUIRE(view.pcr == batch->pcr && view.template == TEMPLATE_NG && !view.violation);
        REQUIRE(reader_done(&r));
}

/* What was accepted, record by record and with none of the reader's code. */
static void check_accepted(const uint8_t *data, const Walk *w) {
        _cleanup_(buffer_done) Buffer again = {};
        BankDigests value = bank_digests_zero(banks), extended;
        Reader r = reader_new(data, w->end);
        uint64_t entries = 0, records = 0;
        RecordView view, last = {};
        const char *why;

        while (record_parse(&r, &view, &why) == RECORD_OK) {
                REQUIRE((records == 0) == is_event(&view, "sealwatch:boot"));
                check_binding(&last, &view);
                if (is_event(&view, "sealwatch:batch"))
                        check_batch(&view);
                last = view;
                REQUIRE(view.pcr == w->pcr && view.pcr < PCR_COUNT);
                REQUIRE(record_extend_value(&view, banks, &extended) == 0);
                REQUIRE(bank_digests_extend(&value, &extended) == 0);
                REQUIRE(entries_each(&view, entries, count_entry, &entries) > 0);
                rewrite_record(&again, &view);
                records++;
        }
        REQUIRE(reader_done(&r) && records == w->records && entries == w->entries);
        REQUIRE(bank_digests_equal(&value, &w->value));
        REQUIRE(w->result != LOG_END || !last.violation);
        REQUIRE(again.size == w->end && (w->end == 0 || memcmp(again.data, data, w->end) == 0));
}

static void run(const uint8_t *data, size_t size) {
        const Walk whole = walk_whole(data, size), pieces = walk_in_pieces(data, size),
                   windows = walk_through_window(data, size);

        require_equal(&whole, &pieces);
        require_equal(&whole, &windows);
        check_accepted(data, &whole);
}

static void put_event(Buffer *log, Kind kind) {
        EventBuilder e = sample_event(kind, "x", 1, true);

        sample_put(log, 13, &e);
}

static void put_batch_of(Buffer *log, const Buffer *records) {
        REQUIRE(batch_put(log, 13, records->data, records->size) == 0);
}

/* A boot record and what may not come behind it. */
static void wrong_seed(unsigned which) {
        _cleanup_(buffer_done) Buffer log = {}, inside = {};

        put_event(&log, KIND_BOOT);
        sample_put_file(&inside, 13, "/usr/bin/x");
        switch (which) {
        case 0: /* a violation that nothing binds */
                REQUIRE(record_put_violation(&log, 13, "/x") == 0);
                sample_put_file(&log, 13, "/y");
                break;
        case 1: /* bound by the record of another */
                REQUIRE(record_put_violation(&log, 13, "/x") == 0);
                put_event(&log, KIND_OPEN_WRITERS);
                break;
        case 2: /* a binding of nothing */
                put_event(&log, KIND_OPEN_WRITERS);
                break;
        case 3:
                put_event(&log, KIND_BOOT);
                break;
        case 4: /* in a batch: an event, a violation, a batch, another PCR */
                put_event(&inside, KIND_STOP);
                put_batch_of(&log, &inside);
                break;
        case 5:
                REQUIRE(record_put_violation(&inside, 13, "/x") == 0);
                put_batch_of(&log, &inside);
                break;
        case 6:
                put_batch_of(&inside, &inside);
                put_batch_of(&log, &inside);
                break;
        case 7:
                sample_put_file(&inside, 12, "/usr/bin/y");
                put_batch_of(&log, &inside);
                break;
        case 8: /* an empty batch, which batch_put() refuses */
                REQUIRE(record_put_event(&log, 13, "sealwatch:batch", "", 0) == 0);
                break;
        default:
                sample_put_file(&log, 12, "/usr/bin/z");
        }
        fuzz_seed(log.data, log.size);
}

static void seeds(void) {
        for (unsigned which = 0; which < 10; which++)
                wrong_seed(which);
        for (uint64_t seed = 1; seed <= 24; seed++) {
                _cleanup_(buffer_done) Buffer log = {};
                BankDigests value;

                sample_log(&log, seed % 2 ? 13 : 8, 2 + (unsigned) seed / 4, seed, banks, &value);
                fuzz_seed(log.data, log.size);
        }
}

const FuzzTarget fuzz_target = { run, seeds, repair_records };
