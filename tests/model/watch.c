/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What must hold, whatever happens. */

#include "core/answers.h"
#include "core/conduct.h"
#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/batch.h"
#include "lib/escape.h"
#include "tests/model/world.h"

DEFINE_CLEANUP(LogReader *, log_reader_free)

static bool locks(const Policy *p, Failure row) {
        return p->failures[row] == ON_FAILURE_LOCK;
}

/* A violation by this policy, in enforce; in observe it only degrades. */
static void watch_violation(World *w, bool is_one) {
        if (!is_one)
                return;
        if (engine_policy(w->engine)->mode == MODE_ENFORCE)
                w->must_close = true;
        else
                w->must_reasons |= REASON_WOULD_LOCK;
}

static void watch_failure(World *w, Failure row) {
        const Policy *p = engine_policy(w->engine);

        watch_violation(w, locks(p, row) && (p->mode == MODE_ENFORCE || row >= _FAILURE_GATE_MAX));
        if (row == FAILURE_EVENTS_LOST && p->failures[row] == ON_FAILURE_DEGRADE)
                w->must_reasons |= REASON_LOST;
        else if (p->failures[row] == ON_FAILURE_DEGRADE && row != FAILURE_TPM_BUSY && row != FAILURE_TPM_ERROR &&
                 row != FAILURE_TPM_LOCKOUT)
                w->must_reasons |= REASON_FAILURE;
}

/* Of one process, in the order in which they were answered: one may have waited for the TPM. */
static Token *newest_unused(World *w, uint32_t pid, size_t before) {
        Token *newest = NULL;

        for (size_t i = 0; i < w->tokens_size; i++) {
                Token *t = &w->tokens[i];

                if (t->given && !t->used && t->pid == pid && t->order < before &&
                    (!newest || t->order > newest->order))
                        newest = t;
        }
        return newest;
}

/* What the answers given say of an exec: a second opinion to core/answers.c. */
static bool use_answers(World *w, const Execed *x) {
        const uint32_t pid = x->subject.pid;
        unsigned kept = 0;
        bool answered = false;

        for (Token *t = newest_unused(w, pid, SIZE_MAX); t; t = newest_unused(w, pid, t->order)) {
                t->used = ++kept > ANSWERS_PER_PROCESS || t->when <= x->when;
                if (kept > ANSWERS_PER_PROCESS || !t->used)
                        continue;
                w->confirms++;
                answered = answered || (x->file.inode == t->path + 1 && x->started <= t->when);
        }
        return answered;
}

static void watch_execed(World *w, const Execed *x) {
        w->is_ungated = !use_answers(w, x);
        if (!w->is_ungated || x->before_gate)
                return;
        watch_violation(w, x->privileged);
        if (!x->privileged)
                w->must_reasons |= REASON_UNGATED;
}

static void watch_exec(World *w, const Observation *o) {
        const Policy *p = engine_policy(w->engine);
        Verdict v = policy_judge(p, o);

        if (o->failure == _FAILURE_INVALID || (p->mode == MODE_ENFORCE && o->has_digest))
                watch_violation(w, v.actions & RULE_LOCK);
        if (o->failure != _FAILURE_INVALID)
                watch_violation(w, locks(p, o->failure));
}

/* Refused where it could be, or a violation where a privileged process did it all the same. */
static void watch_activity(World *w, const Activity *a) {
        const Policy *p = engine_policy(w->engine);
        const Observation o = {
                .event = a->event, .path = a->target, .failure = _FAILURE_INVALID, .subject = a->subject
        };
        Verdict v = policy_judge(p, &o);
        bool lock = v.actions & RULE_LOCK || (a->event == EVENT_SELF && !a->denied);

        if (!a->denied && a->stale && lock)
                w->must_reasons |= REASON_WOULD_LOCK;
        else if (a->denied || p->mode == MODE_OBSERVE)
                watch_violation(w, lock);
        else if (!a->stale && (lock || actions_refuse(v.actions))) {
                watch_violation(w, a->privileged);
                if (!a->privileged)
                        w->must_reasons |= REASON_ACTIVITY;
        }
}

