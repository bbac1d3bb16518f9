/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is made of a guest's conduct. */

#include <inttypes.h>
#include <stdio.h>

#include "core/conduct.h"
#include "lib/base/hex.h"
#include "policy/policy.h"

typedef struct Judge {
        const Conduct *c;
        const GuestRequirements *q;
        const ConductClaims *claims;
        CheckList *checks;
} Judge;

static void judge_boot(const Judge *j) {
        const Conduct *c = j->c;

        if (c->entries == 0)
                check_add(j->checks, "boot-record", CHECK_FAIL, "the log says nothing at all");
        else if (c->resets != j->claims->resets)
                check_add(j->checks, "boot-record", CHECK_FAIL,
                          "the log is of the TPM's life %" PRIu64 ", the quote of its life %" PRIu64 " (reset counts)",
                          c->resets, j->claims->resets);
        else
                check_add(j->checks, "boot-record", CHECK_PASS, "of the TPM's life that quotes, %" PRIu64, c->resets);
        if (*c->taints)
                check_add(j->checks, "guest-taints", j->claims->allow_simulated ? CHECK_PASS : CHECK_FAIL, "%s",
                          c->taints);
        else
                check_add(j->checks, "guest-taints", CHECK_PASS, "the log admits none");
}

static void judge_transitions(const Judge *j) {
        const Conduct *c = j->c;

        if (c->transitions.count > 0)
                check_add(j->checks, "guard-transitions", CHECK_FAIL,
                          "%" PRIu64 " times the guard went where it cannot go, first in entry %" PRIu64,
                          c->transitions.count, c->transitions.first);
        else if (c->verdicts.count > 0)
                check_add(j->checks, "guard-transitions", CHECK_FAIL,
                          "%" PRIu64 " verdicts are none of the mode that was in force, first entry %" PRIu64,
                          c->verdicts.count, c->verdicts.first);
        else
                check_add(j->checks, "guard-transitions", CHECK_PASS, "every state follows from the one before");
}

static void judge_state(const Judge *j) {
        const Conduct *c = j->c;
        const char *name = state_names[c->state];
        bool good = c->state == STATE_TRUSTED || (c->state == STATE_DEGRADED && j->q->allow_degraded);

        check_add(j->checks, "guard-state", good ? CHECK_PASS : CHECK_FAIL, "%s%s%s", name, *c->reasons ? ": " : "",
                  c->reasons);
}

/* While one is open, what it announced does not count as a violation. */
static void judge_drills(const Judge *j) {
        const Conduct *c = j->c;

        if (c->exemptions.count > 0)
                check_add(j->checks, "drills", CHECK_FAIL,
                          "%" PRIu64
                          " times something counts as a drill's that none has announced, first in entry %" PRIu64,
                          c->exemptions.count, c->exemptions.first);
        else if (c->drill_let.count > 0 && j->q->drills != ALLOWED_DRILLS_ALL)
                check_add(j->checks, "drills", CHECK_FAIL,
                          "%" PRIu64 " times what a drill tried in enforce was not refused, first in entry %" PRIu64,
                          c->drill_let.count, c->drill_let.first);
        else if (c->drills == 0)
                check_add(j->checks, "drills", CHECK_NA, "there was none");
        else
                check_add(j->checks, "drills", j->q->drills == ALLOWED_DRILLS_NONE ? CHECK_FAIL : CHECK_PASS,
                          "%" PRIu64 " drills tried %" PRIu64 " things, all announced before", c->drills,
                          c->drill_used);
}

