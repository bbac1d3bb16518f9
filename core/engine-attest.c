/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rounds of attestation: announce the canary, run it, gather evidence, take in the result. Each step waits until what it
 * builds on is in the register, so that a quote covers it. */

#include "core/engine-internal.h"

#include <errno.h>
#include <stdio.h>

#include "lib/base/hex.h"

static bool is_scheduled(const Engine *e) {
        return !guard_is_closed(e->state) && e->state != STATE_STARTING && !e->stopping;
}

bool attest_takes_canary(Feed *f, const Observation *o) {
        AttestRound *round = &f->engine->attestation.round;

        if ((round->phase != ATTEST_PROVING && round->phase != ATTEST_PROVED) || round->seen || !o->has_digest ||
            o->event != EVENT_EXEC || memcmp(o->digest, round->digest, SHA256_SIZE) != 0)
                return false;
        round->seen = true;
        return true;
}

unsigned attest_canary_actions(Feed *f, unsigned actions) {
        AttestRound *round = &f->engine->attestation.round;

        round->must_refuse = actions_refuse(actions) && f->engine->policy->mode == MODE_ENFORCE;
        return actions_refuse(actions) ? RULE_DENY : 0;
}

static void put_nonce(EventBuilder *event, const AttestRequest *q) {
        char hex[2 * ROUND_NONCE_MAX + 1];

        event_text_max(event, "nonce", hex_encode(q->nonce, q->nonce_size, hex), sizeof(hex));
}

static int announce(Feed *f, AttestRound *round) {
        EventBuilder event = event_begin(KIND_CANARY, &f->now);

        event_count(&event, "round", round->number);
        put_nonce(&event, &round->asked);
        event_digest(&event, "digest", round->digest);
        return record_event(f, &event, -1, &round->seq);
}

static int add_action(Feed *f, ActionType type) {
        const AttestRound *round = &f->engine->attestation.round;
        Action *a = action_add(f->actions, type);

        if (!a)
                return -ENOMEM;
        a->attest.round = round->number;
        a->attest.request = round->asked.request;
        a->attest.nonce_size = round->asked.nonce_size;
        memcpy(a->attest.nonce, round->asked.nonce, sizeof(a->attest.nonce));
        return 0;
}

static int gather(Feed *f) {
        AttestRound *round = &f->engine->attestation.round;
        int r = add_action(f, ACTION_ATTEST);

        if (r >= 0)
                round->phase = ATTEST_GATHERING;
        return r;
}

/* The names of the checks with this result, with the details where they count. Returns how many were left out. */
static uint64_t put_checks(EventBuilder *event, const CheckList *checks, const char *key, CheckResult result,
                           bool details) {
        uint64_t left_out = 0;

        if (details)
                event_map(event, key);
        else
                event_list(event, key);
        for (size_t i = 0; i < checks->size; i++) {
                const Check *c = &checks->items[i];

                if (c->result == result)
                        left_out += !(details ? event_map_text(event, key, c->name, c->detail)
                                              : event_list_text(event, key, c->name));
        }
        return left_out;
}

static uint64_t put_pins(EventBuilder *event, const Pins *pins) {
        char text[PIN_TEXT_MAX + 1];
        uint64_t left_out = 0;

        event_map(event, "pins");
        for (size_t i = 0; i < PINS; i++) {
                const char *name = pins_text(pins, i, text);

                left_out += name && !event_map_text(event, "pins", name, text);
        }
        return left_out;
}

static const char *verdict_of(const Engine *e, AttestResult result) {
        if (result == ATTEST_PASSED)
                return "trust";
        if (result == ATTEST_UNDECIDED)
                return "degrade";
        return e->policy->mode == MODE_ENFORCE ? "lock" : "would-lock";
}

