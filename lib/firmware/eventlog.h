/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The log of what the firmware and the boot loaders extended, in the crypto-agile format (TCG PC Client Platform Firmware
 * Profile 1.06, section 10), as in /sys/kernel/security/tpm0/binary_bios_measurements. Little endian:
 *
 *   TCG_PCR_EVENT, once: u32 PCR (0) | u32 type (EV_NO_ACTION) | 20 zero bytes | u32 size | TCG_EfiSpecIDEvent
 *   TCG_EfiSpecIDEvent:  "Spec ID Event03" NUL | u32 class | u8 minor, major, errata, uintn size | u32 algorithms |
 *                        for each of them u16 id, u16 digest size | u8 size of vendor info | vendor info
 *   TCG_PCR_EVENT2, any: u32 PCR | u32 type | u32 digests | for each of them u16 algorithm, digest | u32 size | data
 *
 * An EV_NO_ACTION event extends nothing. One of them, "StartupLocality" NUL | u8 locality, says what PCR 0 starts with.
 *
 * The reader refuses what does not fit together: algorithms that are repeated, not announced or of a wrong size, a PCR
 * that does not exist, digests in an event that extends nothing, a locality that comes too late or twice. */

#include <stdbool.h>

#include "lib/logresult.h"
#include "lib/pcr.h"

enum {
        FIRMWARE_ALGORITHMS_MAX = 16,
        FIRMWARE_DATA_MAX = 4 * 1024 * 1024, /* of one event; the largest ones seen are some 20 KiB */
};

/* One event; pointers lead into the log's bytes. */
typedef struct FirmwareEvent {
        uint64_t number; /* the Spec ID event is 0 */
        uint32_t pcr, type;
        BankDigests digests; /* in the banks that this project knows */
        const uint8_t *data;
        size_t size;
} FirmwareEvent;

typedef struct FirmwareLog FirmwareLog;

/* banks: those to replay, as far as the log has them. 0 or -ENOMEM. */
int firmware_log_new(BankSet banks, FirmwareLog **ret);
FirmwareLog *firmware_log_free(FirmwareLog *l);

/* The log's bytes from firmware_log_offset() on (borrowed): at first, and after LOG_END or LOG_TRUNCATED more. */
void firmware_log_more(FirmwareLog *l, const void *data, size_t n);

/* The next event, replayed. Once it returned anything but LOG_ENTRY it returns that again, until there is more. */
LogResult firmware_log_next(FirmwareLog *l, FirmwareEvent *ret);

const char *firmware_log_why(const FirmwareLog *l); /* why LOG_TRUNCATED or LOG_BAD: a static sentence */
uint64_t firmware_log_offset(const FirmwareLog *l); /* of the event at fault, or behind the last good one */
uint64_t firmware_log_events(const FirmwareLog *l); /* with the Spec ID event */

/* The banks that the log announces, of those that this project knows; how many algorithms it announces beside them. */
BankSet firmware_log_banks(const FirmwareLog *l);
unsigned firmware_log_unknown_algorithms(const FirmwareLog *l);

/* What the PCRs must hold: banks to replay that the log announces. PCRs without an event hold what they start with. */
const PcrValues *firmware_log_values(const FirmwareLog *l);
PcrSet firmware_log_extended(const FirmwareLog *l); /* those with events */

/* The number of the first event that extends, but not this bank; 0 when there is none. */
uint64_t firmware_log_gap(const FirmwareLog *l, HashAlg alg);

/* The locality that the TPM was started from: what PCR 0 starts with. -1 when the log does not say (it is 0 then). */
int firmware_log_locality(const FirmwareLog *l);
