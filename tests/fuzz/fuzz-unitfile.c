/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Unit-style text: what was read without a complaint, written plainly, reads the same. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/macro.h"
#include "lib/unitfile.h"

static void parse(const void *text, size_t n, UnitFile *ret, ProblemList *problems) {
        REQUIRE(unit_file_parse("file", text, n, ret, problems) == 0);
        for (size_t i = 0; i < problems->size; i++) {
                _cleanup_free_ char *line = problem_format(&problems->items[i]);

                REQUIRE(line && startswith(line, "file"));
        }
}

static void check_item(const UnitItem *i, unsigned lines, size_t n) {
        REQUIRE(i->line >= 1 && i->line <= lines && i->column >= 1 && i->column <= n);
        REQUIRE(i->value_column >= 1 && i->value_column <= n + 1);
        REQUIRE(*i->section && strlen(i->section) <= UNITFILE_LABEL_MAX);
        REQUIRE(!i->label || strlen(i->label) <= UNITFILE_LABEL_MAX);
        if (i->key)
                REQUIRE(*i->key && strlen(i->key) <= UNITFILE_LABEL_MAX && !strchr(i->value, '\n'));
        else
                REQUIRE(*i->value == '\0');
}

static void print_item(Buffer *b, const UnitItem *i) {
        if (i->key) {
                buffer_string(b, i->key);
                buffer_string(b, "=");
                buffer_string(b, i->value);
                buffer_string(b, "\n");
                return;
        }
        buffer_string(b, "[");
        buffer_string(b, i->section);
        buffer_string(b, i->label ? " " : "");
        buffer_string(b, strempty(i->label));
        buffer_string(b, "]\n");
}

static void require_equal(const UnitItem *a, const UnitItem *b) {
        REQUIRE(streq(a->section, b->section) && streq(strempty(a->label), strempty(b->label)));
        REQUIRE(!a->label == !b->label && !a->key == !b->key);
        REQUIRE(streq(strempty(a->key), strempty(b->key)) && streq(a->value, b->value));
}

static void run(const uint8_t *data, size_t size) {
        _cleanup_(problem_list_done) ProblemList problems = {}, none = {};
        _cleanup_(unit_file_done) UnitFile file = {}, again = {};
        _cleanup_(buffer_done) Buffer b = {};
        unsigned lines = 1;

        for (size_t i = 0; i < size; i++)
                lines += data[i] == '\n';
        parse(data, size, &file, &problems);
        for (size_t i = 0; i < file.size; i++) {
                check_item(&file.items[i], lines, size);
                print_item(&b, &file.items[i]);
        }
        if (!problem_list_is_empty(&problems))
                return;
        parse(b.data, b.size, &again, &none);
        REQUIRE(problem_list_is_empty(&none) && again.size == file.size);
        for (size_t i = 0; i < file.size; i++)
                require_equal(&file.items[i], &again.items[i]);
}

static void seeds(void) {
        fuzz_seed_text("# c\n[Policy]\nMode=enforce\n\n[Rule a-b.c_1]\nPath=/usr/*  /opt/\xc3\xa9\n;x\nEmpty=\n");
        fuzz_seed_text("[A]\n  k \t=  v = w \t\r\n[ B   l ]\nk=v\\\n[C\n=x\nno\nk.2=[x]#;\n");
        fuzz_seed_text("x=1\n[]\n[ a b c]\n[\xe2\x80\xae]\nk=\x7f\xff\xc3\n[Last]\nk=without newline");
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
