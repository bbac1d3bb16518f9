/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Emptying the ring.
 *
 * The kernel side wakes us only for an event that finds the ring empty, and at most once per millisecond
 * (bpf/exec.bpf.c). Why nothing is left behind all the same: after each drain a one-shot timer looks again a millisecond
 * later, unless (1) every sequence number given out so far is accounted for, seen or counted as lost, and (2) the last
 * wake-up was sent more than a millisecond ago. Take the moment at which (1) and then (2) were found true.
 *
 * - An event that took its number before that moment is seen or lost already: it is in (1).
 * - Of those that take a number later, consider the one that first asks whether the ring is empty. Each asks before it
 *   reserves its room, so none of them has reserved anything yet, and everything older was consumed: it finds the ring
 *   empty. Then it compares the time with the last wake-up. Either that is still the one of (2), and it wakes us; or
 *   another of them has set it since, which it does only with its event in hand and about to wake us. Either way we are
 *   woken, and drain, and the next moment of rest is judged anew; by (1) no earlier than all of these were seen.
 *
 * A record that gave way to a longer one is none, but the ring is not empty for who comes after it. Who put it there asked first, and
 * wakes us with the longer one; or with this, when there is no room for that (lengthen() of bpf/decide.h).
 *
 * So there is no timer while nothing happens, and no event waits for more than about two milliseconds. */

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "daemon/sensor/bpf/observer-internal.h"

enum {
        RESTED_NS =
                1100000, /* WAKE_INTERVAL_NS of bpf/exec.bpf.c, and what the two readings of the clock may differ */
        LOOK_AGAIN_US = 1200,
        CATCH_UP_NS = 2000000,          /* how long observer_drain() waits for events that are being written */
        PROBE_CATCH_UP_NS = 2000000000, /* all probes together: programs wait at the gate meanwhile */
        IDLE_DRAINS_MAX = 2000,         /* then what is missing will not come */
        AT_ONCE_MAX = 256, /* events: who makes them faster than they are dealt with must not keep us from all else */
};

uint64_t clock_ns(clockid_t clock) {
        struct timespec t;

        clock_gettime(clock, &t);
        return (uint64_t) t.tv_sec * 1000000000 + (uint64_t) t.tv_nsec;
}

