/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One record: what is accepted is written back byte for byte; nothing is read behind it. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/entry.h"
#include "tests/fuzz/rewrite.h"

static void run(const uint8_t *data, size_t size) {
        _cleanup_(buffer_done) Buffer again = {};
        _cleanup_free_ char *json = NULL;
        Reader r = reader_new(data, size);
        const char *why = NULL, *kind;
        RecordView view;
        BankDigests extended;
        int described;
        RecordResult result = record_parse(&r, &view, &why);

        REQUIRE(result != RECORD_FAILED && (result == RECORD_END) == (size == 0));
        if (result != RECORD_OK) {
                REQUIRE(r.pos == 0 && (result == RECORD_END || why));
                return;
        }
        REQUIRE(view.bytes == data && view.size == r.pos && view.size <= RECORD_SIZE_MAX);
        rewrite_record(&again, &view);
        REQUIRE(again.size == view.size && memcmp(again.data, data, again.size) == 0);
        REQUIRE(record_extend_value(&view, bank(HASH_SHA1) | bank(HASH_SHA384), &extended) == 0);
        described = entry_describe(&view, &kind, &json);
        REQUIRE(described == 0 || described == -EBADMSG);
        for (size_t n = 1; n < view.size; n += 1 + n / 8) {
                Reader cut = reader_new(data, n);

                REQUIRE(record_parse(&cut, &view, &why) == RECORD_TRUNCATED);
        }
}

static void seeds(void) {
        _cleanup_(buffer_done) Buffer log = {};
        BankDigests value;
        RecordView view;
        const char *why;
        Reader r;

        sample_log(&log, 13, 60, 1, bank(HASH_SHA256), &value);
        r = reader_new(log.data, log.size);
        while (record_parse(&r, &view, &why) == RECORD_OK)
                fuzz_seed(view.bytes, view.size);
}

const FuzzTarget fuzz_target = { run, seeds, repair_records };
