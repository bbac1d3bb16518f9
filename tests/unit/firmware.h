/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Simulated firmware logs and the PCR values that they lead to. */

#include "lib/firmware/appraise.h"
#include "lib/sim/firmware.h"
#include "tests/test.h"

/* What a log that reads well replays to, in all of the banks. */
static inline PcrInputs firmware_pcrs(const Buffer *log, BankSet banks) {
        PcrInputs in = { .banks = banks };
        FirmwareLog *l;
        FirmwareEvent e;
        LogResult result;

        assert_int_equal(firmware_log_new(banks, &l), 0);
        firmware_log_more(l, log->data, log->size);
        while ((result = firmware_log_next(l, &e)) == LOG_ENTRY)
                ;
        assert_int_equal(result, LOG_END);
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++) {
                in.files[alg].present = banks & bank(alg) ? 0xffffff : 0;
                memcpy(in.files[alg].values, firmware_log_values(l)->values[alg], sizeof(in.files[alg].values));
        }
        firmware_log_free(l);
        return in;
}

static inline void firmware_make(const SimFirmware *f, Buffer *log, PcrInputs *pcrs) {
        assert_int_equal(sim_firmware_log(f, log), 0);
        *pcrs = firmware_pcrs(log, f->banks);
}
