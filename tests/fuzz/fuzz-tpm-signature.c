/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Signatures: for a key of each kind, whatever is accepted has the size that the kind has, and verifies nothing that nobody
 * signed. The first byte chooses the key. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>

#include "lib/base/cleanup.h"
#include "lib/tpm/signature.h"
#include "tests/fuzz/vtpm.h"

/* Made once: to see that a key is sound costs more than all the rest. */
static const TpmKey *key_of(uint16_t type) {
        static TpmKey keys[2];
        TpmKey *k = &keys[type == TPM_ID_RSA];
        const char *why;
        FixedKey fixed;

        fixed_key(type, &fixed);
        REQUIRE(k->pkey || tpm_key_from_public(&fixed.public, k, &why) == 0);
        return k;
}

static void run(const uint8_t *data, size_t size) {
        const char *why = NULL;
        const TpmKey *key;
        TpmSignature s;
        uint16_t scheme;
        int r;

        if (size == 0)
                return;
        key = key_of(data[0] & 1 ? TPM_ID_RSA : TPM_ID_ECC);
        r = tpm_signature_parse(data + 1, size - 1, key, &s, &why);
        REQUIRE(r == 0 || (r == -EINVAL && why));
        if (r < 0)
                return;
        REQUIRE(s.framed == (s.hash != _HASH_INVALID));
        REQUIRE(key->type == TPM_ID_RSA ? s.rsa.size == key->size : s.der_size <= sizeof(s.der));
        REQUIRE(tpm_signature_verify(&s, key, TPM_ID_NULL, s.framed ? s.hash : HASH_SHA256, data, size, &scheme) == 0);
}

static void seeds(void) {
        _cleanup_(buffer_done) Buffer rsa = {}, framed_rsa = {}, plain = {}, framed_ecc = {};
        uint8_t bytes[256] = { 0x12 };

        buffer_u8(&rsa, 1);
        buffer_bytes(&rsa, bytes, 256);
        fuzz_seed(rsa.data, rsa.size);
        buffer_u8(&framed_rsa, 1);
        buffer_u32be(&framed_rsa, 0x0014000b);
        buffer_tpm2b(&framed_rsa, bytes, 256);
        fuzz_seed(framed_rsa.data, framed_rsa.size);
        buffer_u8(&plain, 0);
        buffer_bytes(&plain, bytes, 64);
        fuzz_seed(plain.data, plain.size);
        buffer_u8(&framed_ecc, 0);
        buffer_u32be(&framed_ecc, 0x0018000b);
        buffer_tpm2b(&framed_ecc, bytes, 32);
        buffer_tpm2b(&framed_ecc, bytes, 32);
        fuzz_seed(framed_ecc.data, framed_ecc.size);
        fuzz_seed("\x00\x30\x06\x02\x01\x01\x02\x01\x01", 9);
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
