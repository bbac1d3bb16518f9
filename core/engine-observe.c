/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What sensors report after the fact. */

#include "core/engine-internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/alloc.h"

static int confirm(Feed *f, const Execed *x, const UsedAnswer *used, size_t n) {
        for (size_t i = 0; i < n; i++) {
                Action *a = action_add(f->actions, ACTION_CONFIRMED);

                if (!a)
                        return -ENOMEM;
                a->confirmed.token = used[i].token;
                a->confirmed.ran = used[i].ran;
                a->confirmed.execed = *x;
                a->confirmed.execed.path = NULL;
                a->confirmed.execed.subject =
                        (Subject){ .pid = x->subject.pid, .uid = x->subject.uid, .euid = x->subject.euid };
        }
        return 0;
}

/* The event × mode table's row for code that ran all the same. */
static const char *ungated_verdict(const Execed *x, Mode mode) {
        if (x->privileged)
                return mode == MODE_ENFORCE ? "lock" : "would-lock";
        return mode == MODE_ENFORCE ? "kill" : "would-kill";
}

static const char *ungated_reason(const Execed *x) {
        if (x->before_gate)
                return "opened before the gate was up";
        return x->changed ? "its file was changed after the gate's answer" : "no answer of the gate was used";
}

static int record_ungated(Feed *f, const Execed *x, const char *verdict, uint64_t *ret_seq) {
        Severity severity = x->before_gate ? SEVERITY_WARNING : SEVERITY_CRITICAL;
        EventBuilder event = event_begin(KIND_UNGATED, &f->now);

        put_subject(&event, &x->subject);
        event_text_max(&event, "path", strempty(x->path), EVENT_PATH_MAX);
        event_count(&event, "device", x->file.device);
        event_count(&event, "inode", x->file.inode);
        put_backing(&event, &x->file);
        event_text(&event, "reason", ungated_reason(x));
        event_bool(&event, "privileged", x->privileged);
        event_text(&event, "severity", severity_names[severity]);
        event_text(&event, "verdict", verdict);
        return record_event_in(f, x->privileged ? ROOM_GUARD : ROOM_ANYBODY, &event, (int) severity, ret_seq);
}

int kill_process(Feed *f, uint32_t pid, usec_t started) {
        Action *a = action_add(f->actions, ACTION_KILL);

        if (!a)
                return -ENOMEM;
        a->kill.pid = pid;
        a->kill.started = started;
        return 0;
}

/* What ran before the gate was up is held against nobody, and there may be as much of it as the ring holds: that each file ran, for
 * each user, is said once. */
static int record_before_gate(Feed *f, const Execed *x) {
        Engine *e = f->engine;
        uint64_t seq = NOT_RECORDED;
        uint8_t key[DEDUP_KEY_SIZE];
        char file[64];
        bool has_key;
        int r;

        snprintf(file, sizeof(file), "%u:%llu", x->file.device, (unsigned long long) x->file.inode);
        has_key = judged_key("seen", file, NULL, x->subject.uid, NULL, strempty(x->path), key);
        if (has_key && table_get(e->judged, key))
                return 0;
        r = record_ungated(f, x, "seen", &seq);
        if (r >= 0 && has_key)
                remember(e->judged, key, seq);
        return r;
}

static int on_ungated(Feed *f, const Execed *x) {
        Engine *e = f->engine;
        Mode mode = e->policy->mode;
        const char *verdict = ungated_verdict(x, mode);
        uint64_t seq = NOT_RECORDED;
        int r = 0, q = 0;

        e->ungated++;
        if (x->before_gate)
                return record_before_gate(f, x);
        if (x->privileged || limiter_take(f)) /* a violation is never left out */
                r = record_ungated(f, x, verdict, &seq);
        if (x->privileged)
                q = guard_violate(f, "ungated", seq, false, 0);
        else {
                q = guard_degrade(f, REASON_UNGATED);
                if (mode == MODE_ENFORCE && kill_process(f, x->subject.pid, x->started) < 0)
                        q = -ENOMEM;
        }
        return first_error(r, q);
}

int feed_execed(Feed *f, const Execed *x) {
        UsedAnswer used[ANSWERS_PER_PROCESS];
        bool answered;
        size_t n;
        int r;

        if (x->changed)
                return on_ungated(f, x);
        answered = answers_consume(f->engine->answers, x->subject.pid, &x->file, x->started, x->when, used, &n);
        r = confirm(f, x, used, n);
        if (answered)
                return r;
        return first_error(r, on_ungated(f, x));
}

int feed_lost(Feed *f, const Input *in) {
        EventBuilder event = event_begin(KIND_LOST, &f->now);
        int r;

        f->engine->lost += in->lost.count;
        event_text(&event, "sensor", in->lost.sensor);
        event_count(&event, "first", in->lost.first);
        event_count(&event, "last", in->lost.last);
        event_count(&event, "count", in->lost.count);
        r = record_event(f, &event, SEVERITY_ERROR, NULL);
        return first_error(r, guard_failure(f, FAILURE_EVENTS_LOST, NULL));
}

static int record_level(Feed *f, Watched w, Level from, Level to) {
        EventBuilder event = event_begin(KIND_LEVEL, &f->now);

        event_text(&event, "event", watched_names[w]);
        event_text(&event, "from", level_names[from]);
        event_text(&event, "to", level_names[to]);
        return record_event(f, &event, to < from ? SEVERITY_ERROR : SEVERITY_NOTICE, NULL);
}

int feed_levels(Feed *f, const Input *in) {
        Engine *e = f->engine;
        bool below = false, lowered = false;
        int r = 0;

        for (Watched w = 0; w < _WATCHED_MAX; w++)
                lowered = lowered || in->levels.levels[w] < e->levels[w];
        if (lowered)
                r = drill_cancel(f, "level");

        for (Watched w = 0; w < _WATCHED_MAX; w++) {
                Level from = e->levels[w], to = in->levels.levels[w];

                e->levels[w] = to;
                if (free_and_strdup(&e->level_why[w], in->levels.why[w]) < 0)
                        r = -ENOMEM;
                if (to != from)
                        r = first_error(r, record_level(f, w, from, to));
                below = below || to < e->required[w];
        }
        if (below)
                return first_error(r, guard_degrade(f, REASON_LEVEL));
        return first_error(r, guard_recover(f, REASON_LEVEL));
}

int feed_tamper(Feed *f, const Input *in) {
        EventBuilder event = event_begin(KIND_TAMPER, &f->now);
        uint64_t seq = NOT_RECORDED;
        int r;

        event_text(&event, "what", in->tamper.what);
        event_text(&event, "detail", in->tamper.detail);
        event_text(&event, "verdict", f->engine->policy->mode == MODE_ENFORCE ? "lock" : "would-lock");
        r = record_event(f, &event, SEVERITY_CRITICAL, &seq);
        return first_error(r, guard_violate(f, in->tamper.what, seq, false, 0));
}
