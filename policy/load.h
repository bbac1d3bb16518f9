/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From files to a policy, purely: the caller brings the files. */

#include "lib/problem.h"
#include "policy/policy.h"
#include "policy/source.h"

/* 0 with *ret owned by the caller; -EBADMSG when *problems is not empty afterwards; or another negative errno. */
int policy_load(const PolicySource *source, Policy **ret, ProblemList *problems);
