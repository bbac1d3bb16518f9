/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parsers of /proc texts. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/sensor/fanotify/fstypes.h"
#include "daemon/sensor/fanotify/mountinfo.h"
#include "daemon/sensor/proctext.h"
#include "lib/base/cleanup.h"

static void status_is_read(void **state) {
        ProcStatus s;

        assert_int_equal(proc_status_parse(
                                 "Name:\tsh\nUmask:\t0022\nTgid:\t7\nPPid:\t3\nUid:\t1000\t0\t0\t0\nGid:\t5\t5\n", &s),
                         0);
        assert_string_equal(s.comm, "sh");
        assert_int_equal(s.ppid, 3);
        assert_int_equal(s.uid, 1000);
        assert_int_equal(s.euid, 0);
        assert_int_equal(proc_status_parse("Name:\ta\\nb\\\\c\nPPid:\t0\nUid:\t4294967295\t1 2 3\n", &s), 0);
        assert_string_equal(s.comm, "a\nb\\c");
        assert_int_equal(s.uid, UINT32_MAX);
}

/* A name cannot make up other lines. */
static void names_in_status_are_only_names(void **state) {
        ProcStatus s;

        assert_int_equal(proc_status_parse("Name:\tx\\nUid:\t0\t0\nPPid:\t1\nUid:\t5\t6\t7\t8\n", &s), 0);
        assert_int_equal(s.uid, 5);
        assert_string_equal(s.comm, "x\nUid:\t0\t0");
        assert_int_equal(proc_status_parse("Name:\t0123456789abcdefghij\nPPid:\t1\nUid:\t5\t6\n", &s), 0);
        assert_string_equal(s.comm, "0123456789abcde");
}

static void bad_status_is_refused(void **state) {
        static const char *const bad[] = {
                "",
                "\n",
                "Name:\tx\n",
                "Name:\tx\nPPid:\t1\n",
                "Name:\tx\nPPid:\t1\nUid:\t5\n",
                "Name:\tx\nPPid:\t1\nUid:\t5\t-1\n",
                "Name:\tx\nPPid:\t1\nUid:\t5\t4294967296\n",
                "Name:\tx\nPPid:\t99999999999999999999999\nUid:\t5\t6\n",
                "Name:\tx\nPPid:\nUid:\t5\t6\n",
                "xName:\tx\nPPid:\t1\nUid:\t5\t6\n",
        };
        ProcStatus s;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(proc_status_parse(bad[i], &s), -EBADMSG);
}

static void start_times_are_read(void **state) {
        uint64_t t;

        assert_int_equal(proc_stat_parse_started("1 (a) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 12345 1 2", &t),
                         0);
        assert_int_equal(t, 12345);
        assert_int_equal(
                proc_stat_parse_started("1 (x) R 9 9) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 77\n", &t), 0);
        assert_int_equal(t, 77);
        assert_int_equal(proc_stat_parse_started("", &t), -EBADMSG);
        assert_int_equal(proc_stat_parse_started("1 (a) S 0 1", &t), -EBADMSG);
        assert_int_equal(proc_stat_parse_started("1 (a) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 ", &t),
                         -EBADMSG);
        assert_int_equal(
                proc_stat_parse_started("1 (a) S 0 1 1 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 18446744073709551616", &t),
                -EBADMSG);
}

static void threads_and_times_are_read(void **state) {
        static const char *const bad[] = { "", "State:\tR\n", "Threads:\t1\n", "State:\t\nThreads:\t1\n",
                                           "State:\tR\nThreads:\tx\n" };
        uint64_t n;
        char letter;

        assert_int_equal(proc_status_parse_threads("Name:\tState: Z\nState:\tR (running)\nThreads:\t3\n", &letter, &n),
                         0);
        assert_int_equal(letter, 'R');
        assert_int_equal(n, 3);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(proc_status_parse_threads(bad[i], &letter, &n), -EBADMSG);
        assert_int_equal(proc_schedstat_parse("123456 7 8\n", &n), 0);
        assert_int_equal(n, 123456);
        assert_int_equal(proc_schedstat_parse("x", &n), -EBADMSG);
        assert_int_equal(proc_schedstat_parse("18446744073709551616 1 1\n", &n), -EBADMSG);
}

