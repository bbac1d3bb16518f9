/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Blobs of sealed secrets: what opens is what sealed_write() makes of it, byte for byte; no shorter blob is one. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/sealed.h"

static const uint8_t key[SEALED_KEY_SIZE] = { 42 };

static void check_inside(const uint8_t *data, size_t size, const void *part, size_t n) {
        const uint8_t *p = part;

        REQUIRE(p >= data && p <= data + size && n <= (size_t) (data + size - p));
}

static void check_parts(const uint8_t *data, size_t size, const Sealed *s) {
        check_inside(data, size, s->name, s->name_size);
        check_inside(data, size, s->srk_name, s->srk_name_size);
        check_inside(data, size, s->public, s->public_size);
        check_inside(data, size, s->private, s->private_size);
        check_inside(data, size, s->associated, s->associated_size);
        check_inside(data, size, s->nonce, SEALED_NONCE_SIZE);
        check_inside(data, size, s->ciphertext, s->secret_size);
        check_inside(data, size, s->tag, SEALED_TAG_SIZE);
        REQUIRE(s->tag + SEALED_TAG_SIZE == data + size && size <= SEALED_SIZE_MAX);
        REQUIRE(secret_name_is_valid(s->name, s->name_size) && s->pcrs < 1U << PCR_COUNT && s->bank < _HASH_MAX);
}

static void run(const uint8_t *data, size_t size) {
        _cleanup_(buffer_done) Buffer again = {};
        _cleanup_free_ uint8_t *secret = NULL;
        const char *why = NULL;
        Sealed s, cut;
        size_t offset;
        int r = sealed_parse(data, size, &s, &offset, &why);

        REQUIRE(offset <= size);
        if (r < 0) {
                REQUIRE(r == -EINVAL && why);
                return;
        }
        check_parts(data, size, &s);
        for (size_t n = 0; n < size; n += 1 + n / 16)
                REQUIRE(sealed_parse(data, n, &cut, &offset, &why) == -EINVAL);
        secret = malloc(s.secret_size + 1);
        REQUIRE(secret);
        r = sealed_open(&s, key, secret);
        REQUIRE(r == 0 || r == -EBADMSG);
        if (r < 0)
                return;
        REQUIRE(sealed_write(&s, key, s.nonce, secret, s.secret_size, &again) == 0);
        REQUIRE(again.size == size && memcmp(again.data, data, size) == 0);
}

/* Seals the ciphertext once more, under the changed head. */
static void repair(uint8_t *data, size_t size) {
        _cleanup_(buffer_done) Buffer again = {};
        const char *why;
        size_t offset;
        Sealed s;

        if (sealed_parse(data, size, &s, &offset, &why) < 0)
                return;
        REQUIRE(sealed_write(&s, key, s.nonce, s.ciphertext, s.secret_size, &again) == 0 && again.size == size);
        memcpy(data, again.data, size);
}

static void seeds(void) {
        static const char *const secrets[] = { "", "hunter2", "a longer secret, longer than a block of the cipher" };
        const uint8_t nonce[SEALED_NONCE_SIZE] = { 1 }, tpm[40] = { 0, 11 };

        for (size_t i = 0; i < ELEMENTSOF(secrets); i++) {
                _cleanup_(buffer_done) Buffer b = {};
                const Sealed s = { .name = "database",
                                   .name_size = 8 - 7 * (i == 0),
                                   .bank = (HashAlg) (i + 1),
                                   .pcrs = 0x1090,
                                   .policy = { 9 },
                                   .srk_name = tpm,
                                   .srk_name_size = 34,
                                   .public = tpm,
                                   .public_size = 40,
                                   .private = tpm,
                                   .private_size = 1 };

                REQUIRE(sealed_write(&s, key, nonce, secrets[i], strlen(secrets[i]), &b) == 0);
                fuzz_seed(b.data, b.size);
        }
}

const FuzzTarget fuzz_target = { run, seeds, repair };
