/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatch-verify log: is this event log what was extended into these PCRs? */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/cleanup.h"
#include "lib/logreader.h"
#include "tools/verify/log-arguments.h"
#include "tools/verify/show.h"
#include "tools/verify/stream.h"
#include "tools/verify/verbs.h"

/* The walk through the log, and what it found. */
typedef struct Walk {
        LogReader *reader;
        const LogArguments *arguments;
        LogResult end;
        uint64_t records, matched_records; /* matched: a prefix of so many replays to the PCRs */
        bool matched;
        uint32_t pcr;
        char state[16]; /* the guard's last state in the log */
} Walk;

static void walk_done(Walk *w) {
        log_reader_free(w->reader);
}

/* True when the register that the log names has the replayed value in every bank given. */
static bool matches(const Walk *w) {
        const PcrInputs *pcrs = &w->arguments->pcrs;

        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                if (pcrs->banks & bank(alg) && (!(pcrs->files[alg].present & (1U << w->pcr)) ||
                                                memcmp(pcrs->files[alg].values[w->pcr],
                                                       log_reader_value(w->reader)->values[alg], hash_size(alg)) != 0))
                        return false;
        return pcrs->banks != 0;
}

static void take_entry(Walk *w, const LogEntry *entry) {
        w->pcr = log_reader_pcr(w->reader);
        if (entry->kind == KIND_STATE)
                snprintf(w->state, sizeof(w->state), "%s", json_string_value(json_object_get(entry->json, "to")));
        if (log_reader_records(w->reader) == w->records)
                return;
        w->records = log_reader_records(w->reader);
        if (log_reader_at_boundary(w->reader) && matches(w)) {
                w->matched = true;
                w->matched_records = w->records;
        }
}

static int take(void *userdata, const void *data, size_t n, bool last, size_t *ret_used) {
        Walk *w = userdata;
        size_t before = log_reader_offset(w->reader);
        LogEntry entry;

        log_reader_more(w->reader, data, n);
        while ((w->end = log_reader_next(w->reader, &entry)) == LOG_ENTRY)
                take_entry(w, &entry);
        *ret_used = log_reader_offset(w->reader) - before;
        if (w->end == LOG_FAILED)
                return -EIO;
        return !last && (w->end == LOG_END || w->end == LOG_TRUNCATED);
}

static void judge_structure(const Walk *w, CheckList *checks) {
        const LogArguments *a = w->arguments;
        const char *key = log_reader_why_key(w->reader);

        if (w->end != LOG_END)
                check_add(checks, "log-structure", CHECK_FAIL, "record %" PRIu64 " at byte %zu: %s%s%s", w->records,
                          log_reader_offset(w->reader), key, *key ? ": " : "", log_reader_why(w->reader));
        else if (w->records == 0)
                check_add(checks, "log-structure", CHECK_FAIL, "the log is empty: even the boot record is missing");
        else if (a->pcr >= 0 && (uint32_t) a->pcr != w->pcr)
                check_add(checks, "log-structure", CHECK_FAIL, "the log is of PCR %" PRIu32 ", not of PCR %d", w->pcr,
                          a->pcr);
        else
                check_add(checks, "log-structure", CHECK_PASS,
                          "%" PRIu64 " records with %" PRIu64 " entries of PCR %" PRIu32 ", last state %s", w->records,
                          log_reader_entries(w->reader), w->pcr, w->state);
}

static void judge_replay(const Walk *w, CheckList *checks) {
        const LogArguments *a = w->arguments;
        uint64_t tail = w->records - w->matched_records;

        if (a->pcrs.banks == 0) {
                check_add(checks, "log-replay", CHECK_UNDECIDED,
                          "no PCR values were given (--pcrs): well formed, and nothing more can be said");
                return;
        }
        if (!w->matched)
                check_add(checks, "log-replay", CHECK_FAIL,
                          "no part of the log replays to the given value of PCR %" PRIu32, w->pcr);
        else if (tail > 0 && !a->allow_tail)
                check_add(checks, "log-replay", CHECK_FAIL,
                          "the last %" PRIu64 " of %" PRIu64 " records are not in PCR %" PRIu32
                          " (--allow-tail would report them only)",
                          tail, w->records, w->pcr);
        else
                check_add(checks, "log-replay", CHECK_PASS,
                          "%" PRIu64 " records replay to PCR %" PRIu32 ", %" PRIu64 " are not anchored yet",
                          w->matched_records, w->pcr, tail);
}

int verb_log(int argc, char **argv) {
        _cleanup_(check_list_done) CheckList checks = {};
        LogArguments a;
        _cleanup_(walk_done) Walk w = { .arguments = &a, .state = "starting" };
        int r = log_arguments_parse(argc, argv, LOG_OPTION_PCR | LOG_OPTION_TAIL,
                                    "log FILE [--pcrs [ALG:]FILE]… [--pcr N] [--allow-tail] [--json]", &a);

        if (r != 0)
                return r;
        if (log_reader_new(NULL, 0, a.pcrs.banks, &w.reader) < 0)
                return show_undecided(a.json, "out of memory");
        r = stream_file(a.file, a.json, take, &w);
        if (r != 0)
                return r;
        judge_structure(&w, &checks);
        judge_replay(&w, &checks);
        return show_checks(&checks, a.file, a.json);
}
