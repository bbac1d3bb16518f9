/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* File systems whose server does nothing, and disks that do not answer: the gate goes on. */

#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuse.h"

static Fuse *served, *hanging;

static Decision deny_without_digest(const Observed *o) {
        return o->has_digest ? ALLOW : DENY;
}

static Decision allow_all(const Observed *o) {
        return ALLOW;
}

static char *watched[5]; /* of the gate, as long as it is there */

static int set_up(void **state) {
        GateOptions o = gate_defaults;

        assert_true(mkdir(in_root("served"), 0755) == 0 || errno == EEXIST);
        assert_true(mkdir(in_root("hanging"), 0755) == 0 || errno == EEXIST);
        served = fuse_start(in_root("served"), payload_good);
        hanging = fuse_start(in_root("hanging"), payload_good);
        if (!served || !hanging)
                fail_msg("no FUSE");
        watched[0] = strdup(at(ON_EXT4, ""));
        watched[1] = strdup(in_root("served"));
        watched[2] = strdup(in_root("hanging"));
        watched[3] = strdup(at(ON_TMPFS, ""));
        o.paths = (const char *const *) watched;
        o.hash_deadline = 500 * USEC_PER_MSEC;
        watch_start(&o);
        copy_file(payload_good, at(ON_EXT4, "local"));
        return 0;
}

static int tear_down(void **state) {
        fuse_stop(served);
        fuse_stop(hanging);
        watch_stop();
        for (size_t i = 0; i < ELEMENTSOF(watched); i++)
                free(watched[i]);
        assert_int_equal(umount2(in_root("served"), MNT_DETACH), 0);
        assert_int_equal(umount2(in_root("hanging"), MNT_DETACH), 0);
        return 0;
}

static void assert_gate_works(void) {
        assert_int_equal(run_path(at(ON_EXT4, "local")), STATUS_GOOD);
        assert_string_equal(watch_last()->path, at(ON_EXT4, "local"));
}

static void remote_files_are_a_failure(void **state) {
        unsigned opens = served->opens;

        watch.decide = deny_without_digest;
        assert_int_equal(run_path(in_root("served/file")), STATUS_EXEC + EPERM);
        assert_int_equal(watch.n, 1);
        assert_int_equal(watch_last()->failure, FAILURE_REMOTE_FILE);
        assert_string_equal(watch_last()->path, in_root("served/file"));
        assert_int_equal(watch_last()->uid, 0);
        assert_true(served->opens > opens);
        assert_int_equal(served->reads, 0);
        watch.decide = allow_all;
        assert_int_equal(run_path(in_root("served/file")), STATUS_GOOD);
        assert_int_equal(watch.n, 2);
        assert_int_equal(watch.failures, 0);
        assert_gate_works();
}

static void a_server_that_does_not_read_is_not_waited_for(void **state) {
        unsigned n;

        hanging->hang_read = true;
        watch.decide = deny_without_digest;
        n = run_start(&(Run){ .path = in_root("hanging/file") });
        assert_int_equal(run_wait(n), STATUS_EXEC + EPERM);
        assert_int_equal(watch_last()->failure, FAILURE_REMOTE_FILE);
        assert_gate_works();
}

/* The event cannot even be read: the kernel opens the file for us. */
static void a_server_that_does_not_open_holds_nobody_else(void **state) {
        unsigned n[3];

        hanging->hang_open = true;
        for (size_t i = 0; i < ELEMENTSOF(n); i++)
                n[i] = run_start(&(Run){ .path = in_root("hanging/file") });
        loop_until(hanging->hanging > 0);
        assert_gate_works();
        watch.decide = deny_without_digest;
        assert_int_equal(run_path(in_root("served/file")), STATUS_EXEC + EPERM);
        watch.decide = NULL;
        assert_gate_works();
        for (size_t i = 0; i < ELEMENTSOF(n); i++)
                assert_false(run_ended(n[i]));
        hanging->hang_open = false;
        for (size_t i = 0; i < ELEMENTSOF(n); i++)
                assert_int_equal(run_wait(n[i]), STATUS_GOOD);
}