static void watch_start(World *w, const StartFacts *facts) {
        w->must_close = w->must_close || (facts->death && !guard_is_closed(w->told.state)); /* in every mode */
        if (!facts->fresh && !w->told.clean && w->config.lock_on_death && !guard_is_closed(w->told.state))
                watch_violation(w, true);
}

void watch_input(World *w, const Input *in) {
        const Policy *p = engine_policy(w->engine);

        w->is_ungated = false;
        w->confirms = 0;
        w->may_close =
                locks(p, FAILURE_EXTEND_DEADLINE) || locks(p, FAILURE_ANSWER_DEADLINE) || locks(p, FAILURE_LOG_FULL);
        if (in->type == INPUT_LOCK)
                w->must_close = true;
        else if (in->type == INPUT_TAMPER)
                watch_violation(w, true);
        else if (in->type == INPUT_EXEC)
                watch_exec(w, &in->exec);
        else if (in->type == INPUT_EXECED)
                watch_execed(w, &in->execed);
        else if (in->type == INPUT_ACTIVITY)
                watch_activity(w, &in->activity);
        else if (in->type == INPUT_FAILURE || in->type == INPUT_EXTEND_FAILED || in->type == INPUT_COMMIT_FAILED)
                watch_failure(w, in->failure.row);
        else if (in->type == INPUT_LOST)
                watch_failure(w, FAILURE_EVENTS_LOST);
        else if (in->type == INPUT_POLICY_REFUSED)
                watch_failure(w, FAILURE_POLICY_REFUSED);
        else if (in->type == INPUT_START)
                watch_start(w, &in->start);
        else if (in->type == INPUT_HARVESTED && !in->harvested.capped)
                w->must_reasons |= REASON_FAILURE;
        else if (in->type == INPUT_READY)
                w->ready = true;
}

/* What will have to hold before the token is let go. Called before the engine sees it. */
void watch_token(World *w, const Observation *o, Token *t) {
        const Policy *p = engine_policy(w->engine);
        Verdict v = policy_judge(p, o);
        bool would = actions_refuse(v.actions), failed = o->failure != _FAILURE_INVALID;
        static const char *const words[] = { "would-deny", "would-kill", "would-lock" };
        _cleanup_free_ char *path = NULL;
        const char *verdict = failed  ? "allow"
                              : would ? words[v.actions & RULE_LOCK   ? 2
                                              : v.actions & RULE_KILL ? 1
                                                                      : 0]
                                      : "alert";

        t->enforced = p->mode == MODE_ENFORCE;
        t->unknown = !v.known;
        if (t->enforced && failed)
                t->refused = p->failures[o->failure] != ON_FAILURE_ALLOW ||
                             (o->has_digest ? would : policy_refuses_any_content(p, o));
        else
                t->refused = t->enforced && would;
        if (failed && p->failures[o->failure] != ON_FAILURE_ALLOW)
                verdict = words[locks(p, o->failure) ? 2 : 0];
        t->must_judge = (failed || would || v.actions & RULE_ALERT) && (failed || t->unknown);
        HOLDS(w, escape_for_json(o->path, EVENT_PATH_MAX, &path) == 0);
        judgement_key(verdict, v.rule, failed ? failure_name(o->failure) : NULL, o->subject.uid,
                      o->has_digest ? o->digest : NULL, path, t->judged);
}

static bool is_known_digest(const World *w, const uint8_t *digest) {
        const Policy *p = engine_policy(w->engine);

        for (size_t i = 0; i < p->references_size; i++)
                if (reference_set_contains(p->references[i].set, digest))
                        return true;
        return false;
}

static bool has_alert(const ActionList *list, uint64_t seq) {
        for (size_t i = 0; i < list->size; i++)
                if (list->items[i].type == ACTION_ALERT && list->items[i].alert.seq == seq)
                        return true;
        return false;
}

