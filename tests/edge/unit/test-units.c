/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A private bus, and on it somebody who answers as systemd does. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "daemon/sensor/unit/units.h"
#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/io/fd.h"
#include "lib/io/file.h"
#include "tests/test.h"

#define PATIENCE (180 * USEC_PER_SEC)
enum { DOUBLES_MAX = 64 };

typedef struct Double {
        char name[64], fragment[128], dropin[128], command[64];
        bool transient, stale, broken;
} Double;

typedef struct Stage {
        char directory[32], socket[48], address[64];
        pid_t bus_daemon;
        sd_event *event;
        sd_bus *systemd;
        Double units[DOUBLES_MAX];
        size_t size;
        Units *sensor;

        unsigned lists, levels, changes;
        size_t listed;
        uint8_t listed_digest[SHA256_SIZE];
        Level level;
        char why[128], name[64], fragment[128], command[64];
        uint8_t digest[SHA256_SIZE], previous[SHA256_SIZE];
        bool transient, stale;
} Stage;

/* The double */

static Double *find_double(Stage *s, const char *path) {
        for (size_t i = 0; i < s->size; i++) {
                _cleanup_free_ char *own = NULL;

                assert_true(sd_bus_path_encode("/org/freedesktop/systemd1/unit", s->units[i].name, &own) >= 0);
                if (streq(own, path))
                        return &s->units[i];
        }
        return NULL;
}

static int reply_unit(sd_bus_message *request, const Double *d) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

        assert_true(sd_bus_message_new_method_return(request, &m) >= 0);
        assert_true(sd_bus_message_append(m, "a{sv}", 6, "Id", "s", d->name, "FragmentPath", "s", d->fragment,
                                          "SourcePath", "s", "", "DropInPaths", "as", 1, d->dropin, "Transient", "b",
                                          d->transient, "NeedDaemonReload", "b", d->stale) >= 0);
        return sd_bus_message_send(m);
}

static int reply_service(sd_bus_message *request, const Double *d) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

        assert_true(sd_bus_message_new_method_return(request, &m) >= 0);
        assert_true(sd_bus_message_append(m, "a{sv}", 3, "MainPID", "u", 7U, "User", "s", "root", "ExecStart",
                                          "a(sasbttttuii)", 1, d->command, 2, d->command, "--flag", 0,
                                          (uint64_t) getpid(), (uint64_t) 2, (uint64_t) 3, (uint64_t) 4, 5U, 6,
                                          7) >= 0);
        return sd_bus_message_send(m);
}

static int on_get_all(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Stage *s = userdata;
        const char *interface = NULL;
        Double *d;

        if (!sd_bus_message_is_method_call(m, "org.freedesktop.DBus.Properties", "GetAll"))
                return 0;
        d = find_double(s, sd_bus_message_get_path(m));
        if (!d)
                return sd_bus_error_set(error, "org.freedesktop.DBus.Error.UnknownObject", "no such unit");
        if (d->broken)
                return sd_bus_error_set(error, "org.freedesktop.DBus.Error.NoReply", "busy");
        assert_true(sd_bus_message_read(m, "s", &interface) >= 0);
        return streq(interface, "org.freedesktop.systemd1.Service") ? reply_service(m, d) : reply_unit(m, d);
}

static int on_list_units(sd_bus_message *request, void *userdata, sd_bus_error *error _unused_) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        Stage *s = userdata;

        assert_true(sd_bus_message_new_method_return(request, &m) >= 0);
        assert_true(sd_bus_message_open_container(m, 'a', "(ssssssouso)") >= 0);
        for (size_t i = 0; i < s->size; i++)
                assert_true(sd_bus_message_append(m, "(ssssssouso)", s->units[i].name, "", "loaded", "active",
                                                  "running", "", "/x", 0U, "", "/") >= 0);
        assert_true(sd_bus_message_close_container(m) >= 0);
        s->lists++;
        return sd_bus_message_send(m);
}

static int on_subscribe(sd_bus_message *m, void *userdata _unused_, sd_bus_error *error _unused_) {
        return sd_bus_reply_method_return(m, NULL);
}

