/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* systemd's measurement log: the reader moves on with each record, and stops for a reason. */

#include "tests/fuzz/fuzz.h"

#include "lib/systemdlog.h"

static void run(const uint8_t *data, size_t size) {
        SystemdRecord record;
        size_t at = 0, before;
        LogResult result;
        const char *why;

        do {
                before = at;
                result = systemd_record_next((const char *) data, size, &at, &record, &why);
                REQUIRE(result == LOG_ENTRY ? at > before && at <= size && !why : at == before);
                REQUIRE((result == LOG_END) == (at == size && result != LOG_ENTRY));
                REQUIRE(result == LOG_ENTRY || result == LOG_END || why);
                if (result == LOG_ENTRY)
                        REQUIRE(record.pcr >= -1 && record.pcr < PCR_COUNT);
        } while (result == LOG_ENTRY);
}

static void seeds(void) {
        fuzz_seed_text("\x1e{\"pcr\":11,\"digests\":[{\"hashAlg\":\"sha256\",\"digest\":"
                       "\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"},"
                       "{\"hashAlg\":\"sha1\",\"digest\":\"00112233445566778899aabbccddeeff00112233\"}],"
                       "\"content_type\":\"systemd\",\"content\":{\"string\":\"ready\"}}\n"
                       "\x1e{\"nv_index\":30474752,\"digests\":[]}\n\x1e{\"pcr\":9,");
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
