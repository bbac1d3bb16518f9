/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From what is known of a file to the kernel's answer, and what happens when that takes too long. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "daemon/sensor/fanotify/gate-internal.h"
#include "lib/io/fd.h"

/* How long a worker that overran its deadline is waited for before it is given up: it looks at the clock only between
 * two reads. */
static const usec_t WORKER_GRACE = 100 * USEC_PER_MSEC;

/* The path of the file, in g->path. In a mount namespace of its own, which needs no privilege, a process can give any
 * file any path: there only one that we find the file under ourselves is passed on as it is. */
const char *answer_path(Gate *g, const Slot *slot) {
        char *path = g->path + strlen(UNREACHABLE), link[32];
        ssize_t n;

        if (slot->remote)
                n = stpncpy(path, strempty(slot->remote_path), PATH_MAX - 1) - path;
        else {
                snprintf(link, sizeof(link), "/proc/self/fd/%d", slot->fd);
                n = readlink(link, path, PATH_MAX - 1);
        }
        path[MAX(n, 0)] = '\0';
        if (n > 0 &&
            (marks_know_mount(g->marks, slot->mount) || (!slot->remote && marks_lead_to(g->marks, path, &slot->file))))
                return path;
        memcpy(g->path, UNREACHABLE, strlen(UNREACHABLE));
        return g->path;
}

void answer_respond(Gate *g, int fd, bool allow) {
        const struct fanotify_response response = { .fd = fd, .response = allow ? FAN_ALLOW : FAN_DENY };

        (void) !write(g->group, &response, sizeof(response)); /* fails when the process was killed meanwhile */
}

/* The kernel asks twice about a file on overlayfs when the layer below is watched as well (Linux 6.8): about the file of
 * the overlay and, on a mount of the overlay's own, about the one behind it. Whoever was allowed the first and has not
 * run yet is allowed the second if it is the same content: no rule could name its path. Its lease holds off those who
 * write to the layer directly. */
static Slot *overlay_of(Gate *g, const Slot *slot) {
        if (!slot->has_digest || marks_know_mount(g->marks, slot->mount))
                return NULL;
        for (Slot *s = slots_first(g->slots, SLOT_ANSWERED); s; s = s->next)
                if (s->is_overlay && s->pid == slot->pid && memcmp(s->digest, slot->digest, SHA256_SIZE) == 0)
                        return s;
        return NULL;
}

/* Without a lease nothing says when it is over; whoever is told has a limit of his own. */
void answer_admit(Gate *g, Slot *slot, bool admitted) {
        if (!g->ops.admit || (!admitted && !slot->is_admitted))
                return;
        slot->is_admitted = admitted && slot->has_lease;
        g->ops.admit(g->ops.userdata, slot->pid, &slot->identity, admitted);
}

static int answer(Gate *g, Slot *slot, bool allow) {
        const struct fanotify_response response = { .fd = slot->fd, .response = allow ? FAN_ALLOW : FAN_DENY };
        int r = 0;

        if (allow)
                answer_admit(g, slot, true);
        if (slot->remote)
                r = remote_answer(slot->remote, slot->fd, allow);
        else if (write(g->group, &response, sizeof(response)) < 0 && errno != ENOENT)
                r = -errno; /* ENOENT: the process was killed while it waited */
        if (!allow || !slot->has_lease || r < 0) {
                lease_release(g, slot);
                return r;
        }
        lease_keep(g, slot);
        return 0;
}

static bool wants_subject(Gate *g, const Slot *slot, bool from_cache) {
        return !from_cache || g->needs_subject || (g->ops.is_known && !g->ops.is_known(g->ops.userdata, slot->digest));
}

static FileIdentity identity_of(const Gate *g, const Slot *slot) {
        FileIdentity identity = slot->identity;

        if (!slot->remote && g->ops.identify && g->ops.identify(g->options.identify_fd, slot->fd, &identity) < 0)
                return (FileIdentity){};
        return identity;
}

