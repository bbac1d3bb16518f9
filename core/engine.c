/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The engine: one entry point, one table of handlers. */

#include "core/engine-internal.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/alloc.h"

DEFINE_CLEANUP(Engine *, engine_free)

int engine_new(const EngineConfig *config, Policy *policy, Engine **ret) {
        _cleanup_(engine_freep) Engine *e = new0(Engine, 1);
        BankDigests zero = bank_digests_zero(config->banks);
        int r;

        if (!e)
                return -ENOMEM;
        e->config = *config;
        e->retry_at = e->again_at = USEC_INFINITY;
        attestation_init(&e->attestation, &config->attestation, config->seed);
        r = table_new(DEDUP_KEY_SIZE, sizeof(Recorded), DEDUP_MAX, config->seed, &e->measured);
        if (r >= 0)
                r = table_new(DEDUP_KEY_SIZE, sizeof(Recorded), DEDUP_MAX, config->seed, &e->judged);
        if (r >= 0)
                r = answers_new(ANSWERS_MAX, config->seed, &e->answers);
        if (r >= 0)
                r = engine_restored(e, 0, 0, &zero);
        if (r < 0)
                return r;
        e->policy = policy;
        *ret = TAKE_PTR(e);
        return 0;
}

Engine *engine_free(Engine *e) {
        if (!e)
                return NULL;
        policy_free(e->policy);
        commit_queue_free(e->queue);
        table_free(e->measured);
        table_free(e->judged);
        answers_free(e->answers);
        for (size_t i = 0; i < e->waiting_size; i++)
                free(e->waiting[i].path);
        free(e->waiting);
        for (size_t i = 0; i < e->releases_size; i++)
                free(e->releases[i].name);
        free(e->releases);
        for (Watched w = 0; w < _WATCHED_MAX; w++)
                free(e->level_why[w]);
        for (LockStep step = 0; step < _LOCK_STEP_MAX; step++)
                free(e->step_failure[step]);
        json_decref(e->lock);
        free(e);
        return NULL;
}

/* The commit on its way (if there is one) stays owed, and is tried again. */
static void retry_later(Feed *f) {
        if (commit_queue_current(f->engine->queue))
                f->engine->retry_at = f->now.boottime + COMMIT_RETRY;
}

static int feed_extended(Feed *f) {
        Engine *e = f->engine;
        int r;

        r = commit_queue_done(e->queue);
        if (r < 0) {
                retry_later(f);
                return r;
        }
        e->retry_at = USEC_INFINITY;
        return guard_recover(f, REASON_TPM);
}

static int feed_commit_trouble(Feed *f, const Input *in) {
        retry_later(f);
        return guard_failure(f, in->failure.row, in->failure.detail);
}

static int retry_commit(Feed *f) {
        Engine *e = f->engine;
        const Commit *c = commit_queue_current(e->queue);

        if (e->retry_at > f->now.boottime)
                return 0;
        e->retry_at = USEC_INFINITY;
        return c ? send_commit(f, c) : 0; /* none: start_commit() failed, and comes next */
}

static int feed_stop(Feed *f, const Input *in) {
        Engine *e = f->engine;
        uint64_t seq = NOT_RECORDED;
        EventBuilder event;
        int r;

        if (e->stopping)
                return 0;
        r = drill_cancel(f, "stop");
        e->stopping = true;
        e->stop_until = f->now.boottime + e->config.extend_deadline;
        r = first_error(r, limiter_flush(f));
        event = event_begin(KIND_STOP, &f->now);
        event_text(&event, "reason", in->stop.reason);
        r = first_error(r, record_event(f, &event, SEVERITY_NOTICE, &seq));
        e->stop_needs = seq == NOT_RECORDED ? commit_queue_next_seq(e->queue) : seq + 1;
        return r;
}

static bool stop_is_anchored(const Engine *e) {
        return e->stopping && commit_queue_anchored(e->queue) >= e->stop_needs;
}

/* Ends when the stop is in the register and nobody waits for an answer any more. Who asked before the stop is answered by then; where
 * others go on asking, they could put off the end for ever, and are waited for until ExtendDeadlineSec= has passed. */
static int finish_stop(Feed *f) {
        Engine *e = f->engine;

        if (e->stopped || !stop_is_anchored(e) || (e->waiting_size > 0 && f->now.boottime < e->stop_until))
                return 0;
        if (!action_add(f->actions, ACTION_STOP)) {
                e->stop_until = f->now.boottime + COMMIT_RETRY;
                return -ENOMEM;
        }
        e->stopped = true;
        return 0;
}

