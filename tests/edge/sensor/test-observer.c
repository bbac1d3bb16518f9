/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The observer: what it sees of an exec, what it loses, and when it wakes. */

#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/sensor/bpf/observer.h"
#include "daemon/sensor/subject.h"
#include "lib/io/fd.h"

/* An exec, with its strings kept. */
typedef struct Seen {
        Execed x;
        char path[256], comm[16], exe[PATH_MAX], cgroup[PATH_MAX];
} Seen;

static Seen seen[1 << 13]; /* others on this machine run programs, too */
static size_t seen_n;
static uint64_t lost_count, lost_first, lost_last, deaths;
static Level level;
static const char *level_why;
static bool has_level;
static Observer *observer;

static void on_execed(void *userdata, const Execed *x) {
        Seen *s = &seen[seen_n++];

        assert_true(seen_n < ELEMENTSOF(seen));
        s->x = *x;
        snprintf(s->path, sizeof(s->path), "%s", x->path);
        snprintf(s->comm, sizeof(s->comm), "%s", strempty(x->subject.comm));
        snprintf(s->exe, sizeof(s->exe), "%s", strempty(x->subject.exe));
        snprintf(s->cgroup, sizeof(s->cgroup), "%s", strempty(x->subject.cgroup));
}

static void on_lost(void *userdata, const char *sensor, uint64_t first, uint64_t last, uint64_t count) {
        assert_true(first <= last);
        assert_true(count <= last - first + 1);
        lost_first = lost_count == 0 ? first : lost_first;
        lost_last = last;
        lost_count += count;
}

static void on_died(void *userdata, const char *why) {
        deaths++;
}

static void on_level(void *userdata, Level l, const char *why) {
        has_level = true;
        level = l;
        level_why = why;
}

static const ObserverOps ops = { .execed = on_execed, .lost = on_lost, .died = on_died, .level = on_level };

static void observe(const ObserverOptions *options) {
        const char *why = NULL;

        loop_start();
        seen_n = 0;
        lost_count = lost_first = lost_last = deaths = 0;
        has_level = false;
        assert_int_equal(observer_new(watch.event, options, &ops, &observer), 0);
        if (observer_attach(observer, &why) < 0)
                fail_msg("not attached: %s", why);
}

static void observe_own_cgroup(size_t ring_size) {
        observe(&(ObserverOptions){ .cgroup = own_cgroup_name(), .ring_size = ring_size });
}

static int set_up(void **state) {
        observe(&(ObserverOptions){});
        return 0;
}

static int tear_down(void **state) {
        observer = observer_free(observer);
        watch_stop();
        return 0;
}

static Seen *find(const char *path) {
        for (size_t i = 0; i < seen_n; i++)
                if (streq(seen[i].path, path))
                        return &seen[i];
        return NULL;
}

static size_t count(const char *path) {
        size_t n = 0;

        for (size_t i = 0; i < seen_n; i++)
                n += streq(seen[i].path, path);
        return n;
}

static usec_t boottime(void) {
        struct timespec t;

        clock_gettime(CLOCK_BOOTTIME, &t);
        return (usec_t) t.tv_sec * USEC_PER_SEC + (usec_t) t.tv_nsec / NSEC_PER_USEC;
}

static void an_exec_is_seen_as_it_was(void **state) {
        const char *path = at(ON_TMPFS, "seen");
        usec_t before = boottime();
        pid_t pid;
        unsigned n;
        Seen *s;

        copy_file(payload_wait, path);
        n = run_start(&(Run){ .path = path, .uid = 4711 });
        pid = run_pid(n);
        loop_until(find(path));
        s = find(path);
        assert_int_equal(s->x.subject.pid, pid);
        assert_int_equal(s->x.subject.uid, 4711);
        assert_int_equal(s->x.subject.euid, 4711);
        assert_string_equal(s->comm, "seen");
        assert_string_equal(s->exe, path);
        assert_int_equal(s->cgroup[0], '/');
        assert_true(s->x.started >= before && s->x.started <= boottime());
        assert_true(s->x.before_gate); /* there is none */
        run_kill(n);
        assert_int_equal(run_wait(n), -SIGKILL);
        assert_int_equal(count(path), 1);
}