static const char *cgroup_of(const char *text) {
        static char copy[512];

        snprintf(copy, sizeof(copy), "%s", text);
        return proc_cgroup_parse(copy);
}

static void the_unified_hierarchy_is_found(void **state) {
        assert_string_equal(cgroup_of("0::/\n"), "/");
        assert_string_equal(cgroup_of("0::/a/b.service\n"), "/a/b.service");
        assert_string_equal(cgroup_of("0::/a"), "/a");
        assert_string_equal(cgroup_of("9:name=systemd:/x\n8:pids:/0::/y\n0::/z\n"), "/z");
        assert_null(cgroup_of("9:name=systemd:/x\n"));
        assert_null(cgroup_of("0::\n"));
        assert_null(cgroup_of(""));
}

static void scope_is_by_component(void **state) {
        assert_true(cgroup_is_in("/a", "/a"));
        assert_true(cgroup_is_in("/a/b", "/a"));
        assert_true(cgroup_is_in("/a/b", "/a/"));
        assert_true(cgroup_is_in("/a", "/"));
        assert_true(cgroup_is_in("/", "/"));
        assert_false(cgroup_is_in("/ab", "/a"));
        assert_false(cgroup_is_in("/", "/a"));
        assert_false(cgroup_is_in("/b/a", "/a"));
}

static void the_unit_is_the_one_that_systemd_made(void **state) {
        static const struct {
                const char *path, *unit;
        } cases[] = {
                { "/system.slice/cron.service", "cron.service" },
                { "/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service" },
                { "/user.slice/user-1000.slice/session-3.scope", "session-3.scope" },
                /* what is below was named by the user */
                { "/user.slice/user-1000.slice/user@1000.service/app.slice/sealed.service", "user@1000.service" },
                { "/system.slice/docker-12.scope/cron.service", "docker-12.scope" },
                { "/init.scope", "init.scope" },
                { "/system.slice/_cgroup.service", "cgroup.service" },
                { "/", NULL },
                { "/system.slice", NULL },
                { "/somebody/cron.service", NULL },
                { "/.service", NULL },
                { "//", NULL },
        };
        char unit[PROC_UNIT_SIZE], path[600];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *found = cgroup_unit(cases[i].path, unit);

                if (cases[i].unit) {
                        assert_non_null(found);
                        assert_string_equal(found, cases[i].unit);
                } else
                        assert_null(found);
        }
        memset(path, 'a', sizeof(path));
        path[0] = '/';
        strcpy(path + 1 + PROC_UNIT_SIZE - 8 - 1, ".service");
        assert_non_null(cgroup_unit(path, unit)); /* just fits */
        memset(path, 'a', sizeof(path));
        path[0] = '/';
        strcpy(path + 1 + PROC_UNIT_SIZE - 8, ".service");
        assert_null(cgroup_unit(path, unit));
}

static const char mounts_text[] =
        "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n"
        "22 36 0:21 / /proc rw - proc proc rw\n"
        "40 36 0:33 / /with\\040blank\\134and\\011tab rw shared:1 master:2 - fuse.sshfs a\\040b rw\n"
        "41 36 0:34 / /boot rw - autofs systemd-1 rw\n"
        "42 41 8:1 / /boot rw - vfat /dev/sda1 rw\n";

