/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The loop and the recorded gate. */

#include "fuse.h"
#include "harness-internal.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *payload_good, *payload_evil, *payload_wait, *canary_path;
Watch watch;

const GateOptions gate_defaults = {
        .hash_deadline = 5 * USEC_PER_SEC,
        .answer_deadline = 10 * USEC_PER_SEC,
        .max_file_size = 64 << 20,
        .queue_max = 256,
        .workers = 2,
        .cache_max = 1024,
        .identify_fd = -1,
};

void harness_init(int argc, char **argv) {
        payload_good = getenv("PAYLOAD_GOOD");
        payload_evil = getenv("PAYLOAD_EVIL");
        payload_wait = getenv("PAYLOAD_WAIT");
        canary_path = getenv("CANARY");
        if (!payload_good || !payload_evil || !payload_wait || !canary_path)
                skip_all("run by meson, which says where the payloads are");
        if (getenv("ONLY")) /* a test's name, with * and ? */
                cmocka_set_test_filter(getenv("ONLY"));
        places_init();
        launcher_init();
        watch.seen = calloc(OBSERVED_MAX, sizeof(Observed));
}

void harness_end(void) {
        fuse_stop_all();
        launcher_end();
        cgroups_end();
        places_end();
        free(watch.seen);
}

usec_t loop_now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (usec_t) t.tv_sec * USEC_PER_SEC + (usec_t) t.tv_nsec / NSEC_PER_USEC;
}

void loop_once(usec_t at_most) {
        assert_true(sd_event_run(watch.event, at_most) >= 0);
}

/* Time in which somebody else had the processor is none that the loop had. */
void loop_for(usec_t time) {
        while (time > 0) {
                usec_t begun = loop_now();

                loop_once(MIN(time, USEC_PER_MSEC));
                time -= MIN(MIN(loop_now() - begun, USEC_PER_MSEC), time);
        }
}

static void copy_text(char *to, size_t size, const char *from) {
        snprintf(to, size, "%s", strempty(from));
}

static void on_ask(void *userdata, const Observation *o) {
        Observed *s = &watch.seen[watch.n];
        Decision d;

        if (watch.before_ask)
                watch.before_ask();
        assert_true(watch.n < OBSERVED_MAX);
        watch.n++;
        *s = (Observed){
                .token = o->token,
                .has_digest = o->has_digest,
                .failure = o->failure,
                .pid = o->subject.pid,
                .uid = o->subject.uid,
                .euid = o->subject.euid,
                .file = o->file,
        };
        assert_int_equal(o->event, EVENT_EXEC);
        memcpy(s->digest, o->digest, SHA256_SIZE);
        copy_text(s->path, sizeof(s->path), o->path);
        copy_text(s->exe, sizeof(s->exe), o->subject.exe);
        copy_text(s->comm, sizeof(s->comm), o->subject.comm);
        copy_text(s->cgroup, sizeof(s->cgroup), o->subject.cgroup);
        d = watch.decide ? watch.decide(s) : ALLOW;
        if (d == HOLD)
                return;
        s->answered = true;
        assert_int_equal(gate_answer(watch.gate, o->token, d == ALLOW), 0);
}

static void on_late(void *userdata, uint64_t token) {
        watch.late++;
}

static void on_changed(void *userdata, const Execed *x) {
        assert_true(x->changed);
        watch.changed++;
        watch.changed_last = *x;
        copy_text(watch.changed_path, sizeof(watch.changed_path), x->path);
}

static void on_unused(void *userdata, uint32_t pid, uint64_t token) {
        watch.unused++;
}

static void on_catch_up(void *userdata) {
        if (watch.catch_up)
                watch.catch_up();
}

static void on_failure(void *userdata, Failure row, const char *detail) {
        watch.failures++;
        watch.last_failure = row;
        copy_text(watch.last_detail, sizeof(watch.last_detail), detail);
}

static void on_level(void *userdata, Level level, const char *why) {
        watch.has_level = true;
        watch.level = level;
        watch.why = why;
}

static const char *all_places[_PLACE_MAX + 2];

static int (*identify)(int identify_fd, int fd, FileIdentity *ret);
static int identify_fd = -1;

void watch_identify(int (*function)(int identify_fd, int fd, FileIdentity *ret), int fd) {
        identify = function;
        identify_fd = fd;
}

void loop_start(void) {
        Observed *seen = watch.seen;

        watch = (Watch){ .seen = seen };
        assert_true(sd_event_new(&watch.event) >= 0);
        launcher_attach(watch.event);
}

static void start_gate(const GateOptions *o) {
        const GateOps ops = {
                .ask = on_ask,
                .late = on_late,
                .changed = on_changed,
                .unused = on_unused,
                .catch_up = on_catch_up,
                .failure = on_failure,
                .level = on_level,
                .identify = identify,
        };

        if (!watch.event)
                loop_start();
        assert_int_equal(gate_new(watch.event, o, &ops, &watch.gate), 0);
}

void watch_start_everywhere(void) {
        start_gate(&gate_defaults);
        gate_open(watch.gate);
}

void watch_start_closed(const GateOptions *options) {
        GateOptions o = options ? *options : gate_defaults;
        size_t n = 0;

        for (Place p = 0; p < _PLACE_MAX; p++)
                if (place_is_there(p))
                        all_places[n++] = strdup(at(p, ""));
        all_places[n] = NULL;
        if (!o.paths)
                o.paths = all_places;
        o.identify_fd = identify_fd;
        start_gate(&o);
}

void watch_start(const GateOptions *options) {
        watch_start_closed(options);
        gate_open(watch.gate);
}

void watch_stop(void) {
        launcher_attach(NULL);
        watch.gate = gate_free(watch.gate);
        watch.event = sd_event_unref(watch.event);
        for (size_t i = 0; all_places[i]; i++) {
                free((char *) all_places[i]);
                all_places[i] = NULL;
        }
}

GateStats watch_stats(void) {
        GateStats s;

        gate_stats(watch.gate, &s);
        return s;
}

const Observed *watch_last(void) {
        assert_true(watch.n > 0);
        return &watch.seen[watch.n - 1];
}

size_t watch_count(const char *path) {
        size_t n = 0;

        for (size_t i = 0; i < watch.n; i++)
                n += streq(watch.seen[i].path, path);
        return n;
}
