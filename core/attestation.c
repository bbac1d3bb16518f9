/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Schedule and memory of attestation. */

#include "core/attestation.h"

#include <errno.h>

#include "lib/base/siphash.h"

const char *const attest_result_names[] = {
        [ATTEST_NONE] = "none",           [ATTEST_PASSED] = "passed",  [ATTEST_FAILED] = "failed",
        [ATTEST_UNDECIDED] = "undecided", [_ATTEST_RESULT_MAX] = NULL,
};

const char *const attest_cause_names[] = {
        [ATTEST_AT_START] = "start", [ATTEST_SCHEDULED] = "schedule", [ATTEST_RESUMED] = "resume",
        [ATTEST_ASKED] = "request",  [_ATTEST_CAUSE_MAX] = NULL,
};

void attestation_init(Attestation *a, const AttestSettings *settings, const uint8_t seed[16]) {
        *a = (Attestation){ .settings = *settings, .due = USEC_INFINITY };
        memcpy(a->seed, seed, sizeof(a->seed));
}

/* From nine to eleven tenths: guests that were started together do not ask the key service together for ever. */
static usec_t jitter(const Attestation *a, usec_t t) {
        const uint64_t span = t / 5;

        return span == 0 ? t : t - t / 10 + siphash24(&a->rounds, sizeof(a->rounds), a->seed) % span;
}

void attestation_provider(Attestation *a, const char *name, usec_t now) {
        const size_t n = MIN(strlen(strempty(name)), sizeof(a->provider) - 1);

        memset(a->provider, 0, sizeof(a->provider));
        memcpy(a->provider, strempty(name), n);
        a->open = n > 0;
        a->due = a->open && a->settings.interval > 0 ? now : USEC_INFINITY;
        a->cause = ATTEST_AT_START;
}

void attestation_resumed(Attestation *a, usec_t now) {
        if (!a->open || a->settings.interval == 0)
                return;
        a->due = now;
        a->cause = ATTEST_RESUMED;
}

int attestation_ask(Attestation *a, const AttestRequest *q) {
        if (!a->open)
                return -EOPNOTSUPP;
        if (q->nonce_size > ROUND_NONCE_MAX)
                return -EINVAL;
        if (a->queue_size == ATTEST_QUEUE_MAX)
                return -EBUSY;
        a->queue[a->queue_size++] = *q;
        return 0;
}

/* Nobody knows the seed, so nobody knows a nonce before it is used. */
static bool make_nonce(Attestation *a, AttestRequest *q) {
        static const char label[] = "sealwatch-nonce-v1";
        uint8_t bytes[sizeof(label) + sizeof(a->seed) + sizeof(a->rounds)];

        memcpy(bytes, label, sizeof(label));
        memcpy(bytes + sizeof(label), a->seed, sizeof(a->seed));
        memcpy(bytes + sizeof(label) + sizeof(a->seed), &a->rounds, sizeof(a->rounds));
        static_assert((int) ROUND_NONCE_SIZE == SHA256_SIZE, "a nonce is a digest");
        q->nonce_size = ROUND_NONCE_SIZE;
        return sha256(bytes, sizeof(bytes), q->nonce) >= 0;
}

bool attestation_begin(Attestation *a, usec_t now, bool scheduled) {
        AttestRequest q = { .cause = a->cause };

        if (!a->open || a->round.phase != ATTEST_IDLE)
                return false;
        if (a->queue_size > 0) {
                q = a->queue[0];
                memmove(a->queue, a->queue + 1, --a->queue_size * sizeof(a->queue[0]));
        } else if (!scheduled || a->due > now)
                return false;
        a->rounds++;
        a->round = (AttestRound){
                .phase = ATTEST_ANNOUNCED,
                .number = a->rounds,
                .deadline = now + ATTEST_ROUND_DEADLINE,
        };
        if (q.nonce_size == 0 && !make_nonce(a, &q))
                q.nonce_size = 0; /* without a nonce nothing is gathered */
        a->round.asked = q;
        return true;
}

void attestation_end(Attestation *a, AttestResult result, usec_t now, usec_t realtime) {
        const usec_t interval = a->settings.interval;
        usec_t wait = interval;

        a->round = (AttestRound){};
        a->last = result;
        a->last_realtime = realtime;
        if (result == ATTEST_UNDECIDED) {
                wait = MIN(interval, ATTEST_RETRY << MIN(a->retries, 16U));
                a->retries++;
                if (a->undecided_since == 0)
                        a->undecided_since = now;
        } else {
                a->retries = 0;
                a->undecided_since = 0;
                a->overdue = false;
        }
        if (result == ATTEST_PASSED)
                a->passed_realtime = realtime;
        a->cause = ATTEST_SCHEDULED;
        a->due = interval == 0 || !a->open ? USEC_INFINITY : now + jitter(a, wait);
}

static usec_t grace_end(const Attestation *a) {
        usec_t end;

        if (a->undecided_since == 0 || a->overdue ||
            __builtin_add_overflow(a->undecided_since, a->settings.grace, &end))
                return USEC_INFINITY;
        return end;
}

bool attestation_is_overdue(Attestation *a, usec_t now) {
        if (grace_end(a) > now)
                return false;
        a->overdue = true;
        return true;
}

usec_t attestation_deadline(const Attestation *a, bool scheduled) {
        usec_t first = scheduled ? grace_end(a) : USEC_INFINITY;

        if (a->round.phase == ATTEST_IDLE)
                return scheduled ? MIN(first, a->due) : first;
        first = MIN(first, a->round.deadline);
        return a->round.phase == ATTEST_PROVED ? MIN(first, a->round.seen_deadline) : first;
}

void attestation_judge_canary(const AttestRound *round, CheckList *checks) {
        static const char name[] = "denial";

        if (round->outcome == CANARY_NOT_ASKED)
                check_add(checks, name, CHECK_NA, "%s",
                          round->trouble ? round->trouble : "no sensor here can hold programs");
        else if (round->outcome == CANARY_TROUBLE)
                check_add(checks, name, CHECK_UNDECIDED, "the canary could not be run: %s", round->trouble);
        else if (!round->seen)
                check_add(checks, name, CHECK_FAIL, "%s",
                          round->outcome == CANARY_RAN ? "an unknown program ran, and no sensor saw it"
                                                       : "an unknown program was refused, but not by a sensor");
        else if (round->must_refuse && round->outcome != CANARY_REFUSED)
                check_add(checks, name, CHECK_FAIL, "an unknown program ran although the policy refuses it");
        else
                check_add(checks, name, CHECK_PASS, "an unknown program %s",
                          round->outcome == CANARY_REFUSED ? "was refused, and that was measured"
                                                           : "was measured before it ran, as the policy allows");
}
