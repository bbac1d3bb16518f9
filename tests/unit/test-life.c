/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/life.h"
#include "tests/test.h"

#include <errno.h>

static void one_line_and_back(void **state _unused_) {
        const Life l = { .name = "18-0123456789abcdef", .watermark = UINT64_MAX };
        char text[LIFE_TEXT_MAX];
        size_t n = life_format(&l, text);
        Life again;

        assert_string_equal(text, "sealwatch-life 1 18-0123456789abcdef 18446744073709551615\n");
        assert_int_equal(n, strlen(text));
        assert_int_equal(life_parse(text, n, &again), 0);
        assert_string_equal(again.name, l.name);
        assert_true(again.watermark == l.watermark);
}

static void names_tell_lives_and_tpms_apart(void **state _unused_) {
        char a[LIFE_NAME_MAX + 1], b[LIFE_NAME_MAX + 1];

        /* printf abc | sha256sum */
        assert_int_equal(life_name(7, "abc", 3, a), 0);
        assert_string_equal(a, "7-ba7816bf8f01cfea");
        assert_int_equal(life_name(8, "abc", 3, b), 0);
        assert_string_not_equal(a, b);
        assert_int_equal(life_name(7, "abd", 3, b), 0);
        assert_string_not_equal(a, b);
        assert_int_equal(life_name(UINT64_MAX, "abc", 3, a), 0);
        assert_true(strlen(a) <= LIFE_NAME_MAX);
}

static void one_form_only(void **state _unused_) {
        static const char *const wrong[] = {
                "",
                "sealwatch-life 1 ",
                "sealwatch-life 1 18-ab",
                "sealwatch-life 1 18-ab 5",
                "sealwatch-life 1 18-ab 5\n\n",
                "sealwatch-life 1 18-ab  5\n",
                "sealwatch-life 1 18-ab 05\n",
                "sealwatch-life 1 18-ab -5\n",
                "sealwatch-life 1 18-ab +5\n",
                "sealwatch-life 1 18-AB 5\n",
                "sealwatch-life 1 18/ab 5\n",
                "sealwatch-life 2 18-ab 5\n",
                "sealwatch-life 1  18-ab 5\n",
                "sealwatch-life 1 18-ab 18446744073709551616\n",
                "sealwatch-life 1 00000000000000000000000000000000000000000 5\n", /* 41 digits */
                "sealwatch-life 1 18-ab 5\nsealwatch-life 1 18-ab 5\n",
                "sealwatch-life 1 0000000000000000000000000000000000000000 18446744073709551615 and so on and so on\n",
        };
        Life l;

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                assert_int_equal(life_parse(wrong[i], strlen(wrong[i]), &l), -EINVAL);
        assert_int_equal(life_parse("sealwatch-life 1 18-ab 5\n\0", 26, &l), -EINVAL);
        assert_int_equal(life_parse("sealwatch-life 1 18-ab 5\n", 25, &l), 0);
}

/* What is no string but bytes with an end. */
static void reads_no_byte_too_many(void **state _unused_) {
        static const char text[] = "sealwatch-life 1 18-ab 5\n";

        for (size_t n = 0; n < strlen(text); n++) {
                char *copy = malloc(n + 1);
                Life l;

                assert_non_null(copy);
                memcpy(copy, text, n);
                copy = realloc(copy, n > 0 ? n : 1);
                assert_int_equal(life_parse(copy, n, &l), -EINVAL);
                free(copy);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(one_line_and_back),
                TEST(names_tell_lives_and_tpms_apart),
                TEST(one_form_only),
                TEST(reads_no_byte_too_many),
        };

        return RUN(tests);
}
