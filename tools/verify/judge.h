/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Judging evidence documents, one or many, by any number of threads. */

#include "core/appraisal.h"

/* Certificates that were verified already: documents of one machine have the same ones. */
typedef struct EndorsementCache EndorsementCache;
int endorsement_cache_new(EndorsementCache **ret); /* 0 or -ENOMEM */
EndorsementCache *endorsement_cache_free(EndorsementCache *c);
DEFINE_CLEANUP(EndorsementCache *, endorsement_cache_free)

typedef struct Judging {
        const AppraisalPolicy *policy;
        EndorsementCache *cache;
        int state; /* folder of known.h; -1: nothing is kept, and nothing known. Then one thread only */
        bool has_at;
        int64_t at; /* seconds since 1970; else now */
        bool allow_simulated;
} Judging;

/* Adds evidence-structure and, where that passed, all checks of guest_appraise(); with a folder known-guest as well. 0, or a
 * negative errno after which nothing is decided; -EBADMSG: the folder's file is damaged. */
int judge_document(const Judging *j, const void *data, size_t n, Bytes nonce, CheckList *checks);
