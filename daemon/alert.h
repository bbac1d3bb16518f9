/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Alerts: one journal entry each, for people (a sentence that stands alone) and for a SIEM (fields, and the event's
 * JSON as it is in the log). */

#include "lib/kind.h"
#include "policy/policy.h"

/* tainted: a simulator is in use; the message says so. */
void alert_send(Severity severity, Kind kind, uint64_t seq, const char *json, bool tainted);
