/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Escaping, in both directions: any bytes become printable text that gives them back, within any limit; any text that is
 * taken back is the one text that its bytes have. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/escape.h"
#include "lib/json.h"

static void check_printable(const char *text) {
        size_t n = strlen(text), length;
        unsigned c;

        for (size_t i = 0; i < n; i += length) {
                length = utf8_next(text + i, n - i, &c);
                REQUIRE(length > 0 && !utf8_is_unprintable(c));
        }
}

static void check_escaped(const char *raw, size_t n, size_t limit) {
        _cleanup_free_ char *text = NULL, *back = NULL;
        size_t back_size;
        int r;

        REQUIRE(escape_text(raw, n, limit, &text) == 0);
        REQUIRE(strlen(text) <= limit && escape_is_canonical(text, strlen(text)));
        check_printable(text);
        r = unescape_text(text, &back, &back_size);
        REQUIRE(r == 0 || r == -ENODATA);
        if (r == 0)
                REQUIRE(back_size == n && memcmp(back, raw, n) == 0);
        else
                REQUIRE(4 * n > limit); /* else it need not be cut */
}

static void check_for_json(const char *raw, size_t limit) {
        _cleanup_free_ char *text = NULL, *dumped = NULL;
        json_auto_t *value = NULL;

        REQUIRE(escape_for_json(raw, limit, &text) == 0);
        REQUIRE(escape_is_canonical(text, strlen(text)));
        value = json_string(text);
        REQUIRE(value);
        dumped = json_dumps(value, JSON_ENCODE_ANY);
        REQUIRE(dumped && strlen(dumped) <= limit + 2);
}

static void check_unescaped(const char *text) {
        _cleanup_free_ char *raw = NULL, *again = NULL;
        size_t n;
        int r = unescape_text(text, &raw, &n);

        REQUIRE(r == 0 || r == -EINVAL || r == -ENODATA);
        REQUIRE((r != -EINVAL) == escape_is_canonical(text, strlen(text)));
        if (r < 0)
                return;
        REQUIRE(escape_text(raw, n, 4 * n + ESCAPE_CUT_SIZE, &again) == 0 && streq(again, text));
}

static void run(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = memdup_nul(data, size), *none = NULL;
        size_t n, limit = ESCAPE_CUT_SIZE + 1 + (size > 0 ? data[0] : 0);

        REQUIRE(text);
        n = strlen(text);
        check_escaped(text, n, limit);
        check_escaped(text, n, ESCAPE_CUT_SIZE);
        check_for_json(text, limit);
        check_unescaped(text);
        if (n < size)
                REQUIRE(escape_text(text, size, limit, &none) == -EINVAL);
}

static void seeds(void) {
        static const char path[] = "/usr/bin/\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 \"q\" \\x \n\x7f\xff\xc3";
        char longer[600];
        _cleanup_free_ char *escaped = NULL, *cut = NULL;

        memset(longer, '"', sizeof(longer));
        fuzz_seed_text(path);
        fuzz_seed(longer, sizeof(longer));
        REQUIRE(escape_text(path, strlen(path), 1000, &escaped) == 0);
        fuzz_seed_text(escaped);
        REQUIRE(escape_text(longer, sizeof(longer), 100, &cut) == 0);
        fuzz_seed_text(cut);
        fuzz_seed_text("\\x0a\\xe2\\x80\\xae\\x5c\\XFF\\x0");
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
