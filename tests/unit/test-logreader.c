/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "lib/batch.h"
#include "lib/logreader.h"
#include "tests/sample.h"
#include "tests/test.h"

static const BankSet banks = 1U << HASH_SHA256 | 1U << HASH_SHA1;

static LogReader *reader_over(const Buffer *b) {
        LogReader *l;

        assert_int_equal(log_reader_new(b->data, b->size, banks, &l), 0);
        return l;
}

/* Reads `n` entries, then expects a result; and that it stays. */
static void expect_end(const Buffer *b, uint64_t n, LogResult result, const char *why, const char *key,
                       size_t offset) {
        LogReader *l = reader_over(b);
        LogEntry entry;

        for (uint64_t i = 0; i < n; i++) {
                assert_int_equal(log_reader_next(l, &entry), LOG_ENTRY);
                assert_int_equal(entry.seq, i);
        }
        for (int again = 0; again < 2; again++) {
                assert_int_equal(log_reader_next(l, &entry), result);
                assert_string_equal(log_reader_why(l), why);
                assert_string_equal(log_reader_why_key(l), key);
                assert_int_equal(log_reader_offset(l), offset);
        }
        assert_null(log_reader_free(l));
}

static void put(Buffer *b, Kind kind) {
        EventBuilder e = sample_event(kind, "text", 6, true);

        sample_put(b, 13, &e);
}

static void put_batch(Buffer *b, const char *paths) {
        _cleanup_(buffer_done) Buffer inside = {};

        for (; *paths; paths += strlen(paths) + 1)
                sample_put_file(&inside, 13, paths);
        assert_int_equal(batch_put(b, 13, inside.data, inside.size), 0);
}

static void entries_records_and_kinds(void **state _unused_) {
        static const Kind kinds[] = { KIND_BOOT,     KIND_START,    _KIND_INVALID, _KIND_INVALID,
                                      _KIND_INVALID, _KIND_INVALID, _KIND_INVALID, KIND_OPEN_WRITERS };
        static const uint64_t records[] = {
                1, 2, 3, 3, 3, 4, 5, 6
        }; /* after each entry; the batch counts at its end */
        static const bool boundary[] = { true, true, true, false, false, true, false, true };
        _cleanup_(buffer_done) Buffer b = {};
        LogEntry entry;
        LogReader *l;

        put(&b, KIND_BOOT);
        put(&b, KIND_START);
        sample_put_file(&b, 13, "/single");
        put_batch(&b, "/a\0/b\0/c\0");
        sample_put_pair(&b, 13, "/pair");
        l = reader_over(&b);
        assert_int_equal(log_reader_pcr(l), 0);
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                assert_int_equal(log_reader_next(l, &entry), LOG_ENTRY);
                assert_int_equal(entry.seq, i);
                assert_int_equal(entry.kind, kinds[i]);
                assert_int_equal(entry.json != NULL, kinds[i] != _KIND_INVALID);
                assert_int_equal(log_reader_records(l), records[i]);
                assert_int_equal(log_reader_at_boundary(l), boundary[i]);
        }
        assert_int_equal(log_reader_entries(l), ELEMENTSOF(kinds));
        assert_int_equal(log_reader_pcr(l), 13);
        assert_int_equal(log_reader_next(l, &entry), LOG_END);
        assert_int_equal(log_reader_offset(l), b.size);
        log_reader_free(l);
}

static void replays_as_a_tpm_would(void **state _unused_) {
        _cleanup_(buffer_done) Buffer b = {};
        BankDigests expected;
        LogEntry entry;
        LogResult result;
        LogReader *l;

        sample_log(&b, 13, 500, 1, banks, &expected);
        l = reader_over(&b);
        while ((result = log_reader_next(l, &entry)) == LOG_ENTRY)
                ;
        assert_int_equal(result, LOG_END);
        assert_true(bank_digests_equal(log_reader_value(l), &expected));
        log_reader_free(l);
}

static void an_empty_log_ends(void **state _unused_) {
        const Buffer b = {};

        expect_end(&b, 0, LOG_END, "", "", 0);
}

static void boot_is_first_and_only_there(void **state _unused_) {
        static const char why[] = "the boot record must be the first one, and only that";
        Buffer b = {};
        size_t first;

        put(&b, KIND_START);
        expect_end(&b, 0, LOG_BAD, why, "", 0);
        b.size = 0;
        sample_put_file(&b, 13, "/x");
        expect_end(&b, 0, LOG_BAD, why, "", 0);
        b.size = 0;
        put_batch(&b, "/x\0");
        expect_end(&b, 0, LOG_BAD, why, "", 0);
        b.size = 0;
        put(&b, KIND_BOOT);
        first = b.size;
        put(&b, KIND_BOOT);
        expect_end(&b, 1, LOG_BAD, why, "", first);
        buffer_done(&b);
}

