/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Appraisal of an Azure confidential VM: the SNP report in the paravisor's blob, the claims that it binds, the vTPM's
 * attestation key in the claims, and what that key quotes. */

#include "lib/pcrfile.h"
#include "lib/snp/appraise.h"
#include "lib/tpm/ids.h"
#include "lib/tpm/requirements.h"

typedef struct AzureEvidence {
        Bytes hcl;
        SnpAppraisal snp; /* how the report is judged; which one, and its report data, come from the blob */
        const TpmRequirements *requirements;
        bool has_quote;
        Bytes quote, signature;
        const PcrInputs *pcrs;
        Bytes nonce;           /* size 0: none */
        Bytes ak_certificates; /* size 0: none */
} AzureEvidence;

/* Adds hcl-structure, all checks of the report (report-data: does it bind the claims?), paravisor, runtime-claims, ak-binding, vm-id,
 * user-data, all checks of the quote, ak-name, ak-certificate, ak-origin; each exactly once. Returns 0, or a negative errno
 * (out of memory, crypto library) after which nothing is decided. */
int azure_appraise(const AzureEvidence *evidence, CheckList *checks);
