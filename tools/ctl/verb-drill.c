/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatchctl drill: announces what will be tried, tries it, and looks into the log for what was seen of it.
 *
 * Each item that is no code has a process of its own, which is there before the announcement, since that names it. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dbus/names.h"
#include "lib/base/cleanup.h"
#include "lib/io/fd.h"
#include "tools/ctl/ctl.h"
#include "tools/ctl/drill.h"

typedef struct DrillRun {
        const Ctl *ctl;
        sd_bus *bus;
        DrillPlaces places;
        char id[DRILL_ID_SIZE + 1], directory[PATH_MAX];
        uint64_t announced, since; /* the first record that was not read yet */
        usec_t until;              /* when the last item may be begun */
        bool over;                 /* the daemon's end of it was read, or that of the daemon */
        struct {
                pid_t pid, helper; /* helper: its parent, where that is not us; else 0 */
                int go;            /* what it waits for */
                bool left_out, seen, denied;
                char why[128];
                DrillTry tried;
        } items[_DRILL_MAX];
} DrillRun;

/* Waits to be told where, tries, and says by its status what came of it. */
static void work(DrillItem item, int go) {
        DrillPlaces places;

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (read(go, &places, sizeof(places)) != sizeof(places))
                _exit(TRY_UNABLE);
        _exit((int) drill_attempt(item, &places));
}

/* A process that has the daemon's number, in a PID namespace of its own. */
static pid_t clone_as(pid_t number) {
        const struct clone_args arguments = { .exit_signal = SIGCHLD,
                                              .set_tid = (uintptr_t) &number,
                                              .set_tid_size = 1 };

        return (pid_t) syscall(SYS_clone3, &arguments, sizeof(arguments));
}

static void help_twin(DrillItem item, pid_t number, int go, int tell) {
        pid_t first, twin = -1;
        int status = TRY_UNABLE;

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWPID) < 0)
                _exit(TRY_UNABLE);
        first = fork(); /* without which the namespace takes nobody in */
        if (first == 0) {
                pause();
                _exit(0);
        }
        if (first > 0)
                twin = clone_as(number);
        if (twin == 0)
                work(item, go);
        if (write(tell, &twin, sizeof(twin)) == sizeof(twin) && twin > 0) {
                close(go);
                if (waitpid(twin, &status, 0) == twin && WIFEXITED(status))
                        status = WEXITSTATUS(status);
                else
                        status = TRY_UNABLE;
        }
        if (first > 0)
                (void) kill(first, SIGKILL);
        _exit(status);
}

static int start_twin(DrillRun *run, DrillItem item, int go) {
        _cleanup_close_ int hear = -1, tell = -1;
        int pipes[2];

        if (pipe2(pipes, O_CLOEXEC) < 0)
                return -errno;
        hear = pipes[0];
        tell = pipes[1];
        run->items[item].helper = fork();
        if (run->items[item].helper == 0) {
                close(run->items[item].go); /* else it would wait for itself */
                help_twin(item, run->places.daemon, go, tell);
        }
        tell = safe_close(tell);
        if (read(hear, &run->items[item].pid, sizeof(pid_t)) != sizeof(pid_t) || run->items[item].pid < 0)
                run->items[item].pid = 0;
        return 0;
}

static int start_worker(DrillRun *run, DrillItem item) {
        _cleanup_close_ int go = -1;
        int pipes[2];

        if (pipe2(pipes, O_CLOEXEC) < 0)
                return -errno;
        go = pipes[0];
        run->items[item].go = pipes[1];
        if (item == DRILL_PID_REUSE)
                return start_twin(run, item, go);
        run->items[item].pid = fork();
        if (run->items[item].pid == 0) {
                close(run->items[item].go);
                work(item, go);
        }
        return run->items[item].pid < 0 ? -errno : 0;
}

static void leave_out(DrillRun *run, DrillItem item, const char *why) {
        run->items[item].left_out = true;
        snprintf(run->items[item].why, sizeof(run->items[item].why), "%s", why);
}

