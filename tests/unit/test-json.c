/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "lib/json.h"
#include "tests/test.h"

#include <errno.h>

static void parses_what_it_writes(void **state _unused_) {
        json_auto_t *object = json_pack("{s:s, s:i, s:b, s:[i,s], s:{s:s}}", "text", "\"\\\n/\xc3\xa4", "count", -5,
                                        "flag", 1, "list", 1, "x", "map", "b", "a");
        _cleanup_free_ char *text = json_canonical(object), *again = NULL;
        json_auto_t *parsed = NULL;
        const char *why = "";

        assert_string_equal(text, "{\"count\":-5,\"flag\":true,\"list\":[1,\"x\"],\"map\":{\"b\":\"a\"},"
                                  "\"text\":\"\\\"\\\\\\n/\xc3\xa4\"}");
        assert_int_equal(json_parse_canonical(text, strlen(text), &parsed, &why), 0);
        assert_true(json_equal(parsed, object));
        again = json_canonical(parsed);
        assert_string_equal(again, text);
}

static void other_forms_are_refused(void **state _unused_) {
        static const char *const texts[] = {
                "",
                "[]",
                "1",
                "\"a\"",
                "{",
                "{}x",
                "{} ",
                " {}",
                "{\"a\": 1}",
                "{\"a\":1.0}",
                "{\"a\":[{\"b\":1e3}]}",
                "{\"a\":1,\"a\":1}",
                "{\"b\":1,\"a\":1}",
                "{\"a\":-0}",
                "{\"a\":01}",
                "{\"a\":9223372036854775808}",
                "{\"a\":\"\\u0041\"}",
                "{\"a\":\"\\/\"}",
                "{\"a\":\"\\u0000\"}",
                "{\"a\":\"\xff\"}",
                "{\"a\":\"\xed\xa0\x80\"}",
                "{'a':1}",
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                json_t *object = NULL;
                const char *why = NULL;

                assert_int_equal(json_parse_canonical(texts[i], strlen(texts[i]), &object, &why), -EINVAL);
                assert_null(object);
                assert_non_null(why);
        }
        json_t *object = NULL;
        const char *why;
        assert_int_equal(json_parse_canonical("{}\0", 3, &object, &why), -EINVAL);
}

static void depth_is_bounded(void **state _unused_) {
        enum { DEPTH = 100000 };
        char *text = malloc(2 * DEPTH + 6);
        json_t *object = NULL;
        const char *why = NULL;

        assert_non_null(text);
        memcpy(text, "{\"a\":", 5);
        memset(text + 5, '[', DEPTH);
        memset(text + 5 + DEPTH, ']', DEPTH);
        text[2 * DEPTH + 5] = '}';
        assert_int_equal(json_parse_canonical(text, 2 * DEPTH + 6, &object, &why), -EINVAL);
        free(text);
}

/* Fails the n-th allocation and all that follow. */
static size_t allocations, fail_at;

static void *failing_malloc(size_t n) {
        return ++allocations >= fail_at ? NULL : malloc(n);
}

/* Without memory nothing was decided. (jansson's lexer calls some of its own failed allocations an invalid token; what it
 * does not say cannot be known here.) */
static void out_of_memory_is_no_verdict(void **state _unused_) {
        static const char text[] =
                "{\"a\":[1,{\"b\":\"text\"},true],\"long key, long enough for its own memory\":\"x\"}";
        unsigned undecided = 0, refused = 0;
        bool passed = false;

        json_set_alloc_funcs(failing_malloc, free);
        for (fail_at = 1; !passed; fail_at++) {
                json_t *object = NULL;
                const char *why = "";
                int r;

                allocations = 0;
                r = json_parse_canonical(text, strlen(text), &object, &why);
                passed = allocations < fail_at;
                assert_int_equal(r == 0, object != NULL);
                assert_true(!passed || r == 0);
                undecided += r == -ENOMEM;
                refused += r == -EINVAL;
                json_decref(object);
        }
        json_set_alloc_funcs(malloc, free);
        assert_true(undecided > 2 * refused);
}

static void putting(void **state _unused_) {
        json_auto_t *object = json_object();
        _cleanup_free_ char *text = NULL;

        assert_int_equal(json_put(object, "a", json_integer(1)), 0);
        assert_int_equal(json_put(object, "b", NULL), -ENOMEM);
        assert_int_equal(json_put_text(object, "c", NULL, 100), 0);
        assert_int_equal(json_put_text(object, "d", "x\ny", 100), 0);
        assert_int_equal(json_put_text(object, "e", "x", 10), -EINVAL);
        text = json_canonical(object);
        assert_string_equal(text, "{\"a\":1,\"d\":\"x\\\\x0ay\"}");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(parses_what_it_writes),
                TEST(other_forms_are_refused),
                TEST(depth_is_bounded),
                TEST(out_of_memory_is_no_verdict),
                TEST(putting),
        };

        return RUN(tests);
}
