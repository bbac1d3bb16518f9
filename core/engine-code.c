/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Code that the kernel side decided about: the same policy, the same records as at the gate, after the fact. */

#include "core/engine-internal.h"

#include <errno.h>

/* The event × mode table's row for what a rule refuses. The kernel side may also have refused what no rule does, where it
 * could have no digest. */
static int on_denied(Feed *f, const CodeSeen *c, const Verdict *judged) {
        Verdict v = *judged;
        uint64_t seq;
        int r, q = 0;

        f->engine->denied += !f->canary;
        if (!actions_refuse(v.actions))
                v.actions = RULE_DENY;
        r = record_refusal(f, &c->observation, &v, refusal_name(v.actions, MODE_ENFORCE), &seq);
        if (v.actions & RULE_KILL)
                q = kill_process(f, c->observation.subject.pid, c->started);
        if (v.actions & RULE_LOCK) {
                int locked = guard_violate(f, "rule", seq, false, 0);
                r = r < 0 ? r : locked;
        }
        return r < 0 ? r : q;
}

/* The row for what ran although a rule refuses it: the kernel side could not tell. */
static int on_ran(Feed *f, const CodeSeen *c, const Verdict *v) {
        const Observation *o = &c->observation;
        uint64_t seq, measured;
        int r, q;

        f->engine->ungated++;
        r = record_judgement(f, o, v, c->privileged ? "lock" : "kill", SEVERITY_CRITICAL, !c->privileged, &seq);
        if (r >= 0 && o->has_digest)
                r = record_file(f, o, false, &measured);
        if (c->privileged)
                q = guard_violate(f, "ungated", seq, false, 0);
        else {
                q = guard_degrade(f, REASON_UNGATED);
                if (kill_process(f, o->subject.pid, c->started) < 0)
                        q = -ENOMEM;
        }
        return r < 0 ? r : q;
}

static int on_let_run(Feed *f, const CodeSeen *c, const Verdict *v) {
        const Observation *o = &c->observation;
        uint64_t judged, measured, writers;
        int r = record_let_run(f, o, v, &judged, &measured);

        if (r >= 0 && o->failure == FAILURE_OPEN_WRITERS)
                r = record_open_writers(f, o, &writers);
        return r;
}

/* It ran, and nobody can tell any more whether a rule refuses it: nobody is punished, and something was not seen. */
static int on_unread(Feed *f, const CodeSeen *c, const Verdict *v) {
        uint64_t seq;
        int r = record_judgement(f, &c->observation, v, "seen", (int) v->severity, true, &seq);

        return first_error(r, guard_degrade(f, REASON_LOST));
}

int feed_code(Feed *f, const CodeSeen *seen) {
        CodeSeen c = *seen;
        const Policy *p = f->engine->policy;
        Verdict v;

        if (*strempty(c.observation.path) == '\0') /* no log can hold a file without a name */
                c.observation.path = "(memory)";
        v = judge_code(p, &c.observation);
        if (c.observation.failure != _FAILURE_INVALID) {
                f->engine->failures[c.observation.failure]++;
                v.severity = MAX(v.severity, SEVERITY_WARNING);
        }
        f->canary = attest_takes_canary(f, &c.observation);
        if (f->canary)
                v.actions = attest_canary_actions(f, v.actions);
        else if (drill_takes_code(f, &c.observation))
                v.actions = drill_actions(f, v.actions);
        if (c.denied)
                return on_denied(f, &c, &v);
        if (c.unread && actions_refuse(v.actions) && p->mode == MODE_ENFORCE)
                return on_unread(f, &c, &v);
        if (actions_refuse(v.actions) && p->mode == MODE_ENFORCE && !c.stale && !c.observation.check && !f->drill &&
            c.observation.failure != FAILURE_NO_PATH)
                return on_ran(f, &c, &v);
        return on_let_run(f, &c, &v);
}
