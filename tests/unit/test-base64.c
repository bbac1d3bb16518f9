/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "tests/test.h"

#include <errno.h>

static int decode(Base64 alphabet, const char *text, Buffer *b) {
        return base64_decode(alphabet, text, strlen(text), b);
}

/* RFC 4648, section 10. */
static void vectors_of_the_standard(void **state _unused_) {
        static const char *const plain[] = { "", "f", "fo", "foo", "foob", "fooba", "foobar" };
        static const char *const standard[] = { "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };
        static const char *const url[] = { "", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy" };

        for (size_t i = 0; i < ELEMENTSOF(plain); i++)
                for (Base64 alphabet = BASE64_STANDARD; alphabet <= BASE64_URL; alphabet++) {
                        _cleanup_(buffer_done) Buffer b = {};

                        assert_int_equal(decode(alphabet, alphabet == BASE64_URL ? url[i] : standard[i], &b), 0);
                        assert_int_equal(b.size, strlen(plain[i]));
                        if (b.size > 0)
                                assert_memory_equal(b.data, plain[i], b.size);
                }
}

static void every_digit(void **state _unused_) {
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

        for (unsigned i = 0; i < 256; i++)
                for (Base64 alphabet = BASE64_STANDARD; alphabet <= BASE64_URL; alphabet++) {
                        _cleanup_(buffer_done) Buffer b = {};
                        const char text[] = { 'A', 'A', 'A', (char) i };
                        char c = (char) i;
                        const char *at;

                        if (alphabet == BASE64_URL)
                                c = c == '-' ? '+' : c == '_' ? '/' : c == '+' || c == '/' ? '?' : c;
                        at = i != 0 ? strchr(digits, c) : NULL;
                        if (c == '=' && alphabet == BASE64_STANDARD)
                                at = digits; /* "AAA=" */
                        assert_int_equal(base64_decode(alphabet, text, 4, &b), at ? 0 : -EINVAL);
                        if (at && c != '=')
                                assert_int_equal(b.data[2], at - digits);
                }
}

static void what_no_encoder_writes(void **state _unused_) {
        static const char *const standard[] = { "Z",
                                                "Zg",
                                                "Zg=",
                                                "Zh==",
                                                "Zm9=",
                                                "Zg==Zg==",
                                                "=",
                                                "==",
                                                "====",
                                                "Z===",
                                                "Zm9v\n",
                                                " Zm9v",
                                                "Zm 9",
                                                "Zm9v=",
                                                "Zm9-_",
                                                "Zg= ",
                                                "Zm8=\n",
                                                "Z=g=",
                                                "\xff\xff\xff\xff" };
        static const char *const url[] = { "Z", "Zh", "Zm9", "Zg==", "Zm8=", "Zm+v", "Zm/v", "Zm9v\n", "Zm9vZ" };
        _cleanup_(buffer_done) Buffer b = {};

        buffer_u8(&b, 7);
        for (size_t i = 0; i < ELEMENTSOF(standard); i++)
                assert_int_equal(decode(BASE64_STANDARD, standard[i], &b), -EINVAL);
        for (size_t i = 0; i < ELEMENTSOF(url); i++)
                assert_int_equal(decode(BASE64_URL, url[i], &b), -EINVAL);
        assert_int_equal(b.size, 1); /* nothing of it stays */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(vectors_of_the_standard),
                TEST(every_digit),
                TEST(what_no_encoder_writes),
        };

        return RUN(tests);
}
