/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Azure's blobs and the claims in them: whatever is accepted lies within the bytes, and is written again as it was. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/sim/hcl.h"
#include "tests/fuzz/vtpm.h"

static void check_claims(Bytes text) {
        _cleanup_(hcl_claims_done) HclClaims c = {};
        const char *why = NULL;
        int r = hcl_claims_parse(text.data, text.size, &c, &why);

        REQUIRE(r == 0 ? c.json && c.modulus.size > 0 && c.modulus.data[0] != 0 && c.exponent.size > 0
                       : r == -EINVAL && why && !c.json);
}

static void run(const uint8_t *data, size_t size) {
        _cleanup_(buffer_done) Buffer again = {};
        uint8_t report_data[SNP_REPORT_DATA_SIZE];
        const char *why = NULL;
        size_t offset = SIZE_MAX;
        HclBlob b;
        int r = hcl_parse(data, size, &b, &offset, &why);

        REQUIRE(offset <= size && (r == 0 ? !why : r == -EINVAL && why));
        check_claims((Bytes){ data, size });
        if (r < 0)
                return;
        sim_hcl_write(&b, size, &again);
        REQUIRE(again.size == size);
        memcpy(again.data + 8, data + 8, 4); /* what the blob says of its own size counts for nothing */
        REQUIRE(memcmp(again.data, data, size) == 0);
        REQUIRE(hcl_report_data(&b, report_data) == 0);
        check_claims(b.claims);
}

/* The two sizes of the claims follow the bytes that are there. */
static void repair(uint8_t *data, size_t size) {
        uint32_t claims = size > HCL_CLAIMS_OFFSET ? (uint32_t) (size - HCL_CLAIMS_OFFSET) : 0, whole = claims + 20;

        for (unsigned i = 0; claims > 0 && i < 4; i++) {
                data[HCL_DATA_OFFSET + i] = (uint8_t) (whole >> 8 * i);
                data[HCL_DATA_OFFSET + 16 + i] = (uint8_t) (claims >> 8 * i);
        }
}

static void seeds(void) {
        static const uint8_t report[SNP_REPORT_SIZE], user_data[HCL_USER_DATA_SIZE] = { 1 };
        FixedKey key;

        fixed_key(TPM_ID_RSA, &key);
        for (unsigned old = 0; old < 2; old++) {
                const SimKey ak = { .public = key.public };
                _cleanup_(buffer_done) Buffer claims = {}, blob = {};

                REQUIRE(sim_hcl_claims(&ak, "7DF7B373-B947-4AAA-96E5-C358F2A03D20", old ? NULL : user_data, &claims) ==
                        0);
                sim_hcl_write(&(HclBlob){ .version = 1 + old,
                                          .hash = HASH_SHA256,
                                          .report = { report, sizeof(report) },
                                          .claims = { claims.data, claims.size } },
                              old ? 2600 : 0, &blob);
                fuzz_seed(claims.data, claims.size);
                fuzz_seed(blob.data, blob.size);
        }
}

const FuzzTarget fuzz_target = { run, seeds, repair };
