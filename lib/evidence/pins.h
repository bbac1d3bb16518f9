/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What makes one guest on one machine with one TPM, and must not change from one round of attestation to the next. */

#include "lib/check.h"
#include "lib/snp/report.h"
#include "lib/tpm/public.h"

enum { PIN_VM_ID_MAX = 64, PIN_TEXT_MAX = 2 * SNP_CHIP_ID_SIZE };

/* All-zero is nothing known. */
typedef struct Pins {
        bool has_report; /* the next three */
        uint8_t report_id[SNP_REPORT_ID_SIZE], chip_id[SNP_CHIP_ID_SIZE], measurement[SNP_MEASUREMENT_SIZE];
        char vm_id[PIN_VM_ID_MAX];        /* vmUniqueId of Azure's claims; "": none */
        TpmName ak;                       /* size 0: none */
        bool has_clock;                   /* the next three */
        uint64_t resets, restarts, clock; /* of the quote; clock in milliseconds */
} Pins;

/* Takes what a report says. */
void pins_take_report(Pins *p, const SnpReport *report);

/* Takes the machine's name out of an Azure blob's claims, where there is one that can be read. 0 or -ENOMEM. */
int pins_take_claims(Pins *p, Bytes blob);

/* Adds same-report-id, same-chip-id, same-measurement, same-vm-id, same-ak, same-reset-count, restart-count and clock-forward, each
 * exactly once. What was there before and is not any more is a failure; what was not is not applicable. */
void pins_compare(const Pins *before, const Pins *now, CheckList *checks);

/* Takes over what is known now; what is not known now stays as it was. */
void pins_update(Pins *p, const Pins *now);

/* The i-th pin, as a name and a text; NULL when it is not known. i < PINS. */
enum { PINS = 8 };
const char *pins_text(const Pins *p, size_t i, char ret[PIN_TEXT_MAX + 1]);

/* Takes one that pins_text() gave. 0 or -EINVAL. */
int pins_take_text(Pins *p, const char *name, const char *text);
