/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The attestation blob of Azure's paravisor (NV index 0x01400001 of the vTPM; OpenVMM, openhcl_attestation_protocol,
 * igvm_attest/get.rs). All integers are little endian. Nothing of it is signed but the SNP report inside, and the claims
 * through its report data.
 *
 *    0  "HCLA" | version u32, 1 or 2 | report_size u32 | request_type u32, 2 | status u32, 0 | 12 reserved bytes, 0
 *   32  SNP ATTESTATION_REPORT, 1184 bytes
 * 1216  data_size u32, 20 + claims | version u32, 1 | report_type u32, 2 is SNP | hash_type u32, 1 to 3 is SHA-256, -384,
 *       -512 | variable_data_size u32, claims
 * 1236  runtime claims: JSON | zeros up to the end of the NV index */

#include "lib/digest.h"
#include "lib/snp/report.h"
#include "lib/tpm/ids.h"

enum {
        HCL_REPORT_OFFSET = 32,
        HCL_DATA_OFFSET = HCL_REPORT_OFFSET + SNP_REPORT_SIZE,
        HCL_CLAIMS_OFFSET = 1236,
        HCL_MAX = 65536
};

typedef struct HclBlob {
        uint32_t version, stated_size; /* report_size: what the paravisor says, and nobody relies on */
        HashAlg hash;                  /* of the claims in the report data */
        Bytes report, claims;          /* borrowed */
} HclBlob;

/* Parses n bytes that are one blob with an SNP report, and zeros behind. 0, or -EINVAL with a static sentence and an
 * offset. */
int hcl_parse(const void *data, size_t n, HclBlob *ret, size_t *reterr_offset, const char **reterr_why);

/* The report data that binds these claims: their digest, exactly as the bytes are, and zeros. 0, -ENOMEM, -EIO. */
int hcl_report_data(const HclBlob *blob, uint8_t ret[SNP_REPORT_DATA_SIZE]);
