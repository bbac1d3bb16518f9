/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What outlives the daemon, and what is taken over from those before.
 *
 * Until observer_take_over() their programs judge and tell, and what ours tell of execs is a copy; from then on it is the other
 * way round. Both are attached meanwhile: code runs when both let it, so there is no moment at which nobody judges. */

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "daemon/sensor/bpf/observer-internal.h"
#include "lib/base/cleanup.h"
#include "lib/io/fd.h"

/* A program of theirs that slept (to hash a file) when it was detached may still tell. */
#define LATE (60 * USEC_PER_SEC)

static void not_pinned(Observer *o, const char *why) {
        if (o->pins)
                pins_remove(o->pins);
        o->pins = pins_free(o->pins);
        o->pins_why = why;
}

void keep_maps(Observer *o) {
        const char *why = "switched off";

        if (!o->options.bpf_dir || pins_new(o->options.bpf_dir, o->options.host_view, &o->pins, &why) < 0) {
                o->pins_why = why;
                return;
        }
        (void) left_find(o->pins, &o->left);
        if (programs_pin_maps(o->programs, o->pins) < 0)
                not_pinned(o, "the kernel does not pin the maps");
}

static void unwatch(Observer *o) {
        o->pins_watch = sd_event_source_disable_unref(o->pins_watch);
        o->mounts_watch = sd_event_source_disable_unref(o->mounts_watch);
        o->host_mounts_watch = sd_event_source_disable_unref(o->host_mounts_watch);
}

/* Something was removed, or something was mounted: on another file system the names lead nowhere. */
static int on_pins(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Observer *o = userdata;

        pins_read_events(o->pins);
        if (pins_are_there(o->pins))
                return 0;
        unwatch(o);
        o->pins_why = "somebody removed the pins";
        if (o->ops.unpinned)
                o->ops.unpinned(o->ops.userdata);
        return 0;
}

static void watch_mounts(Observer *o, const char *path, sd_event_source **ret) {
        _cleanup_close_ int mounts = open(path, O_RDONLY | O_CLOEXEC);

        if (mounts >= 0 && sd_event_add_io(o->event, ret, mounts, EPOLLPRI, on_pins, o) >= 0 &&
            sd_event_source_set_io_fd_own(*ret, true) >= 0)
                TAKE_FD(mounts);
}

static void watch(Observer *o) {
        if (pins_fd(o->pins) >= 0)
                (void) sd_event_add_io(o->event, &o->pins_watch, pins_fd(o->pins), EPOLLIN, on_pins, o);
        watch_mounts(o, "/proc/self/mountinfo", &o->mounts_watch);
        if (pins_have_host_view(o->pins))
                watch_mounts(o, "/proc/1/mountinfo", &o->host_mounts_watch);
}

void keep_links(Observer *o) {
        LeftFacts facts = {};

        if (!o->pins)
                return;
        if (programs_pin_links(o->programs, o->pins) < 0) {
                not_pinned(o, "the kernel does not pin the programs");
                return;
        }
        watch(o);
        if (o->left)
                left_facts(o->left, &facts);
        if (facts.links > 0 && facts.readable)
                o->execs_since = UINT64_MAX;
}

unsigned observer_pinned(const Observer *o, const char **ret_why) {
        unsigned n = o->pins && !o->pins_why ? pins_links(o->pins) : 0;

        *ret_why = n > 0 ? NULL : o->pins_why;
        return n;
}

void observer_left(const Observer *o, ObserverLeft *ret) {
        LeftFacts facts = {};

        if (o->left)
                left_facts(o->left, &facts);
        *ret = (ObserverLeft){
                .daemons = facts.runs, .judging = facts.judging, .queued = facts.queued, .lost = facts.lost
        };
}

void keep_let_go(Observer *o, unsigned which, uint64_t inode_address) {
        if (o->left)
                left_let_go(o->left, which, inode_address);
}

/* The gate probes itself with the file. */
void keep_let_canary_go(Observer *o, const char *canary) {
        FileIdentity file;

        if (!o->left || o->left_canary >= 0)
                return;
        o->left_canary = open(canary, O_RDONLY | O_CLOEXEC);
        if (o->left_canary >= 0 && observer_identify(observer_identify_fd(o), o->left_canary, &file) >= 0)
                left_let_go(o->left, 1, file.inode_address);
}

static bool on_left_event(void *userdata, const void *data, size_t size) {
        return drain_earlier(userdata, data, size);
}

static void on_left_lost(void *userdata, int type, uint64_t first, uint64_t last, uint64_t count) {
        Observer *o = userdata;

        o->ops.lost(o->ops.userdata, drain_sensors[type < 0 ? ABI_TYPES_MAX : type] ?: "any", first, last, count);
}

static void on_left_untold(void *userdata, uint32_t kind, uint64_t count) {
        Observer *o = userdata;

        if (kind < _EVENT_MAX && o->ops.untold)
                o->ops.untold(o->ops.userdata, (Event) kind, count);
}

static void on_left_unchecked(void *userdata) {
        Observer *o = userdata;

        o->ops.hooks_were_dead(o->ops.userdata);
}

static LeftOps left_ops(Observer *o) {
        return (LeftOps){ .event = on_left_event,
                          .lost = on_left_lost,
                          .unchecked = on_left_unchecked,
                          .untold = on_left_untold,
                          .userdata = o };
}

static void end_left(Observer *o) {
        const LeftOps ops = left_ops(o);

        o->left_end = sd_event_source_disable_unref(o->left_end);
        if (!o->left)
                return;
        left_end(o->left, &ops);
        o->left = left_free(o->left);
        o->left_canary = safe_close(o->left_canary);
}

static int on_left_end(sd_event_source *source, uint64_t when, void *userdata) {
        end_left(userdata);
        return 0;
}

void observer_take_over(Observer *o) {
        const uint64_t now = clock_ns(CLOCK_BOOTTIME);
        const LeftOps ops = left_ops(o);

        if (o->state)
                __atomic_store_n(&o->state->head.in_charge, 1, __ATOMIC_RELEASE);
        if (!o->left)
                return;
        if (o->execs_since > 0)
                o->execs_since = now;
        left_detach(o->left, now);
        left_read(o->left, &ops);
        if (sd_event_add_time_relative(o->event, &o->left_end, CLOCK_BOOTTIME, LATE, 0, on_left_end, o) < 0)
                end_left(o);
}

void observer_unpin(Observer *o) {
        if (o->left_end)
                end_left(o);
        unwatch(o);
        if (o->pins)
                pins_remove(o->pins);
}

/* The names go last: who closes what nothing else holds waits until the kernel has ended the program, and the gate would with it;
 * names that go do not wait. */
void observer_detach(Observer *o) {
        if (!o->programs || o->detached)
                return;
        programs_retire(o->programs);
        observer_probe_done(o);
        if (o->left_end)
                end_left(o);
        drain_last(o);
        o->detached = true;
        drain_stop(o);
        o->state = NULL;
        o->rung = RUNG_NONE;
        programs_detach(o->programs);
        observer_unpin(o);
        o->pins_why = "detached";
}

void keep_done(Observer *o) {
        unwatch(o);
        o->left_end = sd_event_source_disable_unref(o->left_end);
        o->left = left_free(o->left);
        o->left_canary = safe_close(o->left_canary);
        o->pins = pins_free(o->pins);
        o->pins_why = NULL;
        o->execs_since = 0;
}
