/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reconciliation at start. */

#include "core/reconcile.h"

#include <errno.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/logreader.h"
#include "lib/pending.h"

DEFINE_CLEANUP(LogReader *, log_reader_free)

int cap_extend(BankDigests *value) {
        BankDigests digest;
        int r = bank_digests_hash(value->banks, CAP_EVENT, strlen(CAP_EVENT), &digest);

        return r < 0 ? r : bank_digests_extend(value, &digest);
}

static int verdict(Reconciliation *ret, ReconcileVerdict v, const char *what, const char *detail) {
        ret->verdict = v;
        ret->what = what;
        ret->detail = detail;
        return 0;
}

/* The first thing that is found counts. */
static int tampered(Reconciliation *ret, const char *what, const char *detail) {
        return ret->verdict == RECONCILE_TAMPERED ? 0 : verdict(ret, RECONCILE_TAMPERED, what, detail);
}

/* What the boot record says of the registers. False when it cannot be this TPM's life any more. */
static bool take_boot(Reconciliation *ret, const json_t *boot) {
        const char *bank_name = json_string_value(json_object_get(boot, "bank")), *number;
        json_t *value;

        ret->boot_bank = hash_from_name(bank_name);
        if (ret->boot_bank == _HASH_INVALID)
                return false;
        json_object_foreach(json_object_get(boot, "pcrs"), number, value) {
                unsigned long pcr = strtoul(number, NULL, 10);

                if (pcr >= PCR_COUNT || json_string_length(value) != 2 * hash_size(ret->boot_bank) ||
                    hex_decode(json_string_value(value), hash_size(ret->boot_bank), ret->boot_values[pcr]) < 0)
                        return false;
                ret->boot_pcrs |= 1U << pcr;
        }
        return true;
}

static uint64_t count_of(const json_t *object, const char *key) {
        return (uint64_t) json_integer_value(json_object_get(object, key));
}

/* Compares the boot record with the TPM and the configuration. Returns 1 when the log belongs to this TPM life, 0
 * with a verdict when not. */
static int check_boot(const Findings *f, Reconciliation *ret, const json_t *boot) {
        ret->new_log = true;
        if (count_of(boot, "reset") != f->reset_count ||
            !streq(json_string_value(json_object_get(boot, "life")), f->life))
                return tampered(ret, "tpm-reset", "the TPM was reset while the machine was running");
        if (!take_boot(ret, boot))
                return tampered(ret, "log-bad", "the boot record does not make sense");
        ret->new_log = false;
        if (count_of(boot, "measurement") != f->measurement_pcr || count_of(boot, "cap") != f->cap_pcr)
                return verdict(ret, RECONCILE_REFUSED, "registers-changed",
                               "MeasurementPCR= and CapPCR= cannot change before the next boot");
        return 1;
}

/* The last commit that the pending file announces; length 0 when it announces none. */
static PendingItem announced_commit(const Findings *f) {
        Reader r = reader_new(f->pending, f->pending_size);
        PendingItem item, last = {};

        while (pending_next(&r, &item) == RECORD_OK)
                if (item.type == PENDING_COMMIT)
                        last = item;
        return last;
}

/* The log without a record that a killed daemon wrote half: that one is torn, not cut. */
static size_t untorn_size(const Findings *f) {
        PendingItem last = announced_commit(f);

        return last.offset <= f->log_size && f->log_size - last.offset < last.length ? last.offset : f->log_size;
}

/* State of the walk through the log. */
typedef struct Walk {
        LogReader *reader;
        BankDigests target;     /* what the register holds */
        bool found, resumed;    /* resumed: the TPM was restarted since the boot record */
        uint64_t found_records; /* so many records replay to it */
        size_t last_start;      /* where the last record begins */
        BankDigests before_last;
        bool unbound; /* the last record is a violation, and nothing in the log binds it */
} Walk;

static void note_match(Walk *w, uint64_t records) {
        if (bank_digests_equal(log_reader_value(w->reader), &w->target)) {
                w->found = true;
                w->found_records = records;
        }
}

/* What an entry says about registers. Returns 1, or 0 with a verdict. */
static int take_entry(const Findings *f, Walk *w, Reconciliation *ret, const LogEntry *entry) {
        ret->cap_recorded = ret->cap_recorded || entry->kind == KIND_CAP;
        if (entry->kind != KIND_BOOT)
                return 1;
        w->resumed = count_of(entry->json, "restart") != f->restart_count;
        return check_boot(f, ret, entry->json);
}

