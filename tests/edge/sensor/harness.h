/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the tests of the sensors share: file systems of their own in a mount namespace of their own, a launcher that
 * makes processes without inheriting anything from the gate, and an event loop with a gate whose questions are recorded.
 *
 * Marks on a file system of the host could freeze it: nothing here ever marks one. */

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "daemon/sensor/fanotify/gate.h"

enum {
        EXIT_SKIP = 77,
        STATUS_GOOD = 11,  /* of PAYLOAD_GOOD */
        STATUS_EVIL = 22,  /* of PAYLOAD_EVIL */
        STATUS_EXEC = 128, /* + errno: execve() failed */
        OBSERVED_MAX = 4096,
        WAIT_MAX = 180 * 1000000, /* µs after which a test has failed */
};

/* Payloads, in the build directory. */
extern const char *payload_good, *payload_evil, *payload_wait, *canary_path;

/* Where the file systems are mounted. */
typedef enum Place { ON_EXT4, ON_BTRFS, ON_SUBVOLUME, ON_TMPFS, ON_OVERLAY, ON_XFS, _PLACE_MAX } Place;
extern const char *const place_names[_PLACE_MAX];
bool place_is_there(Place p); /* XFS may not be */

/* "<root>/<place>/<name>" in one of a few static buffers. */
const char *at(Place p, const char *name);
const char *in_root(const char *name);

/* Cgroups where nobody else executes anything: directories, and how the first is called in its hierarchy. */
const char *own_cgroup(void);
const char *own_cgroup_name(void);
const char *cgroup_below(void);
const char *cgroup_beside(void);

/* Enters the namespace and mounts; once per process. Exits with EXIT_SKIP and says why where that cannot be. */
void harness_init(int argc, char **argv);
void harness_end(void);

/* Files. Everything fails the test when it cannot be done. */
void copy_file(const char *from, const char *to);
void write_text(const char *path, const char *text); /* executable */
void patch_file(const char *path, const char *from); /* writes the content of another one into it, in place */
void settle_file(const char *path);                  /* waits until its change time is old enough to be cached */
void digest_of(const char *path, uint8_t ret[SHA256_SIZE]);
int try_open(const char *path, int flags); /* closes again; 0 or a negative errno */

/* Processes. */
typedef struct Run {
        const char *path;
        const char *arguments[6];
        uint32_t uid;
        pid_t pid;           /* a number that must be free; 0: any */
        const char *cgroup;  /* directory to join first */
        bool user_namespace; /* as root of a new user and mount namespace */
        bool own_tmpfs;      /* and on a tmpfs mounted there, to which path is copied */
        bool own_pids;       /* in a new PID namespace */
        bool own_mounts;     /* in a new mount namespace, with bind_to being path, and run under that name */
        const char *bind_to;
        bool memfd;       /* out of a memfd with path's content */
        bool pause_first; /* waits for run_continue() before it does anything */
        bool capability;  /* keeps one capability as another user */
        bool stay;        /* does not end when it cannot be executed */
} Run;

/* Starts; returns its number. run_pid() waits until it is known. */
unsigned run_start(const Run *run);
pid_t run_pid(unsigned n);
void run_continue(unsigned n);
void run_kill(unsigned n);
bool run_ended(unsigned n);
int run_wait(unsigned n); /* runs the event loop until it ends; the exit status, STATUS_EXEC + errno, or -signal */
int run(const Run *run);  /* both */
int run_path(const char *path);

/* A gate whose questions are recorded. */
typedef struct Observed {
        uint64_t token;
        char path[PATH_MAX], exe[PATH_MAX], cgroup[PATH_MAX];
        char comm[16];
        bool has_digest, answered;
        uint8_t digest[SHA256_SIZE];
        Failure failure;
        uint32_t pid, uid, euid;
        FileIdentity file;
} Observed;

typedef enum Decision { ALLOW, DENY, HOLD } Decision;

typedef struct Watch {
        sd_event *event;
        Gate *gate;
        Observed *seen;
        size_t n;
        Decision (*decide)(const Observed *o); /* NULL: ALLOW */
        size_t late, failures, changed, unused;
        Execed changed_last; /* its strings are gone */
        char changed_path[PATH_MAX];
        Failure last_failure;
        char last_detail[PATH_MAX];
        bool has_level;
        Level level;
        const char *why;
        void (*before_ask)(void), (*catch_up)(void); /* NULL: nothing */
} Watch;

extern Watch watch;

/* Makes the loop and the gate over all places, opened, unless options say otherwise. */
extern const GateOptions gate_defaults;
void watch_start(const GateOptions *options); /* NULL: the defaults */
void watch_start_closed(const GateOptions *options);
void watch_start_everywhere(void); /* over all file systems: nowhere but in a root of one's own */
/* What later gates are given; NULL and -1: nothing. */
void watch_identify(int (*identify)(int identify_fd, int fd, FileIdentity *ret), int identify_fd);

void loop_start(void); /* the loop alone, to which a gate may be added; ended by watch_stop(), too */
void watch_stop(void);
GateStats watch_stats(void);
const Observed *watch_last(void);
size_t watch_count(const char *path); /* questions about that path */

/* Runs the loop until the condition holds or the time is over (then the test fails), or for a while. */
#define loop_until(condition)                                                                                         \
        do {                                                                                                          \
                const usec_t _end = loop_now() + WAIT_MAX;                                                            \
                while (!(condition)) {                                                                                \
                        if (loop_now() > _end)                                                                        \
                                fail_msg("%s:%d: never became true: %s", __FILE__, __LINE__, #condition);             \
                        loop_once(10 * USEC_PER_MSEC);                                                                \
                }                                                                                                     \
        } while (false)
usec_t loop_now(void);
void loop_once(usec_t at_most);
void loop_for(usec_t time);

/* cmocka's main with the harness around it. */
#define SENSOR_TESTS(...)                                                                                             \
        int main(int argc, char **argv) {                                                                             \
                const struct CMUnitTest tests[] = { __VA_ARGS__ };                                                    \
                int failed;                                                                                           \
                harness_init(argc, argv);                                                                             \
                failed = cmocka_run_group_tests(tests, NULL, NULL);                                                   \
                harness_end();                                                                                        \
                return failed;                                                                                        \
        }
