/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Drills. Nothing is exempt before the announcement is in the register, nor behind the record of the end; and each activity is once:
 * a second one like it is nobody's drill. Code is known by its digest, and the engine makes that itself: what it is about is a
 * program that only ends. */

#include "core/engine-internal.h"

#include <errno.h>
#include <stdio.h>

#include "lib/base/hex.h"

static const char *refusal(const Engine *e, const DrillRequest *q) {
        if (e->drill.phase != DRILL_NONE)
                return "another drill is under way";
        if (guard_is_closed(e->state))
                return "locked: there is nothing left to protect";
        if (e->state == STATE_STARTING || e->stopping)
                return "the guard is starting, or about to end";
        if (strlen(q->id) != DRILL_ID_SIZE || q->asked_size == 0)
                return "nothing was asked for";
        return NULL;
}

/* A process does one thing: whatever else it does is an attack. */
static bool is_taken(const Drill *d, const DrillAsked *asked) {
        for (DrillItem item = 0; item < _DRILL_MAX; item++)
                if (item != asked->item && d->items[item].open && drill_row(item)->how &&
                    d->items[item].by.pid == asked->pid)
                        return true;
        return false;
}

/* Takes what may be tried; of the rest it says why not. */
static int take_items(Engine *e, const DrillRequest *q) {
        Drill *d = &e->drill;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < q->asked_size; i++) {
                const DrillAsked *asked = &q->asked[i];
                DrillItem item = asked->item;
                const DrillRow *row = drill_row(item);

                d->items[item].asked = true;
                d->items[item].by = *asked;
                d->items[item].why = drill_obstacle(item, e->policy, e->levels);
                if (!d->items[item].why && row->how && asked->pid == 0)
                        d->items[item].why = "the process that was to try it is not there";
                if (!d->items[item].why && row->how && is_taken(d, asked))
                        d->items[item].why = "its process is to try something else";
                if (!row->how)
                        r = drill_digest(q->id, item, d->items[item].digest);
                d->items[item].open = !d->items[item].why;
        }
        return r;
}

/* In the words that the records of what was tried will have. */
static void put_item(EventBuilder *event, Drill *d, DrillItem item) {
        const DrillRow *row = drill_row(item);
        char text[EVENT_SHORT_MAX], hex[2 * SHA256_SIZE + 1];

        if (!d->items[item].open)
                return;
        if (row->how)
                snprintf(text, sizeof(text), "%s %s %u", event_names[row->event], row->how, d->items[item].by.pid);
        else
                snprintf(text, sizeof(text), "%s %s", event_names[row->event],
                         hex_encode(d->items[item].digest, SHA256_SIZE, hex));
        d->items[item].open = event_map_text(event, "items", row->name, text);
        if (!d->items[item].open)
                d->items[item].why = "the announcement has no room for it";
}

static int announce(Feed *f, const DrillRequest *q) {
        Drill *d = &f->engine->drill;
        EventBuilder event = event_begin(KIND_DRILL, &f->now);

        event_text(&event, "phase", "begin");
        event_text(&event, "id", d->id);
        event_count(&event, "uid", q->uid);
        event_count(&event, "pid", q->pid);
        event_count(&event, "limit", DRILL_TIME_MAX / USEC_PER_SEC);
        event_map(&event, "items");
        for (DrillItem item = 0; item < _DRILL_MAX; item++)
                put_item(&event, d, item);
        event_map(&event, "targets");
        for (const DrillTarget *t = q->targets; t && t->name; t++)
                event_map_text(&event, "targets", t->name, t->text);
        return record_event_in(f, ROOM_ANYBODY, &event, SEVERITY_NOTICE, &d->seq);
}

int feed_drill(Feed *f, const Input *in) {
        const DrillRequest *q = &in->drill;
        Drill *d = &f->engine->drill;
        const char *why = refusal(f->engine, q);
        int r;

        if (why)
                return finish_release(f, ACTION_REFUSE, q->request, "", why);
        *d = (Drill){ .request = q->request, .seq = NOT_RECORDED };
        snprintf(d->id, sizeof(d->id), "%s", q->id);
        r = take_items(f->engine, q);
        if (r >= 0)
                r = announce(f, q);
        if (d->seq == NOT_RECORDED)
                return first_error(r, finish_release(f, ACTION_REFUSE, q->request, "", "it could not be recorded"));
        d->phase = DRILL_ANNOUNCED;
        d->begun = d->seq;
        d->until = f->now.boottime + DRILL_TIME_MAX;
        return r;
}

