/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A gate over every file system there is, in a world that holds none of the host's. */

#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fuse.h"

static void must(bool is_done, const char *what) {
        if (is_done)
                return;
        perror(what);
        exit(1);
}

static void make_directory(const char *name) {
        must(mkdir(name, 0755) == 0, name);
}

/* A root of our own: one tmpfs with a /proc and the ext4 of the other tests. The launcher comes along: pivot_root() takes
 * all who have the old root. */
static void enter_world(void) {
        const char *world = in_root("world");

        make_directory(world);
        must(mount("tmpfs", world, "tmpfs", 0, "mode=755") == 0, "tmpfs");
        must(chdir(world) == 0, "chdir");
        make_directory("proc");
        make_directory("dev");
        make_directory("disk");
        make_directory("later");
        make_directory("old");
        must(mount("proc", "proc", "proc", 0, NULL) == 0, "proc");
        must(mknod("dev/null", S_IFCHR | 0666, makedev(1, 3)) == 0, "null"); /* the host's devtmpfs would be marked */
        must(mknod("dev/fuse", S_IFCHR | 0666, makedev(10, 229)) == 0, "fuse");
        must(mount(at(ON_EXT4, ""), "disk", NULL, MS_MOVE, NULL) == 0, "move");
        copy_file(payload_good, "good");
        copy_file(payload_good, "disk/good");
        copy_file(canary_path, "canary");
        must(syscall(SYS_pivot_root, ".", "old") == 0, "pivot_root");
        must(chdir("/") == 0 && umount2("/old", MNT_DETACH) == 0, "umount");
        must(access(payload_good, F_OK) < 0, "the host is still there"); /* its file systems would be marked */
}

static Decision deny_all(const Observed *o) {
        return DENY;
}

static int set_up(void **state) {
        watch_start_everywhere();
        return 0;
}

static int tear_down(void **state) {
        watch_stop();
        return 0;
}

static void all_that_is_mounted_is_watched(void **state) {
        watch.decide = deny_all;
        assert_int_equal(run_path("/good"), STATUS_EXEC + EPERM);
        assert_string_equal(watch_last()->path, "/good");
        assert_int_equal(run_path("/disk/good"), STATUS_EXEC + EPERM);
        assert_string_equal(watch_last()->path, "/disk/good");
        assert_int_equal(watch.n, 2);
        assert_int_equal(watch.failures, 0);
}

static void all_that_is_mounted_later_is_watched(void **state) {
        Fuse *f;

        assert_int_equal(mount("tmpfs", "/later", "tmpfs", 0, "mode=755"), 0);
        copy_file("/disk/good", "/later/good");
        loop_once(0);
        watch.decide = deny_all;
        assert_int_equal(run_path("/later/good"), STATUS_EXEC + EPERM);
        assert_int_equal(watch.n, 1);
        make_directory("/later/remote");
        f = fuse_start("/later/remote", "/good");
        assert_non_null(f);
        loop_for(50 * USEC_PER_MSEC);
        assert_int_equal(run_path("/later/remote/file"), STATUS_EXEC + EPERM);
        assert_int_equal(watch.n, 2);
        assert_int_equal(watch_last()->failure, FAILURE_REMOTE_FILE);
        assert_int_equal(watch.failures, 0);
        assert_int_equal(umount2("/later/remote", MNT_DETACH), 0);
        fuse_stop(f);
        loop_for(50 * USEC_PER_MSEC);
        assert_int_equal(umount2("/later", MNT_DETACH), 0);
        loop_for(50 * USEC_PER_MSEC);
}

/* The way to a mount point may lead through a server that is dead: then it cannot be marked, and nobody waits for it. */
static void mounts_below_a_dead_server_are_failures(void **state) {
        Fuse *f = fuse_start("/later", "/good");

        assert_non_null(f);
        loop_for(50 * USEC_PER_MSEC);
        assert_int_equal(mount("tmpfs", "/later/directory", "tmpfs", 0, "mode=755"), 0);
        f->hang_lookup = true;
        loop_once(0);
        assert_int_equal(watch.failures, 1);
        assert_int_equal(watch.last_failure, FAILURE_MARK_FAILED);
        assert_string_equal(watch.last_detail, "/later/directory: EAGAIN");
        watch.decide = deny_all;
        assert_int_equal(run_path("/good"), STATUS_EXEC + EPERM); /* the gate goes on */
        f->hang_lookup = false;
        assert_int_equal(umount2("/later/directory", MNT_DETACH), 0);
        assert_int_equal(umount2("/later", MNT_DETACH), 0);
        fuse_stop(f);
        loop_for(50 * USEC_PER_MSEC);
}

static void the_probe_is_held_by_the_file_system_mark(void **state) {
        assert_int_equal(gate_probe(watch.gate, "/canary"), 0);
        loop_until(watch.has_level);
        assert_null(watch.why);
        assert_int_equal(watch.level, LEVEL_GATE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                TEST(all_that_is_mounted_is_watched),
                TEST(all_that_is_mounted_later_is_watched),
                TEST(mounts_below_a_dead_server_are_failures),
                TEST(the_probe_is_held_by_the_file_system_mark),
        };
        int failed;

        harness_init(argc, argv);
        enter_world();
        failed = cmocka_run_group_tests(tests, NULL, NULL);
        harness_end();
        return failed;
}
