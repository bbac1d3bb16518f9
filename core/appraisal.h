/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The whole judgement of a guest: its evidence, and what it did by its log, with what is known of it from before. */

#include "core/conduct.h"
#include "lib/evidence/appraise.h"
#include "policy/appraisal.h"

/* What a verifier keeps of a guest, by the Name of its attestation key. Plain values. */
typedef struct KnownGuest {
        uint64_t resets, restarts, clock; /* of the last quote */
        uint8_t report_id[SNP_REPORT_ID_SIZE];
        EvidenceBase base;
        Conduct conduct; /* up to there */
} KnownGuest;

typedef struct GuestAppraisal {
        const Evidence *evidence;
        Bytes nonce; /* that was asked */
        const AppraisalPolicy *policy;
        const SnpEndorsements *endorsements; /* NULL: to be read from the evidence */
        const KnownGuest *known;             /* NULL: nothing is */
        int64_t at;                          /* seconds since 1970 */
        bool allow_simulated;
} GuestAppraisal;

typedef struct GuestFindings {
        TpmName ak_name;   /* size 0: no key */
        bool has_report;   /* report_id of `next` is one */
        bool is_authentic; /* what is in `next` is proven, whatever else may be wrong with the guest */
        KnownGuest next;
} GuestFindings;

/* Adds all checks of evidence_appraise() and conduct_judge(), and quote-order. 0, or a negative errno after which nothing is
 * decided. */
int guest_appraise(const GuestAppraisal *a, CheckList *checks, GuestFindings *ret);

/* Reads the Name of the evidence's key, by which a verifier finds what it knows. 0, -EINVAL: there is no such key; -ENOMEM,
 * -EIO. */
int guest_name(const Evidence *e, TpmName *ret);