/* Of these people must hear. */
static bool is_alarming(Kind kind) {
        return kind == KIND_EXEC || kind == KIND_UNGATED || kind == KIND_TAMPER || kind == KIND_LOCK ||
               kind == KIND_LOCKED || kind == KIND_LOST || kind == KIND_FAILURE || kind == KIND_OPEN_WRITERS ||
               kind == KIND_ATTEST;
}

/* Violations that no input is by itself: a round that failed, or none that could be decided for too long. */
static void watch_attest(World *w, const RecordView *record) {
        static const char failed[] = "\"result\":\"failed\"", stale[] = "\"what\":\"attestation-stale\"";
        Kind kind = kind_from_record_name(record->name);

        watch_violation(w,
                        (kind == KIND_ATTEST && memmem(record->buf, record->buf_size, failed, strlen(failed))) ||
                                (kind == KIND_TAMPER && memmem(record->buf, record->buf_size, stale, strlen(stale))));
}

static void watch_record(World *w, const ActionList *list, const Action *a) {
        Reader r = reader_new(a->record.bytes, a->record.size);
        RecordView record;
        const char *why;

        HOLDS(w, record_parse(&r, &record, &why) == RECORD_OK && reader_done(&r));
        HOLDS(w, a->record.seq == w->told.entries); /* numbers have no hole */
        HOLDS(w, record.pcr == MEASUREMENT);
        if (a->record.known)
                HOLDS(w, record.template == TEMPLATE_NG && !record.violation && is_known_digest(w, record.digest));
        if (record.template == TEMPLATE_BUF && is_alarming(kind_from_record_name(record.name)))
                HOLDS(w, has_alert(list, a->record.seq));
        if (record.template == TEMPLATE_BUF)
                watch_attest(w, &record);
        told_new(w, &record, a->record.known);
}

static void watch_batch(World *w, const Action *a) {
        Reader r = reader_new(a->commit.bytes, a->commit.size), inside;
        uint64_t entry = w->committed;
        RecordView batch, member;
        const char *why;

        HOLDS(w, a->commit.upto < w->told.entries);
        HOLDS(w, record_parse(&r, &batch, &why) == RECORD_OK && reader_done(&r));
        HOLDS(w, !batch_is(&batch) ? a->commit.upto <= w->committed : a->commit.upto > 0);
        if (!batch_is(&batch) || entry > a->commit.upto) /* the latter: once more */
                return;
        inside = batch_reader(&batch);
        while (batch_next(&inside, &batch, &member, &why) == RECORD_OK)
                HOLDS(w, w->prints[entry++] & 1);
        HOLDS(w, entry == a->commit.upto + 1);
}

static void watch_release(World *w, const Action *a, const Status *after) {
        uint64_t *request = &w->requests[a->release.request];

        HOLDS(w, a->release.request < w->requests_size && *request != REQUEST_DONE);
        if (a->type == ACTION_RELEASE) {
                HOLDS(w, guard_releases(after->state, w->config.release_when_degraded));
                HOLDS(w, w->secrets && *request < w->anchored);
        } else
                HOLDS(w, a->release.reason);
        *request = REQUEST_DONE;
}

static void watch_harvest(World *w, const Action *a, const Status *after) {
        HOLDS(w, w->told.caps == 1 && w->told.cap_seq < w->anchored);
        HOLDS(w, a->harvest.cap_only == guard_is_closed(after->state));
}

void watch_stop(World *w) {
        HOLDS(w, w->stopping && !w->stopped);
        for (size_t i = 0; i < w->tokens_size; i++)
                HOLDS(w,
                      w->tokens[i].state != TOKEN_HELD || (w->tokens[i].asked >= w->stop_asked &&
                                                           w->boottime >= w->stop_asked + w->config.extend_deadline));
        HOLDS(w, w->full || (w->told.stops > 0 && w->told.stop_seq < w->anchored));
}

