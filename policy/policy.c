/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Judging by a policy. */

#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/macro.h"

const char *const mode_names[] = { [MODE_OBSERVE] = "observe", [MODE_ENFORCE] = "enforce", [_MODE_MAX] = NULL };

const char *const rule_action_names[] = { "ignore", "allow", "alert", "deny", "kill", "lock", NULL };

const char *const severity_names[] = {
        [SEVERITY_NOTICE] = "notice",     [SEVERITY_WARNING] = "warning", [SEVERITY_ERROR] = "error",
        [SEVERITY_CRITICAL] = "critical", [_SEVERITY_MAX] = NULL,
};

static void rule_done(Rule *r) {
        free(r->name);
        free(r->file);
        match_done(&r->paths);
        match_done(&r->users);
        match_done(&r->units);
        match_done(&r->references);
        free(r->technique);
}

static void reference_done(Reference *r) {
        free(r->name);
        free(r->file);
        for (size_t i = 0; i < r->patterns_size; i++)
                free(r->patterns[i]);
        free(r->patterns);
        reference_set_free(r->set);
}

Policy *policy_free(Policy *p) {
        if (!p)
                return NULL;
        for (size_t i = 0; i < p->rules_size; i++)
                rule_done(&p->rules[i]);
        free(p->rules);
        for (size_t i = 0; i < p->references_size; i++)
                reference_done(&p->references[i]);
        free(p->references);
        free(p);
        return NULL;
}

/* The reference sets that hold the digest, asked lazily: most rules do not look. */
typedef struct Lookup {
        const Policy *policy;
        const Observation *observation;
} Lookup;

static bool in_reference(const MatchWord *w, const void *value) {
        const Lookup *l = value;

        return l->observation->has_digest &&
               reference_set_contains(l->policy->references[w->number].set, l->observation->digest);
}

/* A rule that names no event is one about code: "whatever is in no reference set" would mean every activity as well. */
unsigned rule_events(const Rule *r) {
        return r->events == 0 ? (1U << _EVENT_CODE_MAX) - 1 : r->events;
}

/* All but its references and its path. */
static bool subject_matches(const Rule *r, const Observation *o) {
        return rule_events(r) & (1U << o->event) && match_test(&r->users, match_number, &o->subject.uid) &&
               match_test(&r->units, match_glob, o->subject.unit);
}

/* All but its references. */
static bool rule_may_match(const Rule *r, const Observation *o) {
        return subject_matches(r, o) &&
               (r->paths.size == 0 || (!o->no_path && match_test(&r->paths, match_glob, o->path)));
}

static bool rule_matches(const Policy *p, const Rule *r, const Observation *o) {
        const Lookup lookup = { p, o };

        return rule_may_match(r, o) && match_test(&r->references, in_reference, &lookup);
}

bool policy_needs_path(const Policy *p, const Observation *o) {
        const Lookup lookup = { p, o };
        bool refused = false, allowed = false;

        for (size_t i = 0; i < p->rules_size; i++) {
                const Rule *r = &p->rules[i];

                if (!subject_matches(r, o) || !match_test(&r->references, in_reference, &lookup))
                        continue;
                refused = refused || actions_refuse(r->actions);
                allowed = allowed || !actions_refuse(r->actions);
                if (r->paths.size == 0)
                        return refused && allowed;
        }
        return refused;
}

static bool is_known(const Policy *p, const Observation *o) {
        for (size_t i = 0; o->has_digest && i < p->references_size; i++)
                if (reference_set_contains(p->references[i].set, o->digest))
                        return true;
        return false;
}

Verdict policy_judge(const Policy *p, const Observation *o) {
        Verdict v = { .rule = "default", .actions = RULE_ALLOW, .severity = SEVERITY_NOTICE, .known = is_known(p, o) };

        for (size_t i = 0; i < p->rules_size; i++) {
                const Rule *r = &p->rules[i];

                if (rule_matches(p, r, o)) {
                        v.rule = r->name;
                        v.actions = r->actions;
                        v.severity = r->severity;
                        v.technique = r->technique;
                        break;
                }
        }
        return v;
}

bool policy_lets_pass(const Policy *p, const uint8_t digest[SHA256_SIZE]) {
        Observation o = { .has_digest = true };
        const Lookup lookup = { p, &o };

        memcpy(o.digest, digest, SHA256_SIZE);
        for (size_t i = 0; i < p->rules_size; i++)
                if (rule_events(&p->rules[i]) & 1U << EVENT_EXEC &&
                    p->rules[i].actions & ~(unsigned) (RULE_IGNORE | RULE_ALLOW) &&
                    match_test(&p->rules[i].references, in_reference, &lookup))
                        return false;
        return is_known(p, &o);
}

bool policy_refuses_any_content(const Policy *p, const Observation *o) {
        for (size_t i = 0; i < p->rules_size; i++) {
                const Rule *r = &p->rules[i];

                if (!rule_may_match(r, o))
                        continue;
                if (!actions_refuse(r->actions))
                        return false;
                if (r->references.size == 0)
                        return true;
        }
        return false;
}

FailureAction policy_on_failure(const Policy *p, Failure f) {
        if (p->mode == MODE_ENFORCE)
                return p->failures[f];
        if (f < _FAILURE_GATE_MAX)
                return ON_FAILURE_ALLOW;
        return p->failures[f] == ON_FAILURE_LOCK ? ON_FAILURE_DEGRADE : p->failures[f];
}
