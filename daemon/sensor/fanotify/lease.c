/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Leases after the answer.
 *
 * Between the answer and the moment at which the kernel itself holds off writers (deny_write_access()) the process may be
 * delayed, for as long as whoever runs it likes: SCHED_IDLE and some busy processes are enough to make 200 ms of it, any
 * user can have them, and a writer that waits for the lease to end is sure to be in time. So the lease is held until the
 * exec is confirmed. For an exec that never happens, since it failed or was only a question, it must end some time: after
 * `linger`, or when the process that got no processor meanwhile has had some; but before the kernel would end it by
 * force, which it may do /proc/sys/fs/lease-break-time after it was taken. An exec that is confirmed after that is looked at again: its file cannot be written while it runs, so if the
 * file has the change time and the digest that were judged, that is what runs. (The change time, since it may have run
 * and ended, and what was judged been put back. A store through a mapping of a file on tmpfs moves none.) The descriptor
 * is kept for it for a while. Of an exec that comes later still, or whose descriptor had to make room for others, nobody
 * can tell what it runs: its answer is not valid any more.
 *
 * A confirmation that is on its way when a lease's time is over still counts: whoever tells of execs is asked first. A
 * process that is gone by then, and was not confirmed, has not run its file.
 *
 * Most leases that are left are of execs that failed, and whoever wants to write to such a file need not wait: the kernel
 * tells (SIGIO) when somebody does. A process that has had the processor since, or that sleeps as it does nowhere on its
 * way to its program, is past it. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sensor/fanotify/gate-internal.h"
#include "lib/io/fd.h"
#include "lib/io/file.h"

enum {
        CLOSE_HERE_MAX = 16 << 20, /* bytes */
        GONE_MAX = 256,
        BROKEN_MAX = 256,  /* at once */
        FDINFO_MAX = 4096, /* bytes */
};

/* From the end of the lease on. As long as a descriptor is kept its file system cannot be unmounted. */
static const usec_t RECHECK_TIME = 10 * USEC_PER_SEC;

/* At first; then twice as long each time. */
static const usec_t LOOK_AGAIN = 10 * USEC_PER_MSEC;

/* Closing the last descriptor of a file that was removed frees its blocks, which takes as long as there are blocks. */
static void close_file(Gate *g, Slot *slot) {
        if (slot->job && pool_forget(g->pool, slot->job))
                slot->fd_is_ours = false;
        slot->job = NULL;
        if (!slot->fd_is_ours)
                return;
        slot->fd_is_ours = false;
        if (slot->has_lease && slot->file.size <= CLOSE_HERE_MAX) {
                safe_close(slot->fd); /* ends the lease */
                return;
        }
        if (slot->has_lease)
                (void) fcntl(slot->fd, F_SETLEASE, F_UNLCK);
        pool_close(g->pool, slot->fd);
}

void lease_release(Gate *g, Slot *slot) {
        answer_admit(g, slot, false);
        close_file(g, slot);
        free(slot->remote_path);
        slot->remote_path = NULL;
        slot_move(g->slots, slot, SLOT_FREE);
        if (g->paused) {
                g->paused = false;
                (void) sd_event_source_set_enabled(g->group_source, SD_EVENT_ON);
        }
}

void lease_keep(Gate *g, Slot *slot) {
        slot->since = monotonic_now();
        slot->ran = UINT64_MAX;
        slot_move(g->slots, slot, SLOT_ANSWERED);
        if (slot->is_wanted)
                g->broken_at = slot->since;
        answer_expect(g, MIN(g->broken_at, slot->since + g->options.linger));
}

static bool is_gone(uint32_t pid) {
        return pid > 0 && kill((pid_t) pid, 0) < 0 && errno == ESRCH;
}

/* The oldest slot of the state whose time is over. What was confirmed meanwhile is not among them any more. */
static Slot *overdue(Gate *g, SlotState state, usec_t limit, usec_t now, bool *ret_gone) {
        Slot *slot = slots_first(g->slots, state);
        uint64_t token;

        while (slot && slot->since + limit <= now) {
                token = slot_token(slot);
                *ret_gone = is_gone(slot->pid); /* first: it may run, and end, at any time */
                if (g->ops.catch_up)
                        g->ops.catch_up(g->ops.userdata);
                slot = slots_first(g->slots, state);
                if (slot && slot_token(slot) == token)
                        return slot;
        }
        return NULL;
}

static usec_t next_of(const Gate *g, SlotState state, usec_t limit) {
        const Slot *slot = slots_first(g->slots, state);

        return slot ? slot->since + limit : USEC_INFINITY;
}