static void files_are_the_ones_that_identify_knows(void **state) {
        for (Place p = 0; p < _PLACE_MAX; p++) {
                const char *path = at(p, "same");
                FileIdentity id, other;

                if (!place_is_there(p))
                        continue;
                copy_file(payload_good, path);
                copy_file(payload_good, at(p, "other"));
                _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC),
                                    other_fd = open(at(p, "other"), O_RDONLY | O_CLOEXEC);
                assert_int_equal(observer_identify(observer_identify_fd(observer), fd, &id), 0);
                assert_int_equal(observer_identify(observer_identify_fd(observer), other_fd, &other), 0);
                assert_memory_not_equal(&id, &other, sizeof(id));
                assert_int_equal(run_path(path), STATUS_GOOD);
                loop_until(find(path));
                assert_memory_equal(&find(path)->x.file, &id, sizeof(id));
                assert_true(id.inode_address != 0 && id.inode != 0 && id.device != 0);
        }
}

static void what_is_no_file_has_no_identity(void **state) {
        FileIdentity id;

        assert_int_equal(observer_identify(observer_identify_fd(observer), -1, &id), -EBADF);
        assert_int_equal(observer_identify(observer_identify_fd(observer), 9999, &id), -EBADF);
        assert_int_equal(observer_identify(observer_identify_fd(observer), 1 << 30, &id), -EBADF);
        assert_int_equal(observer_identify(-1, 0, &id), -EBADF);
}

static void scripts_are_seen_as_their_interpreter(void **state) {
        char script[PATH_MAX];
        FileIdentity id;
        Seen *s;

        copy_file(payload_good, at(ON_EXT4, "interpreter"));
        snprintf(script, sizeof(script), "#!%s\n", at(ON_EXT4, "interpreter"));
        write_text(at(ON_TMPFS, "script"), script);
        _cleanup_close_ int fd = open(at(ON_EXT4, "interpreter"), O_RDONLY | O_CLOEXEC);
        assert_int_equal(observer_identify(observer_identify_fd(observer), fd, &id), 0);
        assert_int_equal(run_path(at(ON_TMPFS, "script")), STATUS_GOOD);
        loop_until(find(at(ON_TMPFS, "script")));
        s = find(at(ON_TMPFS, "script"));
        assert_memory_equal(&s->x.file, &id, sizeof(id));
}

static void a_memfd_is_seen(void **state) {
        tear_down(NULL);
        observe_own_cgroup(0);
        assert_int_equal(run(&(Run){ .path = payload_good, .memfd = true, .cgroup = own_cgroup() }), STATUS_GOOD);
        loop_until(seen_n > 0);
        assert_non_null(strstr(seen[0].path, "/proc/self/fd/"));
}

static void privileges_are_those_of_the_first_user_namespace(void **state) {
        const char *path = at(ON_TMPFS, "privileged");
        static const struct {
                Run run;
                bool privileged;
        } cases[] = {
                { { .uid = 0 }, true },
                { { .uid = 4711 }, false },
                { { .uid = 4711, .capability = true }, true },
                { { .uid = 4711, .user_namespace = true }, false }, /* root there */
                { { .uid = 4711, .user_namespace = true, .own_tmpfs = true }, false },
                { { .uid = 0, .user_namespace = true }, true }, /* root there and here */
        };

        tear_down(NULL);
        observe_own_cgroup(0);
        copy_file(payload_good, path);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Run r = cases[i].run;
                size_t n = seen_n;

                r.path = path;
                r.cgroup = own_cgroup();
                assert_int_equal(run(&r), STATUS_GOOD);
                loop_until(seen_n == n + 1);
                assert_int_equal(seen[n].x.privileged, cases[i].privileged);
                assert_int_equal(seen[n].x.subject.uid, r.uid);
        }
}

/* The same process has one number inside, and another one for us. */
static void pids_are_ours_in_nested_namespaces(void **state) {
        const char *path = at(ON_TMPFS, "nested");
        char line[64];
        unsigned n;
        pid_t pid;

        copy_file(payload_wait, path);
        n = run_start(&(Run){ .path = path, .own_pids = true });
        loop_until(find(path));
        pid = (pid_t) find(path)->x.subject.pid;
        assert_string_equal(find(path)->exe, path);
        snprintf(line, sizeof(line), "/proc/%d/status", pid);
        _cleanup_(fclosep) FILE *f = fopen(line, "re");
        bool found = false;
        int here, there;

        assert_non_null(f);
        while (fgets(line, sizeof(line), f))
                if (sscanf(line, "NSpid: %d %d", &here, &there) == 2)
                        found = here == pid && there == 1;
        assert_true(found);
        assert_int_equal(kill(pid, SIGKILL), 0);
        (void) run_wait(n);
}

