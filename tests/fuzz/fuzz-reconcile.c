/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reconciliation at start, on any log and any pending file. Whatever they are: it goes on only where the log, read on its
 * own, replays to the register, but for the one record at its end that was announced; and only without a hole in what was
 * promised. The input: six bytes that choose the circumstances (see below), the log's size (u16, little endian), the log,
 * the pending file. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "core/reconcile.h"
#include "lib/base/cleanup.h"
#include "lib/logreader.h"
#include "tests/fuzz/rewrite.h"

DEFINE_CLEANUP(LogReader *, log_reader_free)

enum { MEASUREMENT = 13, CAP = 12, HEAD_SIZE = 8 };

static const BankSet banks = 1U << HASH_SHA1 | 1U << HASH_SHA256;
static const char life[] = "5-0123456789abcdef";

typedef struct Scene {
        Findings findings;
        PcrValues pcrs;
        uint64_t in_register; /* records that the register holds */
} Scene;

/* What the first n records of a log replay to. Returns how many there were. */
static uint64_t replay(const uint8_t *log, size_t size, uint64_t n, BankDigests *ret) {
        Reader r = reader_new(log, size);
        BankDigests digest;
        uint64_t i = 0;
        RecordView view;
        const char *why;

        *ret = bank_digests_zero(banks);
        for (; i < n && record_parse(&r, &view, &why) == RECORD_OK; i++) {
                REQUIRE(record_extend_value(&view, banks, &digest) == 0);
                REQUIRE(bank_digests_extend(ret, &digest) == 0);
        }
        return i;
}

static void set_pcr(PcrValues *pcrs, unsigned pcr, const BankDigests *value) {
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                memcpy(pcrs->values[alg][pcr], value->values[alg], DIGEST_MAX);
}

static bool stage(const uint8_t *data, size_t size, Scene *ret) {
        const uint8_t *log = data + HEAD_SIZE;
        BankDigests value, cap = bank_digests_zero(banks);
        size_t log_size;

        if (size < HEAD_SIZE)
                return false;
        log_size = MIN(size - HEAD_SIZE, (size_t) (data[6] | data[7] << 8));
        *ret = (Scene){ .pcrs = { .banks = banks } };
        ret->in_register = replay(log, log_size, data[0], &value); /* byte 0: records in the register */
        if (data[1] & 1)                                           /* bit 0 of byte 1: and something foreign */
                value.values[HASH_SHA1][0] ^= 1;
        set_pcr(&ret->pcrs, MEASUREMENT, &value);
        for (unsigned i = data[2] % 3; i > 0; i--) /* byte 2: caps */
                REQUIRE(cap_extend(&cap) == 0);
        set_pcr(&ret->pcrs, CAP, &cap);
        ret->findings = (Findings){
                .log = data[1] & 2 ? NULL : log,
                .log_size = data[1] & 2 ? 0 : log_size,
                .pending = data[1] & 4 ? NULL : log + log_size,
                .pending_size = data[1] & 4 ? 0 : size - HEAD_SIZE - log_size,
                .had_log = data[1] & 8,
                .watermark = data[3], /* byte 3 */
                .life = life,
                .reset_count = data[4], /* byte 4: as the boot record of the seeds has it, or not */
                .restart_count = data[5],
                .measurement_pcr = MEASUREMENT,
                .cap_pcr = CAP,
        };
        return true;
}

/* The last commit announced, and whether what was promised follows the log's entries without a hole. */
static bool read_pending(const Findings *f, uint64_t entries, PendingItem *ret_commit) {
        Reader r = reader_new(f->pending, f->pending_size);
        uint64_t next = entries;
        PendingItem item;

        *ret_commit = (PendingItem){};
        while (pending_next(&r, &item) == RECORD_OK) {
                if (item.type == PENDING_COMMIT)
                        *ret_commit = item;
                else if (item.seq >= entries && item.seq != next++)
                        return false;
        }
        return true;
}

