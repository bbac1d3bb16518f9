/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Gate, observer and the engine's book of answers, wired as the manager does it: what ran past the gate is known, and
 * nothing else is taken for it. */

#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/answers.h"
#include "daemon/sensor/bpf/observer.h"
#include "lib/io/fd.h"

static Observer *observer;
static Answers *answers;
static uint8_t good[SHA256_SIZE];
static size_t gated, ungated, ungated_privileged, lost, confirmed;

static usec_t boottime(void) {
        struct timespec t;

        clock_gettime(CLOCK_BOOTTIME, &t);
        return (usec_t) t.tv_sec * USEC_PER_SEC + (usec_t) t.tv_nsec / NSEC_PER_USEC;
}

static void on_execed(void *userdata, const Execed *x) {
        UsedAnswer used[ANSWERS_PER_PROCESS];
        size_t n;

        if (answers_consume(answers, x->subject.pid, &x->file, x->started, x->when, used, &n))
                gated++;
        else {
                ungated++;
                ungated_privileged += x->privileged;
        }
        for (size_t i = 0; i < n && watch.gate; i++)
                gate_confirmed(watch.gate, used[i].token, used[i].ran ? x : NULL);
        confirmed += n;
}

static void on_lost(void *userdata, const char *sensor, uint64_t first, uint64_t last, uint64_t count) {
        lost += count;
}

static const ObserverOps ops = { .execed = on_execed, .lost = on_lost };

static void drain(void) {
        watch.n = 0; /* of many questions, only the last one is of interest */
        observer_drain(observer);
}

static Decision judge(const Observed *o) {
        if (!o->has_digest || memcmp(o->digest, good, SHA256_SIZE) != 0)
                return DENY;
        assert_int_equal(answers_add(answers, o->pid, &o->file, o->token, true, boottime()), 0);
        return ALLOW;
}

static Decision allow_all(const Observed *o) {
        assert_int_equal(answers_add(answers, o->pid, &o->file, o->token, true, boottime()), 0);
        return ALLOW;
}

static Decision hold_all(const Observed *o) {
        return HOLD;
}

static void start(usec_t linger) {
        GateOptions o = gate_defaults;
        const char *why;

        loop_start();
        digest_of(payload_good, good);
        gated = ungated = ungated_privileged = lost = confirmed = 0;
        assert_int_equal(answers_new(1024, o.seed, &answers), 0);
        assert_int_equal(observer_new(watch.event, &(ObserverOptions){ .cgroup = own_cgroup_name() }, &ops, &observer),
                         0);
        assert_int_equal(observer_attach(observer, &why), 0);
        o.cgroup = own_cgroup_name();
        o.linger = linger;
        watch_identify(observer_identify, observer_identify_fd(observer));
        watch_start(&o);
        observer_gate_armed(observer, gate_armed(watch.gate));
        watch.before_ask = drain;
        watch.catch_up = drain;
        watch.decide = judge;
}

static int set_up(void **state) {
        start(GATE_LINGER_OBSERVED);
        return 0;
}

static int tear_down(void **state) {
        observer = observer_free(observer);
        watch_stop();
        watch_identify(NULL, -1);
        answers = answers_free(answers);
        return 0;
}

static int run_inside(Run r) {
        int status;

        r.cgroup = own_cgroup();
        status = run(&r);
        loop_for(10 * USEC_PER_MSEC);
        return status;
}

static void what_passes_the_gate_is_known_to_have(void **state) {
        size_t n = 0;

        for (Place p = 0; p < _PLACE_MAX; p++) {
                if (!place_is_there(p))
                        continue;
                copy_file(payload_good, at(p, "gated"));
                assert_int_equal(run_inside((Run){ .path = at(p, "gated") }), STATUS_GOOD);
                assert_int_equal(gated, ++n);
                assert_int_equal(try_open(at(p, "gated"), O_WRONLY | O_NONBLOCK), 0); /* confirmed: no lease is left */
        }
        assert_int_equal(ungated, 0);
        assert_int_equal(watch.changed, 0);
}

static void script_and_interpreter_are_one_exec(void **state) {
        char script[PATH_MAX];

        watch.decide = allow_all;
        copy_file(payload_good, at(ON_EXT4, "interpreter"));
        snprintf(script, sizeof(script), "#!%s\n", at(ON_EXT4, "interpreter"));
        write_text(at(ON_TMPFS, "script"), script);
        assert_int_equal(run_inside((Run){ .path = at(ON_TMPFS, "script") }), STATUS_GOOD);
        assert_int_equal(gated, 1);
        assert_int_equal(ungated, 0);
        assert_int_equal(confirmed, 2);
        assert_int_equal(answers_size(answers), 0);
}

/* Each exec ends the answers of its process: so it must be known before the next one is answered. */
static void one_exec_after_the_other_in_one_process(void **state) {
        enum { TIMES = 20 };
        Run r = { .path = at(ON_TMPFS, "attack"), .arguments = { "chain", "20", at(ON_TMPFS, "last") } };

        watch.decide = allow_all;
        copy_file(getenv("ATTACK"), at(ON_TMPFS, "attack"));
        copy_file(payload_good, at(ON_TMPFS, "last"));
        for (int i = 0; i < 10; i++) {
                size_t before = gated;

                assert_int_equal(run_inside(r), STATUS_GOOD);
                assert_int_equal(gated, before + 1 + TIMES + 1);
        }
        assert_int_equal(ungated, 0);
}