static void one_pcr_per_log(void **state _unused_) {
        static const char other[] = "the record is not of this log's PCR";
        static const char none[] = "the record is of a PCR that no log is of: root could reset it, or it is not ours";
        Buffer b = {};
        size_t first;

        for (uint32_t pcr = 0; pcr <= PCR_COUNT; pcr++) {
                EventBuilder boot = sample_event(KIND_BOOT, "x", 1, true);

                b.size = 0;
                sample_put(&b, pcr, &boot);
                if (pcr == 10 || pcr >= 16)
                        expect_end(&b, 0, LOG_BAD, none, "", 0);
                else
                        expect_end(&b, 1, LOG_END, "", "", b.size);
        }
        b.size = 0;
        put(&b, KIND_BOOT);
        first = b.size;
        sample_put_file(&b, 12, "/x");
        expect_end(&b, 1, LOG_BAD, other, "", first);
        buffer_done(&b);
}

static void violations_are_bound(void **state _unused_) {
        static const char unbound[] = "the violation record before it is not bound by this record";
        static const char missing[] = "the record that binds the last violation record is missing";
        Buffer b = {}, pair = {};
        EventBuilder other;
        size_t boot, violation;

        put(&b, KIND_BOOT);
        boot = b.size;
        assert_int_equal(record_put_violation(&b, 13, "/x"), 0);
        violation = b.size;
        expect_end(&b, 2, LOG_TRUNCATED, missing, "", violation);

        sample_put_file(&b, 13, "/y");
        expect_end(&b, 2, LOG_BAD, unbound, "", violation);
        b.size = violation;
        put(&b, KIND_STOP);
        expect_end(&b, 2, LOG_BAD, unbound, "", violation);
        b.size = violation;
        put_batch(&b, "/y\0");
        expect_end(&b, 2, LOG_BAD, unbound, "", violation);
        b.size = violation;
        sample_put_pair(&b, 13, "/x"); /* a second violation, not a binding */
        expect_end(&b, 2, LOG_BAD, unbound, "", violation);
        b.size = violation;
        other = sample_event(KIND_OPEN_WRITERS, "/x", 1, true); /* of some other record */
        sample_put(&b, 13, &other);
        expect_end(&b, 2, LOG_BAD, unbound, "", violation);

        b.size = boot;
        sample_put_pair(&b, 13, "/x");
        expect_end(&b, 3, LOG_END, "", "", b.size);
        b.size = boot;
        sample_put_pair(&pair, 13, "/x");
        buffer_bytes(&b, pair.data + (violation - boot), pair.size - (violation - boot)); /* the binding alone */
        expect_end(&b, 1, LOG_BAD, "there is no violation record before it", "", boot);
        buffer_done(&b);
        buffer_done(&pair);
}

static void put_raw(Buffer *b, const char *name, const char *json) {
        assert_int_equal(record_put_event(b, 13, name, json, strlen(json)), 0);
}

static void events_are_checked(void **state _unused_) {
        Buffer b = {};
        size_t boot;

        put(&b, KIND_BOOT);
        boot = b.size;
        put_raw(&b, "sealwatch:nonsense", "{}");
        expect_end(&b, 1, LOG_BAD, "the event is of no known kind", "", boot);
        b.size = boot;
        put_raw(&b, "stop", "{\"boottime\":1,\"reason\":\"x\",\"time\":1}");
        expect_end(&b, 1, LOG_BAD, "the event is of no known kind", "", boot);
        b.size = boot;
        put_raw(&b, "sealwatch:stop", "{\"boottime\":1,\"reason\":\"x\",\"time\":1} ");
        expect_end(&b, 1, LOG_BAD, "the JSON is not in canonical form", "", boot);
        b.size = boot;
        put_raw(&b, "sealwatch:stop", "{\"boottime\":1,\"time\":1}");
        expect_end(&b, 1, LOG_BAD, "the key is missing", "reason", boot);
        b.size = boot;
        put_raw(&b, "sealwatch:stop", "{\"boottime\":1,\"colour\":1,\"reason\":\"x\",\"time\":1}");
        expect_end(&b, 1, LOG_BAD, "the kind has no such key", "colour", boot);
        b.size = boot;
        assert_int_equal(record_put_file(&b, 13, (const uint8_t[SHA256_SIZE]){ 1 }, "/x\ny"), 0);
        expect_end(&b, 1, LOG_BAD, "the path is not in the escaped form", "", boot);
        buffer_done(&b);
}

static void batches_are_checked_inside(void **state _unused_) {
        _cleanup_(buffer_done) Buffer b = {}, inside = {};
        size_t boot;

        put(&b, KIND_BOOT);
        boot = b.size;
        sample_put_file(&inside, 13, "/a");
        sample_put_file(&inside, 12, "/b");
        assert_int_equal(batch_put(&b, 13, inside.data, inside.size), 0);
        expect_end(&b, 2, LOG_BAD, "a record in the batch is not of the batch's PCR", "", boot);
        b.size = boot;
        put_raw(&b, "sealwatch:batch", "");
        expect_end(&b, 1, LOG_BAD, "the batch is empty", "", boot);
}

