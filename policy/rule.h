/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Parsing of [Rule] sections: a part of policy_load(). */

#include "lib/problem.h"
#include "lib/unitfile.h"
#include "policy/policy.h"
#include "policy/source.h"

/* A header: starts a rule. 0 or -ENOMEM. */
int rule_begin(Policy *p, const UnitFile *file, const UnitItem *header, ProblemList *problems);

/* An assignment to the rule begun last. `seen` as in setting_apply(). 0 or -ENOMEM. */
int rule_take(Policy *p, const UnitFile *file, const UnitItem *item, uint64_t *seen, ProblemList *problems);

/* Complains about what a whole rule lacks. */
void rule_end(const Rule *r, ProblemList *problems);

/* After all files: finds the users and reference sets that rules name. 0 or a negative errno. */
int rules_resolve(Policy *p, const PolicySource *source, ProblemList *problems);
