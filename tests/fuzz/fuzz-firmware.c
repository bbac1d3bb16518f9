/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The firmware's log: it makes no difference how the bytes arrive, and what is accepted is appraised without an error. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/firmware/appraise.h"
#include "lib/sim/firmware.h"

DEFINE_CLEANUP(FirmwareLog *, firmware_log_free)

static LogResult walk(FirmwareLog *l) {
        LogResult result;
        FirmwareEvent e;

        while ((result = firmware_log_next(l, &e)) == LOG_ENTRY)
                REQUIRE((e.pcr < PCR_COUNT || e.pcr == UINT32_MAX) && e.number + 1 == firmware_log_events(l) &&
                        e.size <= FIRMWARE_DATA_MAX);
        REQUIRE(result != LOG_FAILED && firmware_log_next(l, &e) == result);
        return result;
}

/* Byte ranges that grow, as a window over a file gives them. */
static LogResult walk_in_pieces(FirmwareLog *l, const uint8_t *data, size_t size) {
        LogResult result = LOG_TRUNCATED;

        for (size_t end = 0, step = 1; end < size && (result == LOG_TRUNCATED || result == LOG_END);
             step = step * 2 + 1) {
                size_t start = (size_t) firmware_log_offset(l);

                end = MIN(size, end + step);
                firmware_log_more(l, data + start, end - start);
                result = walk(l);
        }
        return result;
}

static void appraise(const uint8_t *data, size_t size, const FirmwareLog *l, LogResult result) {
        const FirmwareRequirements none = {};
        _cleanup_(check_list_done) CheckList checks = {};
        PcrInputs pcrs = { .banks = firmware_log_values(l)->banks };

        for (HashAlg alg = 0; alg < _HASH_MAX; alg++) {
                pcrs.files[alg].present = 0xffffff;
                memcpy(pcrs.files[alg].values, firmware_log_values(l)->values[alg], sizeof(pcrs.files[alg].values));
        }
        REQUIRE(firmware_appraise(&none, &pcrs, data, size, &checks) == 0);
        REQUIRE(result == LOG_END || check_list_verdict(&checks) == CHECK_FAIL);
        REQUIRE(result != LOG_END || !check_list_find(&checks, "log-structure") ||
                check_list_find(&checks, "secure-boot"));
}

static void run(const uint8_t *data, size_t size) {
        _cleanup_(firmware_log_freep) FirmwareLog *whole = NULL, *pieces = NULL;
        LogResult result;

        REQUIRE(firmware_log_new(0xf, &whole) == 0 && firmware_log_new(0xf, &pieces) == 0);
        firmware_log_more(whole, data, size);
        result = walk(whole);
        REQUIRE(firmware_log_offset(whole) <= size &&
                (result == LOG_END ? firmware_log_offset(whole) == size : *firmware_log_why(whole)));
        if (size > 0)
                REQUIRE(walk_in_pieces(pieces, data, size) == result);
        if (size > 0)
                REQUIRE(firmware_log_offset(pieces) == firmware_log_offset(whole) &&
                        memcmp(firmware_log_values(pieces), firmware_log_values(whole), sizeof(PcrValues)) == 0);
        appraise(data, size, whole, result);
}

static void seeds(void) {
        for (unsigned i = 0; i < 8; i++) {
                SimFirmware f = sim_firmware_default();
                _cleanup_(buffer_done) Buffer log = {};

                f.boot = i % _SIM_BOOT_MAX;
                f.banks = i < 4 ? bank(HASH_SHA256) : bank(HASH_SHA1) | bank(HASH_SHA384);
                f.locality = i % 4 == 3 ? 3 : -1;
                f.debugger = i % 3 == 0;
                REQUIRE(sim_firmware_log(&f, &log) == 0);
                fuzz_seed(log.data, log.size);
        }
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
