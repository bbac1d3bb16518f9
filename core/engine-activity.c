/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is done to the machine's running state: judged by the same policy as code is. A kernel that could refuse it has
 * done so already. */

#include "core/engine-internal.h"

#include <errno.h>
#include <stdio.h>

#include "lib/base/cleanup.h"
#include "lib/escape.h"

#define NO_RULE "default"

/* How much is said of what no rule names. A busy machine mounts at every start of a service, each time elsewhere, and its JIT
 * compilers make code all the time; what changes the machine for good is said each time. */
typedef enum Telling {
        ONCE_PER_PROGRAM, /* whatever it is done to */
        ONCE_PER_TARGET,  /* and program */
        EACH_TIME,
} Telling;

static const Telling tellings[_EVENT_MAX] = {
        [EVENT_MEMORY] = ONCE_PER_PROGRAM, [EVENT_MODULE_REQUEST] = ONCE_PER_TARGET,
        [EVENT_BPF] = ONCE_PER_TARGET,     [EVENT_PTRACE] = ONCE_PER_TARGET,
        [EVENT_MOUNT] = ONCE_PER_PROGRAM,  [EVENT_SETUID] = ONCE_PER_TARGET,
        [EVENT_DEVICE] = ONCE_PER_TARGET,  [EVENT_DM] = EACH_TIME,
        [EVENT_CONFIG] = EACH_TIME,        [EVENT_UNIT] = EACH_TIME,
        [EVENT_PCR] = EACH_TIME,           [EVENT_IMA] = EACH_TIME,
        [EVENT_SELF] = ONCE_PER_TARGET,
};

bool activity_key(const char *event, const char *how, const char *verdict, const char *rule, uint64_t uid,
                  const char *exe, const char *target, uint8_t ret[DEDUP_KEY_SIZE]) {
        Event e = event_from_name(event, strlen(event));
        _cleanup_free_ char *detail = NULL;

        if (e == _EVENT_INVALID || tellings[e] == EACH_TIME)
                return false;
        if (tellings[e] == ONCE_PER_PROGRAM && streq(rule, NO_RULE))
                target = "";
        if (asprintf(&detail, "%s %s %s %s %llu %s", event, how, verdict, rule, (unsigned long long) uid, exe) < 0)
                return false;
        return dedup_key("activity", NULL, detail, target, ret);
}

/* By which way it was done, in the words of the sensor. */
static const char *how_of(const Activity *a) {
        for (size_t i = 0; i < ACTIVITY_DETAILS_MAX && a->details[i].key; i++)
                if (streq(a->details[i].key, "how"))
                        return strempty(a->details[i].text);
        return "";
}

static int find_recorded(Feed *f, const Activity *a, const Verdict *v, const char *verdict,
                         uint8_t ret_key[DEDUP_KEY_SIZE], bool *ret_has_key, Recorded **ret) {
        _cleanup_free_ char *exe = NULL, *target = NULL;
        int r = escape_for_json(strempty(a->subject.exe), EVENT_EXE_MAX, &exe);

        if (r >= 0)
                r = escape_for_json(a->target, EVENT_PATH_MAX, &target);
        if (r < 0)
                return r;
        *ret_has_key =
                activity_key(event_names[a->event], how_of(a), verdict, v->rule, a->subject.uid, exe, target, ret_key);
        *ret = *ret_has_key ? table_get(f->engine->judged, ret_key) : NULL;
        return 0;
}

static EventBuilder describe(Feed *f, const Activity *a, const Verdict *v, const char *verdict) {
        EventBuilder event = event_begin(KIND_ACTIVITY, &f->now);

        if (a->subject.pid > 0 || a->started > 0) /* no pid alone: it is none of our namespace */
                put_subject(&event, &a->subject);
        event_text(&event, "event", event_names[a->event]);
        event_text_max(&event, "target", a->target, EVENT_PATH_MAX);
        if (a->digest)
                event_digest(&event, "digest", a->digest);
        event_bool(&event, "privileged", a->privileged);
        event_text(&event, "rule", v->rule);
        event_text(&event, "verdict", verdict);
        event_text(&event, "severity", severity_names[v->severity]);
        event_text(&event, "technique", v->technique);
        event_text_max(&event, "drill", f->drill, EVENT_SHORT_MAX);
        event_map(&event, "details");
        for (size_t i = 0; i < ACTIVITY_DETAILS_MAX && a->details[i].key; i++)
                event_map_text(&event, "details", a->details[i].key, strempty(a->details[i].text));
        return event;
}

