/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Canonical JSON over jansson: sorted keys, no blanks, no duplicate keys, no floating point, one encoding per
 * value. What json_parse_canonical() accepts is, byte for byte, what json_canonical() writes. */

#include <jansson.h>
#include <stddef.h>

/* The canonical text of an object; NULL when out of memory. The caller frees it. */
char *json_canonical(const json_t *object);

/* Parses n bytes that must be one canonical object. 0 with *ret owned by the caller, -EINVAL with a static sentence,
 * -ENOMEM. */
int json_parse_canonical(const void *text, size_t n, json_t **ret, const char **reterr_why);

/* Sets a key to a value whose reference is taken over, also on failure. A NULL value (out of memory where it was
 * made) is -ENOMEM. */
int json_put(json_t *object, const char *key, json_t *value);

/* Sets a key to text of unknown origin, escaped (see lib/escape.h) and cut so that it takes `limit` bytes of the JSON
 * between its quotes. NULL text sets nothing. */
int json_put_text(json_t *object, const char *key, const char *text, size_t limit);