/* Over at once, whether or not that can be recorded. */
static int end(Feed *f, const char *reason, uint64_t request) {
        Drill *d = &f->engine->drill;
        EventBuilder event = event_begin(KIND_DRILL, &f->now);
        uint64_t waiting = d->phase == DRILL_ANNOUNCED ? d->request : 0;
        int r;

        event_text(&event, "phase", "end");
        event_text(&event, "id", d->id);
        event_text(&event, "reason", reason);
        event_list(&event, "used");
        for (DrillItem item = 0; item < _DRILL_MAX; item++)
                if (d->items[item].used)
                        event_list_text(&event, "used", drill_row(item)->name);
        d->phase = DRILL_ENDED;
        d->request = request;
        d->seq = NOT_RECORDED;
        r = record_event(f, &event, SEVERITY_NOTICE, &d->seq);
        if (!action_add(f->actions, ACTION_DRILL)) /* it is over; who asked for that waits for the register */
                r = -ENOMEM;
        if (waiting != 0)
                r = first_error(r, finish_release(f, ACTION_REFUSE, waiting, "", "it could not be measured in time"));
        return r;
}

static bool is_under_way(const Drill *d) {
        return d->phase == DRILL_ANNOUNCED || d->phase == DRILL_OPEN;
}

int feed_drill_end(Feed *f, const Input *in) {
        const Drill *d = &f->engine->drill;

        if (!is_under_way(d) || !streq(d->id, in->drill.id))
                return finish_release(f, ACTION_REFUSE, in->drill.request, "", "no such drill is under way");
        return end(f, "request", in->drill.request);
}

int drill_cancel(Feed *f, const char *reason) {
        return is_under_way(&f->engine->drill) ? end(f, reason, 0) : 0;
}

usec_t drill_deadline(const Engine *e) {
        return is_under_way(&e->drill) ? e->drill.until : USEC_INFINITY;
}

/* By the timer alone: it comes behind what waited to be read when the time was over (core/input.h). */
int drill_expire(Feed *f) {
        return drill_deadline(f->engine) <= f->now.boottime ? end(f, "time", 0) : 0;
}

int drill_anchored(Feed *f) {
        Drill *d = &f->engine->drill;
        bool announced = d->phase == DRILL_ANNOUNCED, ended = d->phase == DRILL_ENDED;
        Action *a;

        if ((!announced && !ended) || (d->seq != NOT_RECORDED && d->seq >= commit_queue_anchored(f->engine->queue)))
                return 0;
        a = action_add(f->actions, ACTION_DRILL);
        if (!a)
                return -ENOMEM;
        a->drill = d->request;
        d->request = 0;
        d->phase = announced ? DRILL_OPEN : DRILL_NONE;
        return 0;
}

/* What has no record is exempt from nothing. */
static bool is_open(const Feed *f, Room room) {
        return f->engine->drill.phase == DRILL_OPEN && log_has_room(f->engine, RECORD_SIZE_MAX, room);
}

bool drill_takes_code(Feed *f, const Observation *o) {
        Drill *d = &f->engine->drill;

        if (!is_open(f, ROOM_ANYBODY) || !o->has_digest)
                return false;
        for (DrillItem item = 0; item < _DRILL_MAX; item++)
                if (d->items[item].open && drill_row(item)->event == o->event && !drill_row(item)->how &&
                    d->items[item].taken < DRILL_CODE_MAX &&
                    memcmp(d->items[item].digest, o->digest, SHA256_SIZE) == 0) {
                        d->items[item].used = true;
                        d->items[item].taken++;
                        f->drill = drill_row(item)->name;
                        return true;
                }
        return false;
}

unsigned drill_actions(Feed *f, unsigned actions) {
        f->canary = true;
        return actions_refuse(actions) ? RULE_DENY : RULE_ALERT; /* a record in any case */
}

static bool is_same_process(const DrillAsked *by, const Activity *a) {
        usec_t apart = by->started > a->started ? by->started - a->started : a->started - by->started;

        return by->pid == a->subject.pid && apart <= by->tolerance;
}

bool drill_takes_activity(Feed *f, const Activity *a, const char *how) {
        Drill *d = &f->engine->drill;

        if (!is_open(f, ROOM_GUARD) || a->subject.pid == 0)
                return false;
        for (DrillItem item = 0; item < _DRILL_MAX; item++) {
                const DrillRow *row = drill_row(item);

                if (!d->items[item].open || !row->how || row->event != a->event || !streq(row->how, how) ||
                    !is_same_process(&d->items[item].by, a))
                        continue;
                f->drill = row->name;
                return true;
        }
        return false;
}

/* The kernel side tells once what it has not refused; only at the end it is made to tell again, since some of the items come by
 * a hook that another one has used before. */
bool drill_took_activity(Feed *f, bool recorded) {
        Drill *d = &f->engine->drill;
        DrillItem item = drill_item_from_name(f->drill);

        if (!recorded) {
                f->drill = NULL;
                return false;
        }
        d->items[item].open = false;
        d->items[item].used = true;
        return true;
}
