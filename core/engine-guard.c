/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The guard's state, why it is what it is, and the lock plan. The state changes even when its record cannot be
 * written: a full log must not keep a secret in memory. */

#include "core/engine-internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/alloc.h"

static const char *const step_names[] = { [LOCK_WIPE] = "wipe", [LOCK_POISON] = "poison" };
static_assert(ELEMENTSOF(step_names) == _LOCK_STEP_MAX, "a name per step");

static int record_state(Feed *f, State from, State to) {
        static const int alerts[_STATE_MAX] = {
                [STATE_STARTING] = -1,
                [STATE_TRUSTED] = SEVERITY_NOTICE,
                [STATE_DEGRADED] = SEVERITY_WARNING,
                [STATE_VIOLATED] = SEVERITY_CRITICAL,
                [STATE_LOCKED] = SEVERITY_CRITICAL,
        };
        EventBuilder event = event_begin(KIND_STATE, &f->now);

        event_text(&event, "from", state_names[from]);
        event_text(&event, "to", state_names[to]);
        event_list(&event, "reasons");
        for (unsigned i = 0; reason_names[i]; i++)
                if (f->engine->reasons & (1U << i))
                        event_list_text(&event, "reasons", reason_names[i]);
        return record_event_in(f, guard_is_closed(to) ? ROOM_LOCK : ROOM_GUARD, &event, alerts[to], NULL);
}

int guard_cause(Feed *f, Cause cause) {
        Engine *e = f->engine;
        State from = e->state, to = guard_next(from, cause);
        Action *a;
        int r;

        if (cause == CAUSE_READY && to == STATE_TRUSTED && e->reasons)
                to = STATE_DEGRADED;
        if (to == from)
                return 0;
        e->state = to;
        r = record_state(f, from, to);
        a = action_add(f->actions, ACTION_STATE);
        if (!a)
                return -ENOMEM;
        a->state.from = from;
        a->state.to = to;
        return r;
}

int guard_degrade(Feed *f, Reason reason) {
        Engine *e = f->engine;
        bool fresh = !(e->reasons & reason);

        e->reasons |= reason;
        if (fresh && (e->state == STATE_DEGRADED || e->state == STATE_STARTING))
                return record_state(f, e->state, e->state); /* a reason more; a sticky one must outlive the daemon */
        return guard_cause(f, CAUSE_DEGRADE);
}

int guard_recover(Feed *f, Reason reason) {
        Engine *e = f->engine;

        e->reasons &= ~(unsigned) (reason & REASON_RECOVERABLE);
        return e->reasons == 0 ? guard_cause(f, CAUSE_RECOVER) : 0;
}

static int add_lock_step(Feed *f, LockStep step, const BankDigests *poison) {
        Action *a = action_add(f->actions, ACTION_LOCK_STEP);

        if (!a)
                return -ENOMEM;
        a->lock_step.step = step;
        a->lock_step.poison = *poison;
        return 0;
}

int guard_owed_steps(Feed *f) {
        Engine *e = f->engine;

        for (LockStep step = 0; step < _LOCK_STEP_MAX; step++) {
                if (!(e->steps_owed & 1U << step))
                        continue;
                if (add_lock_step(f, step, &e->poison) < 0)
                        return -ENOMEM;
                e->steps_owed &= ~(1U << step);
        }
        return 0;
}

int guard_wipe(Feed *f) {
        f->engine->steps_owed |= 1U << LOCK_WIPE;
        return guard_owed_steps(f);
}

/* What the poison registers get: the digests of the lock record, which a verifier finds in the log. */
static int poison_of(const Engine *e, uint64_t lock_seq, BankDigests *ret) {
        const Buffer *last;
        RecordView view;
        const char *why;
        Reader reader;

        if (lock_seq == NOT_RECORDED || lock_seq + 1 != commit_queue_next_seq(e->queue))
                return -EIO;
        last = commit_queue_last(e->queue);
        reader = reader_new(last->data, last->size);
        if (record_parse(&reader, &view, &why) != RECORD_OK)
                return -EIO;
        return record_extend_value(&view, e->config.banks, ret);
}

static int add_lock_steps(Feed *f) {
        f->engine->steps_owed = (1U << _LOCK_STEP_MAX) - 1;
        return guard_owed_steps(f);
}

static EventBuilder lock_event(const Engine *e, const Now *now, const char *reason, uint64_t trigger) {
        EventBuilder event = event_begin(KIND_LOCK, now);

        event_text(&event, "reason", reason);
        event_count(&event, "trigger", trigger);
        event_list_pcrs(&event, "poison", e->config.poison_pcrs);
        return event;
}

static int record_lock(Feed *f, EventBuilder *event) {
        Engine *e = f->engine;
        json_t *json = json_incref(event->json);
        uint64_t seq = NOT_RECORDED;
        int r;

        r = record_event(f, event, SEVERITY_CRITICAL, &seq);
        if (poison_of(e, seq, &e->poison) < 0) { /* without a record there is still a poison */
                e->poison = bank_digests_violation(e->config.banks);
                json_decref(json);
                return r;
        }
        json_decref(e->lock);
        e->lock = json;
        return r;
}

static int begin_lock(Feed *f, EventBuilder *event) {
        int r = record_lock(f, event);

        return first_error(r, add_lock_steps(f));
}

static int guard_start_lock(Feed *f, const char *reason, uint64_t trigger, bool by_request, uint32_t uid) {
        EventBuilder event = lock_event(f->engine, &f->now, reason, trigger);

        if (by_request)
                event_count(&event, "uid", uid);
        return begin_lock(f, &event);
}

