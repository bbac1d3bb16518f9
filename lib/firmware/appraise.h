/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Appraisal of the firmware's log: is it whole, is it what was extended, and what does it say of the boot?
 *
 * Checks: log-structure, event-data, log-replay, firmware-error, secure-boot, debugger, sbat, boot-loader, boot-files,
 * kernel, command-line. What the log says counts only where the PCRs that hold it were given, and match. */

#include "lib/check.h"
#include "lib/digestlist.h"
#include "lib/firmware/facts.h"
#include "lib/pcrfile.h"

/* An extend that the log does not know of, and somebody else's log proves. */
typedef struct FirmwareLater {
        PcrSet pcrs;
        BankDigests digest;
} FirmwareLater;

enum { FIRMWARE_LATER_MAX = 3 };

/* What is asked beyond a log that is whole and replays: [Firmware] of sealwatch.appraisal(5). All-zero are the strict
 * defaults. A list that is empty asks nothing; else each digest of that kind in the log must be in it, and there must be
 * one. */
typedef struct FirmwareRequirements {
        bool require_secure_boot, allow_debugger;
        uint64_t minimum_sbat;        /* date of shim's SBAT level; 0: not asked */
        PcrSet continued;             /* registers that the OS goes on to extend after this log ends: not compared */
        DigestList lists[_ITEMS_MAX]; /* by FirmwareItems */
        size_t n_later;
        FirmwareLater
                later[FIRMWARE_LATER_MAX]; /* in their order, after all that the log says: none, or the first few */
} FirmwareRequirements;

void firmware_requirements_done(FirmwareRequirements *q);

/* Takes a log in pieces. */
typedef struct FirmwareAppraisal FirmwareAppraisal;

/* pcrs: what the PCRs hold; without banks there is nothing to compare with, and log-replay does not apply. Both are
 * borrowed. 0 or -ENOMEM. */
int firmware_appraisal_new(const FirmwareRequirements *q, const PcrInputs *pcrs, FirmwareAppraisal **ret);
FirmwareAppraisal *firmware_appraisal_free(FirmwareAppraisal *a);

/* The next bytes: those of the last call from *ret_used on, and more. last: there are no others. Returns 1 when there
 * should be more, 0 when all is known, or a negative errno (undecided). */
int firmware_appraisal_feed(FirmwareAppraisal *a, const void *data, size_t n, bool last, size_t *ret_used);

/* Adds the checks; behind the last feed. */
void firmware_appraisal_end(const FirmwareAppraisal *a, CheckList *checks);

/* All of it for a log in memory. 0 or a negative errno (undecided). */
int firmware_appraise(const FirmwareRequirements *q, const PcrInputs *pcrs, const void *log, size_t n,
                      CheckList *checks);
