/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What of a policy the kernel side can decide by itself, in the form of its maps. */

#include "bpf/abi.h"
#include "policy/policy.h"

typedef struct CompiledPolicy {
        KernelPolicy policy;
        KernelDigest *digests; /* policy.digests_size rows, ascending; owned */
} CompiledPolicy;

/* generation: of the policy, not 0. Rules behind the ABI_RULES_MAX-th, and those that look at User=, Unit=, Path= or at a
 * reference set behind the ABI_SETS_MAX-th, are left to user space where the verdict depends on them. 0; -E2BIG for more
 * digests than the kernel side can search; -ENOMEM. */
int policy_compile(const Policy *p, uint32_t generation, CompiledPolicy *ret);
void compiled_policy_done(CompiledPolicy *c);

/* True when the kernel side refuses, in enforce, each activity of the kind, whoever it is of and whatever it is done to. */
bool policy_denies_activity(const Policy *p, Event e);

/* True when the kernel side can tell by itself whether the rule matches; of one about code. */
bool rule_is_compiled(const Rule *r);

/* Where the events of the rule are decided, as `sealwatchctl policy check` says it. */
const char *rule_decided_by(const Rule *r);