static void let_go(Gate *g, Slot *slot, usec_t now) {
        answer_admit(g, slot, false);
        (void) fcntl(slot->fd, F_SETLEASE, F_UNLCK);
        slot->has_lease = false;
        slot->since = now; /* however late this is: a machine that stood still has told nobody of its execs */
        slot_move(g->slots, slot, SLOT_EXPIRED);
}

static void end_lease(Gate *g, Slot *slot, usec_t now) {
        if (now + 2 * g->options.linger < slot->leased + g->lease_limit && process_is_starved(slot->pid, &slot->ran)) {
                slot->since = now;
                slot_move(g->slots, slot, SLOT_ANSWERED);
                return;
        }
        let_go(g, slot, now);
}

/* Of what was confirmed, what is still valid. */
static Execed changed(const Execed *ran) {
        Execed x = *ran;

        x.subject = (Subject){ .pid = ran->subject.pid, .uid = ran->subject.uid, .euid = ran->subject.euid };
        x.path = NULL;
        x.changed = true;
        return x;
}

/* What runs, and may not be what was judged. */
static void tell_changed(Gate *g, Slot *slot) {
        Execed x = changed(&slot->execed);

        if (slot->fd_is_ours)
                x.path = answer_path(g, slot);
        subject_complete(&x.subject, x.started, &g->subject);
        lease_release(g, slot);
        g->ops.changed(g->ops.userdata, &x);
}

/* Not confirmed, and nothing can come of it any more. */
static void forget(Gate *g, Slot *slot) {
        const uint64_t token = slot_token(slot);
        const uint32_t pid = slot->pid;

        lease_release(g, slot);
        g->ops.unused(g->ops.userdata, pid, token);
}

static bool is_broken(const Slot *slot) {
        return !slot->remote && slot->has_lease && fcntl(slot->fd, F_GETLEASE) == F_UNLCK;
}

/* Somebody waits for this lease. Returns when to look again; USEC_INFINITY: it has ended. */
static usec_t consider_broken(Gate *g, uint64_t token, usec_t now) {
        Slot *slot = slot_of_token(g->slots, token);
        const bool gone = slot && is_gone(slot->pid);

        if (slot && g->ops.catch_up)
                g->ops.catch_up(g->ops.userdata);
        slot = slot_of_token(g->slots, token);
        if (!slot || slot->state != SLOT_ANSWERED)
                return USEC_INFINITY;
        if (gone)
                forget(g, slot);
        else if (process_may_be_there(slot->pid, &slot->ran))
                return now + MAX(now - slot->since, LOOK_AGAIN);
        else
                let_go(g, slot, now);
        return USEC_INFINITY;
}

static usec_t consider_all_broken(Gate *g, usec_t now) {
        uint64_t tokens[BROKEN_MAX];
        usec_t next = USEC_INFINITY;
        size_t n = 0;

        for (Slot *s = slots_first(g->slots, SLOT_ANSWERED); s && n < BROKEN_MAX; s = s->next)
                if (is_broken(s))
                        tokens[n++] = slot_token(s);
        for (size_t i = 0; i < n; i++) {
                usec_t again = consider_broken(g, tokens[i], now);

                next = MIN(next, again);
        }
        return next;
}

int lease_on_break(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        static const SlotState unanswered[] = { SLOT_ARRIVED, SLOT_HASHING, SLOT_ASKED, SLOT_LATE };
        Gate *g = userdata;

        for (size_t i = 0; i < ELEMENTSOF(unanswered); i++)
                for (Slot *s = slots_first(g->slots, unanswered[i]); s; s = s->next)
                        s->is_wanted = s->is_wanted || is_broken(s);
        g->broken_at = monotonic_now();
        answer_expect(g, g->broken_at);
        return 0;
}

usec_t lease_on_timer(Gate *g, usec_t now) {
        bool gone;
        Slot *slot;

        while ((slot = overdue(g, SLOT_ANSWERED, g->options.linger, now, &gone)))
                if (gone)
                        forget(g, slot);
                else
                        end_lease(g, slot, now);
        if (g->broken_at <= now)
                g->broken_at = consider_all_broken(g, now);
        while ((slot = overdue(g, SLOT_EXPIRED, RECHECK_TIME, now, &gone)))
                forget(g, slot);
        while ((slot = slots_first(g->slots, SLOT_CHANGED)))
                tell_changed(g, slot);
        return MIN(g->broken_at,
                   MIN(next_of(g, SLOT_ANSWERED, g->options.linger), next_of(g, SLOT_EXPIRED, RECHECK_TIME)));
}

