/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The gate: who is held, what is asked, what the answer does. */

#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/sensor/subject.h"
#include "lib/io/fd.h"

static uint8_t evil[SHA256_SIZE];

static Decision deny_evil(const Observed *o) {
        return o->has_digest && memcmp(o->digest, evil, SHA256_SIZE) != 0 ? ALLOW : DENY;
}

static Decision deny_all(const Observed *o) {
        return DENY;
}

static Decision hold_all(const Observed *o) {
        return HOLD;
}

static int set_up(void **state) {
        digest_of(payload_evil, evil);
        watch_start(NULL);
        return 0;
}

static int tear_down(void **state) {
        watch_stop();
        return 0;
}

static void allowed_and_denied_everywhere(void **state) {
        watch.decide = deny_evil;
        for (Place p = 0; p < _PLACE_MAX; p++) {
                uint8_t good[SHA256_SIZE];

                if (!place_is_there(p))
                        continue;
                copy_file(payload_good, at(p, "good"));
                copy_file(payload_evil, at(p, "evil"));
                digest_of(payload_good, good);
                assert_int_equal(run_path(at(p, "good")), STATUS_GOOD);
                assert_int_equal(watch_count(at(p, "good")), 1);
                assert_memory_equal(watch_last()->digest, good, SHA256_SIZE);
                assert_int_equal(run_path(at(p, "evil")), STATUS_EXEC + EPERM);
                assert_int_equal(watch_count(at(p, "evil")), 1);
        }
        assert_int_equal(watch.failures, 0);
}

static void what_is_not_watched_is_not_asked(void **state) {
        copy_file(payload_good, in_root("unwatched"));
        watch.decide = deny_all;
        assert_int_equal(run_path(in_root("unwatched")), STATUS_GOOD);
        assert_int_equal(watch.n, 0);
}

static void script_and_interpreter_ask_each(void **state) {
        char script[PATH_MAX];

        copy_file(payload_good, at(ON_EXT4, "interpreter"));
        snprintf(script, sizeof(script), "#!%s\n", at(ON_EXT4, "interpreter"));
        write_text(at(ON_TMPFS, "script"), script);
        assert_int_equal(run_path(at(ON_TMPFS, "script")), STATUS_GOOD);
        assert_int_equal(watch_count(at(ON_TMPFS, "script")), 1);
        assert_int_equal(watch_count(at(ON_EXT4, "interpreter")), 1);
        assert_int_equal(watch.n, 2);
}

static void the_subject_is_who_runs_it(void **state) {
        pid_t pid;
        unsigned n;

        copy_file(payload_good, at(ON_TMPFS, "subject"));
        watch.decide = hold_all;
        n = run_start(&(Run){ .path = at(ON_TMPFS, "subject"), .uid = 4711 });
        pid = run_pid(n);
        loop_until(watch.n == 1);
        assert_int_equal(watch_last()->pid, pid);
        assert_int_equal(watch_last()->uid, 4711);
        assert_int_equal(watch_last()->euid, 4711);
        assert_non_null(strstr(watch_last()->exe, "test-sensor-gate"));
        assert_string_equal(watch_last()->comm, "test-sensor-gat");
        assert_int_equal(watch_last()->cgroup[0], '/');
        assert_false(run_ended(n));
        assert_int_equal(gate_answer(watch.gate, watch_last()->token, true), 0);
        assert_int_equal(run_wait(n), STATUS_GOOD);
        assert_int_equal(gate_answer(watch.gate, watch_last()->token, true), -ENOENT);
        assert_int_equal(gate_answer(watch.gate, 0, true), -ENOENT);
}

static void a_killed_process_does_not_stop_the_gate(void **state) {
        unsigned n;

        copy_file(payload_good, at(ON_TMPFS, "killed"));
        watch.decide = hold_all;
        n = run_start(&(Run){ .path = at(ON_TMPFS, "killed") });
        loop_until(watch.n == 1);
        run_kill(n);
        assert_int_equal(run_wait(n), -SIGKILL);
        assert_int_equal(gate_answer(watch.gate, watch_last()->token, true), 0);
        watch.decide = NULL;
        assert_int_equal(run_path(at(ON_TMPFS, "killed")), STATUS_GOOD);
}

