/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "policy/match.h"
#include "tests/test.h"

/* Words divided by blanks, each perhaps with an exclamation mark. */
static Match make(const char *words) {
        Match m = {};

        while (*words) {
                size_t n = strcspn(words, " ");
                bool negated = *words == '!';

                assert_int_equal(match_add(&m, words + negated, n - negated, negated, (unsigned) (words[n - 1] - '0')),
                                 0);
                words += n + (words[n] == ' ');
        }
        return m;
}

static void words_are_ored_and_exclusions_win(void **state _unused_) {
        static const struct {
                const char *words, *text;
                bool expected;
        } cases[] = {
                { "", "/x", true },
                { "/usr/*", "/usr/bin/true", true }, /* a star also matches slashes */
                { "/usr/*", "/usr", false },
                { "/usr/*", "/opt/usr/x", false },
                { "/a /b", "/b", true },
                { "/a /b", "/c", false },
                { "!/a", "/a", false },
                { "!/a", "/b", true },
                { "!/a !/b", "/b", false },
                { "!/a !/b", "/c", true },
                { "/usr/* !/usr/local/*", "/usr/bin/x", true },
                { "/usr/* !/usr/local/*", "/usr/local/x", false },
                { "!/usr/local/* /usr/*", "/usr/local/x", false }, /* whatever the order */
                { "/usr/* !/usr/local/*", "/opt/x", false },
                { "/x?z", "/xyz", true },
                { "/x[a-c]", "/xb", true },
                { "/x[!a-c]", "/xb", false },
                { "*", "", true },
                { "/*", "/.hidden", true },
                { "/\\*", "/*", true },
                { "/\\*", "/x", false },
                { "/USR", "/usr", false },
                { "/x\xff*", "/x\xffy", true }, /* bytes, not characters */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Match m = make(cases[i].words);

                assert_int_equal(match_test(&m, match_glob, cases[i].text), cases[i].expected);
                match_done(&m);
        }
}

/* What could not be read matches no pattern: excluding it is not proven, asking for it is not met. */
static void unknown_text_matches_nothing(void **state _unused_) {
        Match plain = make("*"), negated = make("!*"), none = {};

        assert_false(match_test(&plain, match_glob, NULL));
        assert_true(match_test(&negated, match_glob, NULL));
        assert_true(match_test(&none, match_glob, NULL));
        match_done(&plain);
        match_done(&negated);
        match_done(&none);
        match_done(&none);
}

static void numbers(void **state _unused_) {
        Match m = make("x3 !y5");

        for (uint32_t n = 0; n < 8; n++)
                assert_int_equal(match_test(&m, match_number, &n), n == 3);
        match_done(&m);
}

static void words_need_no_end(void **state _unused_) {
        Match m = {};

        assert_int_equal(match_add(&m, "/abcdef", 4, false, 0), 0);
        assert_true(match_test(&m, match_glob, "/abc"));
        assert_false(match_test(&m, match_glob, "/abcd"));
        match_done(&m);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(words_are_ored_and_exclusions_win),
                TEST(unknown_text_matches_nothing),
                TEST(numbers),
                TEST(words_need_no_end),
        };

        return RUN(tests);
}
