/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pending file: what is read is written back byte for byte; a torn end ends it and takes nothing with it. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "tests/fuzz/rewrite.h"

static void run(const uint8_t *data, size_t size) {
        _cleanup_(buffer_done) Buffer again = {};
        Reader r = reader_new(data, size), torn;
        size_t start = 0, good;
        RecordResult result;
        PendingItem item;

        while ((result = pending_next(&r, &item)) == RECORD_OK) {
                if (item.type == PENDING_ENTRY)
                        REQUIRE(pending_put_entry(&again, item.seq, item.flags, item.record, item.record_size) == 0);
                else
                        REQUIRE(pending_put_commit(&again, item.seq, item.offset, item.length) == 0);
                REQUIRE(again.size == r.pos && memcmp(again.data + start, data + start, r.pos - start) == 0);
                torn = reader_new(data, r.pos - 1);
                torn.pos = start;
                REQUIRE(pending_next(&torn, &item) == RECORD_BAD && torn.pos == start);
                start = r.pos;
        }
        good = r.pos;
        REQUIRE(result == (good == size ? RECORD_END : RECORD_BAD));
        REQUIRE(pending_next(&r, &item) == result && r.pos == good);
}

static void seeds(void) {
        for (unsigned n = 0; n < 6; n++) {
                _cleanup_(buffer_done) Buffer b = {};

                for (uint64_t seq = 0; seq < n; seq++) {
                        _cleanup_(buffer_done) Buffer record = {};

                        sample_put_file(&record, 13, "/usr/bin/pending");
                        REQUIRE(pending_put_entry(&b, seq, seq % 2 ? PENDING_KNOWN : 0, record.data, record.size) ==
                                0);
                        REQUIRE(pending_put_commit(&b, seq, 1000 * seq, (uint32_t) record.size) == 0);
                }
                buffer_bytes(&b, "SSWP\1", n % 3); /* torn */
                fuzz_seed(b.data, b.size);
        }
}

const FuzzTarget fuzz_target = { run, seeds, repair_pending };
