/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the log says, entry by entry, read by other code than the engine's. */

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/batch.h"
#include "lib/pending.h"
#include "tests/model/world.h"

void told_reset(World *w) {
        Table *keys = w->told.keys;

        table_clear(keys);
        w->told = (Told){ .keys = keys };
}

static void hash_key(const Buffer *b, uint64_t ret[2]) {
        uint8_t digest[SHA256_SIZE];

        if (buffer_error(b) < 0 || sha256(b->data, b->size, digest) < 0)
                abort();
        memcpy(ret, digest, sizeof(uint64_t[2]));
}

void file_key(const char *name, const uint8_t *digest, uint64_t ret[2]) {
        _cleanup_(buffer_done) Buffer b = {};

        buffer_bytes(&b, digest, SHA256_SIZE);
        buffer_string(&b, name);
        hash_key(&b, ret);
}

void judgement_key(const char *verdict, const char *rule, const char *failure, uint64_t uid, const uint8_t *digest,
                   const char *path, uint64_t ret[2]) {
        _cleanup_(buffer_done) Buffer b = {};

        buffer_string(&b, verdict);
        buffer_u8(&b, 0);
        buffer_string(&b, rule);
        buffer_u8(&b, 0);
        buffer_string(&b, strempty(failure));
        buffer_u64le(&b, uid);
        buffer_u8(&b, digest != NULL);
        if (digest)
                buffer_bytes(&b, digest, SHA256_SIZE);
        buffer_string(&b, path);
        hash_key(&b, ret);
}

bool told_of(const World *w, const uint64_t key[2], uint64_t below) {
        const Key *k = table_get(w->told.keys, key);

        return k && k->seq < below;
}

static void tell_once(World *w, const uint64_t key[2]) {
        void *entry;
        int r = table_put(w->told.keys, key, &entry);
        Key *k = entry;

        HOLDS(w, r >= 0);
        HOLDS(w, r == 1 || k->generation < w->told.generation); /* nothing is recorded twice */
        k->generation = w->told.generation;
        if (r == 1)
                k->seq = w->told.entries;
}

static const char *text_of(const json_t *json, const char *key) {
        return strempty(json_string_value(json_object_get(json, key)));
}

static void tell_state(World *w, const json_t *json) {
        State to = state_from_name(text_of(json, "to"));
        const json_t *reason;
        size_t i;

        HOLDS(w, to != _STATE_INVALID && state_from_name(text_of(json, "from")) != _STATE_INVALID);
        HOLDS(w, !guard_is_closed(w->told.state) || guard_is_closed(to)); /* only a reboot leaves locked */
        w->told.state = to;
        w->told.demand = w->told.demand && !guard_is_closed(to);
        json_array_foreach(json_object_get(json, "reasons"), i, reason)
                for (unsigned bit = 0; reason_names[bit]; bit++)
                        if (streq(reason_names[bit], json_string_value(reason)))
                                w->told.sticky |= (1U << bit) & ~(unsigned) REASON_RECOVERABLE;
}

static void tell_judgement(World *w, const json_t *json) {
        const char *hex = json_string_value(json_object_get(json, "digest"));
        uint8_t digest[SHA256_SIZE];
        uint64_t key[2];

        HOLDS(w, !hex || hex_decode(hex, SHA256_SIZE, digest) == 0);
        judgement_key(text_of(json, "verdict"), text_of(json, "rule"), text_of(json, "failure"),
                      (uint64_t) json_integer_value(json_object_get(json, "uid")), hex ? digest : NULL,
                      text_of(json, "path"), key);
        tell_once(w, key);
}

