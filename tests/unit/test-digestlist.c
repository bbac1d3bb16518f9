/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/digestlist.h"

#include <errno.h>

#include "tests/test.h"

static void add_and_find(void **state _unused_) {
        uint8_t digest[DIGEST_MAX];
        DigestList l = {};

        memset(digest, 0xaa, sizeof(digest));
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++) {
                char *text = repeat('a', 2 * hash_size(alg));

                assert_false(digest_list_has(&l, alg, digest));
                assert_int_equal(digest_list_add(&l, text, strlen(text)), 0);
                assert_true(digest_list_has(&l, alg, digest));
                free(text);
        }
        digest[19] = 0xab;
        assert_false(digest_list_has(&l, HASH_SHA1, digest));
        digest_list_done(&l);
        assert_int_equal(l.size, 0);
}

static void no_digests(void **state _unused_) {
        char *text = repeat('a', 130);
        DigestList l = {};

        for (size_t n = 0; n <= 130; n++)
                if (n != 40 && n != 64 && n != 96 && n != 128)
                        assert_int_equal(digest_list_add(&l, text, n), -EINVAL);
        text[39] = 'g';
        assert_int_equal(digest_list_add(&l, text, 40), -EINVAL);
        assert_int_equal(l.size, 0);
        free(text);
}

static void full(void **state _unused_) {
        char *text = repeat('0', 40);
        DigestList l = {};

        for (size_t i = 0; i < DIGEST_LIST_MAX; i++)
                assert_int_equal(digest_list_add(&l, text, 40), 0);
        assert_int_equal(digest_list_add(&l, text, 40), -E2BIG);
        digest_list_done(&l);
        free(text);
}

int main(void) {
        const struct CMUnitTest tests[] = { TEST(add_and_find), TEST(no_digests), TEST(full) };

        return RUN(tests);
}
