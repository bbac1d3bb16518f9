/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Programs in the kernel that outlive their daemon: what they saw reaches the next one, and nothing stays for ever. A daemon that
 * dies is a child that is killed. */

#include "harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/sensor/bpf/observer.h"
#include "lib/io/fd.h"

enum { RUNS = 40, SMALL_RING = 4096, LARGE_RING = 1 << 22 };

static char bpf_dir[PATH_MAX];
static const char *lost_sensor; /* where events may be lost */
static size_t seen, lost, deaths, unpinned;
static bool has_level;
static Level level;
static const char *level_why;
static Observer *observer;

static void on_execed(void *userdata, const Execed *x) {
        seen += strstr(x->path, "ran") != NULL;
        assert_true(x->before_gate);
}

static void on_lost(void *userdata, const char *sensor, uint64_t first, uint64_t last, uint64_t count) {
        assert_string_equal(sensor, lost_sensor);
        assert_true(first <= last && count <= last - first + 1);
        lost += count;
}

static void on_died(void *userdata, const char *why) {
        deaths++;
}

static void on_level(void *userdata, Level l, const char *why) {
        has_level = true;
        level = l;
        level_why = why;
}

static void on_unpinned(void *userdata) {
        unpinned++;
}

static const ObserverOps ops = {
        .execed = on_execed, .lost = on_lost, .died = on_died, .level = on_level, .unpinned = on_unpinned
};

static int count_entries(const char *path) {
        const struct dirent *e;
        DIR *d = opendir(path);
        int n = 0;

        if (!d)
                return -1;
        while ((e = readdir(d)))
                n += e->d_name[0] != '.';
        closedir(d);
        return n;
}

static ObserverOptions options_for(size_t ring_size) {
        return (ObserverOptions){ .cgroup = own_cgroup_name(), .bpf_dir = bpf_dir, .ring_size = ring_size };
}

static void attach(void) {
        const ObserverOptions options = options_for(0);
        const char *why = NULL;

        seen = lost = deaths = unpinned = 0;
        lost_sensor = "exec";
        has_level = false;
        assert_int_equal(observer_new(watch.event, &options, &ops, &observer), 0);
        if (observer_attach(observer, &why) < 0)
                fail_msg("not attached: %s", why);
}

/* In the child: 0, and it stays until it is killed. */
static void be_daemon(const ObserverOptions *options, bool takes_over, int ready) {
        const char *why = NULL;
        sd_event *event;
        Observer *o;
        char ok = 'x';

        if (sd_event_new(&event) < 0 || observer_new(event, options, &ops, &o) < 0 || observer_attach(o, &why) < 0 ||
            observer_pinned(o, &why) == 0) {
                fprintf(stderr, "the daemon did not start: %s\n", strempty(why));
                _exit(1);
        }
        if (takes_over)
                observer_take_over(o);
        (void) !write(ready, &ok, 1);
        for (;;)
                pause();
}

static pid_t start_any(const char *other, size_t ring_size, bool takes_over) {
        const ObserverOptions options = options_for(ring_size);
        int ready[2];
        pid_t pid;
        char c;

        assert_int_equal(pipe(ready), 0);
        pid = fork();
        if (pid == 0 && other) {
                dup2(ready[1], STDOUT_FILENO);
                execl(other, other, own_cgroup_name(), bpf_dir, NULL);
                _exit(1);
        }
        if (pid == 0)
                be_daemon(&options, takes_over, ready[1]);
        safe_close(ready[1]);
        assert_int_equal(read(ready[0], &c, 1), 1);
        safe_close(ready[0]);
        return pid;
}

static pid_t start_daemon(size_t ring_size) {
        return start_any(NULL, ring_size, true);
}