static void judge_lock(const Judge *j) {
        const Conduct *c = j->c;

        if (c->unlocked.count > 0 || c->demand > 0)
                check_add(j->checks, "lock-on-violation", CHECK_FAIL, "entry %" PRIu64 " demands a lock, and none %s",
                          c->unlocked.count > 0 ? c->unlocked.first - 1 : c->demand - 1,
                          c->unlocked.count > 0 ? "follows" : "has followed yet");
        else if (c->state == STATE_VIOLATED || c->state == STATE_LOCKED)
                check_add(j->checks, "lock-on-violation", CHECK_PASS, "it locked itself as its policy demands");
        else
                check_add(j->checks, "lock-on-violation", CHECK_NA, "nothing demanded a lock");
        if (!guard_is_closed((State) c->state) && c->lock == 0)
                check_add(j->checks, "lock-plan", CHECK_NA, "there was no violation");
        else if (c->lock == 0 || c->locked == 0)
                check_add(j->checks, "lock-plan", CHECK_FAIL, "the lock plan is not through");
        else if (*c->lock_failure)
                check_add(j->checks, "lock-plan", CHECK_FAIL, "%s", c->lock_failure);
        else
                check_add(j->checks, "lock-plan", CHECK_PASS, "every step is done, in entry %" PRIu64, c->locked - 1);
        if (c->releases.count > 0)
                check_add(j->checks, "releases", CHECK_FAIL,
                          "%" PRIu64 " secrets were released in a state that releases none, first in entry %" PRIu64,
                          c->releases.count, c->releases.first);
        else
                check_add(j->checks, "releases", CHECK_PASS, "no secret was released but in a state that may");
}

/* Is the door to the secrets closed? */
static void judge_cap(const Judge *j) {
        const Conduct *c = j->c;
        const PcrInputs *pcrs = j->claims->pcrs;
        HashAlg alg = hash_from_name(c->bank);
        uint64_t pcr = c->cap_pcr - 1;

        if (c->cap_pcr == 0)
                check_add(j->checks, "cap", CHECK_NA, "the log knows of no cap");
        else if (alg == _HASH_INVALID || !(pcrs->banks & bank(alg)) || pcr >= PCR_COUNT ||
                 !(pcrs->files[alg].present & 1U << pcr))
                check_add(j->checks, "cap", CHECK_FAIL,
                          "PCR %" PRIu64 " was not quoted, and the log says that it is capped", pcr);
        else if (memcmp(pcrs->files[alg].values[pcr], c->capped, hash_size(alg)) == 0)
                check_add(j->checks, "cap", CHECK_PASS, "PCR %" PRIu64 " is capped: the TPM unseals nothing more",
                          pcr);
        else
                check_add(j->checks, "cap", CHECK_FAIL,
                          "PCR %" PRIu64 " is not what it was at boot, and capped: the log says that it is", pcr);
}

/* A kind of event that the guest says it watches in another way than its log says; NULL: none. */
static const char *other_level(const Judge *j) {
        const EvidenceTexts *said = j->claims->levels;

        for (size_t i = 0; i < said->size; i++)
                for (Watched w = 0; w < _WATCHED_MAX; w++)
                        if (streq(said->items[i].name, watched_names[w]) &&
                            conduct_level(said->items[i].value) != j->c->levels[w])
                                return watched_names[w];
        return NULL;
}

static void judge_levels(const Judge *j) {
        const Conduct *c = j->c;
        const char *other = other_level(j);
        char lowered[CONDUCT_TEXT_MAX] = "";
        size_t n = 0;

        for (Watched w = 0; w < _WATCHED_MAX; w++)
                if (c->levels[w] < c->start_levels[w] && n + 64 < sizeof(lowered))
                        n += (size_t) snprintf(lowered + n, sizeof(lowered) - n, "%s%s", n > 0 ? ", " : "",
                                               watched_names[w]);
        if (other)
                check_add(j->checks, "levels", CHECK_FAIL, "%s: the guest says something else than its log", other);
        else
                check_add(j->checks, "levels", n > 0 && !j->q->allow_lowered_levels ? CHECK_FAIL : CHECK_PASS, "%s%s",
                          n > 0 ? "less than at the start: " : "nothing is watched less than at the start", lowered);
}