static void an_open_writer_is_a_failure(void **state) {
        for (Place p = 0; p < _PLACE_MAX; p++) {
                if (!place_is_there(p))
                        continue;
                copy_file(payload_good, at(p, "written"));
                _cleanup_close_ int writer = open(at(p, "written"), O_WRONLY | O_CLOEXEC);

                watch.decide = deny_evil; /* no digest: denied */
                assert_int_equal(run_path(at(p, "written")), STATUS_EXEC + EPERM);
                assert_int_equal(watch_last()->failure, FAILURE_OPEN_WRITERS);
                assert_false(watch_last()->has_digest);
        }
}

static void too_large_is_a_failure(void **state) {
        copy_file(payload_good, at(ON_EXT4, "large"));
        assert_int_equal(truncate(at(ON_EXT4, "large"), (64 << 20) + 1), 0);
        watch.decide = deny_evil;
        assert_int_equal(run_path(at(ON_EXT4, "large")), STATUS_EXEC + EPERM);
        assert_int_equal(watch_last()->failure, FAILURE_FILE_TOO_LARGE);
        assert_int_equal(watch_stats().hashed, 0);
        assert_int_equal(truncate(at(ON_EXT4, "large"), 64 << 20), 0);
        assert_int_equal(run_path(at(ON_EXT4, "large")), STATUS_GOOD);
        assert_int_equal(watch_last()->failure, _FAILURE_INVALID);
}

/* A program with a foreign write lease on it can neither be run nor stop the gate. */
static void a_write_lease_of_others_does_not_hold_the_gate(void **state) {
        _cleanup_close_ int fd = -1;
        usec_t start;

        copy_file(payload_good, at(ON_EXT4, "leased"));
        copy_file(payload_good, at(ON_EXT4, "other"));
        fd = open(at(ON_EXT4, "leased"), O_RDWR | O_CLOEXEC);
        assert_int_equal(fcntl(fd, F_SETLEASE, F_WRLCK), 0);
        start = loop_now();
        assert_int_equal(run_path(at(ON_EXT4, "leased")), STATUS_EXEC + EPERM);
        assert_int_equal(run_path(at(ON_EXT4, "other")), STATUS_GOOD);
        assert_true(loop_now() - start < 5 * USEC_PER_SEC);
        assert_int_equal(watch_stats().unopened, 1);
        assert_int_equal(watch.failures, 0);
}

/* In a mount namespace of one's own every path can be had. */
static void borrowed_paths_are_told_apart(void **state) {
        char path[PATH_MAX];

        copy_file(payload_good, at(ON_EXT4, "trusted"));
        copy_file(payload_evil, at(ON_EXT4, "mine"));
        assert_int_equal(
                run(&(Run){ .path = at(ON_EXT4, "mine"), .own_mounts = true, .bind_to = at(ON_EXT4, "trusted") }),
                STATUS_EVIL);
        snprintf(path, sizeof(path), "(unreachable)%s", at(ON_EXT4, "trusted"));
        assert_string_equal(watch_last()->path, path);
        /* Another namespace alone changes no path. */
        assert_int_equal(
                run(&(Run){ .path = at(ON_EXT4, "trusted"), .own_mounts = true, .bind_to = at(ON_EXT4, "mine") }),
                STATUS_GOOD);
        assert_int_equal(
                run(&(Run){ .path = at(ON_EXT4, "mine"), .own_mounts = true, .bind_to = at(ON_EXT4, "mine") }),
                STATUS_EVIL);
        assert_string_equal(watch_last()->path, at(ON_EXT4, "mine"));
}

static void what_waits_when_the_gate_goes_runs(void **state) {
        unsigned n[3];

        copy_file(payload_good, at(ON_TMPFS, "waits"));
        watch.decide = hold_all;
        for (size_t i = 0; i < ELEMENTSOF(n); i++)
                n[i] = run_start(&(Run){ .path = at(ON_TMPFS, "waits") });
        loop_until(watch.n == 3);
        watch.gate = gate_free(watch.gate);
        for (size_t i = 0; i < ELEMENTSOF(n); i++)
                assert_int_equal(run_wait(n[i]), STATUS_GOOD);
}

static void more_than_the_queue_holds_is_a_failure(void **state) {
        enum { QUEUE = 4, MORE = 3 };
        GateOptions o = gate_defaults;
        unsigned n[QUEUE + MORE];
        size_t full = 0;

        watch_stop();
        o.queue_max = QUEUE;
        watch_start(&o);
        copy_file(payload_good, at(ON_TMPFS, "queued"));
        watch.decide = hold_all;
        for (size_t i = 0; i < ELEMENTSOF(n); i++) {
                n[i] = run_start(&(Run){ .path = at(ON_TMPFS, "queued") });
                loop_until(watch.n == i + 1);
        }
        for (size_t i = 0; i < watch.n; i++)
                full += watch.seen[i].failure == FAILURE_QUEUE_FULL;
        assert_int_equal(full, MORE);
        for (size_t i = 0; i < watch.n; i++)
                assert_int_equal(gate_answer(watch.gate, watch.seen[i].token, true), 0);
        for (size_t i = 0; i < ELEMENTSOF(n); i++)
                assert_int_equal(run_wait(n[i]), STATUS_GOOD);
}

