/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What an appraisal asks of a vTPM beyond sound signatures. [Tpm] of sealwatch.appraisal(5). All-zero are the defaults:
 * nothing is pinned, nothing is asked for. */

#include "lib/pcr.h"

typedef struct TpmRequirements {
        char *ak_names;            /* Names in hexadecimal, by blanks; NULL: not pinned */
        char *ak_roots;            /* SHA-256 of certificates that issue AK certificates, the same */
        char *vm_ids;              /* vmUniqueId, the same */
        PcrSet pcrs;               /* must be quoted, in every bank that is quoted */
        bool require_strong_bank;  /* a bank stronger than SHA-1 must be quoted; no setting: whole evidence asks it */
        bool require_ak_origin;    /* a key that nobody else vouches for is a failure */
        bool require_fresh_report; /* the hardware report itself must answer the nonce */
} TpmRequirements;

void tpm_requirements_done(TpmRequirements *q);

/* Is the text one of the words? Hexadecimal digits may be of either case. */
bool tpm_requirements_have(const char *words, const char *text);