/* Calls read with each pair of a{ss}. 0 or a negative errno. */
static int read_pairs(sd_bus_message *m, DrillRun *run,
                      void (*take)(DrillRun *run, const char *name, const char *text)) {
        const char *name, *text;
        int r = sd_bus_message_enter_container(m, 'a', "{ss}");

        while (r >= 0 && (r = sd_bus_message_read(m, "{ss}", &name, &text)) > 0)
                take(run, name, text);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static void take_left_out(DrillRun *run, const char *name, const char *why) {
        DrillItem item = drill_item_from_name(name);

        if (item != _DRILL_INVALID)
                leave_out(run, item, why);
}

static void take_place(DrillRun *run, const char *name, const char *text) {
        DrillPlaces *p = &run->places;
        const struct {
                const char *name;
                uint32_t *number;
        } numbers[] = { { "map", &p->map }, { "link", &p->link }, { "program", &p->program } };

        for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
                if (streq(numbers[i].name, name))
                        *numbers[i].number = (uint32_t) strtoul(text, NULL, 10);
        if (streq(name, "run"))
                snprintf(p->run, sizeof(p->run), "%s", text);
        else if (streq(name, "pins"))
                snprintf(p->pins, sizeof(p->pins), "%s", text);
}

/* The path in the unified hierarchy; "" for its root, which has nothing that stops anybody. */
static void read_cgroup(const char *of, char *ret, size_t size) {
        char path[64], line[512];
        FILE *f;

        snprintf(path, sizeof(path), "/proc/%s/cgroup", of);
        *ret = '\0';
        f = fopen(path, "re");
        while (f && fgets(line, sizeof(line), f))
                if (startswith(line, "0::") && !streq(line, "0::/\n")) {
                        line[strcspn(line, "\n")] = '\0';
                        snprintf(ret, size, "%s", line + 3);
                }
        if (f)
                fclose(f);
}

static int find_daemon(DrillRun *run) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        char number[16];
        uint32_t pid;
        int r = sd_bus_call_method(run->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                   "GetConnectionUnixProcessID", &error, &m, "s", SEALWATCH_BUS_NAME);

        if (r >= 0)
                r = sd_bus_message_read(m, "u", &pid);
        if (r < 0)
                return ctl_call_failed(run->ctl, "drill", &error, r);
        run->places.daemon = (pid_t) pid;
        snprintf(number, sizeof(number), "%d", run->places.daemon);
        read_cgroup(number, run->places.cgroup, sizeof(run->places.cgroup));
        return 0;
}

/* Code, and what is done to the machine, is watched in the daemon's scope only. */
static int look_at_scope(DrillRun *run) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *scope = NULL;
        char own[512];
        size_t n;
        int r = sd_bus_get_property_string(run->bus, SEALWATCH_BUS_NAME, SEALWATCH_BUS_PATH, SEALWATCH_BUS_INTERFACE,
                                           "Scope", &error, &scope);

        if (r < 0)
                return ctl_call_failed(run->ctl, "drill", &error, r);
        read_cgroup("self", own, sizeof(own));
        n = strlen(scope);
        if (streq(scope, "machine") ||
            (startswith(scope, "cgroup:") && strncmp(own, scope + 7, n - 7) == 0 && strchr("/", own[n - 7])))
                return 0;
        for (DrillItem item = 0; item < _DRILL_MAX; item++)
                if (drill_row(item)->event != EVENT_SELF)
                        leave_out(run, item, "sealwatchctl is not in the scope that is watched");
        return 0;
}

static usec_t boottime(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_BOOTTIME, &t);
        return (usec_t) t.tv_sec * USEC_PER_SEC + (usec_t) t.tv_nsec / 1000;
}

static int announce(DrillRun *run) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *id;
        int r = sd_bus_message_new_method_call(run->bus, &m, SEALWATCH_BUS_NAME, SEALWATCH_BUS_PATH,
                                               SEALWATCH_BUS_INTERFACE, "BeginDrill");

        run->until = boottime() + DRILL_TIME_MAX / 2; /* an item takes seconds */
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{su}");
        for (DrillItem item = 0; r >= 0 && item < _DRILL_MAX; item++)
                if (!run->items[item].left_out)
                        r = sd_bus_message_append(m, "{su}", drill_row(item)->name, (uint32_t) run->items[item].pid);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_call(run->bus, m, 0, &error, &reply);
        if (r < 0)
                return ctl_call_failed(run->ctl, "drill", &error, r);
        r = sd_bus_message_read(reply, "st", &id, &run->announced);
        if (r >= 0)
                r = read_pairs(reply, run, take_place);
        if (r >= 0)
                r = read_pairs(reply, run, take_left_out);
        if (r < 0 || strlen(id) != DRILL_ID_SIZE)
                return ctl_fail(run->ctl, CTL_UNREACHABLE, "drill: the daemon's answer makes no sense");
        snprintf(run->id, sizeof(run->id), "%s", id);
        run->since = run->announced;
        return 0;
}