static void execs_before_the_gate_are_marked(void **state) {
        const char *path = at(ON_TMPFS, "armed");
        unsigned old, late;
        usec_t armed;

        tear_down(NULL);
        observe_own_cgroup(0);
        copy_file(payload_good, path);
        old = run_start(&(Run){ .path = path, .cgroup = own_cgroup(), .pause_first = true });
        late = run_start(&(Run){ .path = path, .cgroup = own_cgroup(), .pause_first = true });
        run_pid(old);
        run_pid(late);
        loop_for(50 * USEC_PER_MSEC);
        armed = boottime();
        observer_gate_armed(observer, armed);
        run_continue(old);
        assert_int_equal(run_wait(old), STATUS_GOOD);
        assert_int_equal(run(&(Run){ .path = path, .cgroup = own_cgroup() }), STATUS_GOOD);
        loop_until(seen_n == 2);
        assert_true(seen[0].x.before_gate);
        assert_true(seen[0].x.started < armed);
        assert_false(seen[1].x.before_gate); /* born after it */
        loop_for(armed + USEC_PER_SEC + 50 * USEC_PER_MSEC - boottime());
        run_continue(late);
        assert_int_equal(run_wait(late), STATUS_GOOD);
        loop_until(seen_n == 3);
        assert_false(seen[2].x.before_gate); /* born before it, but that was long ago */
}

static void only_the_cgroup_is_in_scope(void **state) {
        const char *path = at(ON_TMPFS, "scoped"), *why;

        tear_down(NULL);
        loop_start();
        assert_int_equal(observer_new(watch.event, &(ObserverOptions){ .cgroup = "/nowhere" }, &ops, &observer), 0);
        assert_int_equal(observer_attach(observer, &why), -ENOENT);
        assert_string_equal(why, "the cgroup to watch is not there");
        tear_down(NULL);
        observe_own_cgroup(0);
        copy_file(payload_good, path);
        assert_int_equal(run_path(path), STATUS_GOOD);
        assert_int_equal(run(&(Run){ .path = path, .cgroup = cgroup_beside() }), STATUS_GOOD);
        assert_int_equal(run(&(Run){ .path = path, .cgroup = own_cgroup() }), STATUS_GOOD);
        assert_int_equal(run(&(Run){ .path = path, .cgroup = cgroup_below() }), STATUS_GOOD);
        loop_for(20 * USEC_PER_MSEC);
        assert_int_equal(seen_n, 2);
        /* The probe runs in our own cgroup, and is seen all the same. */
        assert_int_equal(observer_probe(observer, canary_path), 0);
        loop_until(has_level);
        assert_int_equal(level, LEVEL_OBSERVE);
        assert_int_equal(seen_n, 2);
}

static void the_probe_shows_that_execs_are_seen(void **state) {
        assert_int_equal(observer_probe(observer, canary_path), 0);
        assert_int_equal(observer_probe(observer, canary_path), -EBUSY);
        loop_until(has_level);
        assert_null(level_why);
        assert_int_equal(level, LEVEL_OBSERVE);
        for (size_t i = 0; i < seen_n; i++)
                assert_null(strstr(seen[i].path, "/proc/self/fd/")); /* nobody else is told */
        has_level = false;
        assert_int_equal(observer_probe(observer, canary_path), 0);
        loop_until(has_level);
        assert_int_equal(level, LEVEL_OBSERVE);
}

static void the_probe_says_why_it_failed(void **state) {
        Observer *unattached = NULL;

        assert_int_equal(observer_probe(observer, in_root("nothing")), -ENOENT);
        write_text(in_root("no-program"), "no program");
        assert_int_equal(observer_probe(observer, in_root("no-program")), 0);
        loop_until(has_level);
        assert_int_equal(level, LEVEL_OFF);
        assert_string_equal(level_why, "the canary could not be run");
        assert_int_equal(observer_new(watch.event, &(ObserverOptions){}, &ops, &unattached), 0);
        assert_int_equal(observer_probe(unattached, canary_path), -EBADF);
        observer_free(unattached);
}

/* More than the ring holds, and nobody looks. */
static void what_is_lost_is_counted(void **state) {
        enum { EXECS = 200, RING = 4096 };
        const char *path = at(ON_TMPFS, "storm");
        unsigned n[EXECS];

        tear_down(NULL);
        observe_own_cgroup(RING);
        copy_file(payload_good, path);
        for (size_t i = 0; i < EXECS; i++)
                n[i] = run_start(&(Run){ .path = path, .cgroup = own_cgroup() });
        sleep(2); /* instead of looking */
        for (size_t i = 0; i < EXECS; i++)
                assert_int_equal(run_wait(n[i]), STATUS_GOOD);
        loop_for(20 * USEC_PER_MSEC);
        assert_true(seen_n >= RING / 400 && seen_n < EXECS);
        assert_int_equal(seen_n + lost_count, EXECS);
        assert_int_equal(lost_first, 0);
        assert_true(lost_last < EXECS);
        assert_int_equal(run(&(Run){ .path = path, .cgroup = own_cgroup() }), STATUS_GOOD); /* and it goes on */
        loop_for(20 * USEC_PER_MSEC);
        assert_int_equal(seen_n + lost_count, EXECS + 1);
        assert_int_equal(deaths, 0);
}