static void overdue_answers_are_told(void **state) {
        GateOptions o = gate_defaults;
        unsigned n;

        watch_stop();
        o.answer_deadline = 300 * USEC_PER_MSEC;
        watch_start(&o);
        copy_file(payload_good, at(ON_TMPFS, "late"));
        watch.decide = hold_all;
        n = run_start(&(Run){ .path = at(ON_TMPFS, "late") });
        loop_until(watch.n == 1);
        assert_int_equal(watch.late, 0);
        loop_until(watch.late > 0);
        loop_for(400 * USEC_PER_MSEC);
        assert_int_equal(watch.late, 1); /* once */
        assert_false(run_ended(n));
        assert_int_equal(gate_answer(watch.gate, watch_last()->token, false), 0);
        assert_int_equal(run_wait(n), STATUS_EXEC + EPERM);
}

static void file_systems_mounted_later_are_held(void **state) {
        const char *const paths[] = { in_root("later"), NULL };
        GateOptions o = gate_defaults;

        watch_stop();
        assert_int_equal(mkdir(in_root("later"), 0755), 0);
        assert_int_equal(mount("tmpfs", in_root("later"), "tmpfs", 0, NULL), 0);
        o.paths = paths;
        watch_start(&o);
        copy_file(payload_good, in_root("later/good"));
        assert_int_equal(run_path(in_root("later/good")), STATUS_GOOD);
        assert_int_equal(watch.n, 1);
        assert_int_equal(mount("tmpfs", in_root("later"), "tmpfs", 0, NULL), 0);
        copy_file(payload_good, in_root("later/good"));
        loop_once(0);
        watch.decide = deny_all;
        assert_int_equal(run_path(in_root("later/good")), STATUS_EXEC + EPERM);
        assert_int_equal(watch.n, 2);
        assert_int_equal(umount2(in_root("later"), MNT_DETACH), 0);
        loop_once(0);
        assert_int_equal(run_path(in_root("later/good")), STATUS_EXEC + EPERM); /* the old one */
        assert_int_equal(watch.n, 3);
        assert_int_equal(watch.failures, 0);
}

static void marks_that_fail_are_told(void **state) {
        const char *const paths[] = { in_root("nowhere"), NULL };
        GateOptions o = gate_defaults;

        watch_stop();
        o.paths = paths;
        watch_start(&o);
        assert_int_equal(watch.failures, 1);
        assert_int_equal(watch.last_failure, FAILURE_MARK_FAILED);
        assert_non_null(strstr(watch.last_detail, "nowhere: ENOENT"));
        /* And tried again with every change; told only once. */
        assert_int_equal(mount("tmpfs", in_root("tmpfs"), "tmpfs", 0, NULL), 0);
        loop_once(0);
        assert_int_equal(watch.failures, 1);
        assert_int_equal(mkdir(in_root("nowhere"), 0755), 0);
        assert_int_equal(mount("tmpfs", in_root("nowhere"), "tmpfs", 0, NULL), 0);
        loop_once(0);
        copy_file(payload_good, in_root("nowhere/good"));
        assert_int_equal(run_path(in_root("nowhere/good")), STATUS_GOOD);
        assert_int_equal(watch.n, 1);
        assert_int_equal(umount2(in_root("nowhere"), MNT_DETACH), 0); /* the lease is on it for a moment more */
        assert_int_equal(umount(in_root("tmpfs")), 0);
}

static void only_the_cgroup_is_in_scope(void **state) {
        const char *path = at(ON_TMPFS, "scoped");
        GateOptions o = gate_defaults;

        watch_stop();
        o.cgroup = own_cgroup_name();
        watch_start(&o);
        watch.decide = deny_all;
        copy_file(payload_good, path);
        assert_int_equal(run_path(path), STATUS_GOOD);
        assert_int_equal(run(&(Run){ .path = path, .cgroup = cgroup_beside() }), STATUS_GOOD);
        assert_int_equal(watch.n, 0);
        assert_int_equal(run(&(Run){ .path = path, .cgroup = own_cgroup() }), STATUS_EXEC + EPERM);
        assert_int_equal(run(&(Run){ .path = path, .cgroup = cgroup_below() }), STATUS_EXEC + EPERM);
        assert_int_equal(watch.n, 2);
}

