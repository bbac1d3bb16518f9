/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the daemon finds at start, and what follows from it: the log, the pending file, the TPM's registers and what
 * is known of this TPM life. Always from zero, never from "what we found": whatever the register holds must be
 * explained by the log, record by record. */

#include "lib/base/macro.h"
#include "lib/pcr.h"

typedef enum ReconcileVerdict {
        RECONCILE_FRESH,    /* the first start of this TPM life: a new log begins */
        RECONCILE_CONTINUE, /* the log goes on */
        RECONCILE_TAMPERED, /* a violation; `what` and `detail` say which */
        RECONCILE_REFUSED,  /* a mistake in the configuration: do not start */
} ReconcileVerdict;

typedef struct Findings {
        const uint8_t *log; /* committed records; NULL: there is no log */
        size_t log_size;
        const uint8_t *pending; /* the pending file beside it; NULL: none (an archived log has none) */
        size_t pending_size;
        bool had_log;       /* this TPM life had a log once: /var/lib/sealwatch/life says so */
        uint64_t watermark; /* so many of its records were seen in the register */
        const char *life;   /* of the TPM now */
        uint64_t reset_count, restart_count;
        const PcrValues *pcrs;
        uint32_t measurement_pcr, cap_pcr; /* as configured */
} Findings;

typedef struct Reconciliation {
        ReconcileVerdict verdict;
        const char *what;              /* "tpm-reset", "log-cut", ...: static */
        const char *detail;            /* a sentence: static */
        bool new_log;                  /* what is there is set aside and a new log begins */
        size_t keep;                   /* bytes of the log that count; the rest is torn or bad and is cut off */
        uint64_t records, entries;     /* in those bytes */
        BankDigests value;             /* what they replay to */
        size_t owed_offset, owed_size; /* the record at the end that is not in the register yet; size 0: none */
        BankDigests owed;              /* its digests */
        uint64_t promised;             /* entries in those bytes and promised behind them; 0 unless the log goes on */
        size_t torn;                   /* bytes at the end of the pending file that were never promised */
        bool cap_recorded;             /* the log, or what was promised behind it, has a cap record */
        bool cap_is_set;               /* the cap register holds its boot value and one cap */
        bool cap_is_open;              /* it holds its boot value */
        PcrSet boot_pcrs;              /* the PCR values in the boot record that could be read */
        HashAlg boot_bank;
        uint8_t boot_values[PCR_COUNT][DIGEST_MAX];
} Reconciliation;

/* 0 with *ret, or a negative errno when it could not be decided (out of memory, no crypto). */
int reconcile(const Findings *f, Reconciliation *ret);

/* Extend the cap before anything else: its record says that it is set, or something is wrong and it is not known to be. */
static inline bool reconcile_caps(const Reconciliation *r) {
        return !r->cap_is_set && (r->cap_recorded || r->verdict == RECONCILE_TAMPERED);
}

/* A boot record is to be written: the log begins. */
static inline bool reconcile_begins(const Reconciliation *r) {
        return r->verdict == RECONCILE_FRESH || r->new_log;
}

/* The door is open and nothing speaks against looking in: harvest makes sense. */
static inline bool reconcile_opens(const Reconciliation *r) {
        return r->cap_is_open && !r->cap_recorded && r->verdict != RECONCILE_TAMPERED;
}

/* What the life file says from the start on: so many records were seen in the register. After a violation it is more than
 * any register can show, until the violation is a record that is in it: a crash in between must not forget it. Written
 * before what was found is changed. */
static inline uint64_t reconcile_watermark(const Reconciliation *r) {
        return r->verdict == RECONCILE_TAMPERED ? UINT64_MAX : r->records;
}

/* What the cap register holds after one cap, from its value before. 0 or a negative errno. */
int cap_extend(BankDigests *value);
