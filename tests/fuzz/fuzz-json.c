/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Canonical JSON: what is accepted is, byte for byte, what is written; and bad input is never taken for a lack of
 * memory. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/json.h"

static void check_canonical(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = NULL;
        json_auto_t *object = NULL;
        const char *why = NULL;
        int r = json_parse_canonical(data, size, &object, &why);

        REQUIRE(r == 0 || (r == -EINVAL && why));
        if (r < 0)
                return;
        text = json_canonical(object);
        REQUIRE(text && strlen(text) == size && memcmp(text, data, size) == 0);
}

/* Any object, made canonical first. */
static void check_any(const uint8_t *data, size_t size) {
        json_auto_t *any = json_loadb((const char *) data, size, 0, NULL), *again = NULL;
        _cleanup_free_ char *text = NULL;
        const char *why = NULL;
        int r;

        if (!json_is_object(any))
                return;
        text = json_canonical(any);
        REQUIRE(text);
        r = json_parse_canonical(text, strlen(text), &again, &why);
        REQUIRE((r == 0 && json_equal(any, again)) || (r == -EINVAL && why));
}

static void run(const uint8_t *data, size_t size) {
        check_canonical(data, size);
        check_any(data, size);
}

static void seeds(void) {
        fuzz_seed_text("{\"a\":1,\"b\":[true,false,null,-2],\"c\":{\"d\":\"\\\"\\\\\\n\xc3\xa9\"}}");
        fuzz_seed_text("{\"b\":1, \"a\":1.5e3, \"a\":\"\\u00e9\\ud83d\\ude00\\u0000\"}");
        fuzz_seed_text("[[[[[[[[]]]]]]]]");
        fuzz_seed_text("{\"n\":9223372036854775807,\"m\":-9223372036854775808,\"o\":9223372036854775808}");
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
