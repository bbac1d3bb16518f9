/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* write-log DIRECTORY RECORDS SEED [plain]: an event log with so many mixed records and, behind them, the largest event and
 * the largest batch that a record may hold; and the PCRs of every bank in evmctl's form. plain: without violations. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/batch.h"
#include "lib/pcrfile.h"
#include "tests/sample.h"

enum { PCR = 13 };

static const BankSet banks = (1U << _HASH_MAX) - 1;

static void write_file(const char *directory, const char *name, const void *data, size_t n) {
        _cleanup_free_ char *path = NULL;
        _cleanup_(fclosep) FILE *f = NULL;

        REQUIRE(asprintf(&path, "%s/%s", directory, name) > 0);
        f = fopen(path, "we");
        REQUIRE(f && fwrite(data, 1, n, f) == n && fflush(f) == 0);
}

/* Fills what is left with one file whose path is as long as needed. */
static void put_full_batch(Buffer *log) {
        _cleanup_(buffer_done) Buffer inside = {}, smallest = {};
        char path[BATCH_SIZE_MAX] = "/";
        size_t left;

        sample_put_file(&smallest, PCR, path);
        while (inside.size + 3 * smallest.size < BATCH_SIZE_MAX)
                sample_put_file(&inside, PCR, "/usr/bin/x");
        left = BATCH_SIZE_MAX - inside.size - smallest.size;
        memset(path + 1, 'x', left);
        sample_put_file(&inside, PCR, path);
        REQUIRE(inside.size == BATCH_SIZE_MAX && batch_put(log, PCR, inside.data, inside.size) == 0);
}

static void put_large_event(Buffer *log) {
        EventBuilder e = sample_event(KIND_LOCKED, "x", 0, true);
        char key[EVENT_SHORT_MAX + 1], text[32];

        memset(key, 'k', sizeof(key) - 1);
        key[sizeof(key) - 1] = '\0';
        for (unsigned i = 0; i < 1000; i++) {
                snprintf(text, sizeof(text), "%06u", i);
                memcpy(key, text, 6);
                if (!event_map_text(&e, "steps", key, text))
                        break;
        }
        sample_put(log, PCR, &e);
}

/* All records but violations and what binds them. */
static void copy_plain(Buffer *to, const Buffer *from) {
        Reader r = reader_new(from->data, from->size);
        RecordView view;
        const char *why;

        while (record_parse(&r, &view, &why) == RECORD_OK)
                if (!view.violation && kind_from_record_name(view.name) != KIND_OPEN_WRITERS)
                        buffer_bytes(to, view.bytes, view.size);
        REQUIRE(reader_done(&r));
}

int main(int argc, char **argv) {
        _cleanup_(buffer_done) Buffer mixed = {}, log = {};
        PcrValues values = { .banks = banks };
        BankDigests value;

        REQUIRE(argc == 4 || (argc == 5 && streq(argv[4], "plain")));
        sample_log(&mixed, PCR, (unsigned) atoi(argv[2]), strtoull(argv[3], NULL, 10), banks, &value);
        if (argc == 5)
                copy_plain(&log, &mixed);
        else
                buffer_bytes(&log, mixed.data, mixed.size);
        put_large_event(&log);
        put_full_batch(&log);
        value = sample_replay(log.data, log.size, banks);
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                memcpy(values.values[alg][PCR], value.values[alg], DIGEST_MAX);
        write_file(argv[1], "log", log.data, log.size);
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++) {
                _cleanup_free_ char *text = pcrfile_format(&values, alg), *name = NULL;

                REQUIRE(text && asprintf(&name, "pcrs.%s", hash_name(alg)) > 0);
                write_file(argv[1], name, text, strlen(text));
        }
        return EXIT_SUCCESS;
}
