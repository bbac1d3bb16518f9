/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatch-verify log: is this event log what was extended into these PCRs? */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/cleanup.h"
#include "lib/io/fd.h"
#include "lib/io/file.h"
#include "lib/logreader.h"
#include "lib/pcrfile.h"
#include "tools/verify/input.h"
#include "tools/verify/show.h"
#include "tools/verify/verbs.h"

DEFINE_CLEANUP(LogReader *, log_reader_free)

typedef struct Arguments {
        const char *log;
        bool json, allow_tail;
        int pcr; /* -1: whatever the log names */
        PcrInputs pcrs;
} Arguments;

/* What the walk through the log found. */
typedef struct Outcome {
        LogResult end;
        uint64_t records, entries, matched_records; /* matched: a prefix of so many replays to the PCRs */
        bool matched;
        uint32_t pcr;
        size_t offset;
        char *why;
        char state[16]; /* the guard's last state in the log */
} Outcome;

static void outcome_done(Outcome *o) {
        free(o->why);
}

static int parse_arguments(int argc, char **argv, Arguments *a) {
        static const struct option options[] = {
                { "pcrs", required_argument, NULL, 'p' },
                { "pcr", required_argument, NULL, 'n' },
                { "json", no_argument, NULL, 'j' },
                { "allow-tail", no_argument, NULL, 't' },
                {},
        };
        uint64_t pcr;
        int c, r = 0;

        a->json = input_wants_json(argc, argv);
        while (r == 0 && (c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                if (c == 'p')
                        r = input_pcrs(&a->pcrs, optarg, a->json);
                else if (c == 'n') {
                        r = input_number("--pcr", optarg, PCR_COUNT - 1, a->json, &pcr);
                        a->pcr = r == 0 ? (int) pcr : -1;
                } else if (c == 't')
                        a->allow_tail = true;
                else if (c == '?')
                        r = show_undecided(a->json, "usage: sealwatch-verify log FILE [--pcrs [ALG:]FILE]… [--pcr N] "
                                                    "[--allow-tail] [--json]");
        if (r == 0 && optind + 1 != argc)
                r = show_undecided(a->json, "log expects one file");
        if (r == 0)
                a->log = argv[optind];
        return r;
}

/* True when the register that the log names has the replayed value in every bank given. */
static bool matches(const Arguments *a, const LogReader *reader, uint32_t pcr) {
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                if (a->pcrs.banks & bank(alg) && (!(a->pcrs.files[alg].present & (1U << pcr)) ||
                                                  memcmp(a->pcrs.files[alg].values[pcr],
                                                         log_reader_value(reader)->values[alg], hash_size(alg)) != 0))
                        return false;
        return a->pcrs.banks != 0;
}

static int walk(const Arguments *a, const FileMap *map, Outcome *o) {
        _cleanup_(log_reader_freep) LogReader *reader = NULL;
        LogEntry entry;
        int r;

        r = log_reader_new(map->data, map->size, a->pcrs.banks, &reader);
        if (r < 0)
                return r;
        snprintf(o->state, sizeof(o->state), "starting");
        while ((o->end = log_reader_next(reader, &entry)) == LOG_ENTRY) {
                o->pcr = log_reader_pcr(reader);
                if (entry.kind == KIND_STATE)
                        snprintf(o->state, sizeof(o->state), "%s",
                                 json_string_value(json_object_get(entry.json, "to")));
                if (log_reader_records(reader) > o->records) {
                        o->records = log_reader_records(reader);
                        if (log_reader_at_boundary(reader) && matches(a, reader, o->pcr)) {
                                o->matched = true;
                                o->matched_records = o->records;
                        }
                }
        }
        o->entries = log_reader_entries(reader);
        o->offset = log_reader_offset(reader);
        if (*log_reader_why_key(reader))
                r = asprintf(&o->why, "%s: %s", log_reader_why_key(reader), log_reader_why(reader));
        else
                r = asprintf(&o->why, "%s", log_reader_why(reader));
        if (r < 0)
                o->why = NULL;
        return r < 0 || o->end == LOG_FAILED ? -ENOMEM : 0;
}

static void judge_structure(const Arguments *a, const Outcome *o, CheckList *checks) {
        if (o->end != LOG_END)
                check_add(checks, "log-structure", CHECK_FAIL, "record %" PRIu64 " at byte %zu: %s", o->records,
                          o->offset, o->why);
        else if (o->records == 0)
                check_add(checks, "log-structure", CHECK_FAIL, "the log is empty: even the boot record is missing");
        else if (a->pcr >= 0 && (uint32_t) a->pcr != o->pcr)
                check_add(checks, "log-structure", CHECK_FAIL, "the log is of PCR %" PRIu32 ", not of PCR %d", o->pcr,
                          a->pcr);
        else
                check_add(checks, "log-structure", CHECK_PASS,
                          "%" PRIu64 " records with %" PRIu64 " entries of PCR %" PRIu32 ", last state %s", o->records,
                          o->entries, o->pcr, o->state);
}

static void judge_replay(const Arguments *a, const Outcome *o, CheckList *checks) {
        uint64_t tail = o->records - o->matched_records;

        if (a->pcrs.banks == 0) {
                check_add(checks, "log-replay", CHECK_UNDECIDED,
                          "no PCR values were given (--pcrs): well formed, and nothing more can be said");
                return;
        }
        if (!o->matched)
                check_add(checks, "log-replay", CHECK_FAIL,
                          "no part of the log replays to the given value of PCR %" PRIu32, o->pcr);
        else if (tail > 0 && !a->allow_tail)
                check_add(checks, "log-replay", CHECK_FAIL,
                          "the last %" PRIu64 " of %" PRIu64 " records are not in PCR %" PRIu32
                          " (--allow-tail would report them only)",
                          tail, o->records, o->pcr);
        else
                check_add(checks, "log-replay", CHECK_PASS,
                          "%" PRIu64 " records replay to PCR %" PRIu32 ", %" PRIu64 " are not anchored yet",
                          o->matched_records, o->pcr, tail);
}

int verb_log(int argc, char **argv) {
        Arguments a = { .pcr = -1 };
        _cleanup_(check_list_done) CheckList checks = {};
        _cleanup_(outcome_done) Outcome o = {};
        _cleanup_(file_unmap) FileMap map = {};
        _cleanup_close_ int fd = -1;
        int r = parse_arguments(argc, argv, &a);

        if (r != 0)
                return r;
        fd = open(a.log, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return show_undecided(a.json, "cannot open %s: %s", a.log, strerror(errno));
        r = file_map(fd, &map);
        if (r < 0)
                return show_undecided(a.json, "cannot read %s: %s", a.log, strerror(-r));
        r = walk(&a, &map, &o);
        if (r < 0)
                return show_undecided(a.json, "cannot decide about %s: %s", a.log, strerror(-r));
        judge_structure(&a, &o, &checks);
        judge_replay(&a, &o, &checks);
        return show_checks(&checks, a.log, a.json);
}
