/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Public keys of TPMs, and in PEM or DER: whatever is accepted is a sound key, and of a public area that is accepted the
 * parts lie within it. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>

#include "lib/base/cleanup.h"
#include "lib/tpm/key.h"
#include "tests/fuzz/vtpm.h"

static void check_key(int r, TpmKey *k, const char *why) {
        char kind[16];

        REQUIRE(r == 0 || (r == -EINVAL && why));
        if (r < 0)
                return;
        REQUIRE(k->pkey && k->bits <= 8 * k->size && k->size <= 512 && tpm_key_equal(k, k) && *tpm_key_kind(k, kind));
        tpm_key_done(k);
}

static bool is_within(const uint8_t *data, size_t size, Bytes b) {
        return b.size == 0 || (b.data >= data && b.data + b.size <= data + size);
}

static void run(const uint8_t *data, size_t size) {
        const char *why = NULL;
        TpmName name;
        TpmPublic p;
        TpmKey k;
        int r = tpm_public_parse(data, size, &p, &why);

        REQUIRE(r == 0 || (r == -EINVAL && why));
        if (r == 0) {
                REQUIRE(is_within(data, size, p.encoded) && is_within(data, size, p.x) && is_within(data, size, p.y));
                REQUIRE(tpm_public_name(&p, &name) == 0 && name.size <= sizeof(name.bytes));
                (void) tpm_public_weakness(&p);
                r = tpm_key_from_public(&p, &k, &why);
                check_key(r, &k, why);
        }
        why = NULL;
        r = tpm_key_from_pem((const char *) data, size, &k, &why);
        check_key(r, &k, why);
}

static void seeds(void) {
        static const uint16_t types[] = { TPM_ID_RSA, TPM_ID_ECC };

        for (size_t i = 0; i < ELEMENTSOF(types); i++) {
                _cleanup_(buffer_done) Buffer plain = {}, sized = {};
                FixedKey k;

                fixed_key(types[i], &k);
                tpm_public_write(&k.public, &plain);
                buffer_tpm2b(&sized, plain.data, plain.size);
                fuzz_seed(plain.data, plain.size);
                fuzz_seed(sized.data, sized.size);
        }
        fuzz_seed_text("-----BEGIN PUBLIC KEY-----\n"
                       "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEVBcu8otC6E43QGlaVOucoGSxQsyx\n"
                       "Jbswtpw0b4+UHa2ixmA7dQVaaG4tDH14o7EODs0BNW+3AWi6JcrTdXbHQw==\n"
                       "-----END PUBLIC KEY-----\n");
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
