/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Marks on file systems. */

#include "daemon/sensor/fanotify/marks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/sensor/fanotify/fstypes.h"
#include "daemon/sensor/fanotify/mountinfo.h"
#include "daemon/sensor/fanotify/view.h"
#include "lib/base/alloc.h"
#include "lib/io/fd.h"

enum {
        REMOTE_MAX = 64, /* threads; more remote file systems are failed marks */
        LOOKUP_TRIES = 3,
        MOUNTINFO_MAX = 64 << 20, /* bytes */
};

/* What became of one file system at the last scan. */
typedef struct Outcome {
        uint64_t device;
        int error;
} Outcome;

typedef struct Outcomes {
        Outcome *items;
        size_t size, allocated;
} Outcomes;

struct Marks {
        sd_event *event;
        sd_event_source *source;
        int group, mountinfo;
        View view;
        const char *const *paths;
        MarksOps ops;
        MountList mounts;
        Outcomes outcomes;
        Remote *remotes[REMOTE_MAX];
};

DEFINE_CLEANUP(Marks *, marks_free)

static Outcome *outcome_of(const Outcomes *o, uint64_t device) {
        for (size_t i = 0; i < o->size; i++)
                if (o->items[i].device == device)
                        return &o->items[i];
        return NULL;
}

static Remote **remote_of(Marks *m, uint64_t device) {
        for (size_t i = 0; i < REMOTE_MAX; i++)
                if (m->remotes[i] && remote_device(m->remotes[i]) == device)
                        return &m->remotes[i];
        return NULL;
}

static void on_remote_marked(void *userdata, Remote *remote, int error) {
        Marks *m = userdata;
        Outcome *o = outcome_of(&m->outcomes, remote_device(remote));

        if (o && o->error == error)
                return;
        if (o)
                o->error = error;
        if (error < 0)
                m->ops.failed(m->ops.userdata, remote_path(remote), error);
}

static void on_remote_ended(void *userdata, Remote *remote) {
        Marks *m = userdata;
        Remote **slot = remote_of(m, remote_device(remote));

        m->ops.remote.ended(m->ops.remote.userdata, remote);
        if (slot)
                *slot = remote_free(*slot);
}

static void on_remote_event(void *userdata, Remote *remote, const RemoteEvent *e) {
        Marks *m = userdata;

        m->ops.remote.event(m->ops.remote.userdata, remote, e);
}

/* Starts a thread for a remote file system, or has the one that is there look again. */
static int watch_remote(Marks *m, const Mount *mount) {
        const RemoteOps ops = {
                .event = on_remote_event,
                .marked = on_remote_marked,
                .ended = on_remote_ended,
                .userdata = m,
                .identify = m->ops.remote.identify,
                .identify_fd = m->ops.remote.identify_fd,
        };
        Remote **known = remote_of(m, mount->device);
        _cleanup_free_ char *path = NULL;

        if (known) {
                remote_check(*known, true);
                return 0;
        }
        if (asprintf(&path, "%s%s", m->view.prefix, mount->path) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < REMOTE_MAX; i++)
                if (!m->remotes[i])
                        return remote_new(m->event, path, mount->device, &ops, &m->remotes[i]);
        return -EUSERS;
}

/* Opens the path without ever waiting for a server or an automounter: first out of the kernel's cache alone, where the
 * way to a mount point always is, then, if that fails for a reason of the cache's own, only along ways that cannot hang.
 */
static int open_path(const Marks *m, const char *path) {
        int fd = -EAGAIN;

        for (int i = 0; fd == -EAGAIN && i < LOOKUP_TRIES; i++)
                fd = view_lookup(&m->view, path, O_PATH | O_CLOEXEC, RESOLVE_CACHED);
        if (fd != -EAGAIN && fd != -EINVAL && fd != -ENOSYS)
                return fd;
        return mount_list_may_wait(&m->mounts, path) ? -EAGAIN : view_lookup(&m->view, path, O_PATH | O_CLOEXEC, 0);
}

static int mount_of(int fd, uint64_t *ret) {
        struct statx file;

        if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &file) < 0)
                return -errno;
        *ret = file.stx_mnt_id;
        return 0;
}

static int mark_open(const Marks *m, int fd) {
        char path[32];

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (fanotify_mark(m->group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN_EXEC_PERM, AT_FDCWD, path) < 0)
                return -errno;
        return 0;
}

/* Notes what became of a file system, and tells of a failure that is new. */
static void note(Marks *m, Outcomes *now, uint64_t device, const char *path, int error) {
        const Outcome *before = outcome_of(&m->outcomes, device);

        if (GREEDY_REALLOC(now->items, now->allocated, now->size + 1) >= 0)
                now->items[now->size++] = (Outcome){ .device = device, .error = error };
        if (error < 0 && (!before || before->error != error))
                m->ops.failed(m->ops.userdata, path, error);
}

/* 1: marked; 0: another mount lies above it, so that no path leads to it; or a negative errno. */
static int mark_local(const Marks *m, const Mount *mount) {
        _cleanup_close_ int fd = open_path(m, mount->path);
        uint64_t id = 0;
        int r;

        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        r = mount_of(fd, &id);
        if (r < 0)
                return r;
        if (id != mount->id)
                return 0;
        r = mark_open(m, fd);
        return r < 0 ? r : 1;
}