/* Reads the log to its end or its first bad byte. Returns the last result, or a negative errno. */
static int walk_log(const Findings *f, Walk *w, Reconciliation *ret) {
        LogResult result;
        LogEntry entry;

        note_match(w, 0);
        ret->value = *log_reader_value(w->reader);
        while ((result = log_reader_next(w->reader, &entry)) == LOG_ENTRY) {
                if (take_entry(f, w, ret, &entry) <= 0)
                        return LOG_BAD;
                if (log_reader_records(w->reader) > ret->records) { /* the last entry of its record */
                        w->last_start = ret->keep;
                        w->before_last = ret->value;
                        w->unbound = entry.record.violation;
                        ret->value = *log_reader_value(w->reader);
                        ret->entries = log_reader_entries(w->reader);
                        ret->records = log_reader_records(w->reader);
                        ret->keep = log_reader_offset(w->reader);
                        note_match(w, ret->records);
                }
        }
        w->unbound =
                ret->records > 0 && !log_reader_at_boundary(w->reader) && log_reader_offset(w->reader) == ret->keep;
        return result == LOG_FAILED ? -ENOMEM : (int) result;
}

/* One record at the end of the log may be missing in the register: the one that was announced. */
static bool is_owed(const Findings *f, const Walk *w, const Reconciliation *ret) {
        PendingItem last = announced_commit(f);

        return w->found && ret->records == w->found_records + 1 && last.offset == w->last_start &&
               last.length == ret->keep - w->last_start;
}

static int take_owed(const Findings *f, const Walk *w, Reconciliation *ret) {
        Reader r = reader_new(f->log, ret->keep);
        RecordView view;
        const char *why;

        r.pos = w->last_start;
        ret->owed_offset = w->last_start;
        ret->owed_size = ret->keep - w->last_start;
        if (record_parse(&r, &view, &why) != RECORD_OK)
                return -EIO;
        return record_extend_value(&view, f->pcrs->banks, &ret->owed);
}

/* The promised entries that are not in the log; *ret_last: the size of the last one as it is promised. Returns 1, 0 when
 * one is missing in between, or a negative errno. */
static int collect_promised(const Findings *f, Reconciliation *ret, Buffer *promised, size_t *ret_last) {
        Reader r = reader_new(f->pending, f->pending_size);
        PendingItem item;

        ret->promised = ret->entries;
        for (size_t start = 0; pending_next(&r, &item) == RECORD_OK; start = r.pos) {
                if (item.type != PENDING_ENTRY || item.seq < ret->entries)
                        continue;
                if (item.seq != ret->promised++)
                        return 0;
                buffer_bytes(promised, item.record, item.record_size);
                *ret_last = r.pos - start;
        }
        ret->torn = reader_left(&r);
        return buffer_error(promised) < 0 ? -ENOMEM : 1;
}

/* The daemon died between a violation record and the one that binds it: nobody was answered for the sake of the first. */
static bool drop_unbound(const Walk *w, Reconciliation *ret, size_t last) {
        if (log_reader_at_boundary(w->reader) || ret->promised == ret->entries)
                return false;
        ret->promised--;
        ret->torn += last;
        return true;
}

/* What was promised must go on where the log ends, without a hole, and be what a log can hold. Returns 1, 0 with a
 * verdict, or a negative errno. */
static int walk_promised(const Findings *f, Walk *w, Reconciliation *ret) {
        _cleanup_(buffer_done) Buffer promised = {};
        LogResult result;
        LogEntry entry;
        size_t last = 0;
        int r;

        r = collect_promised(f, ret, &promised, &last);
        if (r == 0)
                return tampered(ret, "pending-missing", "entries that were promised are gone");
        if (r < 0)
                return r;
        log_reader_continue(w->reader, promised.data, promised.size);
        while ((result = log_reader_next(w->reader, &entry)) == LOG_ENTRY) {
                r = take_entry(f, w, ret, &entry);
                if (r <= 0)
                        return r;
        }
        if (result == LOG_FAILED)
                return -ENOMEM;
        if (result == LOG_END || (result == LOG_TRUNCATED && drop_unbound(w, ret, last)))
                return 1;
        return tampered(ret, "pending-bad", "an entry that was promised is not what the daemon wrote");
}

/* Compares the cap register with its value at boot, in the boot record's bank. */
static int look_at_cap(const Findings *f, Reconciliation *ret) {
        size_t size = hash_size(ret->boot_bank);
        const uint8_t *found = f->pcrs->values[ret->boot_bank][f->cap_pcr];
        BankDigests capped = bank_digests_zero(bank(ret->boot_bank));
        int r;

        if (!(ret->boot_pcrs & (1U << f->cap_pcr)))
                return 0;
        memcpy(capped.values[ret->boot_bank], ret->boot_values[f->cap_pcr], size);
        ret->cap_is_open = memcmp(found, capped.values[ret->boot_bank], size) == 0;
        r = cap_extend(&capped);
        ret->cap_is_set = memcmp(found, capped.values[ret->boot_bank], size) == 0;
        return r;
}

