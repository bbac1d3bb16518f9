/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Our own log: does it replay to what was quoted, and go on where it was seen before?
 *
 * Only what the quote covers counts. A document is put together while the log goes on, so a record behind the quote may be
 * in it: it is named, and not handed on. The next evidence may begin behind the last record that is whole together with what
 * binds it (a violation record is bound by the one behind it). */

#include <errno.h>
#include <inttypes.h>

#include "lib/base/cleanup.h"
#include "lib/evidence/appraise-internal.h"

DEFINE_CLEANUP(LogReader *, log_reader_free)

/* A place between two records. */
typedef struct Place {
        uint64_t records, entries;
        size_t offset;
        BankDigests value;
        FirmwareLater cap, lock; /* what the log said until there */
} Place;

typedef struct Walk {
        EvidenceContext *c;
        LogReader *reader;
        LogResult end;
        bool matched;
        Place quoted;   /* the last place whose value was quoted */
        Place whole;    /* the last place, up to that one, between records that need not stay together */
        Place boundary; /* the same, wherever the quote is */
        uint64_t seen_records;
        bool diverged;      /* where it was seen before it has another value now */
        uint64_t boot_says; /* 1 + the register that the boot record names; 0: it is not here */
        FirmwareLater cap, lock;
} Walk;

static void walk_done(Walk *w) {
        log_reader_free(w->reader);
}

static Place here(const Walk *w) {
        return (Place){ .records = log_reader_records(w->reader),
                        .entries = log_reader_entries(w->reader),
                        .offset = log_reader_offset(w->reader),
                        .value = *log_reader_value(w->reader),
                        .cap = w->cap,
                        .lock = w->lock };
}

static bool is_quoted(const Walk *w) {
        const PcrInputs *pcrs = &w->c->e->pcrs;
        const BankDigests *value = log_reader_value(w->reader);
        uint32_t pcr = log_reader_pcr(w->reader);

        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                if (pcrs->banks & bank(alg) &&
                    (!(pcrs->files[alg].present & 1U << pcr) ||
                     memcmp(pcrs->files[alg].values[pcr], value->values[alg], hash_size(alg)) != 0))
                        return false;
        return pcrs->banks != 0;
}

/* Between two records. */
static void look(Walk *w) {
        const EvidenceBase *base = w->c->in->base;

        if (log_reader_at_boundary(w->reader))
                w->boundary = here(w);
        if (base && base->records > 0 && log_reader_records(w->reader) == base->records)
                w->diverged = base->entries != log_reader_entries(w->reader) ||
                              !bank_digests_equal(&base->value, log_reader_value(w->reader));
        if (is_quoted(w)) {
                w->matched = true;
                w->quoted = here(w);
                w->whole = w->boundary;
        }
}

static PcrSet set_of(const json_t *list) {
        const json_t *number;
        PcrSet set = 0;
        size_t i;

        json_array_foreach(list, i, number)
                if (json_integer_value(number) < PCR_COUNT)
                        set |= 1U << json_integer_value(number);
        return set;
}

/* What the log says of extends of other registers. */
static int take_extends(Walk *w, const LogEntry *entry) {
        BankSet banks = w->c->e->pcrs.banks;
        const json_t *pcr, *event;

        if (entry->kind == KIND_LOCK) {
                w->lock.pcrs = set_of(json_object_get(entry->json, "poison"));
                return record_extend_value(&entry->record, banks, &w->lock.digest);
        }
        if (entry->kind == KIND_BOOT)
                w->boot_says = 1 + (uint64_t) json_integer_value(json_object_get(entry->json, "measurement"));
        if (entry->kind != KIND_CAP)
                return 0;
        pcr = json_object_get(entry->json, "pcr");
        event = json_object_get(entry->json, "event");
        w->cap.pcrs = json_integer_value(pcr) < PCR_COUNT ? 1U << json_integer_value(pcr) : 0;
        return bank_digests_hash(banks, json_string_value(event), json_string_length(event), &w->cap.digest);
}

static int hand_on(const Walk *w, const LogEntry *entry) {
        const EvidenceSink *sink = w->c->in->sink;

        return sink ? sink->entry(sink->userdata, entry) : 0;
}

static int walk(Walk *w) {
        LogEntry entry;

        if (w->seen_records > 0)
                look(w);
        while ((w->end = log_reader_next(w->reader, &entry)) == LOG_ENTRY) {
                int r = take_extends(w, &entry);

                if (r >= 0)
                        r = hand_on(w, &entry);
                if (r < 0)
                        return r;
                if (log_reader_records(w->reader) != w->seen_records) {
                        w->seen_records = log_reader_records(w->reader);
                        look(w);
                }
        }
        return w->end == LOG_FAILED ? -ENOMEM : 0;
}

static int open_reader(const Walk *w, size_t size, BankSet banks, LogReader **ret) {
        const Evidence *e = w->c->e;
        const EvidenceBase *base = w->c->in->base;
        int r = log_reader_new(e->parts[EVIDENCE_LOG].data, size, banks, ret);

        if (r >= 0 && e->log_since > 0) {
                BankDigests value = base->value;

                value.banks &= banks;
                log_reader_resume(*ret, base->records, base->entries, base->pcr, &value);
        }
        return r;
}