static int record_attest(Feed *f, AttestResult result, const char *reason, const CheckList *checks, const Pins *pins,
                         uint64_t *ret_seq) {
        static const int alerts[_ATTEST_RESULT_MAX] = {
                [ATTEST_PASSED] = SEVERITY_NOTICE,
                [ATTEST_FAILED] = SEVERITY_CRITICAL,
                [ATTEST_UNDECIDED] = SEVERITY_WARNING,
        };
        const Engine *e = f->engine;
        EventBuilder event = event_begin(KIND_ATTEST, &f->now);
        uint64_t left_out;

        event_count(&event, "round", e->attestation.round.number);
        event_text(&event, "cause", attest_cause_names[e->attestation.round.asked.cause]);
        event_text(&event, "provider", e->attestation.provider);
        put_nonce(&event, &e->attestation.round.asked);
        event_text(&event, "result", attest_result_names[result]);
        event_text(&event, "reason", reason);
        event_text(&event, "verdict", verdict_of(e, result));
        left_out = put_checks(&event, checks, "failed", CHECK_FAIL, true);
        left_out += put_checks(&event, checks, "undecided", CHECK_UNDECIDED, true);
        left_out += put_pins(&event, pins);
        left_out += put_checks(&event, checks, "passed", CHECK_PASS, false);
        left_out += put_checks(&event, checks, "na", CHECK_NA, false);
        if (left_out > 0)
                event_count(&event, "more", left_out);
        /* The room that is kept for the guard is not for what comes again and again. */
        return record_event_in(f, result == ATTEST_FAILED ? ROOM_GUARD : ROOM_ANYBODY, &event, alerts[result],
                               ret_seq);
}

static int act_on(Feed *f, AttestResult result, uint64_t seq) {
        switch (result) {
        case ATTEST_PASSED:
                return guard_recover(f, REASON_ATTEST);
        case ATTEST_FAILED:
                return guard_violate(f, "attestation", seq, false, 0);
        default:
                return guard_degrade(f, REASON_ATTEST);
        }
}

/* reason: why there is no evidence to judge; NULL when there is. */
static int end_round(Feed *f, const char *reason, CheckList *checks, const Pins *pins) {
        Attestation *a = &f->engine->attestation;
        CheckResult verdict = CHECK_UNDECIDED;
        AttestResult result;
        uint64_t seq = NOT_RECORDED;
        int r, q;

        attestation_judge_canary(&a->round, checks);
        if (!reason)
                pins_compare(&a->pins, pins, checks);
        verdict = check_list_verdict(checks);
        if (reason && verdict == CHECK_PASS) /* a canary that nobody saw is a failure all the same */
                verdict = CHECK_UNDECIDED;
        result = verdict == CHECK_PASS ? ATTEST_PASSED : verdict == CHECK_FAIL ? ATTEST_FAILED : ATTEST_UNDECIDED;
        r = record_attest(f, result, reason, checks, pins, &seq);
        if (result == ATTEST_PASSED)
                pins_update(&a->pins, pins);
        q = add_action(f, ACTION_ATTESTED);
        if (q >= 0)
                f->actions->items[f->actions->size - 1].attest.result = result;
        attestation_end(a, result, f->now.boottime, f->now.realtime);
        return first_error(first_error(r, q), act_on(f, result, seq));
}

static int give_up(Feed *f, const char *reason) {
        _cleanup_(check_list_done) CheckList checks = {};
        const Pins none = {};
        AttestRound *round = &f->engine->attestation.round;

        if (round->phase == ATTEST_ANNOUNCED || round->phase == ATTEST_PROVING) {
                round->outcome = CANARY_TROUBLE;
                round->trouble = "that did not end in time";
        }
        return end_round(f, reason, &checks, &none);
}

int feed_provider(Feed *f, const Input *in) {
        attestation_provider(&f->engine->attestation, in->provider.name, f->now.boottime);
        return 0;
}

int feed_resumed(Feed *f) {
        attestation_resumed(&f->engine->attestation, f->now.boottime);
        return 0;
}

int feed_attest(Feed *f, const Input *in) {
        AttestRequest q = in->attest;
        Action *a;
        int r;

        q.cause = ATTEST_ASKED;
        r = f->engine->stopping ? -ESHUTDOWN : attestation_ask(&f->engine->attestation, &q);
        if (r >= 0)
                return 0;
        a = action_add(f->actions, ACTION_NO_ROUND);
        if (!a)
                return -ENOMEM;
        a->no_round.request = q.request;
        a->no_round.error = r;
        return 0;
}

