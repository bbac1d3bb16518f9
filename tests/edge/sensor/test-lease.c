/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Leases: who is held off, and how long; and what is found out when that was not long enough. */

#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static const usec_t LINGER = 400 * USEC_PER_MSEC;
static const Execed ran = { .subject = { .uid = 4711 }, .started = 42, .privileged = true };

static Decision hold_all(const Observed *o) {
        return HOLD;
}

static int set_up(void **state) {
        GateOptions o = gate_defaults;

        o.linger = LINGER;
        watch_start(&o);
        return 0;
}

static int tear_down(void **state) {
        watch_stop();
        return 0;
}

static bool is_leased(const char *path) {
        int r;

        do
                r = try_open(path, O_WRONLY | O_NONBLOCK);
        while (r == -ETXTBSY); /* a process is in the middle of execve() */
        assert_true(r == 0 || r == -EAGAIN);
        return r != 0;
}

static void writers_wait_for_the_answer(void **state) {
        for (Place p = 0; p < _PLACE_MAX; p++) {
                const char *path = at(p, "leased");
                unsigned n;

                if (!place_is_there(p))
                        continue;
                copy_file(payload_good, path);
                assert_false(is_leased(path));
                watch.decide = hold_all;
                n = run_start(&(Run){ .path = path });
                loop_until(watch.n > 0 && !watch_last()->answered && streq(watch_last()->path, path));
                assert_true(is_leased(path));
                watch.decide = NULL; /* the layer below the overlay asks, too */
                watch.seen[watch.n - 1].answered = true;
                assert_int_equal(gate_answer(watch.gate, watch_last()->token, true), 0);
                assert_int_equal(run_wait(n), STATUS_GOOD);
                loop_until(!is_leased(path));
        }
}

static void a_confirmed_exec_ends_it(void **state) {
        const char *path = at(ON_TMPFS, "confirmed");

        copy_file(payload_good, path);
        assert_int_equal(run_path(path), STATUS_GOOD);
        assert_true(is_leased(path));
        gate_confirmed(watch.gate, watch_last()->token, &ran);
        assert_false(is_leased(path));
        gate_confirmed(watch.gate, watch_last()->token, NULL); /* twice, and */
        gate_confirmed(watch.gate, 12345, NULL);               /* what never was */
        loop_for(20 * USEC_PER_MSEC);
        assert_int_equal(watch.changed, 0);
}

static void the_layer_below_is_let_go_with_the_overlay(void **state) {
        const char *path = at(ON_OVERLAY, "layers"), *below = in_root("upper/upper/layers");
        const char *const paths[] = { in_root("overlay"), in_root("upper"), NULL };
        GateOptions o = gate_defaults;

        watch_stop();
        o.linger = LINGER;
        o.paths = paths;
        watch_start(&o);
        copy_file(payload_good, path);
        assert_int_equal(run_path(path), STATUS_GOOD);
        assert_int_equal(watch.n, 1); /* one question, however many events */
        assert_string_equal(watch_last()->path, path);
        assert_true(is_leased(below));
        gate_confirmed(watch.gate, watch_last()->token, &ran);
        assert_false(is_leased(path));
        assert_false(is_leased(below));
}

static void a_denied_exec_ends_it(void **state) {
        const char *path = at(ON_TMPFS, "denied");
        unsigned n;

        copy_file(payload_good, path);
        watch.decide = hold_all;
        n = run_start(&(Run){ .path = path });
        loop_until(watch.n == 1);
        assert_true(is_leased(path));
        assert_int_equal(gate_answer(watch.gate, watch_last()->token, false), 0);
        assert_false(is_leased(path));
        assert_int_equal(run_wait(n), STATUS_EXEC + EPERM);
}

/* A process that was allowed, and never gets to run: its token, when its lease has ended. */
static uint64_t expired(const char *path, unsigned *ret_run) {
        size_t n = watch.n;

        write_text(path, "no program");
        *ret_run = run_start(&(Run){ .path = path, .stay = true });
        loop_until(watch.n == n + 1);
        assert_true(is_leased(path));
        loop_until(!is_leased(path));
        return watch_last()->token;
}

static void a_late_exec_of_the_same_file_is_fine(void **state) {
        const char *path = at(ON_TMPFS, "late");
        unsigned n;
        uint64_t token = expired(path, &n);

        gate_confirmed(watch.gate, token, &ran);
        loop_for(100 * USEC_PER_MSEC);
        assert_int_equal(watch.changed, 0);
        assert_false(is_leased(path));
        run_kill(n);
        (void) run_wait(n);
}