static void mark_mount(Marks *m, Outcomes *now, const Mount *mount) {
        int r = 1;

        if (fs_class_of_name(mount->type) == FS_PSEUDO || outcome_of(now, mount->device))
                return;
        if (fs_class_of_name(mount->type) == FS_REMOTE)
                r = watch_remote(m, mount) ?: 1;
        else
                r = mark_local(m, mount);
        if (r != 0)
                note(m, now, mount->device, mount->path, MIN(r, 0));
}

/* A path of the configuration. Unlike a mount point it may not be in the kernel's cache, and may lead anywhere; one that
 * leads nowhere is known by its place in the list. */
static void mark_path(Marks *m, Outcomes *now, size_t place) {
        const char *path = m->paths[place];
        _cleanup_close_ int fd = open_path(m, path);
        const Mount *mount = NULL;
        uint64_t id = 0;
        int r = fd;

        if (r >= 0)
                r = mount_of(fd, &id);
        if (r >= 0) {
                mount = mount_list_find(&m->mounts, id);
                if (!mount)
                        r = -ENODEV;
                else if (outcome_of(now, mount->device))
                        return;
                else if (fs_class_of_name(mount->type) == FS_REMOTE)
                        r = watch_remote(m, mount);
                else
                        r = mark_open(m, fd);
        }
        note(m, now, mount ? mount->device : UINT64_MAX - place, path, MIN(r, 0));
}

/* mountinfo is larger than any guess on machines with many containers. */
static int read_mounts(int fd, MountList *ret) {
        _cleanup_free_ char *text = NULL;
        size_t allocated = 0, size = 0;
        int r;

        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        for (;;) {
                ssize_t n;

                r = GREEDY_REALLOC(text, allocated, size + 65536);
                if (r < 0)
                        return r;
                n = read_up_to(fd, text + size, allocated - size - 1);
                if (n < 0)
                        return (int) n;
                size += (size_t) n;
                if (size < allocated - 1)
                        break;
                if (size > MOUNTINFO_MAX)
                        return -EFBIG;
        }
        text[size] = '\0';
        return mountinfo_parse(text, ret);
}

/* Marks everything anew each time: a mark that is there costs a few µs, and the device number of a file system that
 * was unmounted may be that of another one by now. */
static int scan(Marks *m) {
        MountList mounts = {};
        Outcomes now = {};
        int r = read_mounts(m->mountinfo, &mounts);

        if (r < 0) {
                mount_list_done(&mounts);
                return r;
        }
        mount_list_done(&m->mounts);
        m->mounts = mounts;
        if (m->paths)
                for (size_t i = 0; m->paths[i]; i++)
                        mark_path(m, &now, i);
        else
                for (size_t i = 0; i < m->mounts.size; i++)
                        mark_mount(m, &now, &m->mounts.items[i]);
        for (size_t i = 0; i < REMOTE_MAX; i++)
                if (m->remotes[i] && !outcome_of(&now, remote_device(m->remotes[i])))
                        remote_check(m->remotes[i], false);
        free(m->outcomes.items);
        m->outcomes = now;
        return 0;
}

static int on_mounts_changed(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Marks *m = userdata;
        int r;

        m->ops.changed(m->ops.userdata);
        r = scan(m);
        if (r < 0)
                m->ops.failed(m->ops.userdata, m->view.mounts, r);
        return 0;
}

int marks_new(sd_event *event, int group, const char *const *paths, bool host_view, const MarksOps *ops, Marks **ret) {
        _cleanup_(marks_freep) Marks *m = new0(Marks, 1);
        int r;

        if (!m)
                return -ENOMEM;
        m->event = event;
        m->group = group;
        m->paths = paths;
        m->ops = *ops;
        m->view = view_open(host_view);
        m->mountinfo = open(m->view.mounts, O_RDONLY | O_CLOEXEC);
        if (m->mountinfo < 0 || (host_view && m->view.root < 0))
                return -errno;
        r = sd_event_add_io(event, &m->source, m->mountinfo, EPOLLPRI, on_mounts_changed, m);
        if (r >= 0)
                r = sd_event_source_set_priority(m->source, SD_EVENT_PRIORITY_IMPORTANT - 1);
        if (r >= 0)
                r = scan(m);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(m);
        return 0;
}

Marks *marks_free(Marks *m) {
        if (!m)
                return NULL;
        sd_event_source_disable_unref(m->source);
        for (size_t i = 0; i < REMOTE_MAX; i++)
                remote_free(m->remotes[i]);
        mount_list_done(&m->mounts);
        free(m->outcomes.items);
        safe_close(m->mountinfo);
        view_close(&m->view);
        free(m);
        return NULL;
}

bool marks_know_mount(const Marks *m, uint64_t id) {
        return mount_list_find(&m->mounts, id) != NULL;
}

bool marks_cover_mount(const Marks *m, uint64_t id) {
        const Mount *mount = mount_list_find(&m->mounts, id);
        const Outcome *o = mount ? outcome_of(&m->outcomes, mount->device) : NULL;

        return o && o->error == 0;
}

bool marks_lead_to(const Marks *m, const char *path, const FileStamp *file) {
        _cleanup_close_ int fd = view_lookup(&m->view, path, O_PATH | O_CLOEXEC | O_NOFOLLOW, RESOLVE_CACHED);
        struct statx there;

        return fd >= 0 && statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, FILE_STAMP_MASK, &there) >= 0 &&
               there.stx_dev_major == file->major && there.stx_dev_minor == file->minor &&
               there.stx_ino == file->inode;
}
