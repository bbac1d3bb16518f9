/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compiling a policy for the kernel side. */

#include "policy/compile.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/alloc.h"

static_assert((int) CODE_EXEC == (int) EVENT_EXEC && (int) CODE_LIBRARY == (int) EVENT_LIBRARY &&
                      (int) CODE_MODULE == (int) EVENT_MODULE && (int) CODE_KEXEC == (int) EVENT_KEXEC &&
                      (int) CODE_FIRMWARE == (int) EVENT_FIRMWARE && (int) CODE_OVERWRITE == (int) EVENT_OVERWRITE &&
                      (int) _CODE_MAX == (int) _EVENT_CODE_MAX,
              "one numbering");
static_assert((int) ACTIVITY_MEMORY + (int) _EVENT_CODE_MAX == (int) EVENT_MEMORY &&
                      (int) ACTIVITY_MOUNT + (int) _EVENT_CODE_MAX == (int) EVENT_MOUNT &&
                      (int) ACTIVITY_CONFIG + (int) _EVENT_CODE_MAX == (int) EVENT_CONFIG &&
                      (int) ACTIVITY_SELF + (int) _EVENT_CODE_MAX == (int) EVENT_SELF &&
                      (int) _ACTIVITY_MAX + (int) _EVENT_CODE_MAX == (int) _EVENT_MAX,
              "… of activities as well");
static_assert((int) ABI_DIGEST_SIZE == (int) SHA256_SIZE, "one size");

enum { EVERY_KIND = (1 << _CODE_MAX) - 1 };

/* Known only when it is done. */
#define AFTER_THE_FACT (1U << EVENT_CONFIG | 1U << EVENT_UNIT | 1U << EVENT_PCR | 1U << EVENT_IMA)

static bool sets_fit(const Match *references) {
        for (size_t i = 0; i < references->size; i++)
                if (references->words[i].number >= ABI_SETS_MAX)
                        return false;
        return true;
}

bool rule_is_compiled(const Rule *r) {
        return r->paths.size == 0 && r->users.size == 0 && r->units.size == 0 && sets_fit(&r->references);
}

static KernelRule compile_rule(const Rule *r) {
        KernelRule k = {
                .kinds = rule_events(r) & EVERY_KIND,
                .verdict = actions_refuse(r->actions) ? CODE_DENIED : CODE_ALLOWED,
                .maybe = !rule_is_compiled(r),
        };

        for (size_t i = 0; sets_fit(&r->references) && i < r->references.size; i++) {
                const MatchWord *w = &r->references.words[i];

                if (w->negated)
                        k.none |= 1U << w->number;
                else
                        k.any |= 1U << w->number;
        }
        return k;
}

/* Rules that do not fit: from there on anything is possible. */
static void leave_the_rest(KernelPolicy *k) {
        k->rules[ABI_RULES_MAX - 2] = (KernelRule){ .kinds = EVERY_KIND, .verdict = CODE_DENIED, .maybe = 1 };
        k->rules[ABI_RULES_MAX - 1] = (KernelRule){ .kinds = EVERY_KIND, .verdict = CODE_ALLOWED, .maybe = 1 };
}

/* The lowest digest that any set still has at its place, and the sets that have it. */
static const uint8_t *next_digest(const Policy *p, const size_t *places, size_t n, uint32_t *ret_sets) {
        const uint8_t *lowest = NULL;

        *ret_sets = 0;
        for (size_t i = 0; i < n; i++) {
                const ReferenceSet *set = p->references[i].set;
                const uint8_t *digest;
                int order;

                if (places[i] >= reference_set_size(set))
                        continue;
                digest = reference_set_at(set, places[i]);
                order = lowest ? memcmp(digest, lowest, SHA256_SIZE) : -1;
                if (order < 0) {
                        lowest = digest;
                        *ret_sets = 0;
                }
                if (order <= 0)
                        *ret_sets |= 1U << i;
        }
        return lowest;
}

static int merge_digests(const Policy *p, CompiledPolicy *c) {
        size_t n = MIN(p->references_size, (size_t) ABI_SETS_MAX), total = 0, size = 0;
        size_t places[ABI_SETS_MAX] = {};
        const uint8_t *digest;
        uint32_t sets;

        for (size_t i = 0; i < n; i++)
                total += reference_set_size(p->references[i].set);
        if (total > (1U << ABI_DIGESTS_BITS))
                return -E2BIG;
        c->digests = new0(KernelDigest, MAX(total, (size_t) 1));
        if (!c->digests)
                return -ENOMEM;
        while ((digest = next_digest(p, places, n, &sets))) {
                memcpy(c->digests[size].digest, digest, SHA256_SIZE);
                c->digests[size++].sets = sets;
                for (size_t i = 0; i < n; i++)
                        places[i] += sets >> i & 1;
        }
        c->policy.digests_size = (uint32_t) size;
        return 0;
}

