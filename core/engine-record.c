/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Everything that becomes an entry of the log, and its way to the PCR. */

#include "core/engine-internal.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/hex.h"
#include "lib/batch.h"

bool log_has_room(const Engine *e, size_t size, Room room) {
        static const uint64_t kept_back[_ROOM_MAX] = { [ROOM_ANYBODY] = 256 << 10, [ROOM_GUARD] = 24 << 10 };

        if (room == ROOM_ANYBODY && commit_queue_bytes(e->queue) + size > QUEUE_BYTES_MAX)
                return false;
        return e->log_bytes + size + BATCH_SHARE + kept_back[room] <= e->config.log_max_size;
}

/* Two entries at least share a batch. */
static_assert(RECORD_HEAD_SIZE + sizeof("ima-buf") - 1 + RECORD_DATA_MAX - BATCH_SIZE_MAX <= 2 * BATCH_SHARE,
              "a batch's own bytes are accounted for");

void log_takes(Engine *e, size_t size, bool known) {
        e->log_bytes += size + (known ? BATCH_SHARE : 0);
}

/* What fails is tried again when the timer comes. */
static int again_later(Feed *f, int error) {
        f->engine->retry_at = f->now.boottime + COMMIT_RETRY;
        return error;
}

int send_commit(Feed *f, const Commit *c) {
        Action *a = action_add(f->actions, ACTION_COMMIT);

        if (!a)
                return again_later(f, -ENOMEM);
        a->commit.upto = c->upto;
        a->commit.bytes = c->bytes;
        a->commit.size = c->size;
        a->commit.digest = c->digest;
        a->commit.before = c->before;
        return 0;
}

int start_commit(Feed *f) {
        Engine *e = f->engine;
        Commit commit;
        int r;

        if (e->retry_at != USEC_INFINITY)
                return 0;
        r = commit_queue_next(e->queue, &commit);
        if (r < 0)
                return again_later(f, r);
        if (r == 0)
                return 0;
        e->log_bytes = e->log_bytes + commit.overhead - commit.known * BATCH_SHARE;
        return send_commit(f, &commit);
}

int record_bytes(Feed *f, Buffer *record, bool known, uint64_t *ret_seq) {
        Engine *e = f->engine;
        const Buffer *queued;
        size_t size = record->size;
        Action *a;
        int r;

        /* The action first: an entry without it would be committed and never promised. */
        a = action_add(f->actions, ACTION_RECORD);
        if (!a)
                return -ENOMEM;
        r = commit_queue_push(e->queue, record, known, ret_seq);
        if (r < 0) {
                f->actions->size--;
                return r;
        }
        log_takes(e, size, known);
        queued = commit_queue_last(e->queue);
        a->record.seq = *ret_seq;
        a->record.known = known;
        a->record.bytes = queued->data;
        a->record.size = queued->size;
        return 0;
}

/* An event that only has to be queued. */
typedef struct Finished {
        Kind kind;
        Buffer record;
        char *json;
} Finished;

static void finished_done(Finished *e) {
        buffer_done(&e->record);
        free(e->json);
}

/* Destroys the event. */
static int finish(Feed *f, EventBuilder *event, Finished *ret) {
        int r;

        ret->kind = event->kind;
        r = event_finish(event, f->engine->config.measurement_pcr, &ret->record, &ret->json);
        event_done(event);
        return r;
}

static int add_alert(Feed *f, Severity severity, Finished *e, uint64_t seq) {
        Action *a = action_add(f->actions, ACTION_ALERT);

        if (!a)
                return -ENOMEM;
        a->alert.severity = severity;
        a->alert.kind = e->kind;
        a->alert.seq = seq;
        a->alert.json = TAKE_PTR(e->json);
        return 0;
}

static int record_finished(Feed *f, Finished *e, int alert, uint64_t *ret_seq) {
        uint64_t seq;
        int r;

        r = record_bytes(f, &e->record, false, &seq);
        if (r < 0)
                return r;
        if (ret_seq)
                *ret_seq = seq;
        return alert >= 0 ? add_alert(f, (Severity) alert, e, seq) : 0;
}

static Room room_of(Kind kind) {
        switch (kind) {
        case KIND_EXEC:
        case KIND_UNGATED:
        case KIND_ACTIVITY:
        case KIND_RELEASE:
        case KIND_LOST:
        case KIND_SUPPRESSED:
        case KIND_CANARY:
                return ROOM_ANYBODY;
        case KIND_LOCK:
        case KIND_LOCKED:
                return ROOM_LOCK;
        default:
                return ROOM_GUARD;
        }
}

int record_event(Feed *f, EventBuilder *event, int alert, uint64_t *ret_seq) {
        return record_event_in(f, room_of(event->kind), event, alert, ret_seq);
}