/* The entry of a release comes first of all, and does not say "released" where it is refused already. */
static void watch_request(World *w, const Input *in, const ActionList *list, const Status *before) {
        static const char released[] = "\"verdict\":\"released\"";
        const Action *first = list->size > 0 ? &list->items[0] : NULL;

        if (in->type != INPUT_RELEASE)
                return;
        w->requests[in->release.request] = REQUEST_OPEN;
        if (!first || first->type != ACTION_RECORD)
                return;
        w->requests[in->release.request] = first->record.seq;
        if (memmem(first->record.bytes, first->record.size, released, strlen(released)))
                HOLDS(w, w->secrets && guard_releases(before->state, w->config.release_when_degraded));
}

/* The kernel has waited long enough. */
static void watch_late(World *w, const Input *in, const ActionList *list) {
        size_t answers = 0;

        for (size_t i = 0; i < list->size; i++)
                answers += list->items[i].type == ACTION_ANSWER && list->items[i].answer.token == in->token;
        HOLDS(w, in->type != INPUT_ANSWER_LATE || answers == 1);
}

static void watch_action(World *w, const ActionList *list, const Action *a, const Status *after) {
        switch (a->type) {
        case ACTION_RECORD:
                return watch_record(w, list, a);
        case ACTION_COMMIT:
                return watch_batch(w, a);
        case ACTION_RELEASE:
        case ACTION_REFUSE:
                return watch_release(w, a, after);
        case ACTION_HARVEST:
                return watch_harvest(w, a, after);
        case ACTION_CONFIRMED:
                HOLDS(w, w->confirms-- > 0);
                return;
        case ACTION_STATE:
                HOLDS(w, a->state.from != a->state.to &&
                                 !(guard_is_closed(a->state.from) && a->state.to != STATE_LOCKED));
                return;
        default:
                return;
        }
}

/* The lock plan begins at once, with all its steps, in their order. */
static void watch_lock_plan(World *w, const Input *in, const ActionList *list, const Status *before,
                            const Status *after) {
        bool resumed = in->type == INPUT_START && before->state == STATE_VIOLATED && after->state == STATE_VIOLATED;
        LockStep next = 0;

        for (size_t i = 0; i < list->size; i++)
                if (list->items[i].type == ACTION_LOCK_STEP && list->items[i].lock_step.step == next)
                        next++;
        if (resumed || (guard_is_closed(after->state) && !guard_is_closed(before->state)))
                HOLDS(w, next == _LOCK_STEP_MAX && (w->told.locks == 1 || w->full));
}

static void watch_state(World *w, const Input *in, const Status *before, const Status *after) {
        bool closed = guard_is_closed(after->state);
        bool starts_closed = in->type == INPUT_START && w->must_close;

        HOLDS(w, closed || !w->must_close);
        HOLDS(w, !closed || w->must_close || w->may_close || guard_is_closed(before->state));
        HOLDS(w, !guard_is_closed(before->state) || closed || starts_closed);
        HOLDS(w, before->state != STATE_LOCKED || after->state == STATE_LOCKED);
        HOLDS(w, (after->reasons & w->must_reasons) == w->must_reasons || closed);
        HOLDS(w, after->state != STATE_TRUSTED || (after->reasons == 0 && w->ready));
        HOLDS(w, after->state != STATE_DEGRADED || (after->reasons != 0 && w->ready));
        w->must_close = w->must_close || closed;
        w->must_reasons |= after->reasons & ~(unsigned) REASON_RECOVERABLE;
}

