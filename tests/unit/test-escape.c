/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "lib/digest.h"
#include "lib/escape.h"
#include "tests/test.h"

#include <errno.h>
#include <jansson.h>

enum { LONG = 100000 };

static char *escaped(const char *data, size_t n, size_t limit) {
        char *text = NULL;

        assert_int_equal(escape_text(data, n, limit, &text), 0);
        assert_true(strlen(text) <= limit);
        assert_true(escape_is_canonical(text, strlen(text)));
        return text;
}

static void one_form_each(void **state _unused_) {
        static const struct {
                const char *raw, *text;
        } cases[] = {
                { "", "" },
                { "/usr/bin/true", "/usr/bin/true" },
                { "a b\"c'd", "a b\"c'd" },
                { "\\", "\\x5c" },
                { "\\x41", "\\x5cx41" },
                { "\n\t\x1b[2J", "\\x0a\\x09\\x1b[2J" },
                { "\x7f", "\\x7f" },
                { "\xc2\x85", "\\xc2\\x85" },                                     /* U+0085, a control */
                { "\xc3\xa4", "\xc3\xa4" },                                       /* ä */
                { "\xf0\x9f\x94\x92", "\xf0\x9f\x94\x92" },                       /* U+1F512 */
                { "\xff\xfe", "\\xff\\xfe" },                                     /* never in UTF-8 */
                { "\xc3", "\\xc3" },                                              /* cut off */
                { "\xc3(", "\\xc3(" },                                            /* not continued */
                { "\xc0\xaf", "\\xc0\\xaf" },                                     /* an overlong slash */
                { "\xe0\x80\xaf", "\\xe0\\x80\\xaf" },                            /* and a longer one */
                { "\xed\xa0\x80", "\\xed\\xa0\\x80" },                            /* a surrogate */
                { "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },                   /* above U+10FFFF */
                { "\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80" },          /* five bytes */
                { "\xe2\x80\xa8\xe2\x80\xae", "\\xe2\\x80\\xa8\\xe2\\x80\\xae" }, /* U+2028, U+202E */
                { "\xe2\x81\xa6", "\\xe2\\x81\\xa6" },                            /* U+2066 */
                { "\xd8\x9c\xef\xbb\xbf", "\\xd8\\x9c\\xef\\xbb\\xbf" },          /* U+061C, U+FEFF */
                { "\xe2\x80\xaf", "\xe2\x80\xaf" },                               /* U+202F, a mere blank */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *text = escaped(cases[i].raw, strlen(cases[i].raw), 200), *raw = NULL;
                size_t n;

                assert_string_equal(text, cases[i].text);
                assert_int_equal(unescape_text(text, &raw, &n), 0);
                assert_int_equal(n, strlen(cases[i].raw));
                assert_memory_equal(raw, cases[i].raw, n + 1);
        }
}

static void random_bytes_and_back(void **state _unused_) {
        Random random = random_new(5);

        for (unsigned round = 0; round < 3000; round++) {
                size_t n = random_below(&random, 120), again;
                _cleanup_free_ char *text = NULL, *raw = NULL;
                char data[120];

                random_fill(&random, data, n);
                for (size_t i = 0; i < n; i++)
                        if (data[i] == '\0')
                                data[i] = (char) 0xe2; /* starts characters that matter */
                text = escaped(data, n, 1000);
                for (const char *p = text; *p; p++)
                        assert_true((unsigned char) *p >= ' ' && *p != 0x7f);
                assert_int_equal(unescape_text(text, &raw, &again), 0);
                assert_int_equal(again, n);
                assert_memory_equal(raw, data, n);
        }
}

/* Whatever the limit, the cut falls between characters, and the digest is that of the whole. */
static void cuts_say_what_they_cut(void **state _unused_) {
        static const char unit[] = "\\\xe2\x80\xa8z\xc3\xa4\"\xff"; /* escapes of 4 and 12 bytes, and plain ones */
        char *data = malloc(40 * (sizeof(unit) - 1) + 1);
        char digest[2 * SHA256_SIZE + 1];
        _cleanup_free_ char *whole = NULL;
        uint8_t hash[SHA256_SIZE];
        size_t n = 40 * (sizeof(unit) - 1);

        assert_non_null(data);
        for (size_t i = 0; i < 40; i++)
                memcpy(data + i * (sizeof(unit) - 1), unit, sizeof(unit) - 1);
        whole = escaped(data, n, LONG);
        assert_int_equal(sha256(data, n, hash), 0);
        hex_encode(hash, sizeof(hash), digest);
        for (size_t limit = ESCAPE_CUT_SIZE; limit < strlen(whole); limit++) {
                _cleanup_free_ char *text = escaped(data, n, limit), *raw = NULL;
                size_t kept = strlen(text) - ESCAPE_CUT_SIZE, size;

                assert_true(limit - ESCAPE_CUT_SIZE - kept < 12); /* nothing fitted any more */
                assert_memory_equal(text, whole, kept);
                assert_memory_equal(text + kept, "\\x00sha256:", 11);
                assert_string_equal(text + kept + 11, digest);
                assert_int_equal(unescape_text(text, &raw, &size), -ENODATA);
                text[kept] = '\0';
                assert_int_equal(unescape_text(text, &raw, &size), 0); /* no character was split */
                for (size_t i = 0; i + 1 < size; i++)
                        assert_false((unsigned char) raw[i] == 0xe2 && i + 3 > size);
        }
        assert_int_equal(strlen(whole), 40 * (4 + 12 + 1 + 2 + 1 + 4));
        free(data);
}

static void a_limit_that_just_fits_does_not_cut(void **state _unused_) {
        _cleanup_free_ char *data = repeat('x', 500), *text = escaped(data, 500, 500), *cut = escaped(data, 500, 499);

        assert_string_equal(text, data);
        assert_int_equal(strlen(cut), 499);
        assert_memory_equal(cut + 499 - ESCAPE_CUT_SIZE, "\\x00sha256:", 11);
}

/* The limit for JSON is one of the bytes that jansson writes. */
static void json_limits_count_json(void **state _unused_) {
        static const char *const units[] = { "\"", "\\", "x", "\"\\", "\xc3\xa4", "\n", "\xe2\x80\xae" };

        for (size_t u = 0; u < ELEMENTSOF(units); u++)
                for (size_t limit = ESCAPE_CUT_SIZE + 1; limit < 300; limit += 7) {
                        _cleanup_free_ char *text = NULL, *json = NULL;
                        char data[2000] = "";
                        json_t *string;

                        for (size_t i = 0; i < 400; i++)
                                strcat(data, units[u]);
                        assert_int_equal(escape_for_json(data, limit, &text), 0);
                        assert_true(escape_is_canonical(text, strlen(text)));
                        string = json_string(text);
                        json = json_dumps(string, JSON_ENCODE_ANY);
                        assert_true(strlen(json) - 2 <= limit);
                        assert_true(limit - (strlen(json) - 2) < 15); /* and not wasted */
                        json_decref(string);
                }
}

static void refuses_nul_and_tiny_limits(void **state _unused_) {
        char *text = NULL;

        assert_int_equal(escape_text("a\0b", 3, 200, &text), -EINVAL);
        assert_int_equal(escape_text("a", 1, ESCAPE_CUT_SIZE - 1, &text), -EINVAL);
        assert_int_equal(escape_for_json("a", ESCAPE_CUT_SIZE, &text), -EINVAL);
        assert_null(text);
}

static void other_forms_are_refused(void **state _unused_) {
        static const char *const texts[] = {
                "\\",
                "\\x",
                "\\x4",
                "\\x0A", /* upper case */
                "\\n",
                "\\x41", /* needs no escape */
                "\n",
                "\x7f",
                "\xff",
                "\xe2\x80\xa8",
                "\\xc3\xa4",
                "\\x00",
                "\\xc3\\xa4", /* printable after all */
                "\\x00sha256:0000000000000000000000000000000000000000000000000000000000000000 ",
                "\\x00sha256:000000000000000000000000000000000000000000000000000000000000000g",
                "\\x00sha256:000000000000000000000000000000000000000000000000000000000000000A",
                "\\x00sha256:\\x00sha256:0000000000000000000000000000000000000000000000000000000000000000",
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                char *raw = NULL;
                size_t n;

                assert_false(escape_is_canonical(texts[i], strlen(texts[i])));
                assert_int_equal(unescape_text(texts[i], &raw, &n), -EINVAL);
                assert_null(raw);
        }
        assert_false(escape_is_canonical("a\0b", 3));
}

static void utf8_by_the_table(void **state _unused_) {
        unsigned count[5] = {};
        char data[4];

        for (unsigned c = 0; c < 0x110000; c++) { /* every code point, encoded by hand */
                size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
                unsigned found = 0;

                for (size_t i = n; i-- > 1;)
                        data[i] = (char) (0x80 | (c >> (6 * (n - 1 - i)) & 0x3f));
                data[0] = (char) (n == 1 ? c : ((0xf00U >> n) & 0xff) | c >> (6 * (n - 1)));
                if (c >= 0xd800 && c <= 0xdfff) {
                        assert_int_equal(utf8_next(data, n, &found), 0);
                        continue;
                }
                assert_int_equal(utf8_next(data, n, &found), n);
                assert_int_equal(found, c);
                assert_int_equal(utf8_next(data, n - 1, &found), 0);
                count[n]++;
        }
        assert_int_equal(count[1] + count[2] + count[3] + count[4], 0x110000 - 0x800);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(one_form_each),           TEST(random_bytes_and_back),
                TEST(cuts_say_what_they_cut),  TEST(a_limit_that_just_fits_does_not_cut),
                TEST(json_limits_count_json),  TEST(refuses_nul_and_tiny_limits),
                TEST(other_forms_are_refused), TEST(utf8_by_the_table),
        };

        return RUN(tests);
}
