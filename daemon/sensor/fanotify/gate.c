/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The gate: its parts and its life. */

#include "daemon/sensor/fanotify/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "daemon/sensor/fanotify/gate-internal.h"
#include "lib/base/alloc.h"
#include "lib/io/fd.h"
#include "lib/io/file.h"

enum {
        DESCRIPTORS_OF_OTHERS = 256,
        DESCRIPTORS_MIN = 64, /* fewer make no gate */
        LEASES_MAX = 1024,    /* that outlive their answers */
};

/* Each waiting exec and each lease costs a descriptor. When they run out the kernel denies, unasked. */
static size_t descriptors(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return 0;
        limit.rlim_cur = limit.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &limit);
        if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < DESCRIPTORS_OF_OTHERS)
                return 0;
        return limit.rlim_cur - DESCRIPTORS_OF_OTHERS;
}

/* The kernel ends a lease by force when a writer has waited for so long: an answer after that would be about a file that
 * is being written. 0 there means never. */
static usec_t lease_break_time(void) {
        _cleanup_free_ char *text = NULL;
        unsigned long seconds;
        size_t n;

        if (file_read(AT_FDCWD, "/proc/sys/fs/lease-break-time", 64, &text, &n) < 0)
                return USEC_INFINITY;
        seconds = strtoul(text, NULL, 10);
        return seconds == 0 ? USEC_INFINITY : (usec_t) seconds * USEC_PER_SEC;
}

static int set_limits(Gate *g, size_t *ret_slots) {
        GateOptions *o = &g->options;
        const usec_t lease = lease_break_time();
        const size_t room = descriptors(), wanted = 2 * o->queue_max + LEASES_MAX; /* QUEUE_FULL is asked, too */

        if (room < DESCRIPTORS_MIN)
                return -EMFILE;
        if (o->linger == 0)
                o->linger = GATE_LINGER_ALONE;
        o->linger = MIN(o->linger, lease / 4);
        g->lease_limit = lease - lease / 10;
        o->answer_deadline = MIN(o->answer_deadline, g->lease_limit - o->linger);
        if (room < wanted)
                o->queue_max = room / 3;
        *ret_slots = MIN(room, wanted);
        return 0;
}

static void on_mark_failed(void *userdata, const char *path, int error) {
        Gate *g = userdata;
        char detail[PATH_MAX + 64];

        snprintf(detail, sizeof(detail), "%s: %s", path, strerrorname_np(-error));
        g->ops.failure(g->ops.userdata, FAILURE_MARK_FAILED, detail);
}

/* Another file system may have got the device number of one that is gone. */
static void on_mounts_changed(void *userdata) {
        Gate *g = userdata;

        cache_clear(g->cache);
}

static int open_group(Gate *g) {
        int r;

        g->group = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE |
                                         FAN_UNLIMITED_MARKS,
                                 O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (g->group < 0)
                return -errno;
        r = sd_event_add_signal(g->event, &g->breaks, SIGIO | SD_EVENT_SIGNAL_PROCMASK, lease_on_break, g);
        if (r < 0)
                return r;
        r = sd_event_add_io(g->event, &g->group_source, g->group, EPOLLIN, arrive_on_event, g);
        if (r >= 0)
                r = sd_event_source_set_priority(g->group_source, SD_EVENT_PRIORITY_IMPORTANT);
        if (r >= 0)
                r = sd_event_add_time(g->event, &g->timer, CLOCK_MONOTONIC, USEC_INFINITY, USEC_PER_MSEC,
                                      answer_on_timer, g);
        if (r >= 0)
                r = sd_event_source_set_priority(g->timer, SD_EVENT_PRIORITY_IMPORTANT);
        return r < 0 ? r : sd_event_source_set_enabled(g->timer, SD_EVENT_OFF);
}

static usec_t boottime_now(void) {
        struct timespec t;

        clock_gettime(CLOCK_BOOTTIME, &t);
        return (usec_t) t.tv_sec * USEC_PER_SEC + (usec_t) t.tv_nsec / NSEC_PER_USEC;
}

static int set_up(Gate *g) {
        const MarksOps marks = {
                .failed = on_mark_failed,
                .changed = on_mounts_changed,
                .userdata = g,
                .remote = {
                        .event = arrive_remote,
                        .ended = arrive_remote_ended,
                        .userdata = g,
                        .identify = g->ops.identify,
                        .identify_fd = g->options.identify_fd,
                },
        };
        size_t slots;
        int r;

        r = set_limits(g, &slots);
        if (r >= 0)
                r = slots_new(slots, &g->slots);
        if (r >= 0)
                r = cache_new(g->options.cache_max, g->options.seed, &g->cache);
        if (r >= 0)
                r = pool_new(g->event, g->options.workers, arrive_hashed, g, &g->pool);
        if (r >= 0)
                r = open_group(g);
        if (r >= 0)
                r = marks_new(g->event, g->group, g->options.paths, g->options.host_view, &marks, &g->marks);
        if (r < 0)
                return r;
        g->armed = boottime_now();
        return 0;
}

DEFINE_CLEANUP(Gate *, gate_free)

int gate_new(sd_event *event, const GateOptions *options, const GateOps *ops, Gate **ret) {
        _cleanup_(gate_freep) Gate *g = new0(Gate, 1);
        int r;

        if (!g)
                return -ENOMEM;
        g->event = sd_event_ref(event);
        g->options = *options;
        g->ops = *ops;
        g->group = g->probe.canary = -1;
        g->timer_at = g->broken_at = USEC_INFINITY;
        g->self = getpid();
        if (signal(SIGIO, SIG_IGN) == SIG_ERR)
                return -errno;
        r = set_up(g);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(g);
        return 0;
}

Gate *gate_free(Gate *g) {
        if (!g)
                return NULL;
        if (g->group >= 0)
                probe_done(g);
        g->paused = false;
        g->group_source = sd_event_source_disable_unref(g->group_source);
        g->timer = sd_event_source_disable_unref(g->timer);
        g->breaks = sd_event_source_disable_unref(g->breaks);
        marks_free(g->marks);
        for (SlotState state = SLOT_FREE + 1; g->slots && state < _SLOT_MAX; state++)
                for (Slot *slot; (slot = slots_first(g->slots, state));)
                        lease_release(g, slot);
        safe_close(g->group);
        pool_free(g->pool);
        cache_free(g->cache);
        slots_free(g->slots);
        sd_event_unref(g->event);
        free(g);
        return NULL;
}

usec_t gate_armed(const Gate *g) {
        return g->armed;
}

void gate_open(Gate *g) {
        g->open = true;
        arrive_parked(g);
}

void gate_set_needs_subject(Gate *g, bool needs_subject) {
        if (g)
                g->needs_subject = needs_subject;
}

void gate_stats(const Gate *g, GateStats *ret) {
        *ret = g->stats;
        ret->waiting = slots_count(g->slots, SLOT_PARKED) + slots_count(g->slots, SLOT_HASHING) +
                       slots_count(g->slots, SLOT_ASKED) + slots_count(g->slots, SLOT_LATE);
        ret->cached = cache_size(g->cache);
}
