/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Appraisal of a guest whose vTPM an SVSM provides: the report, and the endorsement key (EK) that it binds. That an
 * attestation key lives in the same vTPM is then shown by activating a credential, which no verifier can do after the fact. */

#include "lib/snp/appraise.h"
#include "lib/svsm/manifest.h"

typedef struct SvsmEvidence {
        SnpAppraisal snp; /* the report and how it is judged; its report data comes from nonce and manifest */
        Bytes manifest;
        uint8_t nonce[SVSM_NONCE_SIZE];
} SvsmEvidence;

/* Adds all checks of the report (report-data: does it bind nonce and manifest?), svsm-manifest and ek-binding; each exactly
 * once. Returns 0, or a negative errno (out of memory, crypto library) after which nothing is decided. */
int svsm_appraise(const SvsmEvidence *evidence, CheckList *checks);
