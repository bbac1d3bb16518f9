/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "lib/sealed.h"
#include "tests/test.h"

#include <errno.h>

static const uint8_t key[SEALED_KEY_SIZE] = { 1 }, nonce[SEALED_NONCE_SIZE] = { 2 };
static const uint8_t tpm_bytes[SEALED_TPM_MAX + 1] = { 3 };
static const char secret[] = "correct horse battery staple";

static Sealed head(void) {
        return (Sealed){
                .name = "db-password",
                .name_size = strlen("db-password"),
                .bank = HASH_SHA256,
                .pcrs = 1U << 7 | 1U << 12,
                .policy = { 9 },
                .srk_name = tpm_bytes,
                .srk_name_size = 34,
                .public = tpm_bytes,
                .public_size = 78,
                .private = tpm_bytes,
                .private_size = 160,
        };
}

static void seal(const Sealed *s, const void *data, size_t n, Buffer *ret) {
        assert_int_equal(sealed_write(s, key, nonce, data, n, ret), 0);
}

static int parse(const void *data, size_t n, Sealed *ret) {
        const char *why = NULL;
        size_t offset = SIZE_MAX;
        int r = sealed_parse(data, n, ret, &offset, &why);

        assert_true(offset <= n);
        if (r < 0)
                assert_true(why && *why);
        return r;
}

static void opens_what_was_sealed(void **state _unused_) {
        _cleanup_(buffer_done) Buffer b = {};
        const Sealed s = head();
        char opened[sizeof(secret)] = "";
        Sealed p;

        seal(&s, secret, sizeof(secret), &b);
        assert_true(b.size <= SEALED_SIZE_MAX);
        assert_int_equal(parse(b.data, b.size, &p), 0);
        assert_int_equal(p.name_size, s.name_size);
        assert_memory_equal(p.name, s.name, s.name_size);
        assert_int_equal(p.bank, HASH_SHA256);
        assert_int_equal(p.pcrs, s.pcrs);
        assert_memory_equal(p.policy, s.policy, SHA256_SIZE);
        assert_int_equal(p.srk_name_size, 34);
        assert_int_equal(p.public_size, 78);
        assert_int_equal(p.private_size, 160);
        assert_memory_equal(p.private, tpm_bytes, 160);
        assert_int_equal(p.secret_size, sizeof(secret));
        assert_int_equal(sealed_open(&p, key, opened), 0);
        assert_string_equal(opened, secret);
        for (size_t i = 0; i + sizeof(secret) <= b.size; i++) /* not in the blob */
                assert_memory_not_equal(b.data + i, secret, sizeof(secret));
}

/* Bytes at the places that the header promises. */
static void layout(void **state _unused_) {
        _cleanup_(buffer_done) Buffer b = {};
        const Sealed s = head();
        const uint8_t *p;

        seal(&s, "x", 1, &b);
        p = b.data;
        assert_memory_equal(p, "SWSEAL\0\1", 8);
        assert_int_equal(p[8] | p[9] << 8, 11);
        assert_memory_equal(p + 10, "db-password", 11);
        assert_int_equal(p[21] | p[22] << 8, 0x000b);
        assert_int_equal(p[23] | p[24] << 8, 1 << 7 | 1 << 12);
        assert_int_equal(p[27], 9);
        assert_int_equal(p[59] | p[60] << 8, 34);
        assert_int_equal(p[95] | p[96] << 8, 78);
        assert_int_equal(p[175] | p[176] << 8, 160);
        assert_memory_equal(p + 337, nonce, SEALED_NONCE_SIZE);
        assert_int_equal(p[349] | p[350] << 8 | p[351] << 16 | p[352] << 24, 1);
        assert_int_equal(b.size, 353 + 1 + SEALED_TAG_SIZE);
}

static void every_flip_is_refused(void **state _unused_) {
        _cleanup_(buffer_done) Buffer b = {};
        const Sealed s = head();
        size_t not_parsed = 0, not_opened = 0;

        seal(&s, secret, sizeof(secret), &b);
        for (size_t i = 0; i < b.size; i++)
                for (unsigned flip = 1; flip < 256; flip++) {
                        uint8_t opened[sizeof(secret)];
                        Sealed p;

                        b.data[i] ^= (uint8_t) flip;
                        memset(opened, 0x55, sizeof(opened));
                        if (parse(b.data, b.size, &p) < 0)
                                not_parsed++;
                        else {
                                assert_true(p.secret_size <= sizeof(opened));
                                assert_int_equal(sealed_open(&p, key, opened), -EBADMSG);
                                for (size_t k = 0; k < p.secret_size; k++)
                                        assert_int_equal(opened[k], 0); /* wiped */
                                not_opened++;
                        }
                        b.data[i] ^= (uint8_t) flip;
                }
        assert_true(not_parsed > 0 && not_opened > 0);
}