int feed_proved(Feed *f, const Input *in) {
        AttestRound *round = &f->engine->attestation.round;

        if (round->phase != ATTEST_PROVING || in->proved.round != round->number)
                return 0;
        round->outcome = in->proved.outcome;
        round->trouble = in->proved.trouble;
        round->phase = ATTEST_PROVED;
        round->seen_deadline = f->now.boottime + ATTEST_SEEN_DEADLINE;
        if (round->outcome == CANARY_NOT_ASKED || round->outcome == CANARY_TROUBLE)
                round->seen_deadline = f->now.boottime; /* nothing more will come */
        return 0;
}

int feed_attested(Feed *f, const Input *in) {
        static const Pins none = {};
        const AttestRound *round = &f->engine->attestation.round;

        if (round->phase != ATTEST_GATHERING || in->attested.round != round->number)
                return 0; /* of a round that was given up */
        return end_round(f, in->attested.reason, in->attested.checks, in->attested.pins ? in->attested.pins : &none);
}

/* A new round: where a sensor holds programs it begins with the canary. */
static int begin(Feed *f) {
        Engine *e = f->engine;
        AttestRound *round = &e->attestation.round;
        int r;

        if (e->stopping || e->state == STATE_STARTING)
                return 0;
        if (!attestation_begin(&e->attestation, f->now.boottime, is_scheduled(e)))
                return 0;
        if (round->asked.nonce_size == 0)
                return give_up(f, "no nonce could be made");
        if (e->levels[WATCHED_EXEC] < LEVEL_GATE)
                return gather(f);
        r = canary_digest(round->asked.nonce, round->asked.nonce_size, round->digest);
        if (r >= 0)
                r = announce(f, round);
        if (r < 0) {
                round->outcome = CANARY_TROUBLE;
                round->trouble = "its digest could not be recorded";
                return first_error(r, gather(f));
        }
        return 0;
}

/* The TPM does not take what the round waits for: what is wrong with it shows when it is asked for a quote. */
static int go_on_without(Feed *f) {
        AttestRound *round = &f->engine->attestation.round;

        round->outcome = CANARY_TROUBLE;
        round->trouble = "the TPM does not take its record";
        return gather(f);
}

static int go_on(Feed *f) {
        Engine *e = f->engine;
        AttestRound *round = &e->attestation.round;
        uint64_t anchored = commit_queue_anchored(e->queue);
        int r;

        if ((round->phase == ATTEST_ANNOUNCED || round->phase == ATTEST_SETTLING) && e->retry_at != USEC_INFINITY)
                return go_on_without(f);

        if (round->phase == ATTEST_ANNOUNCED && round->seq < anchored) {
                r = add_action(f, ACTION_PROVE);
                if (r >= 0)
                        round->phase = ATTEST_PROVING;
                return r;
        }
        if (round->phase == ATTEST_PROVED && (round->seen || round->seen_deadline <= f->now.boottime)) {
                round->seq = commit_queue_next_seq(e->queue);
                round->phase = ATTEST_SETTLING;
        }
        return round->phase == ATTEST_SETTLING && anchored >= round->seq ? gather(f) : 0;
}

int attest_step(Feed *f) {
        Engine *e = f->engine;
        Attestation *a = &e->attestation;
        const Input overdue = {
                .type = INPUT_TAMPER,
                .tamper = { .what = "attestation-stale", .detail = "no round could be decided for GraceSec=" },
        };
        int r = 0, q;

        if (a->round.phase != ATTEST_IDLE && a->round.deadline <= f->now.boottime)
                r = give_up(f, "the round did not end in time");
        q = begin(f);
        q = first_error(q, go_on(f));
        if (is_scheduled(e) && attestation_is_overdue(a, f->now.boottime))
                r = first_error(r, feed_tamper(f, &overdue));
        return first_error(r, q);
}

usec_t attest_deadline(const Engine *e) {
        return attestation_deadline(&e->attestation, is_scheduled(e));
}

void attest_restore(Engine *e, const json_t *event) {
        Attestation *a = &e->attestation;
        bool passed = streq(strempty(json_string_value(json_object_get(event, "result"))), "passed");
        const json_t *text;
        const char *name;

        a->rounds = (uint64_t) json_integer_value(json_object_get(event, "round"));
        if (!passed)
                return;
        json_object_foreach(json_object_get(event, "pins"), name, text)
                (void) pins_take_text(&a->pins, name, strempty(json_string_value(text)));
}
