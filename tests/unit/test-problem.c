/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "lib/problem.h"
#include "tests/test.h"

static void formats_what_is_known(void **state _unused_) {
        static const char *const expected[] = { "x 1", "f: x 2", "f:3: x 3", "f:3:7: x 4" };
        ProblemList l = {};

        assert_true(problem_list_is_empty(&l));
        problem_add(&l, NULL, 3, 7, "x %d", 1);
        problem_add(&l, "f", 0, 7, "x %d", 2);
        problem_add(&l, "f", 3, 0, "x %d", 3);
        problem_add(&l, "f", 3, 7, "x %d", 4);
        assert_false(problem_list_is_empty(&l));
        assert_int_equal(l.size, ELEMENTSOF(expected));
        for (size_t i = 0; i < l.size; i++) {
                _cleanup_free_ char *text = problem_format(&l.items[i]);

                assert_string_equal(text, expected[i]);
        }
        problem_list_done(&l);
        assert_true(problem_list_is_empty(&l));
        problem_list_done(&l);
}

static void more_are_counted(void **state _unused_) {
        ProblemList l = {};

        for (unsigned i = 0; i < PROBLEMS_MAX + 5; i++)
                problem_add(&l, "f", i, 0, "x");
        assert_int_equal(l.size, PROBLEMS_MAX);
        assert_int_equal(l.dropped, 5);
        problem_list_done(&l);
        l.dropped = 1;
        assert_false(problem_list_is_empty(&l)); /* a problem that there was no memory for is one */
}

static void the_word_that_was_meant(void **state _unused_) {
        static const char *const words[] = { "Event", "Path", "User", "Unit", "Reference", "Action", NULL };
        static const struct {
                const char *word, *expected;
        } cases[] = {
                { "Acton", "Action" },
                { "action", "Action" },
                { "ACTION", "Action" },
                { "Actoin", "Action" },
                { "Refrence", "Reference" },
                { "References", "Reference" },
                { "Evnt", "Event" },
                { "Pth", "Path" },
                { "Colour", NULL },
                { "", NULL },
                { "x", NULL },
                { "Units", "Unit" },
        };
        static const char *const none[] = { NULL };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *nearest = nearest_word(cases[i].word, words);

                if (!cases[i].expected)
                        assert_null(nearest);
                else
                        assert_string_equal(nearest, cases[i].expected);
        }
        assert_null(nearest_word("Action", none));
}

static void long_words_are_far_from_everything(void **state _unused_) {
        _cleanup_free_ char *word = repeat('a', 64), *other = repeat('a', 63);
        const char *const words[] = { other, NULL };

        assert_null(nearest_word(word, words));
        word[32] = '\0';
        other[31] = '\0';
        assert_ptr_equal(nearest_word(word, words), other); /* 32 and 31 are near enough to compare */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(formats_what_is_known),
                TEST(more_are_counted),
                TEST(the_word_that_was_meant),
                TEST(long_words_are_far_from_everything),
        };

        return RUN(tests);
}
