/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From the kernel's event to what is known of the file.
 *
 * Why nothing here waits. Events of the main group are of file systems that are not remote (marks.c), and their file
 * was found in the kernel's cache by whoever executes it. read(2) opens it for us: O_NONBLOCK makes that fail where
 * somebody holds a write lease, which would otherwise hold us for /proc/sys/fs/lease-break-time. F_SETLEASE gives
 * EAGAIN instead of waiting. statx(2) is asked for what the inode has in memory. Files of /proc are read while the
 * process waits in execve(), see subject.c. Everything that reads the file system is done by the pool.
 *
 * What can wait all the same is the disk: the first open of a file with fs-verity reads its descriptor; and the first
 * open of an encrypted file may load a cipher's module, which is an exec. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "daemon/sensor/fanotify/gate-internal.h"
#include "daemon/sensor/fanotify/watch.h"
#include "lib/io/fd.h"

enum { EVENTS_AT_ONCE = 256 };

static const usec_t AHEAD_TIME = 5 * USEC_PER_MSEC;

static bool in_scope(Gate *g, uint32_t pid) {
        const char *cgroup;

        if (!g->options.cgroup)
                return true;
        /* A process outside of our PID namespace has no number here: if it is in scope, the observer sees it. */
        cgroup = pid > 0 ? subject_cgroup(pid, &g->subject) : NULL;
        return cgroup && cgroup_is_in(cgroup, g->options.cgroup);
}

static void take_lease(Slot *slot) {
        slot->leased = monotonic_now();
        slot->has_lease = fcntl(slot->fd, F_SETLEASE, F_RDLCK) >= 0;
        slot->lease_error = slot->has_lease ? 0 : errno;
}

static void arrive(Gate *g, int event_fd, uint32_t pid) {
        _cleanup_close_ int fd = event_fd;
        Slot *slot;

        if (probe_takes(g, fd, pid))
                return;
        if ((int32_t) pid == g->self || !in_scope(g, pid)) {
                g->stats.let_go++;
                answer_respond(g, fd, true);
                return;
        }
        slot = slot_new(g->slots, g->open ? SLOT_ARRIVED : SLOT_PARKED);
        assert(slot); /* there was one when the event was read */
        slot->fd = TAKE_FD(fd);
        slot->fd_is_ours = true;
        slot->pid = pid;
        slot->since = monotonic_now();
        if (g->open)
                take_lease(slot);
}

/* A file whose digest may be known was changed. Its mark has served. */
static void changed(Gate *g, int event_fd) {
        _cleanup_close_ int fd = event_fd;
        struct statx file;
        FileStamp stamp;

        if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, FILE_STAMP_MASK, &file) < 0) {
                cache_clear(g->cache);
                return;
        }
        stamp = file_stamp(&file);
        cache_drop(g->cache, &stamp);
        watch_end(g->group, fd);
}

/* An event was lost: a program, which the kernel denied, or a change of a file. EAGAIN is a write lease, which any user
 * can take on a file of his own: that is no failure of ours. */
static void unopened(Gate *g, int error) {
        g->stats.unopened++;
        cache_clear(g->cache);
        if (error != EAGAIN)
                g->ops.failure(g->ops.userdata, error == EBADF ? FAILURE_HOOKS_DEAD : FAILURE_EVENTS_LOST,
                               strerrorname_np(error));
}

/* Reads one event, so that none whose file cannot be opened goes unnoticed behind others. There is one: false only when
 * no slot is left for it. */
static bool read_event(Gate *g) {
        struct fanotify_event_metadata m;
        ssize_t n;

        if (slots_left(g->slots) == 0 && !lease_make_room(g)) {
                g->paused = true;
                (void) sd_event_source_set_enabled(g->group_source, SD_EVENT_OFF);
                return false;
        }
        n = read(g->group, &m, sizeof(m));
        if (n < 0 && errno == EINTR)
                return true;
        if (n != sizeof(m) || m.vers != FANOTIFY_METADATA_VERSION || m.fd < 0)
                unopened(g, n < 0 ? errno : EPROTO);
        else if (m.mask & FAN_OPEN_EXEC_PERM)
                arrive(g, m.fd, (uint32_t) m.pid);
        else
                changed(g, m.fd);
        return true;
}

static bool has_event(const Gate *g) {
        struct pollfd p = { .fd = g->group, .events = POLLIN };

        return poll(&p, 1, 0) > 0;
}

/* Reads until the queue is empty. Returns true when it was: then every change from before the leases of what has arrived
 * has been taken note of. In a flood it is not, and what has arrived is not looked up. */
static bool read_events(Gate *g) {
        for (int i = 0; i < EVENTS_AT_ONCE; i++) {
                if (!read_event(g))
                        return false;
                if (!has_event(g))
                        return true;
        }
        return false;
}

static void hash(Gate *g, Slot *slot, bool may_cache) {
        const HashOrder order = {
                .fd = slot->fd,
                .max_size = g->options.max_file_size,
                .deadline = slot->since + MIN(g->options.hash_deadline, g->options.answer_deadline),
                .group = may_cache ? g->group : -1,
        };

        slot->job = pool_hash(g->pool, slot_token(slot), &order);
        if (!slot->job)
                return answer_ask(g, slot, FAILURE_OUT_OF_MEMORY, false);
        slot_move(g->slots, slot, SLOT_HASHING);
        answer_expect(g, order.deadline);
}

