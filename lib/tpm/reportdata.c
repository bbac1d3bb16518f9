/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a report is asked for with. */

#include "lib/tpm/reportdata.h"

#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"

int ak_report_data(const void *nonce, size_t n, const TpmName *ak_name, uint8_t ret[AK_REPORT_DATA_SIZE]) {
        _cleanup_(buffer_done) Buffer text = {};
        uint8_t name[SHA256_SIZE];
        Digest digest;
        int r = sha256(ak_name->bytes, ak_name->size, name);

        if (r < 0)
                return r;
        buffer_string(&text, "sealwatch-evidence-v1");
        buffer_bytes(&text, nonce, n);
        buffer_bytes(&text, name, sizeof(name));
        r = buffer_error(&text);
        if (r >= 0)
                r = digest_data(HASH_SHA512, text.data, text.size, &digest);
        if (r >= 0)
                memcpy(ret, digest.bytes, AK_REPORT_DATA_SIZE);
        return r;
}
