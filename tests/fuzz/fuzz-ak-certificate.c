/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files with certificates of an attestation key. The corpus has a chain for the fixed key, whose root is pinned: what passes
 * is that chain, whatever stands around it, and it passes only while it is valid. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>

#include "lib/base/cleanup.h"
#include "lib/tpm/certificate.h"
#include "tests/fuzz/vtpm.h"

static CheckResult appraise(const uint8_t *data, size_t size, const TpmKey *key, const TpmRequirements *q,
                            int64_t at) {
        _cleanup_(check_list_done) CheckList checks = {};
        CheckResult result;

        REQUIRE(ak_certificate_appraise((Bytes){ data, size }, key, q, at, &checks, &result) == 0);
        REQUIRE(checks.size == 1 && checks.items[0].result == result && !checks.incomplete);
        return result;
}

static void run(const uint8_t *data, size_t size) {
        enum { WHEN_VALID = 1800000000 };
        const TpmRequirements pinned = {
                .ak_roots = (char *) "afbbc313eda9ec487d808daa7736370e0590179be5e8be2c629d854378808908"
        };
        _cleanup_(tpm_key_done) TpmKey key = {};
        const char *why;
        FixedKey fixed;
        CheckResult result;

        fixed_key(TPM_ID_ECC, &fixed);
        REQUIRE(tpm_key_from_public(&fixed.public, &key, &why) == 0);
        result = appraise(data, size, &key, &pinned, WHEN_VALID);
        REQUIRE(result == CHECK_PASS || result == CHECK_FAIL);
        REQUIRE(appraise(data, size, &key, &pinned, 0) == CHECK_FAIL);
        REQUIRE(appraise(data, size, &key, &(TpmRequirements){}, WHEN_VALID) != CHECK_PASS);
}

static void seeds(void) {
        fuzz_seed_text("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
