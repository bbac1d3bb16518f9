/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "policy/reference.h"
#include "tests/test.h"

#define A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define B "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"

static ReferenceSet *new_set(void) {
        ReferenceSet *s;

        assert_int_equal(reference_set_new(&s), 0);
        return s;
}

static void feed(ReferenceSet *s, const char *file, const char *text, size_t n, size_t piece, ProblemList *problems) {
        for (size_t i = 0; i < n; i += piece)
                assert_int_equal(reference_set_feed(s, file, text + i, MIN(piece, n - i), problems), 0);
        assert_int_equal(reference_set_feed(s, file, "", 0, problems), 0);
}

static bool contains(const ReferenceSet *s, const char *hex) {
        uint8_t digest[SHA256_SIZE];

        from_hex(hex, SHA256_SIZE, digest);
        return reference_set_contains(s, digest);
}

/* The same whatever the pieces. */
static void forms_of_lines(void **state _unused_) {
        static const char *const texts[] = {
                A "  /usr/bin/true\n" B "  /usr/bin/false\n",
                A " */usr/bin/true\n" B "\n",
                A "\n" B,
                B "\r\n" A "\r\n",
                "# comment\n\n" A "  x\n\\" B "  a\\nb\n",
                "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\n" B " \n",
                A "  x\n" A "  y\n" B "  z\n" A "  x",
                "\\" A "\r\n" B "  "
                "a path so long that it is longer than whatever is kept of a line, and then some more of it\n",
        };
        uint8_t name[SHA256_SIZE] = {};

        for (size_t t = 0; t < ELEMENTSOF(texts); t++)
                for (size_t piece = 1; piece < 140; piece++) {
                        ReferenceSet *s = new_set();
                        ProblemList problems = {};

                        feed(s, "f", texts[t], strlen(texts[t]), piece, &problems);
                        assert_true(problem_list_is_empty(&problems));
                        assert_int_equal(reference_set_finish(s), 0);
                        assert_int_equal(reference_set_size(s), 2);
                        assert_true(contains(s, A) && contains(s, B));
                        assert_false(contains(s, "10"
                                                 "112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"));
                        if (t == 0 && piece == 1)
                                memcpy(name, reference_set_digest(s), SHA256_SIZE);
                        assert_memory_equal(name, reference_set_digest(s),
                                            SHA256_SIZE); /* order and doubles do not count */
                        assert_null(reference_set_free(s));
                }
}

static void mistakes_with_place(void **state _unused_) {
        static const char digits[] = "expected the 64 hexadecimal digits of a SHA-256, as sha256sum writes them";
        static const char blank[] = "expected a blank and a path behind the digest";
        static const struct {
                const char *text;
                unsigned line, column;
                const char *message;
        } cases[] = {
                { "hello\n", 1, 1, digits },
                { A "\n\n"
                    "0011x\n",
                  3, 5, digits },
                { "\\0011x\n", 1, 6, digits },
                { "0011", 1, 5, digits },
                { A "0  x\n", 1, 65, blank },
                { "\\" A "\tx\n", 1, 66, blank },
                { " " A "\n", 1, 1, digits },
                { "SHA256 (x) = " A "\n", 1, 1, digits },
                { "d41d8cd98f00b204e9800998ecf8427e  md5\n", 1, 33, digits },
                { "\\" A "\rx\n", 1, 66, blank }, /* the carriage return does not end the line */
                { A "\r\r\n", 1, 65, blank },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (size_t piece = 1; piece < 80; piece += 13) {
                        ReferenceSet *s = new_set();
                        ProblemList problems = {};

                        feed(s, "f", cases[i].text, strlen(cases[i].text), piece, &problems);
                        assert_int_equal(problems.size, 1);
                        assert_string_equal(problems.items[0].file, "f");
                        assert_int_equal(problems.items[0].line, cases[i].line);
                        assert_int_equal(problems.items[0].column, cases[i].column);
                        assert_string_equal(problems.items[0].message, cases[i].message);
                        problem_list_done(&problems);
                        reference_set_free(s);
                }
}

static void a_nul_ends_neither_digest_nor_line(void **state _unused_) {
        char text[] = A "\n";
        ProblemList problems = {};
        ReferenceSet *s = new_set();

        text[10] = '\0';
        feed(s, "f", text, sizeof(text) - 1, 7, &problems);
        assert_int_equal(problems.size, 1);
        assert_int_equal(problems.items[0].column, 11);
        problem_list_done(&problems);
        text[10] = A[10];
        text[64] = '\0';
        feed(s, "f", text, sizeof(text), 7, &problems);
        assert_int_equal(problems.size, 1);
        assert_int_equal(problems.items[0].column, 65);
        problem_list_done(&problems);
        reference_set_free(s);
}

static void lines_are_counted_per_file(void **state _unused_) {
        ProblemList problems = {};
        ReferenceSet *s = new_set();

        feed(s, "first", A "\n" A, 129, 1000, &problems); /* the last line without its newline */
        feed(s, "second", "x\n", 2, 1000, &problems);
        assert_int_equal(problems.size, 1);
        assert_string_equal(problems.items[0].file, "second");
        assert_int_equal(problems.items[0].line, 1);
        problem_list_done(&problems);
        reference_set_free(s);
}

static void an_empty_set_has_nothing(void **state _unused_) {
        ReferenceSet *s = new_set();
        uint8_t expected[SHA256_SIZE];

        assert_int_equal(reference_set_finish(s), 0);
        assert_int_equal(reference_set_size(s), 0);
        assert_false(contains(s, A));
        assert_int_equal(sha256("", 0, expected), 0);
        assert_memory_equal(reference_set_digest(s), expected, SHA256_SIZE);
        assert_null(reference_set_free(s));
        assert_null(reference_set_free(NULL));
}

static void many_are_all_found(void **state _unused_) {
        enum { N = 3000 };
        Random random = random_new(8);
        static uint8_t digests[N][SHA256_SIZE];
        ReferenceSet *s = new_set();
        ProblemList problems = {};

        for (size_t i = 0; i < N; i++) {
                char line[2 * SHA256_SIZE + 1];

                random_fill(&random, digests[i], SHA256_SIZE);
                if (i % 3 == 0) /* near neighbours */
                        memset(digests[i], 0x77, SHA256_SIZE - 2);
                hex_encode(digests[i], SHA256_SIZE, line);
                assert_int_equal(reference_set_feed(s, "f", line, 64, &problems), 0);
                assert_int_equal(reference_set_feed(s, "f", "\n", 1, &problems), 0);
        }
        assert_int_equal(reference_set_finish(s), 0);
        for (size_t i = 0; i < N; i++) {
                uint8_t other[SHA256_SIZE];

                assert_true(reference_set_contains(s, digests[i]));
                random_fill(&random, other, sizeof(other));
                assert_false(reference_set_contains(s, other));
        }
        reference_set_free(s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(forms_of_lines),
                TEST(mistakes_with_place),
                TEST(a_nul_ends_neither_digest_nor_line),
                TEST(lines_are_counted_per_file),
                TEST(an_empty_set_has_nothing),
                TEST(many_are_all_found),
        };

        return RUN(tests);
}
