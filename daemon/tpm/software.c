/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starting a swtpm. */

#include "daemon/tpm/software.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/tpm/clock.h"
#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/io/fd.h"
#include "lib/io/file.h"

#define START_DEADLINE (5 * USEC_PER_SEC)
#define CONTROL_SUFFIX ".ctrl" /* tpm2-tss's TCTI looks for the control channel there */

static int fail(const char **reterr_why, int error, const char *why) {
        *reterr_why = why;
        return error;
}

/* Whether something accepts connections there. */
static bool is_served(const char *path) {
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        memcpy(address.sun_path, path, strlen(path));
        return fd >= 0 && (connect(fd, (const struct sockaddr *) &address, sizeof(address)) == 0 || errno == EAGAIN);
}

/* Its descriptors, signal mask and dispositions are those of a fresh process. */
static int set_up(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes) {
        sigset_t none, all;
        int r = 0;

        sigemptyset(&none);
        sigfillset(&all);
        for (int fd = 0; fd < 3; fd++)
                r = r ?: posix_spawn_file_actions_addopen(actions, fd, "/dev/null", O_RDWR, 0);
        r = r ?: posix_spawn_file_actions_addclosefrom_np(actions, 3);
        r = r ?: posix_spawnattr_setsigmask(attributes, &none);
        r = r ?: posix_spawnattr_setsigdefault(attributes, &all);
        return r
                       ?: posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                                                       POSIX_SPAWN_SETSIGDEF);
}

/* argv is not changed (posix_spawn(3) has the type of main()'s argv for old times' sake). */
static int spawn(const char *const *argv, pid_t *ret) {
        char *const environment[] = { NULL };
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        int r;

        r = posix_spawn_file_actions_init(&actions);
        if (r != 0)
                return -r;
        r = posix_spawnattr_init(&attributes);
        if (r == 0) {
                r = set_up(&actions, &attributes)
                            ?: posix_spawnp(ret, argv[0], &actions, &attributes, (char *const *) argv, environment);
                posix_spawnattr_destroy(&attributes);
        }
        posix_spawn_file_actions_destroy(&actions);
        return -r;
}

/* Waits for the child to end. 0 when it ended well, -EIO when not, -ETIMEDOUT (it is killed then). */
static int wait_for_child(pid_t pid) {
        const struct timespec pause = usec_to_timespec(10 * USEC_PER_MSEC);
        usec_t end = now_monotonic() + START_DEADLINE;
        int status;

        for (;;) {
                pid_t r = waitpid(pid, &status, WNOHANG);

                if (r == pid)
                        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
                if (r < 0 && errno != EINTR)
                        return -errno;
                if (now_monotonic() >= end) {
                        (void) kill(pid, SIGKILL);
                        (void) waitpid(pid, &status, 0);
                        return -ETIMEDOUT;
                }
                (void) clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
        }
}

/* With --daemon swtpm puts itself into the background once its sockets are there, in a session of its own. All paths
 * are absolute: with a relative one it would start all the same, and answer 0x101 to everything. We need no control
 * channel, but tpm2-tools do not work without one of that name. */
static int start(const char *dir, const char *path, const char **reterr_why) {
        _cleanup_free_ char *state = NULL, *server = NULL, *control = NULL, *pid_file = NULL;
        pid_t pid;
        int r;

        if (asprintf(&state, "dir=%s,mode=0600", dir) < 0 ||
            asprintf(&server, "type=unixio,path=%s,mode=0600", path) < 0 ||
            asprintf(&control, "type=unixio,path=%s" CONTROL_SUFFIX ",mode=0600", path) < 0 ||
            asprintf(&pid_file, "file=%s/swtpm.pid", dir) < 0)
                return fail(reterr_why, -ENOMEM, "out of memory");
        const char *const argv[] = {
                "swtpm", "socket", "--tpm2", "--daemon", "--tpmstate", state,     "--server",
                server,  "--ctrl", control,  "--pid",    pid_file,     "--flags", "not-need-init,startup-clear",
                NULL
        };

        r = spawn(argv, &pid);
        if (r == -ENOENT)
                return fail(reterr_why, r, "swtpm is not installed");
        if (r < 0)
                return fail(reterr_why, r, "swtpm cannot be started");
        r = wait_for_child(pid);
        if (r == -ETIMEDOUT)
                return fail(reterr_why, r, "swtpm did not come up within five seconds");
        return r < 0 ? fail(reterr_why, r, "swtpm ended with an error") : 0;
}

int software_tpm_start(const char *dir, char **ret, const char **reterr_why) {
        _cleanup_free_ char *conf = NULL;
        const char *path;
        int r;

        if (dir[0] != '/')
                return fail(reterr_why, -EINVAL, "the directory of a software TPM must be given as an absolute path");
        if (strchr(dir, ','))
                return fail(reterr_why, -EINVAL, "swtpm takes no path with a comma");
        if (asprintf(&conf, "swtpm:%s/swtpm.sock", dir) < 0)
                return fail(reterr_why, -ENOMEM, "out of memory");
        path = conf + strlen("swtpm:");
        if (strlen(path) + strlen(CONTROL_SUFFIX) >= sizeof(((struct sockaddr_un *) NULL)->sun_path))
                return fail(reterr_why, -ENAMETOOLONG, "the directory of a software TPM may have at most 91 bytes");
        r = make_directories(dir, 0700);
        if (r < 0)
                return fail(reterr_why, r, "the directory of the software TPM cannot be made");
        if (!is_served(path)) {
                (void) unlink(path); /* left behind by one that died */
                r = start(dir, path, reterr_why);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(conf);
        return 0;
}
