/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatchctl seal, release, secrets, lock and reload. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/io/fd.h"
#include "lib/io/secretmem.h"
#include "lib/sealed.h"
#include "tools/ctl/ctl.h"

/* Turns off the echo of a terminal, and on again. */
static void set_echo(int fd, bool on) {
        struct termios t;

        if (tcgetattr(fd, &t) < 0)
                return;
        t.c_lflag = on ? t.c_lflag | ECHO : t.c_lflag & ~(tcflag_t) ECHO;
        tcsetattr(fd, TCSAFLUSH, &t);
}

/* Reads a secret into a memory file that is sealed against changes. A descriptor, or a negative errno: -EFBIG,
 * -ENODATA. */
static int read_secret(int from) {
        _cleanup_close_ int fd = memfd_create("secret", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        _cleanup_(secret_mem_done) SecretMem buffer = {};
        bool terminal = isatty(from);
        ssize_t n;
        int r;

        if (fd < 0)
                return -errno;
        r = secret_mem_new(SECRET_SIZE_MAX + 1, &buffer);
        if (r < 0)
                return r;
        if (terminal) {
                fputs("Secret (not shown; end with Enter and Ctrl-D): ", stderr);
                set_echo(from, false);
        }
        n = read_up_to(from, buffer.data, buffer.size);
        if (terminal) {
                set_echo(from, true);
                fputc('\n', stderr);
        }
        if (n <= 0)
                return n < 0 ? (int) n : -ENODATA;
        if ((size_t) n > SECRET_SIZE_MAX)
                return -EFBIG;
        r = pwrite_all(fd, buffer.data, (size_t) n, 0);
        if (r >= 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) < 0)
                r = -errno;
        return r < 0 ? r : TAKE_FD(fd);
}

static int say_done(const Ctl *c, const char *sentence) {
        printf("%s\n", c->json ? "{\"result\":\"done\"}" : sentence);
        return CTL_YES;
}

int verb_seal(const Ctl *c, int argc, char **argv) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_close_ int file = -1, secret = -1;
        int r;

        if (argc < 2 || argc > 3)
                return ctl_fail(c, CTL_USAGE, "usage: seal NAME [FILE]");
        if (!secret_name_is_valid(argv[1], strlen(argv[1])))
                return ctl_fail(c, CTL_USAGE,
                                "\"%s\" is not a credential name: up to %d printable characters, no blank, no slash",
                                argv[1], SECRET_NAME_MAX);
        if (argc == 3 && !streq(argv[2], "-")) {
                file = open(argv[2], O_RDONLY | O_CLOEXEC);
                if (file < 0)
                        return ctl_fail(c, CTL_NO, "cannot open %s: %s", argv[2], strerror(errno));
        }
        (void) secret_process();
        r = ctl_connect(c, &bus);
        if (r != 0)
                return r;
        secret = read_secret(file >= 0 ? file : STDIN_FILENO);
        if (secret == -EFBIG)
                return ctl_fail(c, CTL_USAGE, "a secret has at most %d bytes", SECRET_SIZE_MAX);
        if (secret == -ENODATA)
                return ctl_fail(c, CTL_USAGE, "the secret is empty");
        if (secret < 0)
                return ctl_fail(c, CTL_NO, "cannot read the secret: %s", strerror(-secret));
        r = ctl_call(c, bus, "SealSecret", NULL, "sh", argv[1], secret);
        return r != 0 ? r : say_done(c, "sealed, and held from now on");
}

/* Copies the secret's memory file. */
static int write_secret(int from, int to) {
        _cleanup_(secret_mem_done) SecretMem buffer = {};
        struct stat st;
        int r;

        if (fstat(from, &st) < 0)
                return -errno;
        if (st.st_size <= 0 || st.st_size > SECRET_SIZE_MAX)
                return -EBADMSG;
        r = secret_mem_new((size_t) st.st_size, &buffer);
        if (r < 0)
                return r;
        if (pread(from, buffer.data, buffer.size, 0) != (ssize_t) buffer.size)
                return -EIO;
        return write_all(to, buffer.data, buffer.size);
}

int verb_release(const Ctl *c, int argc, char **argv) {
        static const struct option options[] = { { "output", required_argument, NULL, 'o' }, {} };
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_close_ int file = -1;
        const char *output = NULL;
        int o, fd, r;

        while ((o = getopt_long(argc, argv, "", options, NULL)) == 'o')
                output = optarg;
        if (o >= 0 || optind + 1 != argc)
                return ctl_fail(c, CTL_USAGE, "usage: release NAME [--output FILE]");
        if (!output && isatty(STDOUT_FILENO))
                return ctl_fail(c, CTL_USAGE, "a secret is not shown on a terminal: use --output FILE or a pipe");
        if (output) {
                file = open(output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
                if (file < 0)
                        return ctl_fail(c, CTL_NO, "cannot create %s: %s", output, strerror(errno));
        }
        (void) secret_process();
        r = ctl_connect(c, &bus);
        if (r == 0)
                r = ctl_call(c, bus, "ReleaseSecret", &reply, "s", argv[optind]);
        if (r != 0) {
                if (output)
                        (void) unlink(output);
                return r;
        }
        r = sd_bus_message_read(reply, "h", &fd);
        if (r >= 0)
                r = write_secret(fd, file >= 0 ? file : STDOUT_FILENO);
        return r < 0 ? ctl_fail(c, CTL_NO, "cannot write the secret: %s", strerror(-r)) : CTL_YES;
}

int verb_secrets(const Ctl *c, int argc, char **argv _unused_) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        json_auto_t *all = json_object();
        const char *name, *state;
        int r;

        if (argc != 1)
                return ctl_fail(c, CTL_USAGE, "secrets takes no arguments");
        r = ctl_connect(c, &bus);
        if (r == 0)
                r = ctl_call(c, bus, "ListSecrets", &reply, "");
        if (r != 0)
                return r;
        r = sd_bus_message_enter_container(reply, 'a', "(ss)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(ss)", &name, &state)) > 0)
                if (c->json)
                        json_object_set_new(all, name, json_string(state));
                else
                        printf("%-32s %s\n", name, state);
        if (r < 0)
                return ctl_fail(c, CTL_UNREACHABLE, "secrets: the daemon's answer makes no sense");
        if (c->json && json_dumpf(all, stdout, JSON_COMPACT | JSON_SORT_KEYS) >= 0)
                putchar('\n');
        return CTL_YES;
}

int verb_lock(const Ctl *c, int argc, char **argv) {
        static const struct option options[] = { { "reason", required_argument, NULL, 'r' }, {} };
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        const char *reason = "request";
        int o, r;

        while ((o = getopt_long(argc, argv, "", options, NULL)) == 'r')
                reason = optarg;
        if (o >= 0 || optind < argc)
                return ctl_fail(c, CTL_USAGE, "usage: lock [--reason TEXT]");
        r = ctl_connect(c, &bus);
        if (r == 0)
                r = ctl_call(c, bus, "Lock", NULL, "s", reason);
        return r != 0 ? r : say_done(c, "locked until reboot");
}

int verb_reload(const Ctl *c, int argc, char **argv _unused_) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        int r;

        if (argc != 1)
                return ctl_fail(c, CTL_USAGE, "reload takes no arguments");
        r = ctl_connect(c, &bus);
        if (r == 0)
                r = ctl_call(c, bus, "Reload", NULL, "");
        return r != 0 ? r : say_done(c, "the policy is in force");
}