static int dispatch(Feed *f, const Input *in) {
        switch (in->type) {
        case INPUT_START:
                return feed_start(f, &in->start);
        case INPUT_HARVESTED:
                return feed_harvested(f, in);
        case INPUT_READY:
                return feed_ready(f);
        case INPUT_EXEC:
                return feed_exec(f, &in->exec);
        case INPUT_ANSWER_LATE:
                return feed_answer_late(f, in->token);
        case INPUT_ANSWER_UNUSED:
                answers_forget(f->engine->answers, in->unused.pid, in->unused.token);
                return 0;
        case INPUT_CODE:
                return feed_code(f, &in->code);
        case INPUT_ACTIVITY:
                return feed_activity(f, &in->activity);
        case INPUT_EXECED:
                return feed_execed(f, &in->execed);
        case INPUT_LOST:
                return feed_lost(f, in);
        case INPUT_UNTOLD:
                f->engine->denied += in->untold.count;
                limiter_leave_out(f, in->untold.count);
                return 0;
        case INPUT_LEVELS:
                return feed_levels(f, in);
        case INPUT_FAILURE:
                return guard_failure(f, in->failure.row, in->failure.detail);
        case INPUT_TAMPER:
                return feed_tamper(f, in);
        case INPUT_EXTENDED:
                return feed_extended(f);
        case INPUT_EXTEND_FAILED:
        case INPUT_COMMIT_FAILED:
                return feed_commit_trouble(f, in);
        case INPUT_LOCK_STEP:
                return feed_lock_step(f, in);
        case INPUT_POLICY:
                return feed_policy(f, in);
        case INPUT_POLICY_REFUSED:
                return feed_policy_refused(f, in);
        case INPUT_LOCK:
                return guard_violate(f, in->lock.reason, commit_queue_next_seq(f->engine->queue), true, in->lock.uid);
        case INPUT_RELEASE:
                return feed_release(f, in);
        case INPUT_SEALED:
                return feed_sealed(f, in);
        case INPUT_PROVIDER:
                return feed_provider(f, in);
        case INPUT_RESUMED:
                return feed_resumed(f);
        case INPUT_ATTEST:
                return feed_attest(f, in);
        case INPUT_PROVED:
                return feed_proved(f, in);
        case INPUT_ATTESTED:
                return feed_attested(f, in);
        case INPUT_DETACH:
                return feed_detach(f, in);
        case INPUT_DRILL:
                return feed_drill(f, in);
        case INPUT_DRILL_END:
                return feed_drill_end(f, in);
        case INPUT_STOP:
                return feed_stop(f, in);
        case INPUT_TIMER:
        case _INPUT_MAX:
                return 0;
        }
        return 0;
}

int engine_feed(Engine *e, const Input *in, const Now *now, ActionList *ret) {
        Feed f = { .engine = e, .now = *now, .actions = ret };
        int r, q[13];

        q[11] = in->type == INPUT_TIMER ? drill_expire(&f) : 0;
        r = dispatch(&f, in);
        q[9] = attest_step(&f);
        q[0] = limiter_flush(&f);
        q[1] = waiting_release(&f);
        q[2] = waiting_expire(&f);
        q[3] = releases_anchored(&f);
        q[4] = start_harvest(&f);
        q[5] = retry_commit(&f);
        q[6] = start_commit(&f);
        q[7] = finish_stop(&f);
        q[8] = guard_owed_steps(&f);
        q[10] = detach_anchored(&f);
        q[12] = drill_anchored(&f);
        e->again_at = e->steps_owed || start_harvest_is_due(e) ? now->boottime + COMMIT_RETRY : USEC_INFINITY;
        for (size_t i = 0; i < ELEMENTSOF(q); i++)
                r = first_error(r, q[i]);
        return r;
}

usec_t engine_deadline(const Engine *e) {
        usec_t first = MIN(waiting_deadline(e), MIN(e->retry_at, e->again_at));

        first = MIN(first, MIN(attest_deadline(e), drill_deadline(e)));
        if (stop_is_anchored(e) && !e->stopped)
                first = MIN(first, e->stop_until);
        if (e->window_suppressed > 0)
                first = MIN(first, e->window_start + REFUSAL_WINDOW);
        return first;
}

void engine_status(const Engine *e, Status *ret) {
        *ret = (Status){
                .state = e->state,
                .reasons = e->reasons,
                .mode = e->policy->mode,
                .events = commit_queue_next_seq(e->queue),
                .anchored = commit_queue_anchored(e->queue),
                .lost = e->lost,
                .denied = e->denied,
                .ungated = e->ungated,
                .suppressed = e->suppressed,
                .generation = e->generation,
                .attestation = { .required = e->attestation.settings.required,
                                 .provider = e->attestation.provider,
                                 .last = e->attestation.last,
                                 .rounds = e->attestation.rounds,
                                 .last_realtime = e->attestation.last_realtime,
                                 .passed_realtime = e->attestation.passed_realtime },
                .capped = e->was_capped,
                .lock_recorded = guard_is_closed(e->state) && e->lock,
                .poisoned = e->poisoned,
        };
        memcpy(ret->policy_digest, e->policy->digest, SHA256_SIZE);
        memcpy(ret->failures, e->failures, sizeof(ret->failures));
        memcpy(ret->levels, e->levels, sizeof(ret->levels));
        for (Watched w = 0; w < _WATCHED_MAX; w++)
                ret->level_why[w] = e->level_why[w];
}

const BankDigests *engine_register(const Engine *e) {
        return commit_queue_value(e->queue);
}

const Drill *engine_drill(const Engine *e) {
        return &e->drill;
}

const Policy *engine_policy(const Engine *e) {
        return e->policy;
}