/* What is known without reading the file: that it cannot be hashed, its digest, or that it must be hashed. */
static void consider(Gate *g, Slot *slot, bool is_fresh) {
        size_t waiting = slots_count(g->slots, SLOT_HASHING) + slots_count(g->slots, SLOT_ASKED) +
                         slots_count(g->slots, SLOT_LATE);
        Failure failure = _FAILURE_INVALID;
        const uint8_t *digest = NULL;
        struct statx file;

        if (statx(slot->fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, FILE_STAMP_MASK | STATX_MNT_ID, &file) < 0)
                return answer_ask(g, slot, FAILURE_READ_ERROR, false);
        slot->file = file_stamp(&file);
        slot->mount = file.stx_mnt_id;
        if (waiting >= g->options.queue_max)
                failure = FAILURE_QUEUE_FULL;
        else if (!slot->has_lease)
                failure = slot->lease_error == EAGAIN ? FAILURE_OPEN_WRITERS : FAILURE_NO_LEASE;
        else if (slot->file.size > g->options.max_file_size)
                failure = FAILURE_FILE_TOO_LARGE;
        else if (is_fresh)
                digest = cache_get(g->cache, &slot->file);
        if (digest) {
                g->stats.hits++;
                slot->has_digest = true;
                memcpy(slot->digest, digest, SHA256_SIZE);
        }
        if (digest || failure != _FAILURE_INVALID)
                answer_ask(g, slot, failure, digest != NULL);
        else
                hash(g, slot, is_fresh);
}

static void consider_arrived(Gate *g, bool is_fresh) {
        Slot *slot;

        while ((slot = slots_first(g->slots, SLOT_ARRIVED)))
                consider(g, slot, is_fresh);
}

/* Whoever waits at the gate comes before all else, but whoever makes others wait there without end does not: after some time it is one
 * turn for each. */
static void take_turns(Gate *g, sd_event_source *source) {
        const usec_t now = monotonic_now();
        int64_t priority = SD_EVENT_PRIORITY_IMPORTANT;
        uint64_t turn = 0;

        (void) sd_event_source_get_priority(source, &priority);
        (void) sd_event_get_iteration(g->event, &turn);
        if (turn != g->last_turn + 1) /* nobody waited */
                g->ahead_since = now;
        g->last_turn = turn;
        if (priority != SD_EVENT_PRIORITY_IMPORTANT) {
                g->ahead_since = now;
                (void) sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IMPORTANT);
        } else if (now - g->ahead_since > AHEAD_TIME)
                (void) sd_event_source_set_priority(source, SD_EVENT_PRIORITY_NORMAL);
}

int arrive_on_event(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Gate *g = userdata;

        consider_arrived(g, read_events(g));
        take_turns(g, source);
        return 0;
}

void arrive_parked(Gate *g) {
        Slot *slot;

        while ((slot = slots_first(g->slots, SLOT_PARKED))) {
                slot->since = monotonic_now();
                if (slot->remote) {
                        answer_ask(g, slot, FAILURE_REMOTE_FILE, false);
                        continue;
                }
                take_lease(slot);
                slot_move(g->slots, slot, SLOT_ARRIVED);
        }
        consider_arrived(g, has_event(g) ? read_events(g) : true);
}

void arrive_hashed(void *userdata, uint64_t token, HashFile *file, const HashResult *result) {
        Gate *g = userdata;
        Slot *slot = slot_of_token(g->slots, token);

        if (!slot)
                return;
        slot->job = NULL;
        if (slot->state == SLOT_RECHECKED)
                return lease_rechecked(g, slot, result);
        if (slot->state != SLOT_HASHING)
                return; /* too late: asked without it */
        g->stats.hashed++;
        slot->has_digest = result->failure == _FAILURE_INVALID;
        slot->is_overlay = result->is_overlay;
        memcpy(slot->digest, result->digest, SHA256_SIZE);
        if (slot->has_digest && result->cacheable) /* the lease is still held */
                cache_put(g->cache, &result->file, &result->when, result->digest);
        answer_ask(g, slot, result->failure, false);
}

void arrive_remote(void *userdata, Remote *remote, const RemoteEvent *e) {
        Gate *g = userdata;
        Slot *slot = NULL;
        const bool is_ours = in_scope(g, e->pid);

        if (is_ours)
                slot = slot_new(g->slots, g->open ? SLOT_ARRIVED : SLOT_PARKED);
        if (!slot) {
                g->stats.let_go += !is_ours;
                (void) remote_answer(remote, e->fd, !is_ours);
                return;
        }
        slot->fd = e->fd;
        slot->remote = remote;
        slot->remote_path = strdup(e->path); /* no memory: unreachable */
        slot->identity = e->file;
        slot->pid = e->pid;
        slot->mount = e->mount;
        slot->since = monotonic_now();
        if (g->open)
                answer_ask(g, slot, FAILURE_REMOTE_FILE, false);
}

void arrive_remote_ended(void *userdata, Remote *remote) {
        Gate *g = userdata;

        for (SlotState state = SLOT_FREE + 1; state < _SLOT_MAX; state++)
                for (Slot *s = slots_first(g->slots, state), *next; s; s = next) {
                        next = s->next;
                        if (s->remote == remote)
                                lease_release(g, s);
                }
}
