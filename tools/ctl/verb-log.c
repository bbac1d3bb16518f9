/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatchctl log --snapshot. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/io/fd.h"
#include "lib/io/file.h"
#include "tools/ctl/ctl.h"

static int copy_log(int from, uint64_t size, const char *path) {
        _cleanup_close_ int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        off_t at = 0;

        if (to < 0)
                return -errno;
        while ((uint64_t) at < size) {
                char piece[65536];
                ssize_t n = pread(from, piece, MIN(sizeof(piece), (size_t) (size - (uint64_t) at)), at);
                int r;

                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                r = write_all(to, piece, (size_t) n);
                if (r < 0)
                        return r;
                at += n;
        }
        return 0;
}

/* DIR/measurements, and a DIR/pcrs.ALG per bank. */
static int write_snapshot(const char *directory, sd_bus_message *m) {
        _cleanup_free_ char *log = NULL;
        const char *alg, *text;
        uint64_t size;
        int fd, r;

        if (asprintf(&log, "%s/measurements", directory) < 0)
                return -ENOMEM;
        r = sd_bus_message_read(m, "ht", &fd, &size);
        if (r >= 0)
                r = make_directories(directory, 0700);
        if (r >= 0)
                r = copy_log(fd, size, log);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "(ss)");
        while (r >= 0 && (r = sd_bus_message_read(m, "(ss)", &alg, &text)) > 0) {
                _cleanup_free_ char *path = NULL;

                if (asprintf(&path, "%s/pcrs.%s", directory, alg) < 0)
                        return -ENOMEM;
                r = file_write_atomic(AT_FDCWD, path, 0600, text, strlen(text));
        }
        return r;
}

int verb_log(const Ctl *c, int argc, char **argv) {
        static const struct option options[] = { { "snapshot", required_argument, NULL, 's' }, {} };
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *directory = NULL;
        int o, r;

        while ((o = getopt_long(argc, argv, "", options, NULL)) == 's')
                directory = optarg;
        if (o >= 0 || optind < argc || !directory)
                return ctl_fail(c, CTL_USAGE, "usage: log --snapshot DIR");
        r = ctl_connect(c, &bus);
        if (r == 0)
                r = ctl_call(c, bus, "Snapshot", &reply, "");
        if (r != 0)
                return r;
        r = write_snapshot(directory, reply);
        if (r < 0)
                return ctl_fail(c, CTL_NO, "cannot write the snapshot to %s: %s", directory, strerror(-r));
        if (c->json)
                printf("{\"log\":\"measurements\",\"pcrs\":\"pcrs.ALG\"}\n");
        else
                printf("%s/measurements and %s/pcrs.<bank> belong together; check them with\n"
                       "  sealwatch-verify log %s/measurements --pcrs sha256:%s/pcrs.sha256\n"
                       "  evmctl ima_measurement --pcrs sha256,%s/pcrs.sha256 %s/measurements\n",
                       directory, directory, directory, directory, directory, directory);
        return CTL_YES;
}