/* A cut inside a batch: its entries were given out, but its record does not count. */
static void a_bad_batch_does_not_count(void **state _unused_) {
        _cleanup_(buffer_done) Buffer b = {}, inside = {};
        BankDigests before;
        LogEntry entry;
        LogReader *l;

        put(&b, KIND_BOOT);
        sample_put_file(&inside, 13, "/a");
        buffer_u8(&inside, 1);
        assert_int_equal(batch_put(&b, 13, inside.data, inside.size), 0);
        l = reader_over(&b);
        assert_int_equal(log_reader_next(l, &entry), LOG_ENTRY);
        before = *log_reader_value(l);
        assert_int_equal(log_reader_next(l, &entry), LOG_ENTRY);
        assert_int_equal(log_reader_next(l, &entry), LOG_BAD);
        assert_int_equal(log_reader_records(l), 1);
        assert_int_equal(log_reader_entries(l), 1);
        assert_true(bank_digests_equal(log_reader_value(l), &before));
        assert_false(log_reader_at_boundary(l));
        log_reader_free(l);
}

/* Of every cut: an end where a record ended, else truncated, and the offset says where. */
static void every_cut_is_seen(void **state _unused_) {
        _cleanup_(buffer_done) Buffer b = {};
        size_t ends[5], n = 0;

        ends[n++] = 0;
        put(&b, KIND_BOOT);
        ends[n++] = b.size;
        put_batch(&b, "/a\0/b\0");
        ends[n++] = b.size;
        put(&b, KIND_STOP);
        ends[n++] = b.size;
        for (size_t size = 0, last = 0; size <= b.size; size++) {
                const Buffer cut = { .data = b.data, .size = size };
                LogReader *l = reader_over(&cut);
                LogResult result;
                LogEntry entry;

                if (last + 1 < n && size == ends[last + 1])
                        last++;
                while ((result = log_reader_next(l, &entry)) == LOG_ENTRY)
                        ;
                assert_int_equal(result, size == ends[last] ? LOG_END : LOG_TRUNCATED);
                assert_int_equal(log_reader_offset(l), ends[last]);
                log_reader_free(l);
        }
}

static void goes_on_with_more(void **state _unused_) {
        _cleanup_(buffer_done) Buffer b = {}, whole = {}, violation = {}, binding = {};
        LogEntry entry;
        LogReader *l, *at_once;

        put(&b, KIND_BOOT);
        put_batch(&b, "/a\0/b\0");
        sample_put_pair(&whole, 13, "/x");
        assert_int_equal(record_put_violation(&violation, 13, "/x"), 0);
        buffer_bytes(&binding, whole.data + violation.size, whole.size - violation.size);

        l = reader_over(&b);
        while (log_reader_next(l, &entry) == LOG_ENTRY)
                ;
        log_reader_continue(l, violation.data, violation.size);
        assert_int_equal(log_reader_next(l, &entry), LOG_ENTRY);
        assert_int_equal(entry.seq, 3);
        assert_int_equal(log_reader_next(l, &entry), LOG_TRUNCATED);
        log_reader_continue(l, binding.data, binding.size);
        assert_int_equal(log_reader_next(l, &entry), LOG_ENTRY);
        assert_int_equal(entry.seq, 4);
        assert_int_equal(log_reader_next(l, &entry), LOG_END);
        assert_string_equal(log_reader_why(l), "");

        buffer_bytes(&b, whole.data, whole.size);
        at_once = reader_over(&b);
        while (log_reader_next(at_once, &entry) == LOG_ENTRY)
                ;
        assert_true(bank_digests_equal(log_reader_value(l), log_reader_value(at_once)));
        log_reader_free(l);
        log_reader_free(at_once);
        assert_null(log_reader_free(NULL));
}

/* A flip in each byte of a mixed log is seen, either by the rules or by the replay. */
static void no_change_goes_unseen(void **state _unused_) {
        _cleanup_(buffer_done) Buffer b = {};
        BankDigests expected;

        sample_log(&b, 13, 12, 2, banks, &expected);
        for (size_t i = 0; i < b.size; i++) {
                LogResult result;
                LogEntry entry;
                LogReader *l;

                b.data[i] ^= (uint8_t) (1U << i % 8);
                l = reader_over(&b);
                while ((result = log_reader_next(l, &entry)) == LOG_ENTRY)
                        ;
                assert_false(result == LOG_END && log_reader_pcr(l) == 13 &&
                             bank_digests_equal(log_reader_value(l), &expected));
                log_reader_free(l);
                b.data[i] ^= (uint8_t) (1U << i % 8);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(entries_records_and_kinds),
                TEST(replays_as_a_tpm_would),
                TEST(an_empty_log_ends),
                TEST(boot_is_first_and_only_there),
                TEST(one_pcr_per_log),
                TEST(violations_are_bound),
                TEST(events_are_checked),
                TEST(batches_are_checked_inside),
                TEST(a_bad_batch_does_not_count),
                TEST(every_cut_is_seen),
                TEST(goes_on_with_more),
                TEST(no_change_goes_unseen),
        };

        return RUN(tests);
}