static void the_gate_can_go_while_a_server_hangs(void **state) {
        unsigned n;

        hanging->hang_open = true;
        n = run_start(&(Run){ .path = in_root("hanging/file") });
        loop_until(hanging->hanging > 0);
        watch.gate = gate_free(watch.gate);
        assert_false(run_ended(n));
        hanging->hang_open = false;
        assert_int_equal(run_wait(n), STATUS_GOOD);
}

static void a_remote_file_system_that_comes_and_goes(void **state) {
        Fuse *f;

        for (int i = 0; i < 3; i++) {
                size_t n = watch.n;

                f = fuse_start(in_root("served"), payload_evil); /* above the other one */
                assert_non_null(f);
                loop_for(50 * USEC_PER_MSEC);
                assert_int_equal(run_path(in_root("served/file")), STATUS_EVIL);
                assert_int_equal(watch.n, n + 1);
                assert_int_equal(watch_last()->failure, FAILURE_REMOTE_FILE);
                assert_int_equal(umount(in_root("served")), 0);
                fuse_stop(f);
                loop_for(50 * USEC_PER_MSEC);
        }
        assert_int_equal(run_path(in_root("served/file")), STATUS_GOOD);
        assert_int_equal(watch.failures, 0);
}

static bool tool(const char *format, ...) {
        char command[4 * PATH_MAX];
        va_list ap;

        va_start(ap, format);
        vsnprintf(command, sizeof(command), format, ap);
        va_end(ap);
        return system(command) == 0;
}

/* A local file system on a disk that stops answering while a file is hashed. */
static void a_disk_that_hangs_is_a_hash_deadline(void **state) {
        Fuse *disk;
        unsigned n[4];

        assert_true(tool("cd %s && mkdir -p image && cp %s image/file && head -c 300000 /dev/zero >>image/file && "
                         "rm -f disk.img && mkfs.ext4 -q -O ^has_journal -d image disk.img 16M && mkdir -p below disk",
                         in_root(""), payload_good));
        disk = fuse_start(in_root("below"), in_root("disk.img"));
        assert_non_null(disk);
        assert_true(tool("mount -o loop,ro %s %s", in_root("below/file"), in_root("disk")));
        loop_for(50 * USEC_PER_MSEC);
        {
                const char *const paths[] = { in_root("disk"), at(ON_EXT4, ""), NULL };
                GateOptions o = gate_defaults;

                watch_stop();
                o.paths = paths;
                o.hash_deadline = 500 * USEC_PER_MSEC;
                watch_start(&o);
        }
        watch.decide = deny_without_digest;
        assert_int_equal(access(in_root("disk/file"), X_OK), 0); /* its name is known, its content is not */
        disk->hang_read = true;
        for (size_t i = 0; i < ELEMENTSOF(n); i++)
                n[i] = run_start(&(Run){ .path = in_root("disk/file") });
        loop_until(watch.n == ELEMENTSOF(n));
        for (size_t i = 0; i < ELEMENTSOF(n); i++) {
                assert_int_equal(run_wait(n[i]), STATUS_EXEC + EPERM);
                assert_int_equal(watch.seen[i].failure, FAILURE_HASH_DEADLINE);
        }
        assert_gate_works(); /* more workers than there were hang */
        assert_int_equal(watch_stats().waiting, 0);
        disk->hang_read = false;
        loop_for(100 * USEC_PER_MSEC);
        assert_int_equal(run_path(in_root("disk/file")), STATUS_GOOD);
        assert_true(watch_last()->has_digest);
        loop_for(100 * USEC_PER_MSEC);
        assert_true(tool("umount %s && umount %s", in_root("disk"), in_root("below")));
        fuse_stop(disk);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
SENSOR_TESTS(TEST(remote_files_are_a_failure), TEST(a_server_that_does_not_read_is_not_waited_for),
             TEST(a_server_that_does_not_open_holds_nobody_else), TEST(the_gate_can_go_while_a_server_hangs),
             TEST(a_remote_file_system_that_comes_and_goes), TEST(a_disk_that_hangs_is_a_hash_deadline))
