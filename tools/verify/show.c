/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists of checks for people and for programs. */

#include "tools/verify/show.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/escape.h"

enum { ERROR_MAX = 8192 };

static const struct {
        const char *word, *verdict, *colour;
        int code;
} results[] = {
        [CHECK_PASS] = { "pass", "PASS", "\033[32m", EXIT_PASS },
        [CHECK_FAIL] = { "FAIL", "FAIL", "\033[1;31m", EXIT_FAIL },
        [CHECK_NA] = { "n/a", "PASS", "\033[2m", EXIT_PASS },
        [CHECK_UNDECIDED] = { "undecided", "UNDECIDED", "\033[33m", EXIT_UNDECIDED },
};
static_assert(ELEMENTSOF(results) == _CHECK_MAX, "a row per result");

static int print_json(json_t *object) {
        return object && json_dumpf(object, stdout, JSON_COMPACT) >= 0 && putchar('\n') != EOF ? 0 : -1;
}

static void print_verdict(const CheckList *l, CheckResult verdict, const char *subject, bool colour) {
        printf("%s%s%s  %s", colour ? results[verdict].colour : "", results[verdict].verdict, colour ? "\033[0m" : "",
               subject);
        for (size_t i = 0, n = 0; i < l->size; i++)
                if (l->items[i].result == verdict && verdict != CHECK_PASS)
                        printf("%s %s", n++ == 0 ? ":" : ",", l->items[i].name);
        putchar('\n');
}

static void print_people(const CheckList *l, const char *subject) {
        bool colour = isatty(STDOUT_FILENO);
        const char *end = colour ? "\033[0m" : "";

        for (size_t i = 0; i < l->size; i++)
                printf("%s%-9s%s  %-20s %s\n", colour ? results[l->items[i].result].colour : "",
                       results[l->items[i].result].word, end, l->items[i].name, l->items[i].detail);
        print_verdict(l, check_list_verdict(l), subject, colour);
}

int show_checks(const CheckList *l, const char *subject, bool json) {
        if (json) {
                json_auto_t *object = check_list_json(l);

                if (print_json(object) < 0)
                        return EXIT_UNDECIDED;
        } else
                print_people(l, subject);
        return fflush(stdout) == 0 ? results[check_list_verdict(l)].code : EXIT_UNDECIDED;
}

static int print_line_json(const CheckList *l, uint64_t number, int error) {
        json_auto_t *object =
                error < 0 ? json_pack("{s:s,s:s,s:[]}", "result", "error", "error", strerror(-error), "checks")
                          : check_list_json(l);

        if (!object || json_object_set_new(object, "line", json_integer((json_int_t) number)) < 0)
                return -1;
        return print_json(object);
}

int show_line(const CheckList *l, uint64_t number, int error, bool json) {
        CheckResult verdict = error < 0 ? CHECK_UNDECIDED : check_list_verdict(l);
        char subject[32];

        if (json)
                return print_line_json(l, number, error) < 0 ? EXIT_UNDECIDED : results[verdict].code;
        snprintf(subject, sizeof(subject), "line %llu", (unsigned long long) number);
        print_verdict(l, verdict, subject, false);
        if (error < 0)
                printf("line %llu: %s\n", (unsigned long long) number, strerror(-error));
        return results[verdict].code;
}

int show_undecided(bool json, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        if (r < 0)
                return EXIT_UNDECIDED;
        fprintf(stderr, "sealwatch-verify: %s\n", text);
        if (json) {
                _cleanup_free_ char *escaped = NULL;
                json_auto_t *object = NULL;

                if (escape_text(text, (size_t) r, ERROR_MAX, &escaped) >= 0)
                        object = json_pack("{s:s,s:s,s:[]}", "result", "error", "error", escaped, "checks");
                print_json(object);
                fflush(stdout);
        }
        return EXIT_UNDECIDED;
}
