/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "lib/unitfile.h"
#include "tests/test.h"

/* What parse() found, one line each: "3:1 [Rule name]" or "4:1-6 Rule/name Key=value", then the problems. */
static char *parse_n(const char *text, size_t n) {
        UnitFile f = {};
        ProblemList problems = {};
        char *out = NULL;
        size_t size;
        FILE *stream = open_memstream(&out, &size);

        assert_int_equal(unit_file_parse("f", text, n, &f, &problems), 0);
        for (size_t i = 0; i < f.size; i++) {
                const UnitItem *item = &f.items[i];

                if (item->key)
                        fprintf(stream, "%u:%u-%u %s/%s %s=%s\n", item->line, item->column, item->value_column,
                                item->section, item->label ? item->label : "", item->key, item->value);
                else
                        fprintf(stream, "%u:%u-%u [%s%s%s]\n", item->line, item->column, item->value_column,
                                item->section, item->label ? " " : "", item->label ? item->label : "");
        }
        for (size_t i = 0; i < problems.size; i++) {
                _cleanup_free_ char *problem = problem_format(&problems.items[i]);

                fprintf(stream, "%s\n", problem);
        }
        fclose(stream);
        unit_file_done(&f);
        problem_list_done(&problems);
        return out;
}

static void expect(const char *text, const char *expected) {
        _cleanup_free_ char *out = parse_n(text, strlen(text));

        assert_string_equal(out, expected);
}

static void sections_and_assignments(void **state _unused_) {
        expect("", "");
        expect("# comment\n; comment\n\n  # indented\n", "");
        expect("[A]\n", "1:2-2 [A]\n");
        expect("[A]", "1:2-2 [A]\n");
        expect("[Rule my-rule.1_x]\nKey=value\n", "1:2-7 [Rule my-rule.1_x]\n2:1-5 Rule/my-rule.1_x Key=value\n");
        expect("  [ A  b ]  \n\tKey \t=  two words\t \n", "1:5-8 [A b]\n2:2-10 A/b Key=two words\n");
        expect("[A]\nKey=\nKey==x=y\n", "1:2-2 [A]\n2:1-5 A/ Key=\n3:1-5 A/ Key==x=y\n");
        expect("[A]\nK=a # no comment\n", "1:2-2 [A]\n2:1-3 A/ K=a # no comment\n");
        expect("[A]\nK=a\n[B]\nK=b", "1:2-2 [A]\n2:1-3 A/ K=a\n3:2-2 [B]\n4:1-3 B/ K=b\n");
        expect("[A]\nK=\xc3\xa4\n", "1:2-2 [A]\n2:1-3 A/ K=\xc3\xa4\n");
}

static void mistakes_with_place(void **state _unused_) {
        static const char section_names[] = "section names are up to 64 letters, digits, '-', '_' and '.'\n";
        _cleanup_free_ char *expected = NULL;

        expect("Key=value\n", "f:1:1: the assignment is in no section\n");
        expect("[A]\nhello\n", "1:2-2 [A]\nf:2:1: expected \"Key=value\", \"[Section]\" or a comment\n");
        expect("[A\n", "f:1:2: expected ] at the end of the section header\n");
        expect("[\n", "f:1:1: expected ] at the end of the section header\n");
        expect("[A] x\n", "f:1:5: expected ] at the end of the section header\n");
        expect("[A]\n =x\n", "1:2-2 [A]\nf:2:2: expected a key of letters and digits before '='\n");
        expect("[A]\nK y=x\n", "1:2-2 [A]\nf:2:1: expected a key of letters and digits before '='\n");
        expect("[A]\nK=x \\\n", "1:2-2 [A]\nf:2:5: lines cannot be continued: repeat the key on the next line\n");
        expect("[A]\nK=\a\n", "1:2-2 [A]\nf:2:3: expected text, found the byte 0x07\n");
        expect("[A]\r\n", "f:1:4: expected text, found the byte 0x0d\n");
        expect("[A]\nK=\xff\n", "1:2-2 [A]\nf:2:3: expected text, found the byte 0xff\n");
        expect("[A]\n#\x7f\n", "1:2-2 [A]\nf:2:2: expected text, found the byte 0x7f\n");
        expect("[A]\nK=\xc2\x85\n", "1:2-2 [A]\nf:2:3: expected text, found the byte 0xc2\n");     /* a C1 control */
        expect("[A]\nK=\xe2\x80\xae\n", "1:2-2 [A]\nf:2:3: expected text, found the byte 0xe2\n"); /* U+202E */
        assert_true(asprintf(&expected, "f:1:2: %sf:2:3: %sf:3:5: %s", section_names, section_names, section_names) >
                    0);
        expect("[]\n[A$]\n[A b c]\n", expected);
}

static void a_bad_header_ends_the_section(void **state _unused_) {
        expect("[A]\nK=a\n[B\nK=b\n", "1:2-2 [A]\n2:1-3 A/ K=a\n"
                                      "f:3:2: expected ] at the end of the section header\n"
                                      "f:4:1: the assignment is in no section\n");
}

static void labels_have_a_limit(void **state _unused_) {
        _cleanup_free_ char *longest = repeat('a', UNITFILE_LABEL_MAX), *out = NULL;
        char text[100];

        snprintf(text, sizeof(text), "[R %s]\n", longest);
        out = parse_n(text, strlen(text));
        assert_memory_equal(out, "1:2-4 [R aaa", 12);
        snprintf(text, sizeof(text), "[R %sa]\n", longest);
        expect(text, "f:1:68: section names are up to 64 letters, digits, '-', '_' and '.'\n");
}

static void a_nul_is_no_end(void **state _unused_) {
        _cleanup_free_ char *out = parse_n("[A]\nK=a\0b\nL=c\n", 14);

        assert_string_equal(out, "1:2-2 [A]\n3:1-3 A/ L=c\nf:2:4: expected text, found the byte 0x00\n");
}

static void size_has_a_limit(void **state _unused_) {
        char *text = repeat('\n', UNITFILE_SIZE_MAX + 1);
        _cleanup_free_ char *out = NULL, *fits = NULL;

        memcpy(text, "[A]", 3);
        out = parse_n(text, UNITFILE_SIZE_MAX + 1);
        assert_string_equal(out, "1:2-2 [A]\nf: the file is larger than 1048576 bytes\n");
        fits = parse_n(text, UNITFILE_SIZE_MAX);
        assert_string_equal(fits, "1:2-2 [A]\n");
        free(text);
}

static void words(void **state _unused_) {
        const char *p = "  one\ttwo  three ", *word;

        assert_int_equal(next_word(&p, &word), 3);
        assert_memory_equal(word, "one", 3);
        assert_int_equal(next_word(&p, &word), 3);
        assert_memory_equal(word, "two", 3);
        assert_int_equal(next_word(&p, &word), 5);
        assert_memory_equal(word, "three", 5);
        assert_int_equal(next_word(&p, &word), 0);
        assert_int_equal(next_word(&p, &word), 0);
        assert_string_equal(p, "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(sections_and_assignments),
                TEST(mistakes_with_place),
                TEST(a_bad_header_ends_the_section),
                TEST(labels_have_a_limit),
                TEST(a_nul_is_no_end),
                TEST(size_has_a_limit),
                TEST(words),
        };

        return RUN(tests);
}