static uint64_t load(const __u64 *p) {
        return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void die(Observer *o, const char *why) {
        if (o->dead)
                return;
        o->dead = true;
        o->wake = sd_event_source_disable_unref(o->wake);
        o->again = sd_event_source_disable_unref(o->again);
        o->ops.died(o->ops.userdata, why);
}

/* True for a process that may have opened its program before the gate was up. */
static bool is_before_gate(const Observer *o, const EventHead *e) {
        return o->gate_armed == 0 ||
               (e->started / NSEC_PER_USEC < o->gate_armed && e->time / NSEC_PER_USEC < o->gate_armed + USEC_PER_SEC);
}

static Subject subject_of(Observer *o, const EventHead *e) {
        Subject s = { .pid = e->pid, .uid = e->uid, .euid = e->euid, .comm = e->comm };

        if (e->mount_namespace != o->mount_namespace)
                s.mount_namespace = e->mount_namespace;
        if (e->pid > 0)
                subject_complete(&s, e->started / NSEC_PER_USEC, &o->subject);
        return s;
}

FileIdentity identity_of(const KernelFile *f) {
        return (FileIdentity){
                .inode_address = f->inode_address,
                .inode = f->inode,
                .device = f->device,
                .backing_device = f->backing_device,
                .backing_inode = f->backing_inode,
        };
}

static void report_exec(Observer *o, const ExecEvent *e, bool earlier) {
        const Execed x = {
                .subject = subject_of(o, &e->head),
                .path = e->filename,
                .file = identity_of(&e->file),
                .started = e->head.started / NSEC_PER_USEC,
                .when = e->head.time / NSEC_PER_USEC,
                .privileged = e->head.flags & EVENT_PRIVILEGED,
                .before_gate = earlier || is_before_gate(o, &e->head), /* ours opens when theirs was read */
        };

        o->ops.execed(o->ops.userdata, &x);
}

/* Code from memory has no digest, which is no failure. */
static Failure failure_of(const CodeEvent *e) {
        if (e->error == -EREMOTE)
                return FAILURE_REMOTE_FILE;
        if (e->error == -EXDEV)
                return FAILURE_USER_LAYERS;
        if (e->error == -ESTALE)
                return FAILURE_STALE_DIGEST;
        if (e->writers > 0)
                return FAILURE_OPEN_WRITERS;
        return e->file.inode_address != 0 && e->error != 0 ? FAILURE_READ_ERROR : _FAILURE_INVALID;
}

void report_code(Observer *o, const CodeEvent *e, uint32_t generation, bool unread) {
        char path[PARTS_PATH_SIZE];
        CodeSeen c = {
                .observation = {
                        .event = (Event) e->kind,
                        .path = event_path(e, path),
                        .no_path = e->head.flags & EVENT_TRUNCATED,
                        .has_digest = e->error == 0,
                        .failure = failure_of(e),
                        .subject = subject_of(o, &e->head),
                        .file = identity_of(&e->file),
                        .check = e->head.flags & EVENT_CHECK,
                },
                .denied = e->verdict == CODE_DENIED,
                .unread = unread,
                .started = e->head.started / NSEC_PER_USEC,
                .privileged = e->head.flags & EVENT_PRIVILEGED,
        };

        memcpy(c.observation.digest, e->digest, SHA256_SIZE);
        o->ops.code(o->ops.userdata, &c, generation);
}

void observer_say_hooked(Observer *o) {
        __atomic_store_n(&o->state->head.hooked, o->hooks_probe.exec_since, __ATOMIC_RELEASE);
}

/* A process that is older than the hooks may have been on its way to its program when they came, for as long as it likes:
 * whoever can hold that up (a FUSE server that gives it its loader) must not be able to make the hooks look dead. */
static void check_liveness(Observer *o, const EventHead *e) {
        if (!(e->flags & EVENT_UNCHECKED) || o->hooks_probe.exec_since == 0 || e->started < o->hooks_probe.exec_since)
                return;
        o->hooks_probe.exec_since = 0;
        observer_say_hooked(o);
        o->ops.hooks_died(o->ops.userdata);
}

static void on_exec(Observer *o, const ExecEvent *e) {
        check_liveness(o, &e->head);
        if (o->probe.inode_address != 0 && o->probe.inode_address == e->file.inode_address)
                o->probe.seen = true;
        else if (e->head.time >= o->execs_since)
                report_exec(o, e, false);
}

/* What user space can find out, and the kernel side wants to know. */
static bool is_unhashed(const Observer *o, const CodeEvent *e) {
        return (o->rung == RUNG_FMOD_RET || o->rung == RUNG_FENTRY) && e->error == -EAGAIN && e->kind != CODE_EXEC &&
               (e->writers == 0 || e->verdict == CODE_ASK);
}

static void take_code(Observer *o, const CodeEvent *e, size_t size, uint32_t generation) {
        UnhashedCode *u = NULL;

        if (!is_unhashed(o, e))
                return report_code(o, e, generation, false);
        u = unhashed_new(e, size, generation);
        if (u)
                o->ops.unhashed(o->ops.userdata, u);
        else
                report_code(o, e, generation, true);
}

static void on_code(Observer *o, const CodeEvent *e, size_t size) {
        if (o->hooks_probe.inode_address != 0 && o->hooks_probe.inode_address == e->file.inode_address) {
                o->hooks_probe.seen |= 1U << e->kind;
                o->hooks_probe.hashed |= (e->error == 0) << e->kind;
        } else
                take_code(o, e, size, e->generation);
}

static void account(Observer *o, uint64_t n) {
        o->accounted += n;
        __atomic_store_n(&o->state->head.told, o->accounted, __ATOMIC_RELEASE); /* for who comes after us */
}

static void report_activity(Observer *o, const ActivityEvent *e, uint32_t generation) {
        const char *program;
        Activity a;

        if (!activity_from_event(e, &o->activity, &a))
                return;
        program = a.subject.exe;
        a.subject = subject_of(o, &e->head);
        if (program) /* what it ran then, and not what it runs by now */
                a.subject.exe = program;
        o->ops.activity(o->ops.userdata, &a, generation);
}

/* A policy's generation is never 0: that is what a probe is told by. */
static void on_activity(Observer *o, const ActivityEvent *e) {
        if (o->activity_probe.active && e->generation == 0)
                o->activity_probe.seen |= 1U << e->what;
        else
                report_activity(o, e, e->generation);
}

static int on_event(void *userdata, void *data, size_t size) {
        Observer *o = userdata;
        int type = kernel_event_type(data, size);

        if (type < 0)
                return type;
        if (type == EVENT_TYPE_EXEC)
                on_exec(o, data);
        else if (type == EVENT_TYPE_ACTIVITY)
                on_activity(o, data);
        else
                on_code(o, data, size);
        account(o, 1);
        o->stats.seen++;
        return ++o->at_once < AT_ONCE_MAX ? 0 : -ECANCELED; /* it is out of the ring all the same */
}

bool drain_earlier(Observer *o, const void *data, size_t size) {
        const EventHead *e = data;

        switch (kernel_event_type(data, size)) {
        case EVENT_TYPE_EXEC:
                if (o->execs_since == 0 ||
                    e->time < o->execs_since) /* else ours told it, too: detaching takes a while */
                        report_exec(o, data, true);
                return true;
        case EVENT_TYPE_CODE:
                take_code(o, data, size, 0);
                return true;
        case EVENT_TYPE_ACTIVITY:
                report_activity(o, data, 0);
                return true;
        default:
                return false;
        }
}

const char *const drain_sensors[ABI_TYPES_MAX + 1] = {
        [EVENT_TYPE_EXEC] = "exec",
        [EVENT_TYPE_CODE] = "code",
        [EVENT_TYPE_ACTIVITY] = "activity",
        [ABI_TYPES_MAX] = "any",
};

static void report_lost(Observer *o, size_t sensor, uint64_t count, uint64_t end) {
        o->stats.lost += count;
        o->ops.lost(o->ops.userdata, drain_sensors[sensor], o->reported, end > 0 ? end - 1 : 0, count);
}

/* Events that found no room. */
static void note_lost(Observer *o) {
        StateHead *h = &o->state->head;
        uint64_t end = load(&h->sequence);
        bool some = false;

        for (size_t t = 0; t < ABI_TYPES_MAX; t++) {
                uint64_t lost = load(&h->lost[t]) - h->lost_told[t];

                if (lost == 0)
                        continue;
                report_lost(o, t, lost, end);
                h->lost_told[t] += lost;
                account(o, lost);
                some = true;
        }
        if (some)
                o->reported = end;
}

/* Refusals that were left out on purpose. */
static void note_untold(Observer *o) {
        for (Event e = 0; e < _EVENT_MAX; e++) {
                uint64_t n = load(&o->state->untold[e]);

                if (n > 0 && o->ops.untold)
                        o->ops.untold(o->ops.userdata, e,
                                      __atomic_exchange_n(&o->state->untold[e], 0, __ATOMIC_ACQ_REL));
        }
}

/* Events for which the kernel could not even start the program: they have no number. */
static void note_missed(Observer *o) {
        uint64_t end = load(&o->state->head.sequence);
        long missed = programs_missed(o->programs);

        if (missed < 0 || (uint64_t) missed == o->state->head.missed_told)
                return;
        report_lost(o, ABI_TYPES_MAX, (uint64_t) missed - o->state->head.missed_told, end);
        o->reported = end;
        o->state->head.missed_told = (uint64_t) missed;
}

/* Numbers that were given out and are neither in the ring nor counted: an event is being written on another CPU, for
 * some µs, or somebody has taken it. Returns how many. */
static uint64_t note_missing(Observer *o, bool found) {
        uint64_t end = load(&o->state->head.sequence), missing = end - o->accounted;

        if (o->accounted > end) { /* what was given up came after all */
                account(o, end - o->accounted);
                missing = 0;
        }
        if (missing == 0 || found)
                o->idle_drains = 0;
        else if (++o->idle_drains > IDLE_DRAINS_MAX) {
                o->idle_drains = 0;
                report_lost(o, ABI_TYPES_MAX, missing, o->accounted + missing);
                account(o, missing);
                o->reported = o->accounted;
                return 0;
        }
        return missing;
}

static bool drain(Observer *o) {
        int r;

        o->stats.drains++;
        o->draining = true;
        o->at_once = 0;
        r = ring_buffer__consume(o->ring);
        if (r == -ECANCELED)
                r = AT_ONCE_MAX;
        o->draining = false;
        if (r < 0)
                die(o, "the ring holds what was never put there");
        else {
                note_lost(o);
                note_untold(o);
        }
        return r > 0;
}

/* Looks again later, unless there is nothing that could be missed. */
static void settle(Observer *o, bool found) {
        uint64_t missing, wake;

        if (o->dead)
                return;
        missing = note_missing(o, found);
        wake = load(&o->state->last_wake);
        if (o->again_set || (missing == 0 && clock_ns(CLOCK_MONOTONIC) - wake > RESTED_NS))
                return;
        o->again_set = true;
        (void) sd_event_source_set_time_relative(o->again, LOOK_AGAIN_US);
        (void) sd_event_source_set_enabled(o->again, SD_EVENT_ONESHOT);
}

static int on_wake(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Observer *o = userdata;

        o->stats.wakes++;
        settle(o, drain(o));
        return 0;
}

static int on_again(sd_event_source *source, uint64_t when, void *userdata) {
        Observer *o = userdata;
        bool found;

        o->again_set = false;
        found = drain(o);
        if (!o->dead)
                note_missed(o);
        settle(o, found);
        return 0;
}

/* Returns how much of the patience it took (ns). */
static uint64_t catch_up(Observer *o, uint64_t patience) {
        uint64_t target, start = 0;
        bool found = false;

        if (!o->ring || o->dead || o->draining)
                return 0;
        target = load(&o->state->head.sequence);
        while (!o->dead && o->accounted < target) {
                if (drain(o)) {
                        found = true;
                        continue;
                }
                if (start == 0)
                        start = clock_ns(CLOCK_MONOTONIC);
                else if (clock_ns(CLOCK_MONOTONIC) - start > patience)
                        break;
                sched_yield();
        }
        if (found)
                settle(o, found);
        return start > 0 ? clock_ns(CLOCK_MONOTONIC) - start : 0;
}

void drain_now(Observer *o) {
        (void) catch_up(o, CATCH_UP_NS);
}

/* The processor that writes the event before ours may stand still for as long as whoever runs this guest has others do something:
 * no reason to say that a hook does not work. */
void drain_probe(Observer *o) {
        const uint64_t took = catch_up(o, MAX(PROBE_CATCH_UP_NS - o->waited, (uint64_t) CATCH_UP_NS));

        o->waited = MIN(o->waited + took, (uint64_t) PROBE_CATCH_UP_NS);
}

void drain_last(Observer *o) {
        const uint64_t target = o->ring ? load(&o->state->head.sequence) : 0;

        drain_probe(o);
        if (!o->ring || o->dead)
                return;
        note_lost(o);
        note_untold(o);
        note_missed(o);
        if (o->accounted < target) /* what nobody waits for any longer */
                report_lost(o, ABI_TYPES_MAX, target - o->accounted, target);
}

void drain_stop(Observer *o) {
        o->wake = sd_event_source_disable_unref(o->wake);
        o->again = sd_event_source_disable_unref(o->again);
        ring_buffer__free(o->ring);
        o->ring = NULL;
        o->again_set = false;
        o->accounted = o->reported = 0;
        o->idle_drains = 0;
}

int drain_start(Observer *o) {
        int r;

        o->ring = ring_buffer__new(programs_ring_fd(o->programs), on_event, o, NULL);
        if (!o->ring)
                return -errno;
        /* Edges: a level would be true again as soon as the next event is there, and wake us for each. */
        r = sd_event_add_io(o->event, &o->wake, programs_ring_fd(o->programs), EPOLLIN | EPOLLET, on_wake, o);
        if (r >= 0)
                r = sd_event_add_time(o->event, &o->again, CLOCK_MONOTONIC, USEC_INFINITY, 1, on_again, o);
        return r < 0 ? r : sd_event_source_set_enabled(o->again, SD_EVENT_OFF);
}
