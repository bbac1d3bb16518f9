/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists of named checks, and how they are shown. */

#include "tools/verify/checks.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"

static const struct {
        const char *word, *json, *colour;
} results[] = {
        [CHECK_PASS] = { "pass", "pass", "\033[32m" },
        [CHECK_FAIL] = { "FAIL", "fail", "\033[1;31m" },
        [CHECK_NA] = { "n/a", "na", "\033[2m" },
        [CHECK_UNDECIDED] = { "undecided", "na", "\033[33m" },
};
static_assert(ELEMENTSOF(results) == _CHECK_MAX, "a row per result");

void check_list_done(CheckList *l) {
        for (size_t i = 0; i < l->size; i++)
                free(l->items[i].detail);
        free(l->items);
        *l = (CheckList){};
}

void check_add(CheckList *l, const char *name, CheckResult result, const char *format, ...) {
        Check c = { .name = name, .result = result };
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&c.detail, format, ap);
        va_end(ap);
        if (r < 0 || GREEDY_REALLOC(l->items, l->allocated, l->size + 1) < 0) {
                l->incomplete = true;
                return;
        }
        l->items[l->size++] = c;
}

int check_list_exit_code(const CheckList *l) {
        bool undecided = l->incomplete || l->size == 0;

        for (size_t i = 0; i < l->size; i++)
                if (l->items[i].result == CHECK_FAIL)
                        return EXIT_FAIL;
                else if (l->items[i].result == CHECK_UNDECIDED)
                        undecided = true;
        return undecided ? EXIT_UNDECIDED : EXIT_PASS;
}

static int print_json(const CheckList *l, int code) {
        static const char *const words[] = { [EXIT_PASS] = "pass", [EXIT_FAIL] = "fail", [EXIT_UNDECIDED] = "error" };
        json_auto_t *object = json_object(), *list = json_array();

        for (size_t i = 0; i < l->size; i++)
                json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "name", l->items[i].name, "result",
                                                      results[l->items[i].result].json, "detail", l->items[i].detail));
        if (json_object_set_new(object, "result", json_string(words[code])) < 0 ||
            json_object_set(object, "checks", list) < 0 || json_array_size(list) != l->size)
                return EXIT_UNDECIDED;
        if (json_dumpf(object, stdout, JSON_COMPACT) < 0 || putchar('\n') == EOF)
                return EXIT_UNDECIDED;
        return code;
}

static int print_people(const CheckList *l, const char *subject, int code) {
        static const CheckResult as[] = {
                [EXIT_PASS] = CHECK_PASS,
                [EXIT_FAIL] = CHECK_FAIL,
                [EXIT_UNDECIDED] = CHECK_UNDECIDED,
        };
        static const char *const words[] = {
                [EXIT_PASS] = "PASS", [EXIT_FAIL] = "FAIL", [EXIT_UNDECIDED] = "UNDECIDED"
        };
        bool colour = isatty(STDOUT_FILENO);
        const char *end = colour ? "\033[0m" : "";

        for (size_t i = 0; i < l->size; i++)
                printf("%s%-9s%s  %-18s %s\n", colour ? results[l->items[i].result].colour : "",
                       results[l->items[i].result].word, end, l->items[i].name, l->items[i].detail);
        printf("%s%s%s  %s\n", colour ? results[as[code]].colour : "", words[code], end, subject);
        return code;
}

int check_list_print(const CheckList *l, const char *subject, bool json) {
        int code = check_list_exit_code(l);

        code = json ? print_json(l, code) : print_people(l, subject, code);
        return fflush(stdout) == 0 ? code : EXIT_UNDECIDED;
}