static void judge_watch(const Judge *j) {
        const Conduct *c = j->c;
        bool bad =
                c->unclean_gaps > 0 ? j->q->gaps != ALLOWED_GAPS_ALL : c->gaps > 0 && j->q->gaps == ALLOWED_GAPS_NONE;

        check_add(j->checks, "gaps", bad ? CHECK_FAIL : CHECK_PASS,
                  "%" PRIu64 " times nobody watched, %" PRIu64 " of them because the daemon died", c->gaps,
                  c->unclean_gaps);
        check_add(j->checks, "losses", c->lost > 0 && !j->q->allow_losses ? CHECK_FAIL : CHECK_PASS,
                  "%" PRIu64 " events were lost", c->lost);
}

static void judge_policy(const Judge *j) {
        const Conduct *c = j->c;
        const char *mode = c->mode > 0 ? mode_names[c->mode - 1] : "unknown";
        bool allowed = c->mode > 0 && j->q->modes >> (c->mode - 1) & 1, known;
        char hex[2 * SHA256_SIZE + 1];

        if (!streq(strempty(j->claims->mode), mode))
                check_add(j->checks, "mode", CHECK_FAIL, "%s, and the guest says another one", mode);
        else
                check_add(j->checks, "mode", allowed ? CHECK_PASS : CHECK_FAIL, "%s", mode);
        hex_encode(c->policy, sizeof(c->policy), hex);
        known = digest_list_has(&j->q->policies, HASH_SHA256, c->policy);
        if (memcmp(c->policy, j->claims->policy, SHA256_SIZE) != 0)
                check_add(j->checks, "policy-digest", CHECK_FAIL, "%s, and the guest says another one", hex);
        else if (j->q->policies.size == 0)
                check_add(j->checks, "policy-digest", CHECK_NA, "%s; no reference value", hex);
        else
                check_add(j->checks, "policy-digest", known ? CHECK_PASS : CHECK_FAIL, "%s is %sa reference value",
                          hex, known ? "" : "not ");
}

static void judge_proof(const Judge *j) {
        static const char *const outcomes[] = { "was not seen by any sensor", "ran, and was measured", "was refused",
                                                "ran, was measured, and would have been refused" };
        const Conduct *c = j->c;
        bool fresh = c->canary > 0 && streq(c->canary_nonce, j->claims->nonce) &&
                     memcmp(c->canary_digest, j->claims->canary, SHA256_SIZE) == 0;
        CheckResult missing = j->q->proof == WANTED_PROOF_NONE ? CHECK_NA : CHECK_FAIL;

        if (!fresh)
                check_add(j->checks, "proof-of-denial", missing,
                          "no unknown program was run for this nonce: nothing shows that the sensors are alive");
        else
                check_add(j->checks, "proof-of-denial",
                          c->canary_seen == 2                                          ? CHECK_PASS
                          : c->canary_seen == 0 || j->q->proof == WANTED_PROOF_REFUSED ? missing
                                                                                       : CHECK_PASS,
                          "the unknown program of this nonce %s", outcomes[c->canary_seen]);
}

static void judge_heartbeat(const Judge *j) {
        const Conduct *c = j->c;

        if (j->claims->entries > c->entries)
                check_add(j->checks, "heartbeat", CHECK_FAIL,
                          "the guest says that its log has %" PRIu64 " entries up to the quote, %" PRIu64
                          " are quoted",
                          j->claims->entries, c->entries);
        else
                check_add(j->checks, "heartbeat", CHECK_PASS,
                          "%" PRIu64 " entries, the last event at %" PRIu64 " us since 1970", c->entries,
                          c->last_time);
}

void conduct_judge(const Conduct *c, const GuestRequirements *q, const ConductClaims *claims, CheckList *checks) {
        const Judge j = { c, q, claims, checks };

        judge_boot(&j);
        judge_transitions(&j);
        judge_state(&j);
        judge_drills(&j);
        judge_lock(&j);
        judge_cap(&j);
        judge_watch(&j);
        judge_levels(&j);
        judge_policy(&j);
        judge_proof(&j);
        judge_heartbeat(&j);
}