static const sd_bus_vtable manager_double[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Subscribe", NULL, NULL, on_subscribe, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("ListUnits", NULL, "a(ssssssouso)", on_list_units, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static void start_double(Stage *s) {
        assert_true(sd_bus_new(&s->systemd) >= 0);
        assert_true(sd_bus_set_address(s->systemd, s->address) >= 0);
        assert_true(sd_bus_set_bus_client(s->systemd, 1) >= 0);
        assert_true(sd_bus_start(s->systemd) >= 0);
        assert_true(sd_bus_attach_event(s->systemd, s->event, 0) >= 0);
        assert_true(sd_bus_add_object_vtable(s->systemd, NULL, "/org/freedesktop/systemd1",
                                             "org.freedesktop.systemd1.Manager", manager_double, s) >= 0);
        assert_true(sd_bus_add_fallback(s->systemd, NULL, "/org/freedesktop/systemd1/unit", on_get_all, s) >= 0);
        assert_true(sd_bus_request_name(s->systemd, "org.freedesktop.systemd1", 0) >= 0);
}

static void emit(Stage *s, const char *signal, const char *types, const char *a, const char *b) {
        if (streq(types, "so"))
                assert_true(sd_bus_emit_signal(s->systemd, "/org/freedesktop/systemd1",
                                               "org.freedesktop.systemd1.Manager", signal, types, a, b) >= 0);
        else
                assert_true(sd_bus_emit_signal(s->systemd, "/org/freedesktop/systemd1",
                                               "org.freedesktop.systemd1.Manager", signal, types, 0) >= 0);
}

/* The socket is there a moment before anybody listens. */
static bool is_listening(const char *path) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool listening;

        assert_true(fd >= 0);
        snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
        listening = connect(fd, (const struct sockaddr *) &a, sizeof(a)) == 0;
        close(fd);
        return listening;
}

static void start_bus(Stage *s) {
        char address[160], *const arguments[] = { (char *) "dbus-daemon",
                                                  (char *) "--session",
                                                  (char *) "--nofork",
                                                  (char *) "--nopidfile",
                                                  address,
                                                  NULL };

        snprintf(s->socket, sizeof(s->socket), "%s/bus", s->directory);
        snprintf(s->address, sizeof(s->address), "unix:path=%s", s->socket);
        snprintf(address, sizeof(address), "--address=%s", s->address);
        assert_int_equal(posix_spawnp(&s->bus_daemon, "dbus-daemon", NULL, NULL, arguments, environ), 0);
        for (unsigned i = 0; i < 1000 && !is_listening(s->socket); i++)
                usleep(10000);
        assert_true(is_listening(s->socket));
}

static void stop_bus(Stage *s) {
        s->systemd = sd_bus_close_unref(s->systemd);
        assert_int_equal(kill(s->bus_daemon, SIGKILL), 0);
        assert_true(waitpid(s->bus_daemon, NULL, 0) == s->bus_daemon);
}

/* What the sensor says */

static void on_listed(void *userdata, size_t units, const uint8_t digest[SHA256_SIZE]) {
        Stage *s = userdata;

        assert_int_equal(s->listed, 0);
        s->listed = units;
        memcpy(s->listed_digest, digest, SHA256_SIZE);
}

static void on_changed(void *userdata, const UnitSeen *u) {
        Stage *s = userdata;

        s->changes++;
        snprintf(s->name, sizeof(s->name), "%s", u->name);
        snprintf(s->fragment, sizeof(s->fragment), "%s", u->fragment);
        snprintf(s->command, sizeof(s->command), "%s", u->command);
        memcpy(s->digest, u->digest, SHA256_SIZE);
        memcpy(s->previous, u->previous, SHA256_SIZE);
        s->transient = u->transient;
        s->stale = u->stale;
}

static void on_level(void *userdata, Level level, const char *why) {
        Stage *s = userdata;

        s->levels++;
        s->level = level;
        snprintf(s->why, sizeof(s->why), "%s", why ? why : "");
}

