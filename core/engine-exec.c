/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The gate's side: judge, record, and answer in the right order. A file in no reference set is let go only when its
 * entry is in the PCR; a refusal needs no wait. */

#include "core/engine-internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/escape.h"

/* What nobody can judge without its path is judged by that row, and by no rule: none may kill or lock for it. */
Verdict judge_code(const Policy *p, Observation *o) {
        Verdict v = policy_judge(p, o);

        if (!o->no_path || o->failure != _FAILURE_INVALID || !policy_needs_path(p, o))
                return v;
        o->failure = FAILURE_NO_PATH;
        v.rule = "default";
        v.technique = NULL;
        v.actions = p->failures[FAILURE_NO_PATH] == ON_FAILURE_ALLOW  ? RULE_ALLOW | RULE_ALERT
                    : p->failures[FAILURE_NO_PATH] == ON_FAILURE_LOCK ? RULE_DENY | RULE_LOCK
                                                                      : RULE_DENY;
        return v;
}

bool judged_key(const char *verdict, const char *rule, const char *failure, uint64_t uid, const uint8_t *digest,
                const char *path, uint8_t ret[DEDUP_KEY_SIZE]) {
        char detail[256];

        snprintf(detail, sizeof(detail), "%s %s %s %llu", verdict, rule, strempty(failure), (unsigned long long) uid);
        return dedup_key("exec", digest, detail, path, ret);
}

void remember(Table *t, const uint8_t key[DEDUP_KEY_SIZE], uint64_t seq) {
        void *entry;

        /* A full table costs doubles in the log, nothing else. */
        if (table_put(t, key, &entry) >= 0)
                ((Recorded *) entry)->seq = seq;
}

/* Where nothing failed the content was judged, and is held still until the exec is confirmed. An exec whose answer is
 * forgotten would look like one that was never asked for. */
static int answer(Feed *f, const Observation *o, bool allow) {
        Action *a = action_add(f->actions, ACTION_ANSWER);
        int r = 0;

        if (!a)
                return -ENOMEM;
        if (allow)
                r = answers_add(f->engine->answers, o->subject.pid, &o->file, o->token, o->failure == _FAILURE_INVALID,
                                f->now.boottime);
        if (r < 0)
                allow = policy_on_failure(f->engine->policy, FAILURE_OUT_OF_MEMORY) == ON_FAILURE_ALLOW;
        a->answer.token = o->token;
        a->answer.allow = allow;
        f->engine->denied += !allow && !f->canary;
        return r;
}

/* The record of what was decided about a file that asked to run, with its context. Once per file, rule and user. */
int record_judgement(Feed *f, const Observation *o, const Verdict *v, const char *verdict, int alert, bool limited,
                     uint64_t *ret_seq) {
        Engine *e = f->engine;
        const char *failure = o->failure == _FAILURE_INVALID ? NULL : failure_name(o->failure);
        const uint8_t *digest = o->has_digest ? o->digest : NULL;
        _cleanup_free_ char *path = NULL;
        uint8_t key[DEDUP_KEY_SIZE];
        EventBuilder event;
        Recorded *before;
        bool has_key;
        int r;

        *ret_seq = NOT_RECORDED;
        r = escape_for_json(o->path, EVENT_PATH_MAX, &path);
        if (r < 0)
                return r;
        has_key = judged_key(verdict, v->rule, failure, o->subject.uid, digest, path, key);
        before = has_key && (!f->canary || f->drill) ? table_get(e->judged, key) : NULL; /* each canary has its own */
        if (before) {
                *ret_seq = before->seq;
                return 0;
        }
        if (limited && !limiter_take(f))
                return 0;
        event = event_begin(KIND_EXEC, &f->now);
        put_subject(&event, &o->subject);
        event_text(&event, "event", o->event == EVENT_EXEC ? NULL : event_names[o->event]);
        event_text_max(&event, "path", o->path, EVENT_PATH_MAX);
        if (digest)
                event_digest(&event, "digest", digest);
        put_backing(&event, &o->file);
        if (o->check)
                event_bool(&event, "check", true);
        event_text(&event, "rule", v->rule);
        event_text(&event, "verdict", verdict);
        event_text(&event, "severity", severity_names[v->severity]);
        event_text(&event, "technique", v->technique);
        event_text(&event, "failure", failure);
        event_text_max(&event, "drill", f->drill, EVENT_SHORT_MAX);
        /* What a violation is about is not left out for want of room. */
        r = record_event_in(f, v->actions & RULE_LOCK ? ROOM_GUARD : ROOM_ANYBODY, &event, alert, ret_seq);
        if (r >= 0 && has_key)
                remember(e->judged, key, *ret_seq);
        return r;
}