static void another_key_is_refused(void **state _unused_) {
        _cleanup_(buffer_done) Buffer b = {};
        const Sealed s = head();
        char opened[sizeof(secret)] = "untouched";
        Sealed p;

        seal(&s, secret, sizeof(secret), &b);
        assert_int_equal(parse(b.data, b.size, &p), 0);
        for (size_t i = 0; i < SEALED_KEY_SIZE; i++) {
                uint8_t other[SEALED_KEY_SIZE];

                memcpy(other, key, sizeof(other));
                other[i] ^= 0x80;
                assert_int_equal(sealed_open(&p, other, opened), -EBADMSG);
                assert_int_equal(opened[0], 0);
        }
}

static void every_cut_and_everything_behind_is_refused(void **state _unused_) {
        _cleanup_(buffer_done) Buffer b = {};
        const Sealed s = head();
        Sealed p;

        seal(&s, secret, sizeof(secret), &b);
        for (size_t n = 0; n < b.size; n++) {
                _cleanup_free_ uint8_t *copy = malloc(n + 1);

                memcpy(copy, b.data, n);
                assert_int_equal(parse(copy, n, &p), -EINVAL);
        }
        buffer_u8(&b, 0);
        assert_int_equal(parse(b.data, b.size, &p), -EINVAL);
}

static void sizes_from_nothing_to_the_limit(void **state _unused_) {
        static uint8_t big[SECRET_SIZE_MAX + 1], opened[SECRET_SIZE_MAX];
        static const size_t sizes[] = { 0, 1, 16, SECRET_SIZE_MAX };
        const Sealed s = head();
        Random random = random_new(7);

        random_fill(&random, big, sizeof(big));
        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                _cleanup_(buffer_done) Buffer b = {};
                Sealed p;

                seal(&s, big, sizes[i], &b);
                assert_int_equal(parse(b.data, b.size, &p), 0);
                assert_int_equal(sealed_open(&p, key, opened), 0);
                assert_memory_equal(opened, big, sizes[i]);
        }
        Buffer b = {};
        assert_int_equal(sealed_write(&s, key, nonce, big, sizeof(big), &b), -EINVAL);
        assert_null(b.data);
}

static void a_head_that_cannot_be_read_is_not_written(void **state _unused_) {
        static const size_t wrong_sizes[] = { 0, SEALED_TPM_MAX + 1 };
        Buffer b = {};
        Sealed s;

#define REFUSED(change)                                                                                               \
        s = head();                                                                                                   \
        change;                                                                                                       \
        assert_int_equal(sealed_write(&s, key, nonce, "x", 1, &b), -EINVAL)
        REFUSED(s.name = "a/b"; s.name_size = 3);
        REFUSED(s.name_size = 0);
        REFUSED(s.pcrs = 0);
        REFUSED(s.pcrs = 1U << 24);
        REFUSED(s.bank = _HASH_INVALID);
        for (size_t i = 0; i < ELEMENTSOF(wrong_sizes); i++) {
                REFUSED(s.srk_name_size = wrong_sizes[i]);
                REFUSED(s.public_size = wrong_sizes[i]);
                REFUSED(s.private_size = wrong_sizes[i]);
        }
        REFUSED(s.srk_name_size = 2 + DIGEST_MAX + 1);
#undef REFUSED
        assert_null(b.data);
}

static void names_are_those_of_credentials(void **state _unused_) {
        _cleanup_free_ char *longest = repeat('n', SECRET_NAME_MAX), *longer = repeat('n', SECRET_NAME_MAX + 1);
        static const char *const good[] = { "a", "db-password", "a.b", "...", ".hidden", "x@y,z=~", "\"\\" };
        static const char *const bad[] = { "", ".", "..", "a/b", "a b", "a:b", "a\nb", "a\x7f", "\xc3\xa4", "/" };

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                assert_true(secret_name_is_valid(good[i], strlen(good[i])));
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_false(secret_name_is_valid(bad[i], strlen(bad[i])));
        assert_false(secret_name_is_valid("a\0b", 3));
        assert_true(secret_name_is_valid(longest, SECRET_NAME_MAX));
        assert_false(secret_name_is_valid(longer, SECRET_NAME_MAX + 1));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(opens_what_was_sealed),
                TEST(layout),
                TEST(every_flip_is_refused),
                TEST(another_key_is_refused),
                TEST(every_cut_and_everything_behind_is_refused),
                TEST(sizes_from_nothing_to_the_limit),
                TEST(a_head_that_cannot_be_read_is_not_written),
                TEST(names_are_those_of_credentials),
        };

        return RUN(tests);
}