static void tell_event(World *w, const RecordView *record) {
        json_t *json = json_loadb((const char *) record->buf, record->buf_size, JSON_REJECT_DUPLICATES, NULL);
        Kind kind = kind_from_record_name(record->name);
        const char *key, *why;
        Told *t = &w->told;

        HOLDS(w, json && kind != _KIND_INVALID && kind != KIND_BATCH && kind_check(kind, json, &key, &why));
        HOLDS(w, (kind == KIND_BOOT) == (t->entries == 0));
        if (kind == KIND_POLICY)
                t->generation++;
        if (kind == KIND_POLICY)
                HOLDS(w, (uint64_t) json_integer_value(json_object_get(json, "generation")) == t->generation);
        else if (kind == KIND_STATE)
                tell_state(w, json);
        else if (kind == KIND_EXEC)
                tell_judgement(w, json);
        else if (kind == KIND_START)
                t->clean = false;
        else if (kind == KIND_STOP) {
                t->clean = true;
                t->stops++;
                t->stop_seq = t->entries;
        } else if (kind == KIND_CAP) {
                t->caps++;
                t->cap_seq = t->entries;
        }
        if (streq(text_of(json, "verdict"), "lock") && !guard_is_closed(t->state))
                t->demand = true;
        t->locks += kind == KIND_LOCK;
        t->lockeds += kind == KIND_LOCKED;
        HOLDS(w, t->caps <= 1 && t->locks <= 1 && t->lockeds <= 1);
        json_decref(json);
}

static void told_entry(World *w, const RecordView *record) {
        uint64_t key[2];

        if (record->template == TEMPLATE_BUF)
                tell_event(w, record);
        else if (!record->violation) {
                file_key(record->name, record->digest, key);
                tell_once(w, key);
        }
        w->told.entries++;
}

static uint64_t print_of(const RecordView *record) {
        uint8_t digest[SHA256_SIZE];
        uint64_t print;

        if (sha256(record->bytes, record->size, digest) < 0)
                abort();
        memcpy(&print, digest, sizeof(print));
        return print >> 1 << 1;
}

void told_new(World *w, const RecordView *record, bool known) {
        HOLDS(w, GREEDY_REALLOC(w->prints, w->prints_allocated, w->told.entries + 1) >= 0);
        w->prints[w->told.entries] = print_of(record) | known;
        told_entry(w, record);
}

/* The entry is the one that had its number before; unless the log is another one now. */
static void tell_known_entry(World *w, const RecordView *record, bool known) {
        if (w->foreign)
                return told_new(w, record, known);
        HOLDS(w, w->prints[w->told.entries] >> 1 == print_of(record) >> 1);
        told_entry(w, record);
}

/* True when it ends in a violation record. */
static bool tell_log(World *w, size_t size) {
        Reader r = reader_new(w->log.data, size), inside;
        RecordView record = {}, entry;
        const char *why;

        for (size_t start = 0; record_parse(&r, &record, &why) == RECORD_OK; start = r.pos) {
                w->last_record = start;
                if (!batch_is(&record)) {
                        tell_known_entry(w, &record, false);
                        continue;
                }
                inside = batch_reader(&record);
                while (batch_next(&inside, &record, &entry, &why) == RECORD_OK)
                        tell_known_entry(w, &entry, true);
        }
        return record.violation;
}

void told_from_files(World *w, size_t log_size, bool promised) {
        Reader r = reader_new(w->pending.data, promised ? w->pending.size : 0), record_reader;
        PendingItem item;
        RecordView record = {};
        const char *why;
        uint64_t committed;
        bool unbound;

        told_reset(w);
        w->last_record = 0;
        unbound = tell_log(w, log_size);
        committed = w->told.entries;
        while (pending_next(&r, &item) == RECORD_OK) {
                if (item.type != PENDING_ENTRY || item.seq < w->told.entries)
                        continue;
                HOLDS(w, item.seq == w->told.entries || w->foreign || w->tampered);
                record_reader = reader_new(item.record, item.record_size);
                HOLDS(w, record_parse(&record_reader, &record, &why) == RECORD_OK);
                if (item.seq == w->told.entries)
                        tell_known_entry(w, &record, item.flags & PENDING_KNOWN);
                else
                        record.violation = false;
        }
        if (unbound && promised && w->told.entries == committed) {
                HOLDS(w, w->hole > 0); /* what binds the last record could not be promised: now that log is lost */
                w->tampered = w->foreign = true;
        }
        if (record.violation) /* without what binds it, nobody was promised anything */
                w->told.entries--;
}
