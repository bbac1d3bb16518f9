/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Canonical JSON over jansson. */

#include "lib/json.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/escape.h"

enum { SHORT_MAX = 4096 }; /* as every record of the event log is */

/* Not by json_dumps(): where memory for a key is wanting it leaves the key out and says nothing. */
char *json_canonical(const json_t *object) {
        const size_t flags = JSON_COMPACT | JSON_SORT_KEYS, n = json_dumpb(object, NULL, 0, flags);
        _cleanup_free_ char *text = n > 0 ? malloc(n + 1) : NULL;

        if (!text || json_dumpb(object, text, n, flags) != n)
                return NULL;
        text[n] = '\0';
        return TAKE_PTR(text);
}

/* True when it is certainly what json_canonical() writes. False also where memory was wanting, or the text is long. */
static bool is_surely_canonical(const json_t *object, const void *text, size_t n) {
        char again[SHORT_MAX];

        return n <= sizeof(again) && json_dumpb(object, again, sizeof(again), JSON_COMPACT | JSON_SORT_KEYS) == n &&
               memcmp(again, text, n) == 0;
}

static bool holds_real(const json_t *value) {
        const char *key;
        json_t *member;
        size_t i;

        if (json_is_object(value)) {
                json_object_foreach((json_t *) value, key, member)
                        if (holds_real(member))
                                return true;
        } else if (json_is_array(value)) {
                json_array_foreach(value, i, member)
                        if (holds_real(member))
                                return true;
        }
        return json_is_real(value);
}

/* jansson says nothing at all where most of its allocations fail. */
static bool is_out_of_memory(const json_error_t *error) {
        return error->text[0] == '\0' || json_error_code(error) == json_error_out_of_memory;
}

int json_parse_canonical(const void *text, size_t n, json_t **ret, const char **reterr_why) {
        json_auto_t *object = NULL;
        _cleanup_free_ char *again = NULL;
        json_error_t error;

        object = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);
        if (!object && is_out_of_memory(&error))
                return -ENOMEM;
        if (!json_is_object(object) || holds_real(object)) {
                *reterr_why = "the buffer is not one JSON object of text, integers, booleans, lists and objects";
                return -EINVAL;
        }
        if (is_surely_canonical(object, text, n)) {
                *ret = TAKE_PTR(object);
                return 0;
        }
        again = json_canonical(object);
        if (!again)
                return -ENOMEM;
        if (strlen(again) != n || memcmp(again, text, n) != 0) {
                *reterr_why = "the JSON is not in canonical form";
                return -EINVAL;
        }
        *ret = TAKE_PTR(object);
        return 0;
}

int json_put(json_t *object, const char *key, json_t *value) {
        if (!value)
                return -ENOMEM;
        return json_object_set_new(object, key, value) < 0 ? -ENOMEM : 0;
}

int json_put_text(json_t *object, const char *key, const char *text, size_t limit) {
        _cleanup_free_ char *escaped = NULL;
        int r;

        if (!text)
                return 0;
        r = escape_for_json(text, limit, &escaped);
        if (r < 0)
                return r;
        return json_put(object, key, json_string(escaped));
}