static void compile_rules(const Policy *p, KernelPolicy *k) {
        for (size_t i = 0; i < p->rules_size; i++) {
                const Rule *r = &p->rules[i];

                if (!(rule_events(r) & EVERY_KIND))
                        continue;
                if (r->actions & RULE_ALERT && !actions_refuse(r->actions))
                        k->every_time = true;
                if (k->rules_size < ABI_RULES_MAX)
                        k->rules[k->rules_size++] = compile_rule(r);
                else
                        leave_the_rest(k);
        }
}

/* Whether the rule matches whatever the kernel side cannot see: who it was, and what it was about. An activity of the
 * kernel's has no digest. */
static bool matches_any_activity(const Rule *r) {
        if (r->paths.size > 0 || r->users.size > 0 || r->units.size > 0)
                return false;
        for (size_t i = 0; i < r->references.size; i++)
                if (!r->references.words[i].negated)
                        return false;
        return true;
}

/* True when every rule that may match the event says so, up to one that always matches. */
static bool is_always(const Policy *p, Event e, bool (*says)(const Rule *r)) {
        for (size_t i = 0; i < p->rules_size; i++) {
                const Rule *r = &p->rules[i];

                if (!(rule_events(r) & 1U << e))
                        continue;
                if (!says(r))
                        return false;
                if (matches_any_activity(r))
                        return true;
        }
        return false;
}

static bool refuses(const Rule *r) {
        return actions_refuse(r->actions);
}

static bool ignores(const Rule *r) {
        return r->actions & RULE_IGNORE;
}

static bool allows(const Rule *r) {
        return !actions_refuse(r->actions);
}

bool policy_denies_activity(const Policy *p, Event e) {
        return e == EVENT_SELF ? !is_always(p, e, allows) : is_always(p, e, refuses);
}

static void compile_activities(const Policy *p, KernelPolicy *k) {
        for (Event e = _EVENT_CODE_MAX; e < _EVENT_MAX; e++) {
                k->activities_denied |= (uint32_t) is_always(p, e, refuses) << (e - _EVENT_CODE_MAX);
                k->activities_ignored |= (uint32_t) is_always(p, e, ignores) << (e - _EVENT_CODE_MAX);
        }
        k->self_allowed = !policy_denies_activity(p, EVENT_SELF);
}

int policy_compile(const Policy *p, uint32_t generation, CompiledPolicy *ret) {
        CompiledPolicy c = {
                .policy = {
                        .generation = generation,
                        .enforce = p->mode == MODE_ENFORCE,
                        .every_time = p->needs_subject,
                        .allow_writers = policy_on_failure(p, FAILURE_OPEN_WRITERS) == ON_FAILURE_ALLOW,
                        .allow_user_layers = policy_on_failure(p, FAILURE_USER_LAYERS) == ON_FAILURE_ALLOW,
                        .allow_stale = policy_on_failure(p, FAILURE_STALE_DIGEST) == ON_FAILURE_ALLOW,
                        .allow_no_path = policy_on_failure(p, FAILURE_NO_PATH) == ON_FAILURE_ALLOW,
                        .allow_remote = policy_on_failure(p, FAILURE_REMOTE_FILE) == ON_FAILURE_ALLOW,
                },
        };
        int r;

        compile_rules(p, &c.policy);
        compile_activities(p, &c.policy);
        r = merge_digests(p, &c);
        if (r < 0)
                return r;
        *ret = c;
        return 0;
}

void compiled_policy_done(CompiledPolicy *c) {
        free(c->digests);
        *c = (CompiledPolicy){};
}

const char *rule_decided_by(const Rule *r) {
        bool exec = rule_events(r) & 1U << EVENT_EXEC;
        bool others = rule_events(r) & ~(1U << EVENT_EXEC);
        bool compiled = rule_is_compiled(r);

        if (!(rule_events(r) & ~AFTER_THE_FACT))
                return "reacted to";
        if (!others)
                return "held at the gate";
        if (!exec)
                return compiled ? "decided in the kernel" : "reacted to";
        return compiled ? "held at the gate; decided in the kernel" : "held at the gate; reacted to";
}
