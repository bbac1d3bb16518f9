/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatchctl detach: the daemon does it, after a record; or, forced, nobody does but us. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/io/fd.h"
#include "tools/ctl/ctl.h"

DEFINE_CLEANUP(DIR *, closedir)

/* The pins of one dead daemon. The programs go with their last name, so links come before maps. */
static unsigned remove_pins(int above, const char *name) {
        static const char *const kinds[] = { "link-", "map-" };
        _cleanup_(closedirp) DIR *d = NULL;
        int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        const struct dirent *e;
        unsigned removed = 0;

        d = fd < 0 ? NULL : fdopendir(fd);
        if (!d) {
                safe_close(fd);
                return 0;
        }
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                for (rewinddir(d); (e = readdir(d));)
                        removed += startswith(e->d_name, kinds[i]) && unlinkat(fd, e->d_name, 0) >= 0 && i == 0;
        (void) unlinkat(above, name, AT_REMOVEDIR);
        return removed;
}

/* Whoever holds the lock is a daemon, and is to be asked. */
static int detach_by_force(const Ctl *c, const char *dir) {
        _cleanup_(closedirp) DIR *d = opendir(dir);
        const struct dirent *e;
        unsigned removed = 0;
        struct statfs fs;

        if (!d && errno == ENOENT)
                return ctl_fail(c, CTL_NO, "detach: nothing is left in %s", dir);
        if (!d)
                return ctl_fail(c, errno == EACCES ? CTL_NOT_PERMITTED : CTL_NO, "detach: %s: %s", dir,
                                strerror(errno));
        if (fstatfs(dirfd(d), &fs) < 0 || fs.f_type != BPF_FS_MAGIC)
                return ctl_fail(c, CTL_NO, "detach: %s is not on a file system of type bpf", dir);
        if (flock(dirfd(d), LOCK_EX | LOCK_NB) < 0)
                return ctl_fail(c, CTL_NO, "detach: sealwatchd runs and has to do it: leave --force out");
        while ((e = readdir(d)))
                if (e->d_name[0] != '.')
                        removed += remove_pins(dirfd(d), e->d_name);
        fprintf(stderr, "removed %u programs that nobody measured the end of\n", removed);
        return CTL_YES;
}

int verb_detach(const Ctl *c, int argc, char **argv) {
        static const struct option options[] = { { "reason", required_argument, NULL, 'r' },
                                                 { "force", no_argument, NULL, 'f' },
                                                 { "bpf-dir", required_argument, NULL, 'k' },
                                                 {} };
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        const char *reason = NULL, *dir = "/sys/fs/bpf/sealwatch";
        bool force = false;
        int o, r;

        while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0 && o != '?')
                if (o == 'r')
                        reason = optarg;
                else if (o == 'f')
                        force = true;
                else
                        dir = optarg;
        if (o == '?' || optind < argc || !reason || *reason == '\0')
                return ctl_fail(c, CTL_USAGE, "usage: detach --reason TEXT [--force [--bpf-dir DIR]]");
        if (force)
                return detach_by_force(c, dir);
        r = ctl_connect(c, &bus);
        if (r == 0)
                r = ctl_call(c, bus, "Detach", NULL, "s", reason);
        if (r == 0 && !c->json)
                puts("detached: the kernel ends the programs now; the gate stays");
        return r;
}