int engine_death_lock(const Engine *e, const Now *now, json_t **ret) {
        EventBuilder event;

        if (guard_is_closed(e->state) && e->lock) {
                *ret = json_incref(e->lock);
                return 0;
        }
        event = lock_event(e, now, "death", e->start_seq);
        if (event.error < 0) {
                event_done(&event);
                return -ENOMEM;
        }
        *ret = event.json;
        return 0;
}

/* The registers may have the digest of that record already: no other one is made, also where the state's record reached the
 * log before the daemon died, and that of the lock did not. */
int guard_died(Feed *f, const json_t *lock) {
        EventBuilder event = { .kind = KIND_LOCK, .json = json_deep_copy(lock) };
        const bool was_violated = f->engine->state == STATE_VIOLATED;
        int r, q;

        if (!event.json)
                event.error = -ENOMEM;
        if (f->engine->state == STATE_LOCKED) {
                event_done(&event);
                return 0;
        }
        r = guard_cause(f, CAUSE_VIOLATE);
        q = was_violated ? record_lock(f, &event) : begin_lock(f, &event); /* its steps are resumed */
        return first_error(r, q);
}

int guard_resume_lock(Feed *f) {
        Engine *e = f->engine;

        if (e->lock_finished)
                return guard_cause(f, CAUSE_LOCKED);
        if (e->lock)
                return add_lock_steps(f);
        return guard_start_lock(f, "the lock plan was cut off", e->violation_seq, false, 0);
}

/* The daemon died between the record that demands a lock and what follows. Whatever the policy says now: it was decided. */
int guard_owed_lock(Feed *f) {
        Engine *e = f->engine;
        uint64_t trigger = e->lock_owed;
        int r;

        e->lock_owed = 0;
        if (trigger == 0 || guard_is_closed(e->state))
                return 0;
        r = guard_cause(f, CAUSE_VIOLATE);
        return first_error(r, guard_start_lock(f, "the lock plan was cut off", trigger - 1, false, 0));
}

int guard_violate(Feed *f, const char *reason, uint64_t trigger, bool by_request, uint32_t uid) {
        Engine *e = f->engine;
        int r, q;

        if (guard_is_closed(e->state))
                return 0;
        if (e->policy->mode == MODE_OBSERVE && !by_request)
                return guard_degrade(f, REASON_WOULD_LOCK);
        r = guard_cause(f, CAUSE_VIOLATE);
        q = guard_start_lock(f, reason, trigger, by_request, uid);
        return first_error(r, q);
}

/* As record_locked() writes it. */
bool guard_says_poisoned(const json_t *locked) {
        const json_t *steps = json_object_get(locked, "steps");

        return startswith(strempty(json_string_value(json_object_get(steps, step_names[LOCK_POISON]))), "done ");
}

static int record_locked(Feed *f) {
        const Engine *e = f->engine;
        EventBuilder event = event_begin(KIND_LOCKED, &f->now);

        event_map(&event, "steps");
        for (LockStep step = 0; step < _LOCK_STEP_MAX; step++) {
                char text[EVENT_SHORT_MAX];

                snprintf(text, sizeof(text), "%s after %llu us",
                         e->step_failure[step] ? e->step_failure[step] : "done",
                         (unsigned long long) e->step_took[step]);
                event_map_text(&event, "steps", step_names[step], text);
        }
        return record_event(f, &event, SEVERITY_CRITICAL, NULL);
}

int feed_lock_step(Feed *f, const Input *in) {
        Engine *e = f->engine;
        int r;

        e->step_done[in->lock_step.step] = true;
        e->poisoned = e->poisoned || (in->lock_step.step == LOCK_POISON && !in->lock_step.failure);
        e->step_took[in->lock_step.step] = in->lock_step.took;
        r = free_and_strdup(&e->step_failure[in->lock_step.step], in->lock_step.failure);
        for (LockStep step = 0; step < _LOCK_STEP_MAX; step++)
                if (!e->step_done[step])
                        return r;
        if (e->state != STATE_VIOLATED)
                return r;
        r = record_locked(f);
        return first_error(r, guard_cause(f, CAUSE_LOCKED));
}

static Reason reason_of(Failure row) {
        if (row == FAILURE_EVENTS_LOST)
                return REASON_LOST;
        if (row == FAILURE_TPM_BUSY || row == FAILURE_TPM_ERROR || row == FAILURE_TPM_LOCKOUT)
                return REASON_TPM;
        return REASON_FAILURE;
}

int guard_failure(Feed *f, Failure row, const char *detail) {
        Engine *e = f->engine;
        FailureAction action = policy_on_failure(e->policy, row);
        uint64_t count = ++e->failures[row], seq = NOT_RECORDED;
        EventBuilder event;
        int r = 0;

        /* Powers of two: a failure that comes back for ever does not fill the log, and none goes unsaid. */
        if ((count & (count - 1)) == 0) {
                event = event_begin(KIND_FAILURE, &f->now);
                event_text(&event, "row", failure_name(row));
                event_text(&event, "verdict", failure_action_names[action]);
                event_count(&event, "count", count);
                event_text(&event, "detail", detail);
                r = record_event(f, &event, action == ON_FAILURE_LOCK ? SEVERITY_CRITICAL : SEVERITY_ERROR, &seq);
        }
        if (action == ON_FAILURE_LOCK)
                return first_error(r, guard_violate(f, failure_name(row), seq, false, 0));
        /* In observe also what would lock; and what hits more than the one file that a gate row is about. */
        if (action == ON_FAILURE_DEGRADE || row < _FAILURE_GATE_MAX)
                return first_error(r, guard_degrade(f, e->policy->failures[row] == ON_FAILURE_LOCK ? REASON_WOULD_LOCK
                                                                                                   : reason_of(row)));
        return r;
}