static void a_late_exec_of_another_content_is_told(void **state) {
        const char *path = at(ON_TMPFS, "late");
        unsigned n;
        uint64_t token = expired(path, &n);

        write_text(path, "no PROGRAM");
        gate_confirmed(watch.gate, token, &ran);
        loop_until(watch.changed > 0);
        assert_int_equal(watch.changed_last.subject.uid, ran.subject.uid);
        assert_int_equal(watch.changed_last.started, ran.started);
        assert_true(watch.changed_last.privileged);
        assert_string_equal(watch.changed_path, path);
        loop_for(100 * USEC_PER_MSEC);
        assert_int_equal(watch.changed, 1);
        run_kill(n);
        (void) run_wait(n);
}

static void a_late_exec_of_a_file_under_change_is_told(void **state) {
        const char *path = at(ON_TMPFS, "late");
        unsigned n;
        uint64_t token = expired(path, &n);
        int writer = open(path, O_WRONLY | O_CLOEXEC);

        gate_confirmed(watch.gate, token, &ran);
        close(writer);
        loop_until(watch.changed > 0);
        run_kill(n);
        (void) run_wait(n);
}

/* What the kernel does to who stands still for /proc/sys/fs/lease-break-time. False: there is none on this file. */
static bool end_lease(const char *path) {
        for (int fd = 3; fd < 1024; fd++) {
                char link[32], target[PATH_MAX];
                ssize_t n;

                snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
                n = readlink(link, target, sizeof(target) - 1);
                if (n < 0)
                        continue;
                target[n] = '\0';
                if (streq(target, path) && fcntl(fd, F_GETLEASE) == F_RDLCK)
                        return fcntl(fd, F_SETLEASE, F_UNLCK) >= 0;
        }
        return false;
}

/* On tmpfs that changes no stamp of the file once its page is mapped. */
static void store(const char *path) {
        int fd = open(path, O_RDWR | O_CLOEXEC);
        volatile char *page;

        assert_true(fd >= 0);
        page = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        assert_true(page != MAP_FAILED);
        assert_int_not_equal(page[0], '!');
        page[0] = '!';
        (void) munmap((void *) page, 1);
        (void) close(fd);
}

static void a_file_that_changes_behind_the_hash_has_no_digest(void **state) {
        const char *path = at(ON_TMPFS, "overtaken");

        for (int stored = 0; stored < 2; stored++) {
                unsigned n, asked = (unsigned) watch.n;

                write_text(path, "no program");
                n = run_start(&(Run){ .path = path });
                loop_until(end_lease(path));
                if (stored)
                        store(path);
                else
                        write_text(path, "no PROGRAM");
                loop_until(watch.n == asked + 1);
                assert_false(watch_last()->has_digest);
                assert_int_equal(watch_last()->failure, FAILURE_OPEN_WRITERS);
                (void) run_wait(n);
        }
}

static void a_file_that_changes_behind_the_answer_is_told(void **state) {
        const char *path = at(ON_TMPFS, "overtaken");

        for (int changes = 0; changes < 3; changes++) {
                copy_file(payload_good, path);
                assert_int_equal(run_path(path), STATUS_GOOD);
                assert_true(end_lease(path));
                if (changes == 1)
                        write_text(path, "no PROGRAM");
                if (changes == 2)
                        store(path);
                gate_confirmed(watch.gate, watch_last()->token, &ran);
                loop_for(100 * USEC_PER_MSEC);
                assert_int_equal(watch.changed, changes);
        }
}

/* A process that tried a file in vain, and runs another one later. */
static void a_failed_exec_is_not_held_against_what_runs_later(void **state) {
        const char *path = at(ON_TMPFS, "late");
        unsigned n;
        uint64_t token = expired(path, &n);

        write_text(path, "no PROGRAM");
        gate_confirmed(watch.gate, token, NULL);
        loop_for(100 * USEC_PER_MSEC);
        assert_int_equal(watch.changed, 0);
        run_kill(n);
        (void) run_wait(n);
}

/* Whatever an attacker does to make the gate forget his answer. */
static void an_exec_of_which_nobody_can_tell_is_told(void **state) {
        const char *path = at(ON_TMPFS, "late");
        unsigned n;
        uint64_t token;

        gate_confirmed(watch.gate, (uint64_t) 1 << 32 | 77, &ran);
        loop_until(watch.changed == 1);
        token = expired(path, &n);
        assert_int_equal(watch.unused, 0);
        loop_until(watch.unused > 0);
        assert_int_equal(watch.unused, 1);
        gate_confirmed(watch.gate, token, &ran);
        loop_until(watch.changed == 2);
        run_kill(n);
        (void) run_wait(n);
}

