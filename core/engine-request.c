/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What people ask for: policies, secrets, the end of the kernel side. */

#include "core/engine-internal.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/alloc.h"

int feed_policy(Feed *f, const Input *in) {
        Engine *e = f->engine;

        Policy *old = e->policy;
        int r, q = drill_cancel(f, "policy");

        /* A verifier must know by what was judged: a policy that cannot be recorded is not taken. */
        e->policy = in->policy.policy;
        r = record_policy(f);
        if (r < 0) {
                e->policy = policy_free(e->policy);
                e->policy = old;
                return r;
        }
        policy_free(old);
        return first_error(r, q);
}

int feed_policy_refused(Feed *f, const Input *in) {
        EventBuilder event = event_begin(KIND_POLICY_REFUSED, &f->now);
        int r;

        event_text(&event, "error", in->policy_refused.error);
        event_digest(&event, "kept", f->engine->policy->digest);
        r = record_event(f, &event, SEVERITY_ERROR, NULL);
        return first_error(r, guard_failure(f, FAILURE_POLICY_REFUSED, NULL));
}

int finish_release(Feed *f, ActionType type, uint64_t request, const char *name, const char *reason) {
        _cleanup_free_ char *copy = NULL;
        Action *a;

        if (free_and_strdup(&copy, name) < 0)
                return -ENOMEM;
        a = action_add(f->actions, type);
        if (!a)
                return -ENOMEM;
        a->release.request = request;
        a->release.reason = reason;
        a->release.name = TAKE_PTR(copy);
        return 0;
}

/* Why a secret is not handed out now; NULL when it is. */
static const char *release_refusal(const Engine *e, const Input *in) {
        if (guard_is_closed(e->state))
                return "locked: the secrets were wiped; they open again after a reboot into a good state";
        if (in->release.unavailable)
                return in->release.unavailable;
        if (!guard_releases(e->state, e->config.release_when_degraded))
                return e->state == STATE_DEGRADED ? "the guard is degraded, and ReleaseWhenDegraded= is not set"
                                                  : "the guard is still starting";
        return NULL;
}

static int record_release(Feed *f, const Input *in, const char *refusal, uint64_t *ret_seq) {
        EventBuilder event = event_begin(KIND_RELEASE, &f->now);

        event_text(&event, "name", in->release.name);
        event_count(&event, "uid", in->release.uid);
        event_count(&event, "pid", in->release.pid);
        event_text(&event, "verdict", refusal ? "refused" : "released");
        event_text(&event, "reason", refusal);
        return record_event(f, &event, refusal ? SEVERITY_WARNING : SEVERITY_NOTICE, ret_seq);
}

int feed_release(Feed *f, const Input *in) {
        Engine *e = f->engine;
        const char *refusal = release_refusal(e, in);
        PendingRelease p = { .request = in->release.request };
        int r;

        r = record_release(f, in, refusal, &p.seq);
        if (r < 0 && !refusal)
                refusal = "the release could not be recorded";
        if (refusal)
                return first_error(r,
                                   finish_release(f, ACTION_REFUSE, in->release.request, in->release.name, refusal));
        if (GREEDY_REALLOC(e->releases, e->releases_allocated, e->releases_size + 1) < 0 ||
            free_and_strdup(&p.name, in->release.name) < 0)
                return finish_release(f, ACTION_REFUSE, in->release.request, in->release.name, "out of memory");
        e->releases[e->releases_size++] = p;
        return 0;
}

/* Hands out what is recorded in the PCR by now, unless the state has changed meanwhile. */
int releases_anchored(Feed *f) {
        Engine *e = f->engine;
        bool good = guard_releases(e->state, e->config.release_when_degraded);
        int r = 0;

        for (size_t i = 0; i < e->releases_size;) {
                PendingRelease p = e->releases[i];
                _cleanup_free_ char *name = NULL;

                if (good && p.seq >= commit_queue_anchored(e->queue)) {
                        i++;
                        continue;
                }
                name = p.name;
                e->releases[i] = e->releases[--e->releases_size];
                if (finish_release(f, good ? ACTION_RELEASE : ACTION_REFUSE, p.request, name,
                                   good ? NULL : "the state changed while the release was being recorded") < 0)
                        r = -ENOMEM;
        }
        return r;
}

int feed_sealed(Feed *f, const Input *in) {
        EventBuilder event = event_begin(KIND_SEAL, &f->now);

        event_text(&event, "name", in->sealed.name);
        event_count(&event, "uid", in->sealed.uid);
        event_digest(&event, "blob", in->sealed.blob);
        return record_event(f, &event, SEVERITY_NOTICE, NULL);
}

/* Nobody is told that it is done, and nothing is, before the log says so. */
int feed_detach(Feed *f, const Input *in) {
        Engine *e = f->engine;
        EventBuilder event;
        uint64_t seq = NOT_RECORDED;
        int r;

        if (e->detaching)
                return finish_release(f, ACTION_REFUSE, in->detach.request, "", "somebody else asked for it just now");
        event = event_begin(KIND_DETACH, &f->now);
        event_count(&event, "uid", in->detach.uid);
        event_text(&event, "reason", in->detach.reason);
        r = record_event(f, &event, SEVERITY_CRITICAL, &seq);
        if (seq == NOT_RECORDED)
                return first_error(
                        r, finish_release(f, ACTION_REFUSE, in->detach.request, "", "it could not be recorded"));
        e->detaching = true;
        e->detach_seq = seq;
        e->detach_request = in->detach.request;
        return r;
}

int detach_anchored(Feed *f) {
        Engine *e = f->engine;
        Action *a;

        if (!e->detaching || e->detach_seq >= commit_queue_anchored(e->queue))
                return 0;
        a = action_add(f->actions, ACTION_DETACH);
        if (!a)
                return -ENOMEM;
        a->detach = e->detach_request;
        e->detaching = false;
        return 0;
}
