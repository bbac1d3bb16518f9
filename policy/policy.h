/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is allowed: rules in order, the first match wins (sealwatch.policy(5)). */

#include "policy/event.h"
#include "policy/failure.h"
#include "policy/match.h"
#include "policy/reference.h"

enum { RULES_MAX = 4096, REFERENCES_MAX = 256 };

typedef enum Mode {
        MODE_OBSERVE, /* judges and records, acts on nothing */
        MODE_ENFORCE,
        _MODE_MAX,
        _MODE_INVALID = -1,
} Mode;

/* What a rule says, a set of bits. */
typedef enum RuleAction {
        RULE_IGNORE = 1 << 0, /* allowed; a known file is not even recorded */
        RULE_ALLOW = 1 << 1,
        RULE_ALERT = 1 << 2, /* also tell people */
        RULE_DENY = 1 << 3,
        RULE_KILL = 1 << 4, /* denied, and the process that asked is killed */
        RULE_LOCK = 1 << 5, /* denied, and a violation */
} RuleAction;

typedef enum Severity {
        SEVERITY_NOTICE,
        SEVERITY_WARNING,
        SEVERITY_ERROR,
        SEVERITY_CRITICAL,
        _SEVERITY_MAX,
        _SEVERITY_INVALID = -1,
} Severity;

extern const char *const mode_names[_MODE_MAX + 1];         /* ended by NULL */
extern const char *const rule_action_names[];               /* in the order of the bits, ended by NULL */
extern const char *const severity_names[_SEVERITY_MAX + 1]; /* ended by NULL */

typedef struct Rule {
        char *name;
        char *file; /* where it stands */
        unsigned line;
        unsigned events; /* bits 1 << Event; 0: all that are about code */
        Match paths, users, units, references;
        unsigned actions;
        Severity severity;
        char *technique; /* MITRE ATT&CK, or NULL */
} Rule;

typedef struct Reference {
        char *name;
        char *file; /* where the section stands */
        unsigned line;
        char **patterns; /* absolute globs, or names in reference.d */
        size_t patterns_size;
        ReferenceSet *set;
} Reference;

typedef struct Policy {
        Mode mode;
        FailureAction failures[_FAILURE_MAX]; /* in enforce */
        Rule *rules;
        size_t rules_size, rules_allocated;
        Reference *references;
        size_t references_size, references_allocated;
        bool needs_subject;          /* a rule about code looks at User= or Unit= */
        uint8_t digest[SHA256_SIZE]; /* of the policy files and the reference sets */
} Policy;

Policy *policy_free(Policy *p);

/* What the policy says of an observation. */
typedef struct Verdict {
        const char *rule; /* "default" when no rule matched; borrowed from the policy */
        unsigned actions;
        Severity severity;
        const char *technique; /* or NULL */
        bool known;            /* the digest is in a reference set of the policy */
} Verdict;

/* The set of events that a rule is about. */
unsigned rule_events(const Rule *r);

/* Judges. An observation without a digest is in no reference set, and one without a path matches no rule with Path=. No match:
 * allowed, and recorded. */
Verdict policy_judge(const Policy *p, const Observation *o);

/* True when a program with this digest is in a reference set and no rule that is recorded with its context (alert, deny,
 * kill, lock) can match it, whoever runs it and wherever it lies. */
bool policy_lets_pass(const Policy *p, const uint8_t digest[SHA256_SIZE]);

/* True when it depends on the path whether the rules refuse the observation. */
bool policy_needs_path(const Policy *p, const Observation *o);

/* True when a rule refuses the observation whatever the file's digest is. (A rule that looks at references may or may not
 * match; it counts as refusing only when what comes behind it does as well.) */
bool policy_refuses_any_content(const Policy *p, const Observation *o);

/* True when the actions, taken in enforce, keep the file from running. */
static inline bool actions_refuse(unsigned actions) {
        return actions & (RULE_DENY | RULE_KILL | RULE_LOCK);
}

/* What is done on a failure in the policy's mode. */
FailureAction policy_on_failure(const Policy *p, Failure f);
