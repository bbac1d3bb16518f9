/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The event builder: whatever bytes names and paths have, an event of any kind is built, fits a record, and is one that
 * the log reader takes. */

#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/escape.h"
#include "lib/logreader.h"

DEFINE_CLEANUP(LogReader *, log_reader_free)

static void put_path(Buffer *log, const char *path) {
        _cleanup_free_ char *escaped = NULL;

        REQUIRE(escape_text(path, strlen(path), RECORD_PATH_MAX, &escaped) == 0);
        if (*escaped)
                sample_put_file(log, 13, escaped);
        if (*escaped)
                sample_put_pair(log, 13, escaped);
}

static void run(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = memdup_nul(data, size);
        _cleanup_(log_reader_freep) LogReader *l = NULL;
        _cleanup_(buffer_done) Buffer log = {};
        EventBuilder boot, event;
        LogResult result;
        LogEntry entry;
        uint64_t count = 0;
        Kind kind;

        REQUIRE(text);
        memcpy(&count, data, MIN(size, sizeof(count)));
        kind = (Kind) (size % _KIND_MAX);
        boot = sample_event(KIND_BOOT, kind == KIND_BOOT ? text : "b", count, kind == KIND_BOOT);
        sample_put(&log, 13, &boot);
        if (kind == KIND_OPEN_WRITERS)
                put_path(&log, text);
        else if (kind != KIND_BOOT && kind != KIND_BATCH) {
                event = sample_event(kind, text, count, true);
                sample_put(&log, 13, &event);
        }
        REQUIRE(log_reader_new(log.data, log.size, bank(HASH_SHA256), &l) == 0);
        while ((result = log_reader_next(l, &entry)) == LOG_ENTRY)
                REQUIRE(entry.record.data_size <= RECORD_DATA_MAX);
        REQUIRE(result == LOG_END);
}

static void seeds(void) {
        static const char *const texts[] = { "a", "/usr/bin/\xff\xc3\xa9\"\\\n", "\xe2\x80\xae" };
        char longer[1000];

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                fuzz_seed_text(texts[i]);
                for (size_t k = 0; k < sizeof(longer); k++)
                        longer[k] = texts[i][k % strlen(texts[i])];
                for (size_t n = 900; n < 900 + _KIND_MAX; n++)
                        fuzz_seed(longer, n);
        }
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
