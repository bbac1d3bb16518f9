/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compiling a policy for the kernel side. */

#include "policy/compile.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/alloc.h"

static_assert((int) CODE_EXEC == (int) EVENT_EXEC && (int) CODE_LIBRARY == (int) EVENT_LIBRARY &&
                      (int) CODE_MODULE == (int) EVENT_MODULE && (int) CODE_KEXEC == (int) EVENT_KEXEC &&
                      (int) CODE_FIRMWARE == (int) EVENT_FIRMWARE && (int) CODE_OVERWRITE == (int) EVENT_OVERWRITE &&
                      (int) _CODE_MAX == (int) _EVENT_MAX,
              "one numbering");
static_assert((int) ABI_DIGEST_SIZE == (int) SHA256_SIZE, "one size");

enum { EVERY_KIND = (1 << _CODE_MAX) - 1 };

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
                .kinds = r->events == 0 ? EVERY_KIND : r->events,
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

int policy_compile(const Policy *p, uint32_t generation, CompiledPolicy *ret) {
        CompiledPolicy c = {
                .policy = {
                        .generation = generation,
                        .enforce = p->mode == MODE_ENFORCE,
                        .rules_size = (uint32_t) MIN(p->rules_size, (size_t) ABI_RULES_MAX),
                        .every_time = p->needs_subject,
                        .allow_writers = policy_on_failure(p, FAILURE_OPEN_WRITERS) == ON_FAILURE_ALLOW,
                        .allow_remote = policy_on_failure(p, FAILURE_REMOTE_FILE) == ON_FAILURE_ALLOW,
                },
        };
        int r;

        for (size_t i = 0; i < c.policy.rules_size; i++)
                c.policy.rules[i] = compile_rule(&p->rules[i]);
        for (size_t i = 0; i < p->rules_size; i++)
                if (p->rules[i].actions & RULE_ALERT && !actions_refuse(p->rules[i].actions))
                        c.policy.every_time = true;
        if (p->rules_size > ABI_RULES_MAX)
                leave_the_rest(&c.policy);
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
        bool exec = r->events == 0 || r->events & 1U << EVENT_EXEC;
        bool others = r->events == 0 || r->events & ~(1U << EVENT_EXEC);
        bool compiled = rule_is_compiled(r);

        if (!others)
                return "held at the gate";
        if (!exec)
                return compiled ? "decided in the kernel" : "reacted to";
        return compiled ? "held at the gate; decided in the kernel" : "held at the gate; reacted to";
}