static DrillTry let_go(DrillRun *run, DrillItem item) {
        pid_t pid = run->items[item].helper > 0 ? run->items[item].helper : run->items[item].pid;
        int status;

        if (write(run->items[item].go, &run->places, sizeof(run->places)) != sizeof(run->places) ||
            waitpid(pid, &status, 0) != pid)
                return TRY_UNABLE;
        run->items[item].pid = run->items[item].helper = 0;
        return WIFEXITED(status) ? (DrillTry) WEXITSTATUS(status) : TRY_UNABLE;
}

/* Of the drill; a daemon that starts or ends knows of none. */
static bool is_end(const DrillRun *run, const char *kind, const json_t *event) {
        return streq(kind, "start") || streq(kind, "stop") ||
               (streq(kind, "drill") && streq(strempty(json_string_value(json_object_get(event, "phase"))), "end") &&
                streq(strempty(json_string_value(json_object_get(event, "id"))), run->id));
}

static void take_event(DrillRun *run, const char *kind, const char *text) {
        json_auto_t *event = json_loads(text, 0, NULL);
        const char *name = strempty(json_string_value(json_object_get(event, "drill")));
        DrillItem item = drill_item_from_name(name);

        if (is_end(run, kind, event))
                run->over = true;
        if (item == _DRILL_INVALID)
                return;
        run->items[item].seen = true;
        if (streq(strempty(json_string_value(json_object_get(event, "verdict"))), "deny"))
                run->items[item].denied = true;
}

/* All that is new since the announcement, or the last time. 0 or an exit code. */
static int read_events(DrillRun *run) {
        for (;;) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
                const char *kind, *text;
                uint64_t seq, before = run->since;
                int r = ctl_call(run->ctl, run->bus, "ListEvents", &reply, "tu", run->since,
                                 (uint32_t) LIST_EVENTS_MAX);

                if (r != 0)
                        return r;
                r = sd_bus_message_enter_container(reply, 'a', "(tss)");
                while (r >= 0 && (r = sd_bus_message_read(reply, "(tss)", &seq, &kind, &text)) > 0) {
                        take_event(run, kind, text);
                        run->since = seq + 1;
                }
                if (r < 0)
                        return ctl_fail(run->ctl, CTL_UNREACHABLE, "drill: the daemon's answer makes no sense");
                if (run->since == before)
                        return 0;
        }
}

/* Where it is over, what is tried is an attack like any other. NULL: it is not. */
static const char *why_over(DrillRun *run) {
        if (boottime() >= run->until)
                return "the time was over";
        return read_events(run) != 0 || run->over ? "the daemon ended the drill" : NULL;
}

static void try_all(DrillRun *run) {
        const char *why = NULL;

        for (DrillItem item = 0; item < _DRILL_MAX; item++) {
                DrillTry tried;

                if (run->items[item].left_out)
                        continue;
                why = why ? why : why_over(run);
                if (why) {
                        leave_out(run, item, why);
                        continue;
                }
                tried = drill_row(item)->how ? let_go(run, item) : drill_run_code(item, run->id, run->directory);
                run->items[item].tried = tried;
                if (tried == TRY_ABSENT)
                        leave_out(run, item, "there is nothing of that kind here");
                else if (tried == TRY_UNABLE)
                        leave_out(run, item, "it could not be tried");
        }
}

/* Refused without a record is missed, too. */
static const char *outcome_of(const DrillRun *run, DrillItem item) {
        if (run->items[item].left_out)
                return "n/a";
        if (!run->items[item].seen)
                return "missed";
        return run->items[item].denied && run->items[item].tried == TRY_REFUSED ? "denied" : "seen";
}

static const char *why_of(const DrillRun *run, DrillItem item) {
        if (run->items[item].left_out)
                return run->items[item].why;
        if (!run->items[item].seen && drill_row(item)->named)
                return drill_row(item)->named;
        if (!run->items[item].seen && run->items[item].tried == TRY_REFUSED)
                return "refused, and not recorded";
        return NULL;
}