/* More failed execs than there are slots, by processes that have ended: nobody waits for their leases to end. */
static void a_flood_of_failed_execs_makes_room(void **state) {
        enum { SLOTS = 2 * 1 + 1024, MORE = 40 };
        const char *path = at(ON_TMPFS, "flood");
        GateOptions o = gate_defaults;

        watch_stop();
        o.queue_max = 1;
        o.linger = 10 * USEC_PER_SEC;
        watch_start(&o);
        write_text(path, "no program");
        for (size_t i = 0; i < SLOTS + MORE; i++) {
                assert_int_equal(run_path(path), STATUS_EXEC + ENOEXEC);
                watch.n = 0;
        }
        assert_true(watch.unused >= MORE);
        copy_file(payload_good, at(ON_TMPFS, "after"));
        assert_int_equal(run_path(at(ON_TMPFS, "after")), STATUS_GOOD);
}

/* Whoever wants to write to a file whose exec has failed does not wait for the time to be over. */
static void a_failed_exec_keeps_no_writer_off(bool ended) {
        const char *path = at(ON_TMPFS, "failed");
        GateOptions o = gate_defaults;
        usec_t start;
        unsigned n;

        watch_stop();
        o.linger = 10 * USEC_PER_SEC;
        watch_start(&o);
        write_text(path, "no program");
        n = run_start(&(Run){ .path = path, .stay = !ended });
        loop_until(watch.n == 1);
        if (ended)
                (void) run_wait(n);
        start = loop_now();
        assert_true(is_leased(path)); /* and asks for it */
        loop_until(!is_leased(path));
        assert_true(loop_now() - start < o.linger);
        assert_int_equal(watch.unused, ended ? 1 : 0);
        if (!ended) {
                run_kill(n);
                (void) run_wait(n);
        }
}

static void a_writer_ends_the_lease_of_a_failed_exec(void **state) {
        a_failed_exec_keeps_no_writer_off(false);
}

static void a_writer_ends_the_lease_of_one_that_is_gone(void **state) {
        a_failed_exec_keeps_no_writer_off(true);
}

/* He came before the answer. */
static void a_writer_that_waits_for_the_answer(void **state) {
        const char *path = at(ON_TMPFS, "failed");
        GateOptions o = gate_defaults;
        usec_t start;
        unsigned n;

        watch_stop();
        o.linger = 10 * USEC_PER_SEC;
        watch_start(&o);
        write_text(path, "no program");
        watch.decide = hold_all;
        n = run_start(&(Run){ .path = path, .stay = true });
        loop_until(watch.n == 1);
        assert_true(is_leased(path));
        loop_for(50 * USEC_PER_MSEC);
        start = loop_now();
        watch.seen[0].answered = true;
        assert_int_equal(gate_answer(watch.gate, watch_last()->token, true), 0);
        loop_until(!is_leased(path));
        assert_true(loop_now() - start < o.linger);
        run_kill(n);
        (void) run_wait(n);
}

static uint64_t confirm_at_last;

static void confirm(void) {
        if (confirm_at_last)
                gate_confirmed(watch.gate, confirm_at_last, &ran);
        confirm_at_last = 0;
}

/* A confirmation that is there when the lease's time is over comes in time, also when the process is gone by then, and
 * its file was removed. */
static void a_confirmation_on_its_way_counts(void **state) {
        const char *path = at(ON_TMPFS, "confirmed");

        copy_file(payload_good, path);
        watch.catch_up = confirm;
        assert_int_equal(run_path(path), STATUS_GOOD);
        assert_true(is_leased(path));
        confirm_at_last = watch_last()->token;
        assert_int_equal(unlink(path), 0);
        loop_for(LINGER + 200 * USEC_PER_MSEC);
        assert_int_equal(confirm_at_last, 0);
        assert_int_equal(watch.changed, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
SENSOR_TESTS(TEST(writers_wait_for_the_answer), TEST(a_confirmed_exec_ends_it),
             TEST(the_layer_below_is_let_go_with_the_overlay), TEST(a_denied_exec_ends_it),
             TEST(a_late_exec_of_the_same_file_is_fine), TEST(a_late_exec_of_another_content_is_told),
             TEST(a_late_exec_of_a_file_under_change_is_told), TEST(a_file_that_changes_behind_the_hash_has_no_digest),
             TEST(a_file_that_changes_behind_the_answer_is_told),
             TEST(a_failed_exec_is_not_held_against_what_runs_later), TEST(an_exec_of_which_nobody_can_tell_is_told),
             TEST(a_flood_of_failed_execs_makes_room), TEST(a_writer_ends_the_lease_of_a_failed_exec),
             TEST(a_writer_ends_the_lease_of_one_that_is_gone), TEST(a_writer_that_waits_for_the_answer),
             TEST(a_confirmation_on_its_way_counts))
