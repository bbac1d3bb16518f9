/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Builds the ima-buf record of an event. Setters remember the first error, so that a builder is read top to bottom
 * and checked once, in event_finish(). */

#include <jansson.h>

#include "lib/base/bytes.h"
#include "lib/base/macro.h"
#include "lib/kind.h"
#include "lib/pcr.h"

/* Now, on both clocks (microseconds). */
typedef struct Now {
        usec_t boottime, realtime;
} Now;

/* Room for text per key, in bytes of the JSON. Together they keep every event below RECORD_DATA_MAX, whatever the text. */
enum {
        EVENT_PATH_MAX = 768,
        EVENT_EXE_MAX = 384,
        EVENT_TEXT_MAX = 256,
        EVENT_SHORT_MAX = 128, /* what is short unless something is wrong; the digits of a SHA-512 fit */
        EVENT_LIST_MAX = 2304, /* all members of a list or map */
        EVENT_SIZE_MAX = 3900, /* of the whole event, after a member was added: a count or two may follow */
};

typedef struct EventBuilder {
        Kind kind;
        json_t *json;
        int error;
} EventBuilder;

EventBuilder event_begin(Kind kind, const Now *now);
void event_done(EventBuilder *e);

void event_text(EventBuilder *e, const char *key, const char *text); /* NULL: the key stays away */
void event_text_max(EventBuilder *e, const char *key, const char *text, size_t limit);
void event_count(EventBuilder *e, const char *key, uint64_t value);
void event_bool(EventBuilder *e, const char *key, bool value);
void event_digest(EventBuilder *e, const char *key, const uint8_t digest[SHA256_SIZE]);

/* Lists and maps start empty with event_list() or event_map(), behind all text. A member that would bring the list above
 * EVENT_LIST_MAX or the event above EVENT_SIZE_MAX is left out and false is returned. A map's values are cut to
 * EVENT_SHORT_MAX. */
void event_list(EventBuilder *e, const char *key);
bool event_list_text(EventBuilder *e, const char *key, const char *text);
void event_list_count(EventBuilder *e, const char *key, uint64_t value);
void event_map(EventBuilder *e, const char *key);
bool event_map_text(EventBuilder *e, const char *key, const char *member, const char *text);

/* The PCRs of a set, as a list of numbers. */
void event_list_pcrs(EventBuilder *e, const char *key, PcrSet set);

/* Encodes the record and gives its JSON text as well (owned by the caller). 0, the first error of a setter, or
 * -EBADMSG when the event does not match the kind table. */
int event_finish(EventBuilder *e, uint32_t pcr, Buffer *ret, char **ret_json);