/* A refusal's record: limited, since any user can cause refusals without end. */
int record_refusal(Feed *f, const Observation *o, const Verdict *v, const char *verdict, uint64_t *ret_seq) {
        bool lock = v->actions & RULE_LOCK;

        if (f->canary)
                return record_judgement(f, o, v, verdict, -1, false, ret_seq);
        return record_judgement(f, o, v, verdict, MAX(v->severity, SEVERITY_WARNING), !lock, ret_seq);
}

/* The ima-ng record of a file, once per digest and path in each policy generation. */
int record_file(Feed *f, const Observation *o, bool known, uint64_t *ret_seq) {
        Engine *e = f->engine;
        _cleanup_(buffer_done) Buffer record = {};
        _cleanup_free_ char *path = NULL;
        uint8_t key[DEDUP_KEY_SIZE];
        Recorded *before;
        bool has_key;
        int r;

        r = escape_text(o->path, strlen(o->path), RECORD_PATH_MAX, &path);
        if (r < 0)
                return r;
        has_key = dedup_key("file", o->digest, "", path, key);
        before = has_key && (!f->canary || f->drill) ? table_get(e->measured, key) : NULL;
        if (before) {
                *ret_seq = before->seq;
                return 0;
        }
        r = record_put_file(&record, e->config.measurement_pcr, o->digest, path);
        if (r < 0)
                return r;
        if (!log_has_room(e, record.size, ROOM_ANYBODY))
                return -ENOSPC;
        r = record_bytes(f, &record, known, ret_seq);
        if (r >= 0 && has_key)
                remember(e->measured, key, *ret_seq);
        return r;
}

/* IMA's violation record, and the event that binds its path. */
int record_open_writers(Feed *f, const Observation *o, uint64_t *ret_seq) {
        _cleanup_(buffer_done) Buffer record = {};
        _cleanup_free_ char *path = NULL;
        uint8_t digest[SHA256_SIZE];
        EventBuilder event;
        RecordView view;
        const char *why;
        Reader reader;
        int r;

        r = escape_text(o->path, strlen(o->path), RECORD_PATH_MAX, &path);
        if (r >= 0)
                r = record_put_violation(&record, f->engine->config.measurement_pcr, path);
        if (r < 0)
                return r;
        reader = reader_new(record.data, record.size);
        if (record_parse(&reader, &view, &why) != RECORD_OK)
                return -EIO;
        r = sha256(view.data, view.data_size, digest);
        if (r < 0)
                return r;
        event = event_begin(KIND_OPEN_WRITERS, &f->now);
        put_subject(&event, &o->subject);
        event_text_max(&event, "path", o->path, EVENT_PATH_MAX);
        event_digest(&event, "record", digest);
        event_text(&event, "verdict", "allow");
        return record_pair(f, &record, &event, SEVERITY_WARNING, ret_seq);
}

/* Lets go now, or when the entry `seq` is in the PCR. */
static int release_after(Feed *f, const Observation *o, uint64_t seq) {
        Engine *e = f->engine;
        Waiting w = {
                .token = o->token,
                .seq = seq,
                .deadline = f->now.boottime + e->config.extend_deadline,
                .subject = { .pid = o->subject.pid, .uid = o->subject.uid, .euid = o->subject.euid },
                .file = o->file,
                .failure = o->failure,
        };

        if (seq == NOT_RECORDED || seq < commit_queue_anchored(e->queue))
                return answer(f, o, true);
        if (GREEDY_REALLOC(e->waiting, e->waiting_allocated, e->waiting_size + 1) < 0 ||
            free_and_strdup(&w.path, o->path) < 0)
                return -ENOMEM;
        e->waiting[e->waiting_size++] = w;
        return 0;
}

const char *refusal_name(unsigned actions, Mode mode) {
        static const char *const names[_MODE_MAX][3] = {
                [MODE_OBSERVE] = { "would-deny", "would-kill", "would-lock" },
                [MODE_ENFORCE] = { "deny", "kill", "lock" },
        };

        return names[mode][actions & RULE_LOCK ? 2 : actions & RULE_KILL ? 1 : 0];
}

/* A rule keeps the file from running. The answer does not depend on whether it could be recorded. */
static int refuse(Feed *f, const Observation *o, const Verdict *v) {
        uint64_t seq;
        int r, q = 0;

        r = record_refusal(f, o, v, refusal_name(v->actions, MODE_ENFORCE), &seq);
        if (v->actions & RULE_KILL)
                q = kill_process(f, o->subject.pid, 0); /* held by the gate: the pid is still its own */
        if (answer(f, o, false) < 0)
                q = -ENOMEM;
        if (v->actions & RULE_LOCK) {
                r = first_error(r, guard_violate(f, "rule", seq, false, 0));
        }
        return first_error(r, q);
}