static void mounts_are_read(void **state) {
        _cleanup_(mount_list_done) MountList l = {};

        assert_int_equal(mountinfo_parse(mounts_text, &l), 0);
        assert_int_equal(l.size, 5);
        assert_int_equal(l.items[0].id, 22); /* ordered */
        assert_string_equal(mount_list_find(&l, 36)->path, "/mnt2");
        assert_string_equal(mount_list_find(&l, 36)->type, "ext3");
        assert_int_equal(mount_list_find(&l, 36)->device, UINT64_C(98) << 32);
        assert_string_equal(mount_list_find(&l, 40)->path, "/with blank\\and\ttab");
        assert_string_equal(mount_list_find(&l, 40)->type, "fuse.sshfs");
        assert_null(mount_list_find(&l, 1));
        assert_true(mount_list_may_wait(&l, "/with blank\\and\ttab/x"));
        assert_false(mount_list_may_wait(&l, "/with blank\\and\ttabs"));
        assert_true(mount_list_may_wait(&l, "/boot")); /* through the automounter */
        assert_false(mount_list_may_wait(&l, "/mnt2/x"));
}

static void bad_mounts_are_refused(void **state) {
        static const char *const bad[] = {
                "\n",
                "36\n",
                "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1\n",
                "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 -\n",
                "x 35 98:0 / / rw - ext3 d rw\n",
                "36 35 98 / / rw - ext3 d rw\n",
                "36 35 98: / / rw - ext3 d rw\n",
                "36 35 :0 / / rw - ext3 d rw\n",
                "36 35 98:0x / / rw - ext3 d rw\n",
                "99999999999999999999 35 98:0 / / rw - ext3 d rw\n",
        };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_(mount_list_done) MountList l = {};

                assert_int_equal(mountinfo_parse(bad[i], &l), -EBADMSG);
        }
        _cleanup_(mount_list_done) MountList l = {};
        assert_int_equal(mountinfo_parse("", &l), 0);
        assert_null(mount_list_find(&l, 0));
}

/* Our own. */
static void this_machine_is_understood(void **state) {
        static char text[1 << 20];
        _cleanup_(fclosep) FILE *f = fopen("/proc/self/mountinfo", "re");
        _cleanup_(mount_list_done) MountList l = {};
        size_t lines = 0;

        assert_non_null(f);
        text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
        assert_int_equal(mountinfo_parse(text, &l), 0);
        for (const char *p = text; *p; p++)
                lines += *p == '\n';
        assert_int_equal(l.size, lines);
}

static void file_systems_are_known(void **state) {
        assert_int_equal(fs_class_of_name("ext4"), FS_LOCAL);
        assert_int_equal(fs_class_of_name("what-is-that"), FS_LOCAL);
        assert_int_equal(fs_class_of_name("tmpfs"), FS_LOCAL);
        assert_int_equal(fs_class_of_name("devtmpfs"), FS_LOCAL);
        assert_int_equal(fs_class_of_name("proc"), FS_PSEUDO);
        assert_int_equal(fs_class_of_name("fuse"), FS_REMOTE);
        assert_int_equal(fs_class_of_name("fuse.what-ever"), FS_REMOTE);
        assert_int_equal(fs_class_of_name("nfs4"), FS_REMOTE);
        assert_int_equal(fs_class_of_magic(0x65735546), FS_REMOTE);
        assert_int_equal(fs_class_of_magic(0xef53), FS_LOCAL);
        assert_int_equal(fs_class_of_magic(0), FS_LOCAL);
        assert_true(fs_magic_is_cacheable(0xef53));
        assert_false(fs_magic_is_cacheable(0x01021994)); /* tmpfs */
        assert_false(fs_magic_is_cacheable(0x794c7630)); /* overlayfs */
        assert_false(fs_magic_is_cacheable(0));
        assert_true(fs_name_may_wait("autofs"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(status_is_read),
                cmocka_unit_test(names_in_status_are_only_names),
                cmocka_unit_test(bad_status_is_refused),
                cmocka_unit_test(start_times_are_read),
                cmocka_unit_test(threads_and_times_are_read),
                cmocka_unit_test(the_unified_hierarchy_is_found),
                cmocka_unit_test(scope_is_by_component),
                cmocka_unit_test(the_unit_is_the_one_that_systemd_made),
                cmocka_unit_test(mounts_are_read),
                cmocka_unit_test(bad_mounts_are_refused),
                cmocka_unit_test(this_machine_is_understood),
                cmocka_unit_test(file_systems_are_known),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