void watch_list(World *w, const Input *in, const ActionList *list, int result, const Status *before) {
        Status after;

        engine_status(w->engine, &after);
        HOLDS(w, result == 0 || result == -ENOSPC);
        w->full = result < 0 || after.failures[FAILURE_LOG_FULL] > before->failures[FAILURE_LOG_FULL];
        HOLDS(w, !w->full || w->config.log_max_size < 1 << 20 || in->type == INPUT_FAILURE);
        w->may_close =
                w->may_close || (w->full && after.attestation.rounds > 0); /* a failed round has no record then */
        watch_request(w, in, list, before);
        watch_late(w, in, list);
        for (size_t i = 0; i < list->size; i++)
                watch_action(w, list, &list->items[i], &after);
        HOLDS(w, in->type != INPUT_POLICY || (result == 0) == (engine_policy(w->engine) == in->policy.policy));
        HOLDS(w, w->confirms == 0 || in->type != INPUT_EXECED);
        HOLDS(w, after.ungated == before->ungated + w->is_ungated);
        HOLDS(w, after.events == w->told.entries && after.anchored <= w->anchored);
        HOLDS(w, engine_deadline(w->engine) > w->boottime);
        watch_state(w, in, before, &after);
        watch_lock_plan(w, in, list, before, &after);
}

/* A row of the table that is open lets run what is not in the register. */
static bool is_excused(const World *w, const Token *t) {
        const Policy *p = engine_policy(w->engine);

        return (t->late && policy_on_failure(p, FAILURE_ANSWER_DEADLINE) == ON_FAILURE_ALLOW) ||
               (w->boottime >= t->asked + w->config.extend_deadline &&
                policy_on_failure(p, FAILURE_EXTEND_DEADLINE) == ON_FAILURE_ALLOW) ||
               (w->full && policy_on_failure(p, FAILURE_LOG_FULL) == ON_FAILURE_ALLOW);
}

static void watch_allowed(World *w, const Token *t) {
        _cleanup_free_ char *name = NULL;
        uint8_t digest[SHA256_SIZE];
        uint64_t key[2];

        HOLDS(w, !t->refused);
        if (is_excused(w, t))
                return;
        if (t->must_judge)
                HOLDS(w, told_of(w, t->judged, w->anchored));
        if (!t->unknown || t->failure != _FAILURE_INVALID)
                return;
        content_digest(t->path, t->version, digest);
        HOLDS(w, escape_text(path_text(t->path), strlen(path_text(t->path)), RECORD_PATH_MAX, &name) == 0);
        file_key(name, digest, key);
        HOLDS(w, told_of(w, key, w->anchored)); /* not before its extend, in every mode */
}

void watch_answer(World *w, const Action *a, bool allow) {
        Token *t = &w->tokens[a->answer.token];

        HOLDS(w, a->answer.token < w->tokens_size && t->state == TOKEN_HELD); /* one answer, and not two */
        t->state = allow ? TOKEN_ALLOWED : TOKEN_DENIED;
        t->given = a->answer.allow;
        t->order = ++w->answered;
        t->when = w->boottime;
        if (allow)
                watch_allowed(w, t);
        else
                HOLDS(w, t->enforced || engine_policy(w->engine)->mode == MODE_ENFORCE);
        if (!allow && a->answer.allow)
                return;
        if (!allow && !t->refused)
                HOLDS(w, t->late || w->full || w->boottime >= t->asked + w->config.extend_deadline);
}

void watch_commit(World *w, const Job *job) {
        const BankDigests now = pcr_values_get(&w->pcrs, MEASUREMENT);
        Reader r = reader_new(w->log.data, w->log.size);
        BankDigests digest;
        RecordView record;
        const char *why;

        r.pos = w->last_record;
        HOLDS(w, record_parse(&r, &record, &why) == RECORD_OK && reader_done(&r)); /* in the log before the register */
        HOLDS(w, record_extend_value(&record, w->pcrs.banks, &digest) == 0);
        HOLDS(w, bank_digests_equal(&digest, &job->digest));
        HOLDS(w, w->foreign || bank_digests_equal(&now, &job->before));
        HOLDS(w, w->log.size <= w->config.log_max_size);
        w->anchored = job->upto + 1;
}