int record_let_run(Feed *f, const Observation *o, const Verdict *v, uint64_t *ret_judged, uint64_t *ret_measured) {
        bool would = actions_refuse(v->actions);
        int r = 0;

        *ret_judged = *ret_measured = NOT_RECORDED;
        if (would || v->actions & RULE_ALERT)
                r = record_judgement(f, o, v, would ? refusal_name(v->actions, MODE_OBSERVE) : "alert",
                                     f->canary ? -1 : (int) v->severity, false, ret_judged);
        if (v->actions & RULE_LOCK) /* also where that could not be recorded */
                r = first_error(r, guard_degrade(f, REASON_WOULD_LOCK));
        if (r >= 0 && o->has_digest && !(v->actions & RULE_IGNORE && v->known))
                r = record_file(f, o, v->known && !would, ret_measured);
        return r;
}

/* The file may run, once what must be said of it is said. */
static int let_run(Feed *f, const Observation *o, const Verdict *v) {
        uint64_t judged, measured;
        int r = record_let_run(f, o, v, &judged, &measured);

        if (r < 0)
                return r;
        if (v->known)
                return release_after(f, o, NOT_RECORDED);
        return release_after(
                f, o, judged == NOT_RECORDED || (measured != NOT_RECORDED && measured > judged) ? measured : judged);
}

/* What a gate row that opens is called in the log: in observe, what enforce would have done. */
static const char *open_row_verdict(const Policy *p, Failure row) {
        if (p->failures[row] == ON_FAILURE_ALLOW)
                return "allow";
        return p->failures[row] == ON_FAILURE_LOCK ? "would-lock" : "would-deny";
}

/* A gate row opened. In observe that may stand for a violation. */
static int after_open_row(Feed *f, Failure row) {
        return f->engine->policy->failures[row] == ON_FAILURE_LOCK ? guard_degrade(f, REASON_WOULD_LOCK) : 0;
}

/* A row that opens the gate does not open it for what a rule refuses anyway. */
static bool is_refused_anyway(const Policy *p, const Observation *o, const Verdict *judged) {
        if (p->mode != MODE_ENFORCE)
                return false;
        return o->has_digest ? actions_refuse(judged->actions) : policy_refuses_any_content(p, o);
}

/* Something failed about this one file: its row says open or closed. */
static int on_gate_failure(Feed *f, const Observation *o, const Verdict *judged) {
        const Policy *p = f->engine->policy;
        FailureAction action = policy_on_failure(p, o->failure);
        Verdict v = *judged;
        uint64_t seq = NOT_RECORDED;
        int r;

        f->engine->failures[o->failure]++;
        v.severity = MAX(v.severity, SEVERITY_WARNING);
        if (action != ON_FAILURE_ALLOW || is_refused_anyway(p, o, judged)) {
                if (!o->has_digest || !actions_refuse(v.actions))
                        v.actions = RULE_DENY;
                if (action == ON_FAILURE_LOCK)
                        v.actions |= RULE_LOCK;
                return refuse(f, o, &v);
        }
        r = record_judgement(f, o, &v, open_row_verdict(p, o->failure), (int) v.severity, false, &seq);
        if (r >= 0 && o->failure == FAILURE_OPEN_WRITERS && limiter_take(f))
                r = record_open_writers(f, o, &seq);
        r = first_error(r, after_open_row(f, o->failure));
        return r < 0 ? r : release_after(f, o, seq);
}

/* Deciding failed, and the file still waits. Log and memory rows; nothing more can be recorded. */
static int on_trouble(Feed *f, const Observation *o, int error) {
        Failure row = error == -ENOSPC ? FAILURE_LOG_FULL : FAILURE_OUT_OF_MEMORY;
        FailureAction action = policy_on_failure(f->engine->policy, row);
        int r;

        r = guard_failure(f, row, NULL);
        if (answer(f, o, action == ON_FAILURE_ALLOW) < 0)
                return -ENOMEM;
        return r;
}

/* True when the list answers the token. */
static bool is_answered(const ActionList *l, uint64_t token) {
        for (size_t i = l->size; i > 0; i--)
                if (l->items[i - 1].type == ACTION_ANSWER && l->items[i - 1].answer.token == token)
                        return true;
        return false;
}

