/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Builds the ima-buf record of an event. */

#include "lib/event.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/escape.h"
#include "lib/json.h"
#include "lib/record.h"

static void keep(EventBuilder *e, int r) {
        if (r < 0 && e->error == 0)
                e->error = r;
}

EventBuilder event_begin(Kind kind, const Now *now) {
        EventBuilder e = { .kind = kind, .json = json_object() };

        if (!e.json)
                e.error = -ENOMEM;
        event_count(&e, "time", now->realtime);
        event_count(&e, "boottime", now->boottime);
        return e;
}

void event_done(EventBuilder *e) {
        json_decref(e->json);
        *e = (EventBuilder){};
}

void event_text_max(EventBuilder *e, const char *key, const char *text, size_t limit) {
        keep(e, json_put_text(e->json, key, text, limit));
}

void event_text(EventBuilder *e, const char *key, const char *text) {
        event_text_max(e, key, text, EVENT_TEXT_MAX);
}

void event_count(EventBuilder *e, const char *key, uint64_t value) {
        keep(e, json_put(e->json, key, json_integer((json_int_t) MIN(value, (uint64_t) INT64_MAX))));
}

void event_bool(EventBuilder *e, const char *key, bool value) {
        keep(e, json_put(e->json, key, json_boolean(value)));
}

void event_digest(EventBuilder *e, const char *key, const uint8_t digest[SHA256_SIZE]) {
        char hex[2 * SHA256_SIZE + 1];

        keep(e, json_put(e->json, key, json_string(hex_encode(digest, SHA256_SIZE, hex))));
}

void event_list(EventBuilder *e, const char *key) {
        keep(e, json_put(e->json, key, json_array()));
}

void event_map(EventBuilder *e, const char *key) {
        keep(e, json_put(e->json, key, json_object()));
}

static size_t dumped_size(const json_t *value) {
        return json_dumpb(value, NULL, 0, JSON_COMPACT);
}

/* True when the list or map, and the event with it, may be as large as they are now. */
static bool fits(const EventBuilder *e, const json_t *list) {
        return dumped_size(list) <= EVENT_LIST_MAX && dumped_size(e->json) <= EVENT_SIZE_MAX;
}

bool event_list_text(EventBuilder *e, const char *key, const char *text) {
        json_t *list = json_object_get(e->json, key);
        _cleanup_free_ char *escaped = NULL;
        int r;

        r = escape_for_json(text, EVENT_TEXT_MAX, &escaped);
        if (r >= 0 && json_array_append_new(list, json_string(escaped)) < 0)
                r = -ENOMEM;
        keep(e, r);
        if (r < 0 || fits(e, list))
                return true;
        json_array_remove(list, json_array_size(list) - 1);
        return false;
}

void event_list_count(EventBuilder *e, const char *key, uint64_t value) {
        if (json_array_append_new(json_object_get(e->json, key), json_integer((json_int_t) value)) < 0)
                keep(e, -ENOMEM);
}

bool event_map_text(EventBuilder *e, const char *key, const char *member, const char *text) {
        json_t *map = json_object_get(e->json, key);
        _cleanup_free_ char *escaped = NULL;
        int r;

        r = escape_for_json(member, EVENT_TEXT_MAX, &escaped);
        if (r >= 0)
                r = json_put_text(map, escaped, text, EVENT_SHORT_MAX);
        keep(e, r);
        if (r < 0 || fits(e, map))
                return true;
        json_object_del(map, escaped);
        return false;
}

void event_list_pcrs(EventBuilder *e, const char *key, PcrSet set) {
        event_list(e, key);
        for (unsigned i = 0; i < PCR_COUNT; i++)
                if (set & (1U << i))
                        event_list_count(e, key, i);
}

int event_finish(EventBuilder *e, uint32_t pcr, Buffer *ret, char **ret_json) {
        char name[sizeof(KIND_PREFIX) + 32];
        _cleanup_(buffer_done) Buffer b = {};
        _cleanup_free_ char *text = NULL;
        const char *key, *why;
        int r;

        if (e->error < 0)
                return e->error;
        if (!kind_check(e->kind, e->json, &key, &why))
                return -EBADMSG;
        text = json_canonical(e->json);
        if (!text)
                return -ENOMEM;
        snprintf(name, sizeof(name), KIND_PREFIX "%s", kind_name(e->kind));
        r = record_put_event(&b, pcr, name, text, strlen(text));
        if (r < 0)
                return r;
        *ret = TAKE_STRUCT(b);
        *ret_json = TAKE_PTR(text);
        return 0;
}