/* What reconcile() says, against what happened to the files. */
void watch_found(World *w) {
        const BankDigests found = pcr_values_get(&w->pcrs, MEASUREMENT);
        const Reconciliation *r = &w->found;
        bool told_so = guard_is_closed(w->told.state) || w->told.sticky & REASON_WOULD_LOCK;

        w->must_close = guard_is_closed(w->told.state) || w->told.demand;
        w->must_reasons = w->told.sticky;
        if (w->foreign || (w->tampered && !told_so))
                HOLDS(w, r->verdict == RECONCILE_TAMPERED);
        if (!w->tampered)
                HOLDS(w, r->verdict == (w->told.entries > 0 ? RECONCILE_CONTINUE : RECONCILE_FRESH));
        if (r->verdict == RECONCILE_CONTINUE)
                return;
        if (r->new_log && bank_digests_is_zero(&found)) /* another TPM life: nothing of the old one counts */
                w->foreign = false;
        told_from_files(w, r->new_log ? 0 : r->keep, r->promised > 0);
        w->must_close = guard_is_closed(w->told.state) || w->told.demand;
        w->must_reasons = w->told.sticky;
        w->foreign = w->foreign || (!r->new_log && w->told.entries < w->anchored); /* an unbound record had to go */
        w->anchored = w->told.entries;
        table_clear(w->told.keys); /* what such a log says was measured does not count */
}

/* Who follows the log elsewhere finds nothing wrong with what this engine does, and comes to its state. */
static void watch_conduct(World *w, const Conduct *c) {
        Status status;

        engine_status(w->engine, &status);
        HOLDS(w, c->transitions.count == 0 && c->verdicts.count == 0);
        HOLDS(w, c->unlocked.count == 0 && c->demand == 0 && c->releases.count == 0);
        HOLDS(w, c->state == (uint64_t) status.state && c->mode == 1 + (uint64_t) status.mode);
        HOLDS(w, memcmp(c->policy, status.policy_digest, SHA256_SIZE) == 0);
        for (Watched kind = 0; kind < _WATCHED_MAX; kind++)
                HOLDS(w, c->levels[kind] == 1 + (uint64_t) status.levels[kind]);
}

static void watch_replay(World *w) {
        _cleanup_(log_reader_freep) LogReader *reader = NULL;
        const BankDigests found = pcr_values_get(&w->pcrs, MEASUREMENT);
        LogResult result;
        Conduct conduct = {};
        LogEntry entry;

        HOLDS(w, log_reader_new(w->log.data, w->log.size, w->pcrs.banks, &reader) == 0);
        while ((result = log_reader_next(reader, &entry)) == LOG_ENTRY)
                HOLDS(w, conduct_take(&conduct, &entry) == 0);
        HOLDS(w, result == LOG_END && log_reader_entries(reader) == w->told.entries);
        HOLDS(w, w->foreign || bank_digests_equal(log_reader_value(reader), &found));
        HOLDS(w, bank_digests_equal(log_reader_value(reader), engine_register(w->engine)));
        watch_conduct(w, &conduct);
}

void watch_rest(World *w) {
        Status status;

        engine_status(w->engine, &status);
        for (size_t i = 0; i < w->tokens_size; i++)
                HOLDS(w, w->tokens[i].state != TOKEN_HELD);
        for (size_t i = 0; i < w->requests_size; i++)
                HOLDS(w, w->requests[i] == REQUEST_DONE);
        HOLDS(w, status.events == status.anchored && status.anchored == w->anchored && w->pending.size == 0);
        HOLDS(w, !w->secrets || w->capped);
        HOLDS(w, w->told.caps == 0 || w->capped || status.reasons);
        watch_replay(w);
        if (!guard_is_closed(status.state))
                return;
        HOLDS(w, status.state == STATE_LOCKED && !w->secrets && (w->poisoned || w->poison_failed));
        HOLDS(w, w->told.lockeds == 1 && w->told.state == STATE_LOCKED);
}