static int judge_walk(const Findings *f, const Walk *w, int result, Reconciliation *ret) {
        if (result == LOG_BAD)
                return tampered(ret, "log-bad", "a record of the event log is not what the daemon wrote");
        if (result == LOG_TRUNCATED && log_reader_offset(w->reader) < untorn_size(f))
                return tampered(ret, "log-cut", "the event log ends inside a record");
        if (!w->found)
                return tampered(ret, "foreign-extend", "no part of the event log replays to the measurement register");
        if (ret->records > w->found_records && !is_owed(f, w, ret))
                return tampered(ret, "log-forged", "the event log has records that the daemon did not announce");
        return 1;
}

static int judge_registers(const Findings *f, const Walk *w, Reconciliation *ret) {
        if (w->found_records < f->watermark)
                return tampered(ret, "register-went-back", "the measurement register is older than it was already");
        if (!ret->cap_is_open && !(ret->cap_recorded && ret->cap_is_set))
                return tampered(ret, "foreign-cap", "the cap register was extended by somebody else");
        if (w->resumed)
                return tampered(ret, "tpm-restart", "the TPM was restarted or resumed while the machine was running");
        return 1;
}

static int without_log(const Findings *f, Reconciliation *ret) {
        BankDigests found = pcr_values_get(f->pcrs, f->measurement_pcr);
        bool zero = bank_digests_is_zero(&found);

        ret->new_log = true;
        if (f->had_log && (f->watermark > 0 || !zero))
                return tampered(ret, "log-missing", "this TPM life had an event log, and it is gone");
        if (!zero)
                return verdict(ret, RECONCILE_REFUSED, "register-in-use",
                               "the measurement register holds a value already, and sealwatch never ran in this TPM "
                               "life; set MeasurementPCR= to a register that nothing else extends");
        ret->cap_is_open = true;
        return verdict(ret, RECONCILE_FRESH, "fresh", "the first start of this TPM life");
}

/* A log cannot go on behind a violation record that nothing binds. */
static void drop_last(const Walk *w, Reconciliation *ret) {
        ret->keep = w->last_start;
        ret->value = w->before_last;
        ret->records--;
        ret->entries--;
        ret->owed_size = 0;
}

static int with_log(const Findings *f, Walk *w, Reconciliation *ret) {
        int result, r;

        result = walk_log(f, w, ret);
        if (result < 0)
                return result;
        if (ret->verdict != RECONCILE_FRESH) /* check_boot() has spoken */
                return 0;
        if (result == LOG_TRUNCATED && w->unbound)
                result = LOG_END; /* walk_promised() sees whether it is bound there */
        r = judge_walk(f, w, result, ret);
        if (is_owed(f, w, ret) && take_owed(f, w, ret) < 0)
                return -EIO;
        if (r > 0)
                r = walk_promised(f, w, ret);
        if (r < 0)
                return r;
        if (r == 0)
                ret->promised = 0;
        if (w->unbound && ret->promised <= ret->entries)
                drop_last(w, ret);
        if (look_at_cap(f, ret) < 0)
                return -EIO;
        if (r > 0 && judge_registers(f, w, ret) > 0)
                return verdict(ret, RECONCILE_CONTINUE, "continue", "the event log explains the register");
        if (ret->records == 0) {
                ret->new_log = true;
                ret->promised = 0;
        }
        return 0;
}

/* A daemon that died before its first commit left only promises. */
static bool is_promised_anything(const Findings *f) {
        Reader r = reader_new(f->pending, f->pending_size);
        PendingItem item;

        while (pending_next(&r, &item) == RECORD_OK)
                if (item.type == PENDING_ENTRY)
                        return true;
        return false;
}

int reconcile(const Findings *f, Reconciliation *ret) {
        _cleanup_(log_reader_freep) LogReader *reader = NULL;
        Reconciliation result = { .value = bank_digests_zero(f->pcrs->banks), .boot_bank = HASH_SHA256 };
        Walk w = { .target = pcr_values_get(f->pcrs, f->measurement_pcr) };
        size_t size = f->log ? untorn_size(f) : 0;
        int r;

        if (size == 0 && !is_promised_anything(f))
                r = without_log(f, &result);
        else {
                r = log_reader_new(f->log, size, f->pcrs->banks, &reader);
                w.reader = reader;
                if (r >= 0)
                        r = with_log(f, &w, &result);
        }
        if (r < 0)
                return r;
        *ret = result;
        return 0;
}