static void start_sensor(Stage *s) {
        const UnitsOps ops = { .listed = on_listed, .changed = on_changed, .level = on_level, .userdata = s };

        assert_int_equal(units_new(s->event, s->address, &ops, &s->sensor), 0);
}

/* Runs the loop until the number is reached. */
static void wait_for(Stage *s, const unsigned *what, unsigned number) {
        uint64_t now, end;

        assert_true(sd_event_now(s->event, CLOCK_MONOTONIC, &now) >= 0);
        end = now + PATIENCE;
        while (*what < number && now < end) {
                assert_true(sd_event_run(s->event, 100 * USEC_PER_MSEC) >= 0);
                assert_true(sd_event_now(s->event, CLOCK_MONOTONIC, &now) >= 0);
        }
        assert_int_equal(*what, number);
}

static void put_file(const Stage *s, const char *name, const char *text, char path[128]) {
        snprintf(path, 128, "%s/%s", s->directory, name);
        assert_int_equal(file_write_atomic(AT_FDCWD, path, 0600, text, strlen(text)), 0);
}

static Double *add_unit(Stage *s, const char *name) {
        Double *d = &s->units[s->size++];

        *d = (Double){};
        snprintf(d->name, sizeof(d->name), "%s", name);
        snprintf(d->command, sizeof(d->command), "/usr/bin/true");
        put_file(s, name, "[Service]\nExecStart=/usr/bin/true\n", d->fragment);
        return d;
}

static int set_up(void **state) {
        Stage *s = calloc(1, sizeof(Stage));

        assert_non_null(s);
        *state = s;
        strcpy(s->directory, "/tmp/test-units-XXXXXX");
        assert_non_null(mkdtemp(s->directory));
        assert_true(sd_event_new(&s->event) >= 0);
        start_bus(s);
        start_double(s);
        for (unsigned i = 0; i < 20; i++) {
                char name[32];

                snprintf(name, sizeof(name), "unit-%u.service", i);
                add_unit(s, name);
        }
        add_unit(s, "a.timer");
        add_unit(s, "session-1.scope");
        return 0;
}

static int tear_down(void **state) {
        Stage *s = *state;

        units_free(s->sensor);
        stop_bus(s);
        for (size_t i = 0; i < s->size; i++) {
                unlink(s->units[i].fragment);
                unlink(s->units[i].dropin);
        }
        sd_event_unref(s->event);
        unlink(s->socket);
        assert_int_equal(rmdir(s->directory), 0);
        free(s);
        return 0;
}

static void begin(Stage *s) {
        start_sensor(s);
        wait_for(s, &s->levels, 1);
        assert_int_equal(s->level, LEVEL_OBSERVE);
        assert_int_equal(s->listed, 21); /* a scope starts nothing */
        assert_int_equal(s->changes, 0);
}

static void everything_is_the_baseline(void **state) {
        Stage *s = *state;
        static const uint8_t none[SHA256_SIZE];

        begin(s);
        assert_memory_not_equal(s->listed_digest, none, SHA256_SIZE);
}

static void a_changed_drop_in(void **state) {
        static const uint8_t none[SHA256_SIZE];
        Stage *s = *state;

        begin(s);
        put_file(s, "drop.conf", "[Service]\nExecStartPre=/tmp/x\n", s->units[3].dropin);
        emit(s, "Reloading", "b", NULL, NULL);
        wait_for(s, &s->changes, 1);
        assert_string_equal(s->name, "unit-3.service");
        assert_string_equal(s->fragment, s->units[3].fragment);
        assert_string_equal(s->command, "/usr/bin/true");
        assert_memory_not_equal(s->previous, none, SHA256_SIZE);
        put_file(s, "drop.conf", "[Service]\nExecStartPre=/tmp/y\n",
                 s->units[3].dropin); /* other content, same name */
        s->units[3].stale = true;
        units_look(s->sensor);
        wait_for(s, &s->changes, 2);
        assert_true(s->stale);
        units_look(s->sensor);
        wait_for(s, &s->lists, 4);
        assert_int_equal(s->changes, 2);
}