/* The build folder may be closed to other users. */
static const char *evil_for_everybody(void) {
        const char *path = in_root("evil");

        copy_file(payload_evil, path);
        return path;
}

static void a_memfd_has_no_answer(void **state) {
        const char *evil = evil_for_everybody();

        assert_int_equal(run_inside((Run){ .path = evil, .memfd = true }), STATUS_EVIL);
        assert_int_equal(ungated, 1);
        assert_int_equal(ungated_privileged, 1);
        assert_int_equal(run_inside((Run){ .path = evil, .memfd = true, .uid = 4711 }), STATUS_EVIL);
        assert_int_equal(ungated, 2);
        assert_int_equal(ungated_privileged, 1);
        assert_int_equal(gated, 0);
}

static void a_file_system_of_ones_own_has_no_answer(void **state) {
        Run r = { .path = evil_for_everybody(), .uid = 4711, .user_namespace = true, .own_tmpfs = true };

        assert_int_equal(run_inside(r), STATUS_EVIL);
        assert_int_equal(ungated, 1);
        assert_int_equal(ungated_privileged, 0);
}

/* The program that was allowed runs what was not. */
static void attacks_of_an_allowed_program_are_seen(void **state) {
        Run r = { .path = at(ON_EXT4, "attack"), .arguments = { "memfd", at(ON_EXT4, "evil") } };

        watch.decide = allow_all;
        copy_file(getenv("ATTACK"), at(ON_EXT4, "attack"));
        copy_file(payload_evil, at(ON_EXT4, "evil"));
        assert_int_equal(run_inside(r), STATUS_EVIL);
        assert_int_equal(gated, 1);
        assert_int_equal(ungated, 1);
        r.arguments[0] = "--uid=4711";
        r.arguments[1] = "userns-tmpfs";
        r.arguments[2] = at(ON_EXT4, "evil");
        assert_int_equal(run_inside(r), STATUS_EVIL);
        assert_int_equal(gated, 2);
        assert_int_equal(ungated, 2);
        assert_int_equal(ungated_privileged, 1);
}

/* An answer that its process did not live to use is of no use to the next one of its number. */
static void a_reused_pid_has_no_answer(void **state) {
        const char *path = at(ON_TMPFS, "reused");
        pid_t pid;
        unsigned n;

        copy_file(payload_good, path);
        watch.decide = hold_all;
        n = run_start(&(Run){ .path = path, .cgroup = own_cgroup() });
        loop_until(watch.n == 1);
        pid = run_pid(n);
        run_kill(n);
        assert_int_equal(run_wait(n), -SIGKILL);
        (void) allow_all(watch_last());
        assert_int_equal(gate_answer(watch.gate, watch_last()->token, true), 0);
        assert_int_equal(answers_size(answers), 1);
        watch.gate = gate_free(watch.gate); /* so that nobody asks */
        loop_for(20 * USEC_PER_MSEC);
        assert_int_equal(run_inside((Run){ .path = path, .pid = pid }), STATUS_GOOD);
        assert_int_equal(ungated, 1);
        assert_int_equal(gated, 0);
}

/* Also an answer that was used is of no use to the next exec. */
static void a_used_answer_has_been_used(void **state) {
        const char *path = at(ON_TMPFS, "used");
        pid_t pid;
        unsigned n;

        copy_file(payload_good, path);
        n = run_start(&(Run){ .path = path, .cgroup = own_cgroup() });
        pid = run_pid(n);
        assert_int_equal(run_wait(n), STATUS_GOOD);
        loop_for(10 * USEC_PER_MSEC);
        assert_int_equal(gated, 1);
        watch.gate = gate_free(watch.gate);
        assert_int_equal(run_inside((Run){ .path = path, .pid = pid }), STATUS_GOOD);
        assert_int_equal(gated, 1);
        assert_int_equal(ungated, 1);
}

/* Whatever a race brings to run without having been judged is found out. The lease is short on purpose. */
static void races_that_are_won_are_found_out(void **state) {
        Run r = { .path = in_root("attack"), .uid = 4711, .cgroup = own_cgroup() };
        int won;

        tear_down(NULL);
        start(20 * USEC_PER_MSEC);
        copy_file(getenv("ATTACK"), in_root("attack"));
        copy_file(payload_good, at(ON_TMPFS, "race"));
        assert_int_equal(chown(at(ON_TMPFS, "race"), 4711, 4711), 0);
        copy_file(payload_good, in_root("a"));
        copy_file(payload_evil, in_root("b"));
        r.arguments[0] = "race";
        r.arguments[1] = at(ON_TMPFS, "race");
        r.arguments[2] = in_root("a");
        r.arguments[3] = in_root("b");
        r.arguments[4] = getenv("RACE_SECONDS") ?: "3";
        r.arguments[5] = "starve";
        won = run(&r);
        loop_for(200 * USEC_PER_MSEC);
        printf("%d races won, %zu found out; %zu gated, %zu not\n", won, watch.changed, gated, ungated);
        assert_true(watch.changed >= (size_t) won);
        assert_int_equal(lost, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
SENSOR_TESTS(TEST(what_passes_the_gate_is_known_to_have), TEST(script_and_interpreter_are_one_exec),
             TEST(one_exec_after_the_other_in_one_process), TEST(a_memfd_has_no_answer),
             TEST(a_file_system_of_ones_own_has_no_answer), TEST(attacks_of_an_allowed_program_are_seen),
             TEST(a_reused_pid_has_no_answer), TEST(a_used_answer_has_been_used),
             TEST(races_that_are_won_are_found_out))
