/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists of named checks. */

#include "lib/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/escape.h"

enum { DETAIL_MAX = 1024 };

static const char *const words[] = {
        [CHECK_PASS] = "pass",
        [CHECK_FAIL] = "fail",
        [CHECK_NA] = "na",
        [CHECK_UNDECIDED] = "na",
};
static_assert(ELEMENTSOF(words) == _CHECK_MAX, "a word per result");

void check_list_done(CheckList *l) {
        for (size_t i = 0; i < l->size; i++)
                free(l->items[i].detail);
        free(l->items);
        *l = (CheckList){};
}

void check_add(CheckList *l, const char *name, CheckResult result, const char *format, ...) {
        Check c = { .name = name, .result = result };
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        if (r < 0)
                text = NULL;
        if (!text || escape_text(text, (size_t) r, DETAIL_MAX, &c.detail) < 0 ||
            GREEDY_REALLOC(l->items, l->allocated, l->size + 1) < 0) {
                free(c.detail);
                l->incomplete = true;
                return;
        }
        l->items[l->size++] = c;
}

static const char *renamed(const char *name, const char *const (*names)[2]) {
        for (size_t i = 0; names[i][0]; i++)
                if (streq(names[i][0], name))
                        return names[i][1];
        return name;
}

void check_list_take(CheckList *l, CheckList *from, const char *const (*names)[2]) {
        l->incomplete |= from->incomplete;
        if (GREEDY_REALLOC(l->items, l->allocated, l->size + from->size) < 0)
                l->incomplete = true;
        else {
                for (size_t i = 0; i < from->size; i++) {
                        l->items[l->size] = from->items[i];
                        l->items[l->size++].name = renamed(from->items[i].name, names);
                }
                from->size = 0;
        }
        check_list_done(from);
}

const Check *check_list_find(const CheckList *l, const char *name) {
        for (size_t i = 0; i < l->size; i++)
                if (streq(l->items[i].name, name))
                        return &l->items[i];
        return NULL;
}

bool check_list_passed(const CheckList *l, const char *name) {
        const Check *c = check_list_find(l, name);

        return c && c->result == CHECK_PASS;
}

CheckResult check_list_verdict(const CheckList *l) {
        bool undecided = l->incomplete || l->size == 0;

        for (size_t i = 0; i < l->size; i++)
                if (l->items[i].result == CHECK_FAIL)
                        return CHECK_FAIL;
                else if (l->items[i].result == CHECK_UNDECIDED)
                        undecided = true;
        return undecided ? CHECK_UNDECIDED : CHECK_PASS;
}

const char *check_result_word(CheckResult result) {
        return words[result];
}

json_t *check_list_json(const CheckList *l) {
        CheckResult verdict = check_list_verdict(l);
        json_auto_t *list = json_array();

        for (size_t i = 0; i < l->size; i++)
                json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "name", l->items[i].name, "result",
                                                      words[l->items[i].result], "detail", l->items[i].detail));
        if (json_array_size(list) != l->size || l->incomplete)
                return NULL;
        return json_pack("{s:s,s:O}", "result", verdict == CHECK_UNDECIDED ? "error" : words[verdict], "checks", list);
}
