/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From what an earlier run left to an engine that goes on where that one was. */

#include "core/engine.h"
#include "core/reconcile.h"

/* The engine (new) takes in the log that counts, and what was promised behind it; nothing when a new log begins. 0 or a
 * negative errno; -EBADMSG for what reconcile() cannot have found. */
int engine_resume(Engine *e, const Findings *f, const Reconciliation *found);
