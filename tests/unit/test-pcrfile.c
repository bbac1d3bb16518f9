/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "lib/pcrfile.h"
#include "tests/test.h"

#include <errno.h>

#define DIGITS_31 "00112233445566778899aabbccddeeff00112233445566778899aabbccddee"
#define DIGITS DIGITS_31 "ff"

static void parses_what_it_writes(void **state _unused_) {
        Random random = random_new(6);

        for (HashAlg alg = 0; alg < _HASH_MAX; alg++) {
                PcrValues values = { .banks = bank(alg) };
                _cleanup_free_ char *text = NULL;
                const char *why;
                unsigned line;
                PcrFile f;

                for (unsigned i = 0; i < PCR_COUNT; i++)
                        random_fill(&random, values.values[alg][i], hash_size(alg));
                text = pcrfile_format(&values, alg);
                assert_non_null(text);
                assert_int_equal(strlen(text), PCR_COUNT * (8 + 2 * hash_size(alg) + 1));
                assert_memory_equal(text, "PCR-00: ", 8);
                assert_int_equal(pcrfile_parse(text, strlen(text), alg, &f, &line, &why), 0);
                assert_int_equal(f.present, 0xffffff);
                assert_memory_equal(f.values, values.values[alg], sizeof(f.values));
        }
}

static void forms_that_are_taken(void **state _unused_) {
        static const char *const texts[] = {
                "PCR-13: " DIGITS "\n",
                "PCR-13: " DIGITS,
                "13 " DIGITS "\n",
                "13: " DIGITS "\r\n",
                "# comment\n\n\r\n13    " DIGITS "\n",
                "PCR-13: 00 11 22 33 44 55 66 77 88 99 AA BB CC DD EE FF 00112233445566778899aabbccddeeff \n",
        };
        uint8_t expected[SHA256_SIZE];

        from_hex(DIGITS, SHA256_SIZE, expected);
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                const char *why;
                unsigned line;
                PcrFile f;

                assert_int_equal(pcrfile_parse(texts[i], strlen(texts[i]), HASH_SHA256, &f, &line, &why), 0);
                assert_int_equal(f.present, 1U << 13);
                assert_memory_equal(f.values[13], expected, SHA256_SIZE);
        }
}

static void mistakes_with_their_line(void **state _unused_) {
        static const char no_index[] = "expected \"PCR-NN: <hex>\" or \"NN <hex>\" with a PCR from 0 to 23";
        static const struct {
                const char *text;
                unsigned line;
                const char *why;
        } cases[] = {
                { "hello\n", 1, no_index },
                { "\r13 " DIGITS "\n", 1, no_index },
                { "13 \r" DIGITS "\n", 1, "there are more digits than the bank's digest has" },
                { "\n\nPCR-24: " DIGITS, 3, no_index },
                { "PCR-: " DIGITS, 1, no_index },
                { "013 " DIGITS, 1, no_index },
                { "13" DIGITS, 1, no_index },
                { "13", 1, no_index },
                { " 13 " DIGITS, 1, no_index },
                { "13 " DIGITS "\n13 " DIGITS, 2, "the PCR is given twice" },
                { "13 " DIGITS "0", 1, "there are more digits than the bank's digest has" },
                { "13 " DIGITS_31 "\n", 1, "there are fewer digits than the bank's digest has" },
                { "13 ", 1, "there are fewer digits than the bank's digest has" },
                { "13 " DIGITS_31 "fg", 1, "not a hexadecimal digit" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *why = NULL;
                unsigned line = 0;
                PcrFile f;

                assert_int_equal(pcrfile_parse(cases[i].text, strlen(cases[i].text), HASH_SHA256, &f, &line, &why),
                                 -EINVAL);
                assert_int_equal(line, cases[i].line);
                assert_string_equal(why, cases[i].why);
        }
}

static void nothing_holds_nothing(void **state _unused_) {
        const char *why;
        unsigned line;
        PcrFile f;

        assert_int_equal(pcrfile_parse("", 0, HASH_SHA256, &f, &line, &why), 0);
        assert_int_equal(f.present, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(parses_what_it_writes),
                TEST(forms_that_are_taken),
                TEST(mistakes_with_their_line),
                TEST(nothing_holds_nothing),
        };

        return RUN(tests);
}