/* violation: it is one, and not left out for want of room or for the limit on refusals. */
static int record_activity(Feed *f, const Activity *a, const Verdict *v, const char *verdict, int alert,
                           bool violation, uint64_t *ret_seq) {
        uint8_t key[DEDUP_KEY_SIZE];
        EventBuilder event;
        Recorded *before;
        bool has_key;
        int r = find_recorded(f, a, v, verdict, key, &has_key, &before);

        *ret_seq = NOT_RECORDED;
        if (r < 0)
                return r;
        if (before) {
                *ret_seq = before->seq;
                return 0;
        }
        if (!violation && !limiter_take(f))
                return 0;
        event = describe(f, a, v, verdict);
        r = record_event_in(f, violation ? ROOM_GUARD : ROOM_ANYBODY, &event, alert, ret_seq);
        if (r >= 0 && has_key)
                remember(f->engine->judged, key, *ret_seq);
        return r;
}

/* The kernel side also refuses what no rule does: what is done to the daemon. That changes no state, since it did not
 * happen. */
static int on_denied(Feed *f, const Activity *a, const Verdict *judged) {
        bool lock = judged->actions & RULE_LOCK;
        Verdict v = *judged;
        uint64_t seq;
        int r, q = 0;

        f->engine->denied++;
        if (!actions_refuse(v.actions))
                v.actions = RULE_DENY;
        r = record_activity(f, a, &v, refusal_name(v.actions, MODE_ENFORCE), (int) MAX(v.severity, SEVERITY_WARNING),
                            lock, &seq);
        if (v.actions & RULE_KILL && a->subject.pid > 0)
                q = kill_process(f, a->subject.pid, a->started);
        if (lock)
                r = first_error(r, guard_violate(f, "rule", seq, false, 0));
        return first_error(r, q);
}

/* It happened although a rule refuses it. */
static int on_done(Feed *f, const Activity *a, const Verdict *v) {
        uint64_t seq;
        int r, q;

        r = record_activity(f, a, v, a->privileged ? "lock" : "kill", SEVERITY_CRITICAL, a->privileged, &seq);
        if (a->privileged)
                return first_error(r, guard_violate(f, event_names[a->event], seq, false, 0));
        q = guard_degrade(f, REASON_ACTIVITY);
        if (a->subject.pid > 0 && kill_process(f, a->subject.pid, a->started) < 0)
                q = -ENOMEM;
        return first_error(r, q);
}

/* It may happen, or the mode lets it. */
static int on_let(Feed *f, const Activity *a, const Verdict *v) {
        bool would = actions_refuse(v->actions);
        const char *verdict = would                     ? refusal_name(v->actions, MODE_OBSERVE)
                              : v->actions & RULE_ALERT ? "alert"
                                                        : "allow";
        uint64_t seq;
        int r;

        if (v->actions & RULE_IGNORE)
                return 0;
        r = record_activity(f, a, v, verdict, would || v->actions & RULE_ALERT ? (int) v->severity : -1, false, &seq);
        return v->actions & RULE_LOCK ? first_error(r, guard_degrade(f, REASON_WOULD_LOCK)) : r;
}

static Verdict judge(const Policy *p, const Activity *a) {
        Observation o = {
                .event = a->event,
                .path = a->target,
                .has_digest = a->digest,
                .failure = _FAILURE_INVALID,
                .subject = a->subject,
        };
        Verdict v;

        if (a->digest)
                memcpy(o.digest, a->digest, SHA256_SIZE);
        v = policy_judge(p, &o);
        if (!streq(v.rule, NO_RULE))
                return v;
        if (a->alert) {
                v.actions |= RULE_ALERT;
                v.severity = a->severity;
        } else if (a->event == EVENT_SELF) /* tampering, unless a rule knows better */
                v = (Verdict){ .rule = NO_RULE,
                               .actions = a->denied ? RULE_DENY : RULE_LOCK,
                               .severity = a->denied ? SEVERITY_ERROR : SEVERITY_CRITICAL };
        return v;
}

/* Announced: people are told, each time, and nothing else comes of it; but nothing that has no record is exempt. */
static bool is_drill(Feed *f, const Activity *a, const Verdict *v) {
        const char *let = actions_refuse(v->actions) ? "would-deny" : "allow";
        uint64_t seq = NOT_RECORDED;
        EventBuilder event;

        if (!drill_takes_activity(f, a, how_of(a)))
                return false;
        event = describe(f, a, v, a->denied ? "deny" : let);
        (void) record_event_in(f, ROOM_GUARD, &event, SEVERITY_NOTICE, &seq);
        return drill_took_activity(f, seq != NOT_RECORDED);
}

int feed_activity(Feed *f, const Activity *seen) {
        const Policy *p = f->engine->policy;
        Activity a = *seen;
        bool violates;
        Verdict v;

        a.target = strempty(a.target);
        v = judge(p, &a);
        violates = !a.denied && actions_refuse(v.actions) && p->mode == MODE_ENFORCE;
        if (!violates && is_drill(f, &a, &v)) /* what has happened although it is refused is nobody's drill */
                return 0;
        if (a.denied)
                return on_denied(f, &a, &v);
        if (violates && !a.stale)
                return on_done(f, &a, &v);
        return on_let(f, &a, &v);
}
