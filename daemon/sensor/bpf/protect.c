/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the kernel side keeps others off: our directories, held open so that their inodes stay, our cgroup with those above it, and
 * our maps and links. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/sensor/bpf/observer-internal.h"
#include "lib/base/cleanup.h"
#include "lib/io/fd.h"

enum { PATH_SIZE = 4096 };

static uint32_t depth_of(const char *path) {
        uint32_t n = 0;

        for (const char *p = path; *p; p++)
                n += *p == '/' && p[1] && p[1] != '/';
        return n;
}

static int guard(Observer *o, const char *path, uint32_t why) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        FileIdentity file;
        int r;

        if (fd < 0)
                return -errno;
        if (o->guarded_size == ELEMENTSOF(o->guarded))
                return -E2BIG;
        r = observer_identify(observer_identify_fd(o), fd, &file);
        if (r >= 0)
                r = programs_guard(o->programs, file.inode_address, why | depth_of(path) << GUARD_DEPTH_SHIFT);
        if (r >= 0)
                o->guarded[o->guarded_size++] = TAKE_FD(fd);
        return r;
}

/* The directory above. */
static int guard_above(Observer *o, const char *path, uint32_t why) {
        const char *slash = strrchr(path, '/');
        char above[PATH_SIZE];

        if (!slash || slash == path)
                return -EINVAL;
        snprintf(above, sizeof(above), "%.*s", (int) (slash - path), path);
        return guard(o, above, why);
}

static void guard_cgroups(Observer *o) {
        static const char *const mounts[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
        const char *cgroup = subject_cgroup((uint32_t) getpid(), &o->subject);

        for (size_t i = 0; cgroup && i < ELEMENTSOF(mounts); i++) {
                char path[PATH_SIZE];

                if (snprintf(path, sizeof(path), "%s%s", mounts[i], cgroup) >= (int) sizeof(path))
                        return;
                while (strlen(path) > strlen(mounts[i]) && guard(o, path, GUARD_CGROUP) >= 0)
                        *strrchr(path, '/') = '\0';
        }
}

static uint32_t namespace_of(const char *path) {
        struct stat st;

        return stat(path, &st) < 0 ? 0 : (uint32_t) st.st_ino;
}

int observer_protect(Observer *o, const ObserverProtect *p) {
        ActivityState *state;
        int r;

        if (!o->programs || o->rung == RUNG_NONE)
                return -EOPNOTSUPP;
        state = programs_activities(o->programs);
        state->refuse_stop = p->refuse_stop;
        state->mounts = o->mount_namespace;
        state->first_mounts = namespace_of("/proc/1/ns/mnt");
        r = programs_own(o->programs);
        if (r >= 0)
                r = guard(o, p->run_dir, GUARD_FILES | GUARD_MOUNT);
        if (r >= 0)
                r = guard(o, p->state_dir, GUARD_FILES);
        if (r >= 0)
                r = guard(o, p->log_dir, GUARD_TREE);
        if (r >= 0 && o->pins) {
                r = guard(o, o->options.bpf_dir, GUARD_TREE | GUARD_MOUNT);
                if (r >= 0)
                        r = guard_above(o, o->options.bpf_dir, GUARD_MOUNT);
        }
        guard_cgroups(o);
        return r;
}

void protect_done(Observer *o) {
        while (o->guarded_size > 0)
                safe_close(o->guarded[--o->guarded_size]);
}