static int print_json(const DrillRun *run, bool good) {
        json_auto_t *items = json_array(), *all = NULL;

        for (DrillItem item = 0; item < _DRILL_MAX; item++) {
                const DrillRow *row = drill_row(item);

                if (json_array_append_new(items, json_pack("{s:s, s:s, s:s, s:s*, s:b}", "item", row->name, "event",
                                                           event_names[row->event], "outcome", outcome_of(run, item),
                                                           "why", why_of(run, item), "named", row->named != NULL)) < 0)
                        return -ENOMEM;
        }
        all = json_pack("{s:s, s:s, s:I, s:O}", "result", good ? "pass" : "fail", "id", run->id, "announced",
                        (json_int_t) run->announced, "items", items);
        if (!all || json_dumpf(all, stdout, JSON_COMPACT) < 0)
                return -ENOMEM;
        putchar('\n');
        return 0;
}

static int report(const DrillRun *run) {
        bool good = true;

        for (DrillItem item = 0; item < _DRILL_MAX; item++)
                if (streq(outcome_of(run, item), "missed") && !drill_row(item)->named)
                        good = false;
        if (run->ctl->json && print_json(run, good) < 0)
                return ctl_fail(run->ctl, CTL_NO, "drill: out of memory");
        for (DrillItem item = 0; !run->ctl->json && item < _DRILL_MAX; item++) {
                const char *why = why_of(run, item);

                printf("%-16s %-7s %s%s%s\n", drill_row(item)->name, outcome_of(run, item),
                       event_names[drill_row(item)->event], why ? ": " : "", strempty(why));
        }
        return good ? CTL_YES : CTL_NO;
}

static int start_workers(DrillRun *run) {
        for (DrillItem item = 0; item < _DRILL_MAX; item++)
                if (drill_row(item)->how && !run->items[item].left_out && start_worker(run, item) < 0)
                        return ctl_fail(run->ctl, CTL_NO, "drill: no process can be made: %s", strerror(errno));
        return 0;
}

/* Those that were not let go end when nobody is left who could. */
static void stop_workers(DrillRun *run) {
        for (DrillItem item = 0; item < _DRILL_MAX; item++)
                run->items[item].go = safe_close(run->items[item].go);
        while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
                ;
}

/* Nobody else runs what is in it: that would be taken for the drill's. */
static int make_directory(DrillRun *run, const char *above) {
        int n = snprintf(run->directory, sizeof(run->directory), "%s/sealwatch-drill-XXXXXX", above);

        if (n >= (int) sizeof(run->directory) || !mkdtemp(run->directory) ||
            chown(run->directory, 0, DRILL_USER) < 0 || chmod(run->directory, 0710) < 0)
                return ctl_fail(run->ctl, CTL_NO, "drill: %s: %s", above, strerror(errno));
        return 0;
}

static void remove_directory(const DrillRun *run) {
        for (DrillItem item = 0; item < _DRILL_MAX; item++)
                for (unsigned i = 0; i < 2; i++) {
                        char path[PATH_MAX];

                        if (snprintf(path, sizeof(path), "%s/%s%s", run->directory, drill_row(item)->name,
                                     i > 0 ? ".new" : "") < (int) sizeof(path))
                                (void) unlink(path);
                }
        (void) rmdir(run->directory);
}

static int run_drill(DrillRun *run) {
        int r = find_daemon(run);

        if (r == 0)
                r = look_at_scope(run);
        if (r == 0)
                r = start_workers(run);
        if (r == 0)
                r = announce(run);
        if (r != 0)
                return r;
        try_all(run);
        r = ctl_call(run->ctl, run->bus, "EndDrill", NULL, "s", run->id);
        if (r == 0)
                r = read_events(run);
        return r != 0 ? r : report(run);
}

int verb_drill(const Ctl *c, int argc, char **argv) {
        static const struct option options[] = { { "directory", required_argument, NULL, 'd' }, {} };
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        const char *above = "/var/tmp";
        DrillRun run = { .ctl = c };
        int o, r;

        while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0 && o != '?')
                above = optarg;
        if (o == '?' || optind < argc)
                return ctl_fail(c, CTL_USAGE, "usage: drill [--directory DIR]");
        for (DrillItem item = 0; item < _DRILL_MAX; item++)
                run.items[item].go = -1;
        r = ctl_connect(c, &bus);
        if (r != 0)
                return r;
        run.bus = bus;
        if (geteuid() != 0)
                return ctl_fail(c, CTL_NOT_PERMITTED, "drill: only root may do this");
        r = make_directory(&run, above);
        if (r != 0)
                return r;
        r = run_drill(&run);
        stop_workers(&run);
        remove_directory(&run);
        return r;
}
