/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a guest did, by its log: whether its guard went the ways that the engine's table has, and did what its policy
 * demanded. For a verifier elsewhere, that believes no word of the guest but those that replay to its quote. */

#include "core/guard.h"
#include "lib/check.h"
#include "lib/evidence/evidence.h"
#include "lib/logreader.h"
#include "lib/pcrfile.h"
#include "policy/appraisal-guest.h"
#include "policy/drill.h"
#include "policy/level.h"

enum { CONDUCT_NONCE_MAX = EVIDENCE_NONCE_MAX, CONDUCT_TEXT_MAX = 256, CONDUCT_LEVELS = 32 };

/* Entries at which something was wrong: how many, and the first. */
typedef struct ConductFault {
        uint64_t count, first;
} ConductFault;

/* What is known so far. Plain values: a verifier keeps it, and goes on with what comes later. All-zero is the beginning. */
typedef struct Conduct {
        uint64_t entries, last_time;
        uint64_t resets; /* TPM resetCount of the boot record */
        uint64_t state;  /* State */
        uint64_t mode;   /* 0: not known yet, else 1 + Mode */
        uint8_t policy[SHA256_SIZE];
        uint64_t generation;
        uint64_t levels[CONDUCT_LEVELS],
                start_levels[CONDUCT_LEVELS]; /* by Watched: 1 + Level, now, and the most at any start */
        uint64_t gaps, unclean_gaps, lost;
        char reasons[CONDUCT_TEXT_MAX], taints[CONDUCT_TEXT_MAX]; /* now; of all starts */

        uint64_t demand;      /* 1 + the entry that demands a lock, which must follow at once; 0: none */
        uint64_t interrupted; /* the daemon died before it followed: it must follow at the next start */
        ConductFault unlocked, transitions, verdicts, releases;
        uint64_t lock; /* 1 + the entry with the lock plan */
        uint64_t locked;
        char lock_failure[CONDUCT_TEXT_MAX];

        uint64_t cap_pcr;                              /* 1 + register; 0: not capped */
        char bank[16];                                 /* of the next one */
        uint8_t found[DIGEST_MAX], capped[DIGEST_MAX]; /* what the register held at boot, and must hold now */

        uint64_t canary; /* 1 + entry of the last one */
        char canary_nonce[2 * CONDUCT_NONCE_MAX + 1];
        uint8_t canary_digest[SHA256_SIZE];
        uint64_t canary_seen; /* 1: it ran, and was measured; 2: it was refused; 3: it would have been */

        uint64_t drills, drill_used;           /* so many drills; things that they tried */
        char drill_id[DRILL_ID_SIZE + 1];      /* of the one that is open; "": none is */
        uint64_t drill_items[DRILL_ITEMS_MAX]; /* by DrillItem: what it has announced, and not done yet; 0: nothing */
        uint64_t drill_done;                   /* bits, by DrillItem: what of it has a record */
        ConductFault exemptions;               /* claimed by nobody's announcement, or without a record */
        ConductFault drill_let;                /* tried in enforce, and not refused */
} Conduct;

/* "gate (why)": 1 + Level, 0 for no level. */
uint64_t conduct_level(const char *text);

/* The next entry of the log. 0 or a negative errno. */
int conduct_take(Conduct *c, const LogEntry *entry);

/* What the document says beside the log, and what was quoted. */
typedef struct ConductClaims {
        const char *nonce;     /* in hexadecimal */
        const uint8_t *canary; /* SHA256_SIZE: digest of the unknown program of that nonce */
        const PcrInputs *pcrs;
        uint64_t resets;  /* resetCount of the quote */
        uint64_t entries; /* that the guest says its log has */
        const char *mode;
        const uint8_t *policy; /* SHA256_SIZE */
        const EvidenceTexts *levels;
        bool allow_simulated;
} ConductClaims;

/* Adds, each once: boot-record, guest-taints, guard-transitions, guard-state, drills, lock-on-violation, lock-plan, releases, cap,
 * gaps, losses, levels, mode, policy-digest, proof-of-denial, heartbeat. */
void conduct_judge(const Conduct *c, const GuestRequirements *q, const ConductClaims *claims, CheckList *checks);