int record_event_in(Feed *f, Room room, EventBuilder *event, int alert, uint64_t *ret_seq) {
        _cleanup_(finished_done) Finished e = {};
        int r = finish(f, event, &e);

        if (r < 0)
                return r;
        if (!log_has_room(f->engine, e.record.size, room))
                return -ENOSPC;
        return record_finished(f, &e, alert, ret_seq);
}

int record_pair(Feed *f, Buffer *violation, EventBuilder *binding, int alert, uint64_t *ret_seq) {
        _cleanup_(finished_done) Finished e = {};
        uint64_t seq;
        int r;

        /* Whatever can fail comes before the first of the two: alone it would make the log unreadable. */
        r = finish(f, binding, &e);
        if (r >= 0 && !log_has_room(f->engine, violation->size + e.record.size, ROOM_ANYBODY))
                r = -ENOSPC;
        if (r >= 0)
                r = commit_queue_reserve(f->engine->queue, 2);
        if (r >= 0)
                r = action_reserve(f->actions, 2);
        if (r >= 0)
                r = record_bytes(f, violation, false, &seq);
        return r < 0 ? r : record_finished(f, &e, alert, ret_seq);
}

void put_backing(EventBuilder *event, const FileIdentity *f) {
        if (f->backing_inode == 0)
                return;
        event_count(event, "backing", f->backing_inode);
        event_count(event, "backingdev", f->backing_device);
}

void put_subject(EventBuilder *event, const Subject *s) {
        event_count(event, "pid", s->pid);
        event_count(event, "uid", s->uid);
        event_count(event, "euid", s->euid);
        event_text_max(event, "exe", s->exe, EVENT_EXE_MAX);
        event_text(event, "comm", s->comm);
        event_text(event, "cgroup", s->cgroup);
        event_text(event, "unit", s->unit);
        if (s->mount_namespace > 0)
                event_count(event, "mntns", s->mount_namespace);
}

bool dedup_key(const char *what, const uint8_t *digest, const char *detail, const char *path,
               uint8_t ret[DEDUP_KEY_SIZE]) {
        static const uint8_t none[SHA256_SIZE];
        _cleanup_(buffer_done) Buffer b = {};
        uint8_t hash[SHA256_SIZE];

        buffer_bytes(&b, what, strlen(what) + 1);
        buffer_bytes(&b, digest ? digest : none, SHA256_SIZE);
        buffer_bytes(&b, detail, strlen(detail) + 1);
        buffer_bytes(&b, path, strlen(path) + 1);
        if (buffer_error(&b) < 0 || sha256(b.data, b.size, hash) < 0)
                return false;
        memcpy(ret, hash, DEDUP_KEY_SIZE);
        return true;
}

int record_policy(Feed *f) {
        Engine *e = f->engine;
        const Policy *p = e->policy;
        EventBuilder event = event_begin(KIND_POLICY, &f->now);
        uint64_t seq = NOT_RECORDED;
        int r;

        event_digest(&event, "digest", p->digest);
        event_count(&event, "generation", e->generation + 1);
        event_text(&event, "mode", mode_names[p->mode]);
        event_count(&event, "rules", p->rules_size);
        event_map(&event, "references");
        for (size_t i = 0; i < p->references_size; i++) {
                char hex[2 * SHA256_SIZE + 1];

                hex_encode(reference_set_digest(p->references[i].set), SHA256_SIZE, hex);
                event_map_text(&event, "references", p->references[i].name, hex);
        }
        r = record_event(f, &event, -1, &seq);
        if (seq == NOT_RECORDED)
                return r;
        e->generation++;
        memcpy(e->logged_policy, p->digest, SHA256_SIZE);
        table_clear(e->measured);
        table_clear(e->judged);
        return r;
}

static void begin_window(Feed *f) {
        Engine *e = f->engine;

        if (e->window_start != 0)
                return;
        e->window_start = f->now.boottime;
        e->window_start_real = f->now.realtime;
}

void limiter_leave_out(Feed *f, uint64_t n) {
        begin_window(f);
        f->engine->window_suppressed += n;
        f->engine->suppressed += n;
}

bool limiter_take(Feed *f) {
        Engine *e = f->engine;

        begin_window(f);
        if (e->window_records < REFUSALS_PER_WINDOW) {
                e->window_records++;
                return true;
        }
        limiter_leave_out(f, 1);
        return false;
}

int limiter_flush(Feed *f) {
        Engine *e = f->engine;
        uint64_t left_out = e->window_suppressed;
        usec_t since = e->window_start_real;
        EventBuilder event;

        if (e->window_start == 0 || (f->now.boottime < e->window_start + REFUSAL_WINDOW && !e->stopping))
                return 0;
        e->window_start = e->window_records = e->window_suppressed = 0;
        if (left_out == 0)
                return 0;
        event = event_begin(KIND_SUPPRESSED, &f->now);
        event_count(&event, "count", left_out);
        event_count(&event, "since", since);
        event_count(&event, "until", f->now.realtime);
        return record_event(f, &event, SEVERITY_WARNING, NULL);
}