/* Of processes that are gone: whoever makes execs fail in a flood shall not have all slots for as long as leases last. */
static bool release_gone(Gate *g) {
        uint64_t gone[GONE_MAX];
        size_t n = 0, before = slots_left(g->slots);
        Slot *slot;

        for (slot = slots_first(g->slots, SLOT_ANSWERED); slot && n < GONE_MAX; slot = slot->next)
                if (is_gone(slot->pid))
                        gone[n++] = slot_token(slot);
        if (n > 0 && g->ops.catch_up)
                g->ops.catch_up(g->ops.userdata);
        while (n > 0)
                if ((slot = slot_of_token(g->slots, gone[--n])) && slot->state == SLOT_ANSWERED)
                        forget(g, slot);
        return slots_left(g->slots) > before;
}

bool lease_make_room(Gate *g) {
        Slot *slot = slots_first(g->slots, SLOT_EXPIRED);

        if (!slot)
                return release_gone(g);
        forget(g, slot);
        return true;
}

/* From the timer, so that nothing is called back from within a call. */
static void note_changed(Gate *g, Slot *slot) {
        slot_move(g->slots, slot, SLOT_CHANGED);
        answer_expect(g, monotonic_now());
}

static void note_unknown(Gate *g, const Execed *ran) {
        Slot *slot = slot_new(g->slots, SLOT_CHANGED);
        const Execed x = changed(ran);

        if (slot) {
                slot->execed = *ran;
                answer_expect(g, monotonic_now());
                return;
        }
        g->ops.changed(g->ops.userdata, &x);
}

static bool is_untouched(const Slot *slot) {
        struct statx file;
        FileStamp stamp;

        if (statx(slot->fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, FILE_STAMP_MASK, &file) < 0)
                return false;
        stamp = file_stamp(&file);
        return memcmp(&stamp, &slot->file, sizeof(stamp)) == 0;
}

/* fcntl(2) says the same of a lease that somebody waits for and of one that the kernel has ended. */
static bool has_ended(const Slot *slot) {
        _cleanup_free_ char *text = NULL;
        char path[64];
        size_t n;

        snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", slot->fd);
        return file_read(AT_FDCWD, path, FDINFO_MAX, &text, &n) < 0 || !strstr(text, "LEASE");
}

/* The kernel does that for a writer only, and what he did need not show in the file's stamps. */
bool lease_was_overtaken(const Slot *slot) {
        return is_broken(slot) && has_ended(slot);
}

/* With a lease again, so that nobody puts anything back meanwhile. */
static void recheck(Gate *g, Slot *slot) {
        const HashOrder order = {
                .fd = slot->fd,
                .max_size = g->options.max_file_size,
                .deadline = monotonic_now() + g->options.hash_deadline,
                .group = -1,
        };

        slot->has_lease = fcntl(slot->fd, F_SETLEASE, F_RDLCK) >= 0;
        slot->job = slot->has_lease && is_untouched(slot) ? pool_hash(g->pool, slot_token(slot), &order) : NULL;
        if (slot->job)
                slot_move(g->slots, slot, SLOT_RECHECKED);
        else
                note_changed(g, slot);
}

void lease_rechecked(Gate *g, Slot *slot, const HashResult *result) {
        if (result->failure != _FAILURE_INVALID || memcmp(result->digest, slot->digest, SHA256_SIZE) != 0)
                note_changed(g, slot);
        else
                lease_release(g, slot);
}

/* It runs. Nobody held writers off it since its lease ended. */
static void take_confirmed(Gate *g, Slot *slot, const Execed *ran) {
        bool unheld = slot->state == SLOT_EXPIRED || (slot->state == SLOT_ANSWERED && lease_was_overtaken(slot));

        if (ran && unheld) {
                slot->execed = *ran;
                recheck(g, slot);
        } else if (slot->state == SLOT_ANSWERED || slot->state == SLOT_EXPIRED)
                lease_release(g, slot);
}

/* The file behind a confirmed one on overlayfs: one exec runs both. */
static void take_companions(Gate *g, uint64_t token, const Execed *ran) {
        for (Slot *s = slots_first(g->slots, SLOT_ANSWERED), *next; s; s = next) {
                next = s->next;
                if (s->companion == token)
                        take_confirmed(g, s, ran);
        }
}

void gate_confirmed(Gate *g, uint64_t token, const Execed *ran) {
        Slot *slot = slot_of_token(g->slots, token);

        if (!slot) {
                if (ran)
                        note_unknown(g, ran);
                return;
        }
        if (slot->is_overlay)
                take_companions(g, token, ran);
        take_confirmed(g, slot, ran);
}
