/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A simulated paravisor. */

#include "lib/sim/hcl.h"

#include <errno.h>
#include <openssl/evp.h>

#include "lib/base/cleanup.h"
#include "lib/base/hex.h"

enum { MODULUS_MAX = 512, HEADER_REQUEST = 2, DATA_SNP = 2 };

/* base64url without padding, which OpenSSL's encoder does not know. */
static void base64url(const uint8_t *data, size_t n, char ret[MODULUS_MAX * 2]) {
        char *p = ret;

        EVP_EncodeBlock((unsigned char *) ret, data, (int) n);
        for (; *p != '\0' && *p != '='; p++)
                *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
        *p = '\0';
}

int sim_hcl_claims(const SimKey *ak, const char *vm_id, const uint8_t user_data[HCL_USER_DATA_SIZE], Buffer *ret) {
        char modulus[MODULUS_MAX * 2], digits[2 * HCL_USER_DATA_SIZE + 1];
        json_auto_t *claims = NULL;
        _cleanup_free_ char *text = NULL;

        base64url(ak->public.x.data, ak->public.x.size, modulus);
        claims = json_pack("{s:[{s:s,s:[s],s:s,s:s,s:s}],s:{s:b,s:b,s:b,s:s}}", "keys", "kid", "HCLAkPub", "key_ops",
                           "sign", "kty", "RSA", "e", "AQAB", "n", modulus, "vm-configuration", "console-enabled", 1,
                           "secure-boot", 1, "tpm-enabled", 1, "vmUniqueId", vm_id);
        if (claims && user_data &&
            json_object_set_new(claims, "user-data", json_string(hex_encode(user_data, HCL_USER_DATA_SIZE, digits))) <
                    0)
                return -ENOMEM;
        text = claims ? json_dumps(claims, JSON_COMPACT) : NULL;
        if (!text)
                return -ENOMEM;
        buffer_string(ret, text);
        return buffer_error(ret);
}

static uint32_t hash_type(HashAlg hash) {
        return hash == HASH_SHA256 ? 1 : hash == HASH_SHA384 ? 2 : 3;
}

void sim_hcl_write(const HclBlob *blob, size_t room, Buffer *ret) {
        size_t start = ret->size;
        uint32_t claims = (uint32_t) blob->claims.size;

        buffer_string(ret, "HCLA");
        buffer_u32le(ret, blob->version);
        buffer_u32le(ret, HCL_CLAIMS_OFFSET + claims);
        buffer_u32le(ret, HEADER_REQUEST);
        for (unsigned i = 0; i < 4; i++) /* status, reserved */
                buffer_u32le(ret, 0);
        buffer_bytes(ret, blob->report.data, SNP_REPORT_SIZE);
        buffer_u32le(ret, HCL_CLAIMS_OFFSET - HCL_DATA_OFFSET + claims);
        buffer_u32le(ret, 1);
        buffer_u32le(ret, DATA_SNP);
        buffer_u32le(ret, hash_type(blob->hash));
        buffer_u32le(ret, claims);
        buffer_bytes(ret, blob->claims.data, claims);
        while (!ret->failed && ret->size - start < room)
                buffer_u8(ret, 0);
}