/* Before gate_open() all wait, but for the canary. */
static void nothing_passes_before_it_opens(void **state) {
        unsigned n;

        watch_stop();
        watch_start_closed(NULL);
        copy_file(payload_good, at(ON_TMPFS, "early"));
        n = run_start(&(Run){ .path = at(ON_TMPFS, "early") });
        run_pid(n);
        loop_until(watch_stats().waiting == 1);
        copy_file(canary_path, at(ON_TMPFS, "canary"));
        assert_int_equal(gate_probe(watch.gate, at(ON_TMPFS, "canary")), 0);
        loop_until(watch.has_level);
        assert_int_equal(watch.level, LEVEL_GATE);
        assert_int_equal(watch.n, 0);
        assert_false(run_ended(n));
        gate_open(watch.gate);
        assert_int_equal(run_wait(n), STATUS_GOOD);
        assert_int_equal(watch.n, 1);
}

static void the_probe_shows_that_the_gate_holds(void **state) {
        watch.decide = deny_all; /* the canary is nobody's business */
        for (Place p = 0; p < _PLACE_MAX; p++) {
                if (!place_is_there(p))
                        continue;
                watch.has_level = false;
                copy_file(canary_path, at(p, "canary"));
                assert_int_equal(gate_probe(watch.gate, at(p, "canary")), 0);
                assert_int_equal(gate_probe(watch.gate, at(p, "canary")), -EBUSY);
                loop_until(watch.has_level);
                assert_null(watch.why);
                assert_int_equal(watch.level, LEVEL_GATE);
        }
        assert_int_equal(watch.n, 0);
        /* Somebody else who runs it is asked about. */
        assert_int_equal(run_path(at(ON_TMPFS, "canary")), STATUS_EXEC + EPERM);
        assert_int_equal(watch.n, 1);
}

static void the_probe_works_where_nothing_is_watched(void **state) {
        copy_file(canary_path, in_root("canary"));
        assert_int_equal(gate_probe(watch.gate, in_root("canary")), 0);
        loop_until(watch.has_level);
        assert_null(watch.why);
        assert_int_equal(watch.level, LEVEL_GATE);
        /* Its mark is gone. */
        watch.decide = deny_all;
        assert_int_equal(run_path(in_root("canary")), 0);
}

static void the_probe_says_why_it_failed(void **state) {
        assert_int_equal(gate_probe(watch.gate, at(ON_TMPFS, "nothing")), -ENOENT);
        /* Asks twice, and the first run is denied; but then it does not end well. */
        copy_file(payload_good, at(ON_TMPFS, "canary"));
        assert_int_equal(gate_probe(watch.gate, at(ON_TMPFS, "canary")), 0);
        loop_until(watch.has_level);
        assert_int_equal(watch.level, LEVEL_OFF);
        assert_non_null(watch.why);
        /* Never comes as far as to ask. */
        watch.has_level = false;
        copy_file(canary_path, at(ON_TMPFS, "canary"));
        assert_int_equal(chmod(at(ON_TMPFS, "canary"), 0644), 0);
        assert_int_equal(gate_probe(watch.gate, at(ON_TMPFS, "canary")), 0);
        loop_until(watch.has_level);
        assert_int_equal(watch.level, LEVEL_OFF);
        assert_string_equal(watch.why, "the canary could not be executed");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
SENSOR_TESTS(TEST(allowed_and_denied_everywhere), TEST(what_is_not_watched_is_not_asked),
             TEST(script_and_interpreter_ask_each), TEST(the_subject_is_who_runs_it),
             TEST(a_killed_process_does_not_stop_the_gate), TEST(an_open_writer_is_a_failure),
             TEST(too_large_is_a_failure), TEST(a_write_lease_of_others_does_not_hold_the_gate),
             TEST(borrowed_paths_are_told_apart), TEST(what_waits_when_the_gate_goes_runs),
             TEST(more_than_the_queue_holds_is_a_failure), TEST(overdue_answers_are_told),
             TEST(file_systems_mounted_later_are_held), TEST(marks_that_fail_are_told),
             TEST(only_the_cgroup_is_in_scope), TEST(nothing_passes_before_it_opens),
             TEST(the_probe_shows_that_the_gate_holds), TEST(the_probe_works_where_nothing_is_watched),
             TEST(the_probe_says_why_it_failed))