void answer_ask(Gate *g, Slot *slot, Failure failure, bool from_cache) {
        const usec_t deadline = slot->since + g->options.answer_deadline;
        const uint64_t token = slot_token(slot);
        const char *path = answer_path(g, slot);
        Slot *overlay;
        Observation o;

        if (failure == _FAILURE_INVALID && lease_was_overtaken(slot)) {
                failure = FAILURE_OPEN_WRITERS;
                slot->has_digest = false;
        }
        overlay = overlay_of(g, slot);
        if (overlay) {
                slot->companion = slot_token(overlay);
                (void) answer(g, slot, true);
                return;
        }
        slot->identity = identity_of(g, slot);
        o = (Observation){
                .event = EVENT_EXEC,
                .token = token,
                .path = path,
                .no_path = streq(path, UNREACHABLE),
                .has_digest = slot->has_digest,
                .failure = failure,
                .subject = wants_subject(g, slot, from_cache) ? subject_read(slot->pid, &g->subject)
                                                              : subject_unread(slot->pid),
                .file = slot->identity,
        };
        memcpy(o.digest, slot->digest, SHA256_SIZE);
        g->stats.asked++;
        slot_move(g->slots, slot, SLOT_ASKED);
        g->ops.ask(g->ops.userdata, &o);
        slot = slot_of_token(g->slots, token); /* it may have been answered by now */
        if (slot && slot->state == SLOT_ASKED)
                answer_expect(g, deadline);
}

int gate_answer(Gate *g, uint64_t token, bool allow) {
        Slot *slot = slot_of_token(g->slots, token);

        if (!slot || (slot->state != SLOT_ASKED && slot->state != SLOT_LATE))
                return -ENOENT;
        return answer(g, slot, allow);
}

void answer_expect(Gate *g, usec_t when) {
        if (when >= g->timer_at)
                return;
        g->timer_at = when;
        (void) sd_event_source_set_time(g->timer, when);
        (void) sd_event_source_set_enabled(g->timer, SD_EVENT_ONESHOT);
}

/* Hashes that take too long. */
static usec_t end_hashes(Gate *g, usec_t now) {
        const bool is_hash_first = g->options.hash_deadline <= g->options.answer_deadline;
        const usec_t limit = MIN(g->options.hash_deadline, g->options.answer_deadline) + WORKER_GRACE;
        Slot *slot;

        while ((slot = slots_first(g->slots, SLOT_HASHING)) && slot->since + limit <= now) {
                pool_give_up(g->pool, slot->job);
                answer_ask(g, slot, is_hash_first ? FAILURE_HASH_DEADLINE : FAILURE_ANSWER_DEADLINE, false);
        }
        return slot ? slot->since + limit : USEC_INFINITY;
}

/* Answers that are owed for too long. They were not asked for in the order in which they arrived. */
static usec_t tell_late(Gate *g, usec_t now) {
        usec_t next;
        Slot *slot;

        do {
                next = USEC_INFINITY;
                for (slot = slots_first(g->slots, SLOT_ASKED); slot; slot = slot->next) {
                        usec_t deadline = slot->since + g->options.answer_deadline;

                        if (deadline <= now)
                                break;
                        next = MIN(next, deadline);
                }
                if (slot) {
                        slot_move(g->slots, slot, SLOT_LATE);
                        g->ops.late(g->ops.userdata, slot_token(slot)); /* may change all lists */
                }
        } while (slot);
        return next;
}

int answer_on_timer(sd_event_source *source, uint64_t when, void *userdata) {
        Gate *g = userdata;
        usec_t now = monotonic_now(), next;

        g->timer_at = USEC_INFINITY;
        next = end_hashes(g, now);
        next = MIN(next, tell_late(g, now));
        next = MIN(next, lease_on_timer(g, now));
        if (next != USEC_INFINITY)
                answer_expect(g, next);
        return 0;
}