/* Where reconcile() said that the log goes on. */
static void check_continued(const Scene *s, const Reconciliation *rec) {
        _cleanup_(log_reader_freep) LogReader *l = NULL;
        const Findings *f = &s->findings;
        BankDigests found = pcr_values_get(&s->pcrs, MEASUREMENT), value = rec->value;
        LogResult result;
        LogEntry entry;
        PendingItem commit;

        REQUIRE(f->log && rec->keep <= f->log_size && rec->records > 0 && !rec->new_log);
        REQUIRE(log_reader_new(f->log, rec->keep, banks, &l) == 0);
        while ((result = log_reader_next(l, &entry)) == LOG_ENTRY)
                if (entry.kind == KIND_BOOT)
                        REQUIRE(json_integer_value(json_object_get(entry.json, "reset")) ==
                                (json_int_t) f->reset_count);
        REQUIRE(result == LOG_END || (result == LOG_TRUNCATED && log_reader_offset(l) == rec->keep));
        REQUIRE(log_reader_records(l) == rec->records && log_reader_entries(l) == rec->entries);
        REQUIRE(bank_digests_equal(log_reader_value(l), &value));
        REQUIRE(read_pending(f, rec->entries, &commit));
        REQUIRE(rec->records - (rec->owed_size > 0) >= f->watermark);
        REQUIRE(rec->cap_is_open || (rec->cap_is_set && rec->cap_recorded));
        if (rec->owed_size == 0) {
                REQUIRE(bank_digests_equal(&value, &found));
                return;
        }
        REQUIRE(rec->owed_offset + rec->owed_size == rec->keep && commit.offset == rec->owed_offset);
        REQUIRE(commit.length == rec->owed_size);
        REQUIRE(bank_digests_extend(&found, &rec->owed) == 0 && bank_digests_equal(&value, &found));
}

static void run(const uint8_t *data, size_t size) {
        Reconciliation rec;
        Scene s;

        if (!stage(data, size, &s))
                return;
        s.findings.pcrs = &s.pcrs;
        REQUIRE(reconcile(&s.findings, &rec) == 0);
        REQUIRE(rec.what && rec.detail && rec.keep <= s.findings.log_size);
        REQUIRE(rec.torn <= s.findings.pending_size);
        switch (rec.verdict) {
        case RECONCILE_CONTINUE:
                check_continued(&s, &rec);
                break;
        case RECONCILE_FRESH: {
                BankDigests found = pcr_values_get(&s.pcrs, MEASUREMENT);

                REQUIRE(rec.new_log && rec.cap_is_open && bank_digests_is_zero(&found));
                REQUIRE(!s.findings.had_log || s.findings.watermark == 0);
                break;
        }
        default:
                REQUIRE(rec.verdict == RECONCILE_TAMPERED || rec.verdict == RECONCILE_REFUSED);
        }
}

/* The log's records and the pending items. */
static void repair(uint8_t *data, size_t size) {
        size_t log_size;

        if (size < HEAD_SIZE)
                return;
        log_size = MIN(size - HEAD_SIZE, (size_t) (data[6] | data[7] << 8));
        repair_records(data + HEAD_SIZE, log_size);
        repair_pending(data + HEAD_SIZE + log_size, size - HEAD_SIZE - log_size);
}

/* `in_register` records anchored; the last of the log announced; then two promised ones. */
static void seed(unsigned in_register, unsigned watermark, unsigned caps, size_t torn) {
        PcrValues zero = { .banks = banks };
        const SampleLife boot = { life, 5, 6, MEASUREMENT, CAP, &zero };
        _cleanup_(buffer_done) Buffer log = {}, pending = {}, all = {}, promised = {};
        EventBuilder e = sample_boot(&boot), stop = sample_event(KIND_STOP, "x", 1, true);
        EventBuilder cap = sample_event(KIND_CAP, "x", CAP, true);
        size_t last;

        sample_put(&log, MEASUREMENT, &e);
        sample_put(&log, MEASUREMENT, &cap);
        sample_put_pair(&log, MEASUREMENT, "/usr/bin/open");
        last = log.size;
        sample_put(&log, MEASUREMENT, &stop);
        sample_put_file(&promised, MEASUREMENT, "/usr/bin/promised");
        REQUIRE(pending_put_commit(&pending, 4, last, (uint32_t) (log.size - last)) == 0);
        REQUIRE(pending_put_entry(&pending, 5, PENDING_KNOWN, promised.data, promised.size) == 0);
        REQUIRE(pending_put_entry(&pending, 6, 0, promised.data, promised.size) == 0);
        buffer_u8(&all, (uint8_t) in_register);
        buffer_u8(&all, 8);
        buffer_u8(&all, (uint8_t) caps);
        buffer_u8(&all, (uint8_t) watermark);
        buffer_u8(&all, 5);
        buffer_u8(&all, 6);
        buffer_u16le(&all, (uint16_t) (log.size - torn));
        buffer_bytes(&all, log.data, log.size - torn);
        buffer_bytes(&all, pending.data, pending.size);
        fuzz_seed(all.data, all.size);
}

static void seeds(void) {
        for (unsigned in_register = 0; in_register <= 5; in_register++)
                for (unsigned watermark = in_register > 0 ? in_register - 1 : 0; watermark <= in_register + 1;
                     watermark++)
                        seed(in_register, watermark, 1, 0);
        seed(5, 0, 0, 0);
        seed(4, 3, 1, 7);
        seed(3, 2, 2, 0);
        fuzz_seed("\0\2\0\0\5\6\0", 8);
}

const FuzzTarget fuzz_target = { run, seeds, repair };