static int decide(Feed *f, Observation *o) {
        const Policy *p = f->engine->policy;
        Verdict v = judge_code(p, o);
        int r;

        f->canary = attest_takes_canary(f, o);
        if (f->canary)
                v.actions = attest_canary_actions(f, v.actions);
        else if (drill_takes_code(f, o))
                v.actions = drill_actions(f, v.actions);
        if (o->failure != _FAILURE_INVALID)
                r = on_gate_failure(f, o, &v);
        else if (actions_refuse(v.actions) && p->mode == MODE_ENFORCE)
                r = refuse(f, o, &v);
        else
                r = let_run(f, o, &v);
        if (r < 0 && !is_answered(f->actions, o->token))
                r = on_trouble(f, o, r);
        return r;
}

int feed_exec(Feed *f, const Observation *o) {
        Observation named = *o;

        if (*strempty(o->path) == '\0') /* no log can hold a file without a name */
                named.path = "(unknown)";
        return decide(f, &named);
}

static void waiting_drop(Engine *e, size_t i) {
        free(e->waiting[i].path);
        e->waiting[i] = e->waiting[--e->waiting_size];
}

static int answer_waiting(Feed *f, const Waiting *w, bool allow) {
        const Observation o = { .token = w->token, .subject = w->subject, .file = w->file, .failure = w->failure };

        return answer(f, &o, allow);
}

int waiting_release(Feed *f) {
        Engine *e = f->engine;
        int r = 0;

        for (size_t i = 0; i < e->waiting_size;) {
                if (e->waiting[i].seq >= commit_queue_anchored(e->queue)) {
                        i++;
                        continue;
                }
                if (action_reserve(f->actions, 1) < 0)
                        return -ENOMEM; /* it waits on */
                r = first_error(r, answer_waiting(f, &e->waiting[i], true));
                waiting_drop(e, i);
        }
        return r;
}

/* A record, an alert and an answer: what give_up() must not be short of. */
static int reserve_to_give_up(Feed *f) {
        return action_reserve(f->actions, 3);
}

/* What waits is answered by a row of the table, without its measurement. There is room for the answer. */
static int give_up(Feed *f, size_t i, Failure row) {
        Engine *e = f->engine;
        Waiting w = e->waiting[i];
        _cleanup_free_ char *path = w.path;
        const Observation o = {
                .event = EVENT_EXEC,
                .token = w.token,
                .path = path,
                .failure = row,
                .subject = w.subject,
                .file = w.file,
        };
        const Verdict v = { .rule = "default", .severity = SEVERITY_ERROR };
        FailureAction action = policy_on_failure(e->policy, row);
        const bool opens = action == ON_FAILURE_ALLOW;
        uint64_t seq;
        int r, q;

        e->waiting[i] = e->waiting[--e->waiting_size];
        e->failures[row]++;
        r = record_refusal(f, &o, &v, opens ? open_row_verdict(e->policy, row) : "deny", &seq);
        if (answer_waiting(f, &w, opens) < 0)
                r = -ENOMEM;
        q = opens ? after_open_row(f, row) : 0;
        if (action == ON_FAILURE_LOCK)
                q = guard_violate(f, failure_name(row), seq, false, 0);
        return first_error(r, q);
}

int waiting_expire(Feed *f) {
        Engine *e = f->engine;
        int r = 0;

        for (size_t i = 0; i < e->waiting_size;) {
                if (e->waiting[i].deadline > f->now.boottime) {
                        i++;
                        continue;
                }
                if (reserve_to_give_up(f) < 0)
                        return -ENOMEM; /* it waits on */
                r = first_error(r, give_up(f, i, FAILURE_EXTEND_DEADLINE));
        }
        return r;
}

/* Its answer got lost for want of memory, and who asked is forgotten. */
static int answer_unknown(Feed *f, uint64_t token) {
        const Observation o = { .token = token, .failure = FAILURE_ANSWER_DEADLINE };
        FailureAction action = policy_on_failure(f->engine->policy, o.failure);
        int r = guard_failure(f, FAILURE_ANSWER_DEADLINE, NULL);

        return first_error(r, answer(f, &o, action == ON_FAILURE_ALLOW));
}

int feed_answer_late(Feed *f, uint64_t token) {
        Engine *e = f->engine;

        for (size_t i = 0; i < e->waiting_size; i++)
                if (e->waiting[i].token == token)
                        return reserve_to_give_up(f) < 0 ? -ENOMEM : give_up(f, i, FAILURE_ANSWER_DEADLINE);
        return answer_unknown(f, token);
}

usec_t waiting_deadline(const Engine *e) {
        usec_t first = USEC_INFINITY;

        for (size_t i = 0; i < e->waiting_size; i++)
                first = MIN(first, e->waiting[i].deadline);
        return first;
}