static void another_command(void **state) {
        Stage *s = *state;

        begin(s);
        strcpy(s->units[5].command, "/tmp/evil");
        emit(s, "UnitNew", "so", "unit-5.service", "/x");
        wait_for(s, &s->changes, 1);
        assert_string_equal(s->command, "/tmp/evil");
}

static void a_transient_unit(void **state) {
        static const uint8_t none[SHA256_SIZE];
        Stage *s = *state;

        begin(s);
        add_unit(s, "run-u1.service")->transient = true;
        emit(s, "UnitNew", "so", "run-u1.service", "/x");
        wait_for(s, &s->changes, 1);
        assert_string_equal(s->name, "run-u1.service");
        assert_true(s->transient);
        assert_memory_equal(s->previous, none, SHA256_SIZE);
        emit(s, "UnitNew", "so", "run-u1.service", "/x"); /* again, the same */
        emit(s, "UnitNew", "so", "gone.service", "/x");   /* and one that ended before it was asked about */
        units_look(s->sensor);
        wait_for(s, &s->lists, 2);
        assert_int_equal(s->changes, 1);
        assert_int_equal(s->level, LEVEL_OBSERVE);
}

/* What instances share is known; what one of them has of its own is not. */
static void instances_of_a_template(void **state) {
        Stage *s = *state;
        Double *first, *second, *third;

        begin(s);
        first = add_unit(s, "sshd@1.service");
        emit(s, "UnitNew", "so", "sshd@1.service", "/x");
        wait_for(s, &s->changes, 1);
        second = add_unit(s, "sshd@2.service");
        unlink(second->fragment);
        memcpy(second->fragment, first->fragment, sizeof(first->fragment));
        emit(s, "UnitNew", "so", "sshd@2.service", "/x");
        third = add_unit(s, "sshd@3.service");
        unlink(third->fragment);
        memcpy(third->fragment, first->fragment, sizeof(first->fragment));
        strcpy(third->command, "/tmp/evil");
        emit(s, "UnitNew", "so", "sshd@3.service", "/x");
        wait_for(s, &s->changes, 2);
        assert_string_equal(s->name, "sshd@3.service");
}

static void a_unit_that_is_not_told_of(void **state) {
        Stage *s = *state;

        begin(s);
        s->units[7].broken = true;
        units_look(s->sensor);
        wait_for(s, &s->levels, 2);
        assert_int_equal(s->level, LEVEL_OFF);
        assert_string_equal(s->why, "systemd does not answer for every unit");
        s->units[7].broken = false;
        wait_for(s, &s->levels, 3);
        assert_int_equal(s->level, LEVEL_OBSERVE);
        assert_int_equal(s->changes, 0);
}

static void a_bus_that_comes_back(void **state) {
        Stage *s = *state;

        begin(s);
        stop_bus(s);
        wait_for(s, &s->levels, 2);
        assert_int_equal(s->level, LEVEL_OFF);
        strcpy(s->units[2].command, "/tmp/evil"); /* while nobody looks */
        unlink(s->socket);
        start_bus(s);
        start_double(s);
        wait_for(s, &s->changes, 1);
        assert_string_equal(s->name, "unit-2.service");
        wait_for(s, &s->levels, 3);
        assert_int_equal(s->level, LEVEL_OBSERVE);
}

static void freed_at_any_moment(void **state) {
        Stage *s = *state;

        for (unsigned i = 0; i < 40; i++) {
                start_sensor(s);
                for (unsigned k = 0; k < i; k++)
                        assert_true(sd_event_run(s->event, USEC_PER_MSEC) >= 0);
                s->sensor = units_free(s->sensor);
                s->listed = 0;
        }
        assert_int_equal(s->changes, 0);
}

#define ON_STAGE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                ON_STAGE(everything_is_the_baseline),
                ON_STAGE(a_changed_drop_in),
                ON_STAGE(another_command),
                ON_STAGE(a_transient_unit),
                ON_STAGE(instances_of_a_template),
                ON_STAGE(a_unit_that_is_not_told_of),
                ON_STAGE(a_bus_that_comes_back),
                ON_STAGE(freed_at_any_moment),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
