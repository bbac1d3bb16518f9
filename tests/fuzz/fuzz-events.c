/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rules behind the digests: each line is an entry of a log. "fPATH" is a file, "vPATH" a violation, "(" and ")" begin
 * and end a batch, "KIND JSON" is an event, whatever its JSON. In it @ stands for the digest that binds the entry before
 * it. The log reader reads what comes of it, and an accepted event is what the event builder would write. */

#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/batch.h"
#include "lib/escape.h"
#include "lib/json.h"
#include "lib/logreader.h"

DEFINE_CLEANUP(LogReader *, log_reader_free)

typedef struct Script {
        Buffer log, batch;
        bool in_batch;
        char binding[2 * SHA256_SIZE + 1];
} Script;

static void script_done(Script *s) {
        buffer_done(&s->log);
        buffer_done(&s->batch);
}

static void note_binding(Script *s, const Buffer *b, size_t start) {
        Reader r = reader_new(b->data + start, b->size - start);
        uint8_t digest[SHA256_SIZE];
        const char *why;
        RecordView view;

        if (b->size == start || record_parse(&r, &view, &why) != RECORD_OK)
                return;
        REQUIRE(sha256(view.data, view.data_size, digest) == 0);
        hex_encode(digest, sizeof(digest), s->binding);
}

static void put_event(Script *s, Buffer *to, char *line) {
        _cleanup_(buffer_done) Buffer json = {};
        _cleanup_free_ char *name = NULL;
        char *text = strchr(line, ' ');

        if (!text)
                return;
        *text++ = '\0';
        REQUIRE(asprintf(&name, KIND_PREFIX "%s", line) > 0);
        for (; *text; text++)
                if (*text == '@')
                        buffer_string(&json, s->binding);
                else
                        buffer_bytes(&json, text, 1);
        (void) record_put_event(to, 13, name, json.data, json.size);
}

static void put_line(Script *s, char *line) {
        Buffer *to = s->in_batch ? &s->batch : &s->log;
        const uint8_t digest[SHA256_SIZE] = { 7 };
        size_t start = to->size;

        if (streq(line, "(")) {
                s->in_batch = true;
                return;
        }
        if (streq(line, ")")) {
                (void) batch_put(&s->log, 13, s->batch.data, s->batch.size);
                s->batch.size = 0;
                s->in_batch = false;
                return;
        }
        if (*line == 'f') {
                (void) record_put_file(to, 13, digest, line + 1);
        } else if (*line == 'v') {
                (void) record_put_violation(to, 13, line + 1);
        } else {
                put_event(s, to, line);
                return; /* so that a pair can be bound wrongly, too */
        }
        note_binding(s, to, start);
}

/* An accepted event: canonical, of its kind, and of texts that give their bytes back. */
static void check_event(const LogEntry *e) {
        _cleanup_free_ char *text = json_canonical(e->json);
        const char *key, *why;
        json_t *value;

        REQUIRE(text && strlen(text) == e->record.buf_size && memcmp(text, e->record.buf, e->record.buf_size) == 0);
        REQUIRE(kind_check(e->kind, e->json, &key, &why));
        json_object_foreach((json_t *) e->json, key, value) {
                _cleanup_free_ char *raw = NULL;
                size_t n;

                if (json_is_string(value))
                        REQUIRE(unescape_text(json_string_value(value), &raw, &n) != -EINVAL);
        }
}

static void run(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = memdup_nul(data, size);
        _cleanup_(log_reader_freep) LogReader *l = NULL;
        _cleanup_(script_done) Script s = {};
        LogResult result;
        LogEntry entry;

        REQUIRE(text);
        for (char *line = text, *end; line; line = end ? end + 1 : NULL) {
                end = strchr(line, '\n');
                if (end)
                        *end = '\0';
                put_line(&s, line);
        }
        REQUIRE(log_reader_new(s.log.data, s.log.size, bank(HASH_SHA256), &l) == 0);
        while ((result = log_reader_next(l, &entry)) == LOG_ENTRY)
                if (entry.json)
                        check_event(&entry);
        REQUIRE(result == LOG_END || result == LOG_BAD || (result == LOG_TRUNCATED && !log_reader_at_boundary(l)));
}

static void put_seed_event(Buffer *b, Kind kind, const char *text, uint64_t count, bool bound) {
        EventBuilder e = sample_event(kind, text, count, count % 2);
        _cleanup_free_ char *json = NULL;

        if (bound)
                event_text(&e, "record", "@");
        json = json_canonical(e.json);
        REQUIRE(json);
        buffer_string(b, kind_name(kind));
        buffer_string(b, " ");
        buffer_string(b, json);
        buffer_string(b, "\n");
        event_done(&e);
}

static void seeds(void) {
        for (Kind kind = 0; kind < _KIND_MAX; kind++) {
                _cleanup_(buffer_done) Buffer b = {};

                put_seed_event(&b, KIND_BOOT, "b\\x0a\"", 3, false);
                if (kind == KIND_OPEN_WRITERS) {
                        buffer_string(&b, "v/usr/bin/x\n");
                        put_seed_event(&b, kind, "/usr/bin/x", 1, true);
                } else if (kind != KIND_BATCH && kind != KIND_BOOT)
                        put_seed_event(&b, kind, "\xc3\xa9\xff", (uint64_t) kind, false);
                else
                        buffer_string(&b, "(\nf/a\nf/b\\x0a\n)\nf/c\n");
                fuzz_seed(b.data, b.size);
        }
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
