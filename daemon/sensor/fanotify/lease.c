/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Leases after the answer.
 *
 * Between the answer and the moment at which the kernel itself holds off writers (deny_write_access()) the process may be
 * delayed, for as long as whoever runs it likes: SCHED_IDLE and some busy processes are enough to make 200 ms of it, any
 * user can have them, and a writer that waits for the lease to end is sure to be in time. So the lease is held until the
 * exec is confirmed. For an exec that never happens, since it failed or was only a question, it must end some time: after
 * `linger`. An exec that is confirmed after that is looked at again: its file cannot be written while it runs, so if the
 * file has the change time and the digest that were judged, that is what runs. (The change time, since it may have run
 * and ended, and what was judged been put back. A store through a mapping of a file on tmpfs moves none.) The descriptor
 * is kept for it for a while; then only the token, and an exec that is confirmed later still is one of which nobody can
 * tell. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sensor/fanotify/gate-internal.h"
#include "lib/io/fd.h"

enum {
        CLOSE_HERE_MAX = 16 << 20, /* bytes */
        LOST_MAX = 256,            /* tokens */
};

/* From the answer on. As long as a descriptor is kept its file system cannot be unmounted. */
static const usec_t RECHECK_TIME = 10 * USEC_PER_SEC;

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
        slot_move(g->slots, slot, SLOT_ANSWERED);
        answer_expect(g, slot->since + g->options.linger);
}

static bool is_gone(uint32_t pid) {
        return pid > 0 && kill((pid_t) pid, 0) < 0 && errno == ESRCH;
}

static void expire(Gate *g, Slot *slot) {
        if (is_gone(slot->pid)) {
                lease_release(g, slot);
                return;
        }
        (void) fcntl(slot->fd, F_SETLEASE, F_UNLCK);
        slot->has_lease = false;
        slot_move(g->slots, slot, SLOT_EXPIRED);
}

static void lose(Gate *g, Slot *slot) {
        if (is_gone(slot->pid)) {
                lease_release(g, slot);
                return;
        }
        close_file(g, slot);
        slot_move(g->slots, slot, SLOT_LOST);
        if (slots_count(g->slots, SLOT_LOST) > LOST_MAX)
                lease_release(g, slots_first(g->slots, SLOT_LOST));
}

usec_t lease_on_timer(Gate *g, usec_t now) {
        usec_t next = USEC_INFINITY;
        Slot *slot;

        while ((slot = slots_first(g->slots, SLOT_ANSWERED)) && slot->since + g->options.linger <= now)
                expire(g, slot);
        if (slot)
                next = slot->since + g->options.linger;
        while ((slot = slots_first(g->slots, SLOT_EXPIRED)) && slot->since + RECHECK_TIME <= now)
                lose(g, slot);
        return slot ? MIN(next, slot->since + RECHECK_TIME) : next;
}

bool lease_make_room(Gate *g) {
        Slot *slot = slots_first(g->slots, SLOT_LOST) ?: slots_first(g->slots, SLOT_EXPIRED);

        if (!slot)
                return false;
        lease_release(g, slot);
        return true;
}

static void tell_changed(Gate *g, Slot *slot) {
        uint64_t token = slot_token(slot);

        lease_release(g, slot);
        g->ops.changed(g->ops.userdata, token);
}

static bool is_untouched(const Slot *slot) {
        struct statx file;
        FileStamp stamp;

        if (statx(slot->fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, FILE_STAMP_MASK, &file) < 0)
                return false;
        stamp = file_stamp(&file);
        return memcmp(&stamp, &slot->file, sizeof(stamp)) == 0;
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
        if (!slot->job)
                return tell_changed(g, slot);
        slot_move(g->slots, slot, SLOT_RECHECKED);
}

void lease_rechecked(Gate *g, Slot *slot, const HashResult *result) {
        if (result->failure != _FAILURE_INVALID || memcmp(result->digest, slot->digest, SHA256_SIZE) != 0)
                tell_changed(g, slot);
        else
                lease_release(g, slot);
}

/* The file behind a confirmed one on overlayfs: one exec runs both. */
static void release_companions(Gate *g, uint64_t token) {
        for (Slot *s = slots_first(g->slots, SLOT_ANSWERED), *next; s; s = next) {
                next = s->next;
                if (s->companion == token)
                        lease_release(g, s);
        }
}

void gate_confirmed(Gate *g, uint64_t token) {
        Slot *slot = slot_of_token(g->slots, token);

        if (!slot)
                return;
        if (slot->is_overlay)
                release_companions(g, token);
        if (slot->state == SLOT_ANSWERED)
                lease_release(g, slot);
        else if (slot->state == SLOT_EXPIRED)
                recheck(g, slot);
        else if (slot->state == SLOT_LOST)
                tell_changed(g, slot);
}