static void kill_daemon(pid_t pid) {
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void run_some(int n) {
        const char *path = at(ON_TMPFS, "ran");

        copy_file(payload_good, path);
        for (int i = 0; i < n; i++)
                assert_int_equal(run(&(Run){ .path = path, .cgroup = own_cgroup() }), STATUS_GOOD);
}

static int set_up(void **state) {
        snprintf(bpf_dir, sizeof(bpf_dir), "%s", in_root("bpf"));
        if (mkdir(bpf_dir, 0700) < 0 || mount("bpf", bpf_dir, "bpf", 0, NULL) < 0)
                return -1;
        strcat(bpf_dir, "/sealwatch");
        loop_start();
        return 0;
}

static int tear_down(void **state) {
        observer = observer_free(observer);
        watch_stop();
        return umount2(in_root("bpf"), MNT_DETACH) + rmdir(in_root("bpf"));
}

static void what_ran_in_between_is_told(void **state) {
        pid_t pid = start_daemon(0);
        ObserverLeft left;
        const char *why;

        kill_daemon(pid);
        run_some(RUNS);
        attach();
        observer_left(observer, &left);
        assert_int_equal(left.daemons, 1);
        assert_int_equal(left.judging, observer_pinned(observer, &why));
        assert_int_equal(left.queued, RUNS);
        assert_int_equal(left.lost, 0);
        run_some(1); /* seen by both */
        loop_for(10 * USEC_PER_MSEC);
        seen = 0;
        observer_take_over(observer);
        assert_int_equal(seen, RUNS + 1);
        run_some(1); /* perhaps by both still */
        observer_unpin(observer);
        loop_until(seen == RUNS + 2);
        loop_for(10 * USEC_PER_MSEC);
        assert_int_equal(seen, RUNS + 2);
        assert_int_equal(lost + deaths, 0);
        observer_left(observer, &left);
        assert_int_equal(left.queued + left.lost, 0);
}

static void a_copy_is_not_told_twice(void **state) {
        kill_daemon(start_daemon(0));
        attach();
        run_some(3); /* in both rings */
        observer_take_over(observer);
        loop_for(20 * USEC_PER_MSEC);
        assert_int_equal(seen, 3);
}

static void losses_are_told(void **state) {
        ObserverLeft left;

        kill_daemon(start_daemon(SMALL_RING));
        run_some(RUNS);
        attach();
        observer_left(observer, &left);
        assert_true(left.lost > 0);
        assert_int_equal(left.queued + left.lost, RUNS);
        observer_take_over(observer);
        observer_unpin(observer); /* ends what is left */
        assert_int_equal(seen, left.queued);
        assert_int_equal(lost, left.lost);
}

static void what_cannot_be_read_is_lost(void **state) {
        pid_t pid = start_any(getenv("OTHER_DAEMON"), 0, true);
        ObserverLeft left;

        kill_daemon(pid);
        run_some(RUNS);
        attach();
        lost_sensor = "any";
        observer_left(observer, &left);
        assert_int_equal(left.daemons, 1);
        assert_true(left.judging > 0);
        assert_int_equal(left.queued, RUNS);
        observer_take_over(observer);
        run_some(1);
        loop_until(seen == 1);
        observer_unpin(observer);
        assert_true(lost == RUNS || lost == RUNS + 1); /* the last one perhaps by both */
        assert_int_equal(seen, 1);
        assert_int_equal(count_entries(bpf_dir), 0);
}

/* Nor does it matter how large its ring was. It had no policy, so it is not said to have judged. */
static void one_that_died_on_the_way_takes_nothing_along(void **state) {
        ObserverLeft left;
        const char *why;

        kill_daemon(start_daemon(LARGE_RING));
        run_some(2);
        kill_daemon(start_any(NULL, SMALL_RING, false));
        run_some(2);
        attach();
        observer_left(observer, &left);
        assert_int_equal(left.daemons, 2);
        assert_int_equal(left.judging, observer_pinned(observer, &why));
        assert_int_equal(left.queued, 6);
        observer_take_over(observer);
        assert_int_equal(seen, 6);
        observer_unpin(observer);
        assert_int_equal(lost, 0);
}

static void who_never_took_over_does_not_judge(void **state) {
        ObserverLeft left;

        kill_daemon(start_any(NULL, 0, false));
        attach();
        observer_left(observer, &left);
        assert_int_equal(left.daemons, 1);
        assert_int_equal(left.judging, 0);
        observer_take_over(observer);
        observer_unpin(observer);
}

static void nothing_stays(void **state) {
        kill_daemon(start_daemon(0));
        attach();
        assert_int_equal(count_entries(bpf_dir), 2);
        observer_take_over(observer);
        observer_unpin(observer);
        assert_int_equal(count_entries(bpf_dir), 0);
        assert_int_equal(unpinned, 0);
}

static void a_second_one_leaves_the_first_alone(void **state) {
        pid_t pid = start_daemon(0);
        const char *why;

        attach();
        assert_int_equal(observer_pinned(observer, &why), 0);
        assert_string_equal(why, "another sealwatchd uses the directory");
        assert_int_equal(count_entries(bpf_dir), 1);
        kill_daemon(pid);
}

static void without_a_bpf_file_system_it_works_on(void **state) {
        const char *why;

        snprintf(bpf_dir, sizeof(bpf_dir), "%s", at(ON_TMPFS, "sealwatch"));
        attach();
        assert_int_equal(observer_pinned(observer, &why), 0);
        assert_string_equal(why, "no file system of type bpf is mounted there");
        run_some(1);
        loop_until(seen == 1);
}

static void a_removed_pin_is_noticed(void **state) {
        char command[2 * PATH_MAX];
        const char *why;

        attach();
        assert_true(observer_pinned(observer, &why) > 0);
        snprintf(command, sizeof(command), "rm %s/*/link-on_exec", bpf_dir);
        assert_int_equal(system(command), 0);
        loop_until(unpinned == 1);
        assert_int_equal(observer_pinned(observer, &why), 0);
        run_some(1); /* it is there as long as we are */
        loop_until(seen == 1);
        loop_for(10 * USEC_PER_MSEC);
        assert_int_equal(unpinned, 1);
}

static void a_file_system_that_is_taken_away_is_noticed(void **state) {
        attach();
        assert_int_equal(umount2(in_root("bpf"), MNT_DETACH), 0);
        assert_int_equal(mount("bpf", in_root("bpf"), "bpf", 0, NULL), 0);
        loop_until(unpinned == 1);
}

static void the_probe_works_beside_an_earlier_daemon(void **state) {
        kill_daemon(start_daemon(0));
        attach();
        assert_int_equal(observer_probe(observer, canary_path), 0);
        loop_until(has_level);
        if (level != LEVEL_OBSERVE)
                fail_msg("%s", level_why);
        observer_take_over(observer);
        observer_unpin(observer);
        assert_int_equal(seen + lost, 0); /* the probe is nobody's program */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

SENSOR_TESTS(TEST(what_ran_in_between_is_told), TEST(a_copy_is_not_told_twice), TEST(losses_are_told),
             TEST(what_cannot_be_read_is_lost), TEST(one_that_died_on_the_way_takes_nothing_along),
             TEST(who_never_took_over_does_not_judge), TEST(nothing_stays), TEST(a_second_one_leaves_the_first_alone),
             TEST(without_a_bpf_file_system_it_works_on), TEST(a_removed_pin_is_noticed),
             TEST(a_file_system_that_is_taken_away_is_noticed), TEST(the_probe_works_beside_an_earlier_daemon))