/* What is behind the quote was handed on as well: once more, without it. */
static int walk_again(const Walk *w) {
        _cleanup_(log_reader_freep) LogReader *reader = NULL;
        const EvidenceSink *sink = w->c->in->sink;
        LogEntry entry;
        int r;

        if (!sink || w->quoted.offset == w->c->e->parts[EVIDENCE_LOG].size)
                return 0;
        r = open_reader(w, w->quoted.offset, 0, &reader);
        if (r >= 0)
                r = sink->restart(sink->userdata);
        while (r >= 0 && log_reader_next(reader, &entry) == LOG_ENTRY)
                r = sink->entry(sink->userdata, &entry);
        return r;
}

static void judge_structure(const Walk *w) {
        const char *key = log_reader_why_key(w->reader);
        uint64_t records = log_reader_records(w->reader);
        uint32_t asked = w->c->in->log_pcr;

        if (w->end != LOG_END)
                check_add(w->c->checks, "event-log-structure", CHECK_FAIL, "record %" PRIu64 " at byte %zu: %s%s%s",
                          records, log_reader_offset(w->reader), key, *key ? ": " : "", log_reader_why(w->reader));
        else if (records == 0)
                check_add(w->c->checks, "event-log-structure", CHECK_FAIL,
                          "the log is empty: even the boot record is missing");
        else if (log_reader_pcr(w->reader) != asked)
                check_add(w->c->checks, "event-log-structure", CHECK_FAIL,
                          "it is a log of PCR %" PRIu32 ", and must be of PCR %" PRIu32 " (LogPCR=)",
                          log_reader_pcr(w->reader), asked);
        else if (w->boot_says > 0 && w->boot_says - 1 != asked)
                check_add(w->c->checks, "event-log-structure", CHECK_FAIL,
                          "its boot record says that PCR %" PRIu64
                          " is measured into, and it is a log of PCR %" PRIu32,
                          w->boot_says - 1, asked);
        else
                check_add(w->c->checks, "event-log-structure", CHECK_PASS,
                          "%" PRIu64 " records with %" PRIu64 " entries of PCR %" PRIu32 ", %" PRIu64 " of them here",
                          records, log_reader_entries(w->reader), log_reader_pcr(w->reader),
                          records - w->c->e->log_since);
}

static void judge_replay(const Walk *w) {
        uint64_t behind = log_reader_records(w->reader) - w->quoted.records;

        if (!w->matched)
                check_add(w->c->checks, "event-log-replay", CHECK_FAIL,
                          "no part of the log replays to the quoted value of PCR %" PRIu32, log_reader_pcr(w->reader));
        else
                check_add(w->c->checks, "event-log-replay", CHECK_PASS,
                          "%" PRIu64 " records replay to PCR %" PRIu32 "; %" PRIu64
                          " came behind the quote, and are not judged",
                          w->quoted.records, log_reader_pcr(w->reader), behind);
}

static void judge_continuity(const Walk *w) {
        const EvidenceBase *base = w->c->in->base;

        if (!base || base->records == 0)
                check_add(w->c->checks, "event-log-continuity", CHECK_NA, "nothing was seen of this log before");
        else if (w->diverged)
                check_add(w->c->checks, "event-log-continuity", CHECK_FAIL,
                          "a fork: after %" PRIu64 " records it was another log when it was seen before",
                          base->records);
        else if (!w->matched || w->quoted.records < base->records)
                check_add(w->c->checks, "event-log-continuity", CHECK_FAIL,
                          "a rollback: %" PRIu64 " records were seen before, %" PRIu64 " are quoted now",
                          base->records, w->quoted.records);
        else
                check_add(w->c->checks, "event-log-continuity", CHECK_PASS,
                          "it goes on behind the %" PRIu64 " records that were seen before", base->records);
}

/* Evidence that begins where nothing was seen before. */
static bool refuse_start(const EvidenceContext *c) {
        const EvidenceBase *base = c->in->base;
        const char *why = NULL;

        if (c->e->log_since == 0)
                why = c->e->log_first != 0 ? "the number of its first entry is not 0" : NULL;
        else if (!base || base->records != c->e->log_since || base->entries != c->e->log_first)
                why = "the first records are left out, which is not what was seen before";
        else if (base->value.banks != c->e->pcrs.banks)
                why = "it was seen before in other banks than are quoted now: the whole log is needed";
        if (!why)
                return false;
        check_add(c->checks, "event-log-structure", CHECK_FAIL, "it begins behind %" PRIu64 " records: %s",
                  c->e->log_since, why);
        check_add(c->checks, "event-log-replay", CHECK_NA, "not looked at: see event-log-structure");
        check_add(c->checks, "event-log-continuity", CHECK_NA, "not looked at: see event-log-structure");
        return true;
}

int evidence_judge_log(EvidenceContext *c) {
        _cleanup_(walk_done) Walk w = { .c = c };
        EvidenceBase *found = &c->found->base;
        int r;

        if (c->in->base)
                *found = *c->in->base;
        if (refuse_start(c))
                return 0;
        w.cap = found->cap;
        w.lock = found->lock;
        w.seen_records = c->e->log_since;
        r = open_reader(&w, c->e->parts[EVIDENCE_LOG].size, c->e->pcrs.banks, &w.reader);
        if (r >= 0)
                r = walk(&w);
        if (r >= 0 && w.matched)
                r = walk_again(&w);
        if (r < 0)
                return r;
        judge_structure(&w);
        judge_replay(&w);
        judge_continuity(&w);
        c->found->entries = w.quoted.entries;
        found->records = w.whole.records;
        found->entries = w.whole.entries;
        found->value = w.whole.value;
        found->pcr = log_reader_pcr(w.reader);
        found->cap = w.whole.cap;
        found->lock = w.whole.lock;
        return 0;
}