static void wake_ups_are_few_and_nothing_is_left(void **state) {
        enum { EXECS = 300 };
        const char *path = at(ON_TMPFS, "batch");
        ObserverStats after, later;
        unsigned n[EXECS];

        tear_down(NULL);
        observe_own_cgroup(0);
        copy_file(payload_good, path);
        for (size_t i = 0; i < EXECS; i++)
                n[i] = run_start(&(Run){ .path = path, .cgroup = own_cgroup() });
        for (size_t i = 0; i < EXECS; i++)
                assert_int_equal(run_wait(n[i]), STATUS_GOOD);
        loop_for(10 * USEC_PER_MSEC); /* more than the two it may take */
        assert_int_equal(seen_n, EXECS);
        observer_stats(observer, &after);
        assert_int_equal(after.seen, EXECS);
        assert_int_equal(after.lost, 0);
        assert_true(after.wakes < EXECS);
        /* Nothing happens: nobody looks. */
        loop_for(200 * USEC_PER_MSEC);
        observer_stats(observer, &later);
        assert_int_equal(later.drains, after.drains);
        /* One at a time. */
        for (size_t i = 0; i < 30; i++) {
                assert_int_equal(run(&(Run){ .path = path, .cgroup = own_cgroup() }), STATUS_GOOD);
                loop_for((usec_t) (rand() % 3000));
                loop_until(seen_n == EXECS + i + 1);
        }
}

static void a_drain_brings_what_happened_before_it(void **state) {
        const char *path = at(ON_TMPFS, "drained");
        size_t before;
        int status;
        pid_t pid;

        copy_file(payload_good, path);
        for (int i = 0; i < 100; i++) {
                before = count(path);
                pid = fork(); /* there is no gate that could be inherited */
                if (pid == 0) {
                        execl(path, path, NULL);
                        _exit(1);
                }
                waitpid(pid, &status, 0);
                observer_drain(observer);
                assert_true(count(path) > before);
        }
}

static void kills_only_the_one_it_means(void **state) {
        const char *path = at(ON_TMPFS, "victim");
        unsigned n;
        Seen *s;

        copy_file(payload_wait, path);
        n = run_start(&(Run){ .path = path });
        loop_until(find(path));
        s = find(path);
        assert_int_equal(process_kill(s->x.subject.pid, s->x.started - 20 * USEC_PER_MSEC), 0);
        assert_int_equal(process_kill(s->x.subject.pid, s->x.started + 20 * USEC_PER_MSEC), 0);
        loop_for(50 * USEC_PER_MSEC);
        assert_false(run_ended(n));
        assert_int_equal(process_kill(s->x.subject.pid, s->x.started), 1);
        assert_int_equal(run_wait(n), -SIGKILL);
        assert_int_equal(process_kill(s->x.subject.pid, s->x.started), 0);
        /* Whoever has the number. */
        n = run_start(&(Run){ .path = path });
        assert_int_equal(process_kill((uint32_t) run_pid(n), 0), 1);
        assert_int_equal(run_wait(n), -SIGKILL);
}

static void without_privileges_it_says_why(void **state) {
        const char *why = NULL;
        Observer *other = NULL;
        int status;
        pid_t pid;

        pid = fork();
        if (pid == 0) {
                if (setresuid(4711, 4711, 4711) < 0 ||
                    observer_new(watch.event, &(ObserverOptions){}, &ops, &other) < 0)
                        _exit(2);
                _exit(observer_attach(other, &why) < 0 && why && strstr(why, "refuses BPF") ? 0 : 1);
        }
        waitpid(pid, &status, 0);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
SENSOR_TESTS(TEST(an_exec_is_seen_as_it_was), TEST(files_are_the_ones_that_identify_knows),
             TEST(what_is_no_file_has_no_identity), TEST(scripts_are_seen_as_their_interpreter), TEST(a_memfd_is_seen),
             TEST(privileges_are_those_of_the_first_user_namespace), TEST(pids_are_ours_in_nested_namespaces),
             TEST(execs_before_the_gate_are_marked), TEST(only_the_cgroup_is_in_scope),
             TEST(the_probe_shows_that_execs_are_seen), TEST(the_probe_says_why_it_failed),
             TEST(what_is_lost_is_counted), TEST(wake_ups_are_few_and_nothing_is_left),
             TEST(a_drain_brings_what_happened_before_it), TEST(kills_only_the_one_it_means),
             TEST(without_privileges_it_says_why))
