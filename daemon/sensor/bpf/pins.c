/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names in the BPF file system.
 *
 * Maps are pinned before links: a directory with links has what is needed to read what their programs tell. They are removed
 * the other way round, so that programs end first and what they told can still be read by whoever comes next. */

#include "daemon/sensor/bpf/pins.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "bpf/abi.h"
#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/io/fd.h"

enum { PATH_SIZE = 4096 };

static const char LINK[] = "link-", MAP[] = "map-", HOST[] = "/proc/1/root";

struct Pins {
        int lock; /* the directory above ours */
        int events;
        bool host_view;
        char *parent, *path;
        char **names;
        size_t names_size, names_allocated;
        unsigned links;
};

DEFINE_CLEANUP(Pins *, pins_free)

static bool is_bpf(const char *path) {
        struct statfs fs;

        return statfs(path, &fs) >= 0 && fs.f_type == BPF_FS_MAGIC;
}

/* A service has a mount namespace of its own: what is unmounted or moved for everybody else stays where it was for it. */
static bool is_seen(const char *view, const char *path) {
        char seen[sizeof(HOST) + PATH_SIZE];

        return snprintf(seen, sizeof(seen), "%s%s", view, path) < (int) sizeof(seen) && is_bpf(seen);
}

/* The last directory of the path may be missing. */
static int take_parent(const char *dir, int *ret, const char **ret_why) {
        _cleanup_free_ char *above = strdup(dir);
        _cleanup_close_ int fd = -1;
        char *slash = above ? strrchr(above, '/') : NULL;

        *ret_why = "it is no absolute path";
        if (!slash)
                return above ? -EINVAL : -ENOMEM;
        *slash = '\0';
        *ret_why = "no file system of type bpf is mounted there";
        if (!is_bpf(dir)) {
                if (!is_bpf(*above ? above : "/"))
                        return -ENOTTY;
                *ret_why = "the directory cannot be made";
                if (mkdir(dir, 0700) < 0)
                        return -errno;
        }
        *ret_why = "the directory cannot be opened";
        fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        *ret_why = "another sealwatchd uses the directory";
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return -errno;
        *ret_why = NULL;
        *ret = TAKE_FD(fd);
        return 0;
}

static int make_own(Pins *p) {
        struct timespec now;

        clock_gettime(CLOCK_BOOTTIME, &now); /* sorts by age */
        if (asprintf(&p->path, "%s/%d-%016llx", p->parent, ABI_VERSION,
                     (unsigned long long) now.tv_sec * 1000000000ULL + (unsigned long long) now.tv_nsec) < 0) {
                p->path = NULL;
                return -ENOMEM;
        }
        return mkdir(p->path, 0700) < 0 ? -errno : 0;
}

int pins_new(const char *dir, bool host_view, Pins **ret, const char **ret_why) {
        _cleanup_(pins_freep) Pins *p = new0(Pins, 1);
        int r;

        *ret_why = "out of memory";
        if (!p)
                return -ENOMEM;
        p->lock = p->events = -1;
        if (free_and_strdup(&p->parent, dir) < 0)
                return -ENOMEM;
        r = take_parent(dir, &p->lock, ret_why);
        if (r < 0)
                return r;
        *ret_why = "the directory cannot be made";
        r = make_own(p);
        if (r < 0)
                return r;
        p->host_view = host_view && is_seen(HOST, p->path);
        p->events = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        if (p->events >= 0)
                (void) inotify_add_watch(p->events, p->path, IN_DELETE | IN_DELETE_SELF | IN_MOVED_FROM | IN_UNMOUNT);
        *ret_why = NULL;
        *ret = TAKE_PTR(p);
        return 0;
}

Pins *pins_free(Pins *p) {
        if (!p)
                return NULL;
        safe_close(p->events);
        safe_close(p->lock);
        for (size_t i = 0; i < p->names_size; i++)
                free(p->names[i]);
        free(p->names);
        free(p->parent);
        free(p->path);
        free(p);
        return NULL;
}

static int add(Pins *p, const char *kind, const char *name, int fd) {
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "%s/%s%s", p->path, kind, name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        if (GREEDY_REALLOC(p->names, p->names_allocated, p->names_size + 1) < 0)
                return -ENOMEM;
        if (bpf_obj_pin(fd, path) < 0)
                return -errno;
        p->names[p->names_size++] = TAKE_PTR(path);
        return 0;
}

int pins_add_map(Pins *p, const char *name, int fd) {
        return add(p, MAP, name, fd);
}

int pins_add_link(Pins *p, const char *name, int fd) {
        int r = add(p, LINK, name, fd);

        p->links += r >= 0;
        return r;
}

unsigned pins_links(const Pins *p) {
        return p->links;
}

bool pins_are_there(const Pins *p) {
        for (size_t i = 0; i < p->names_size; i++)
                if (!is_seen("", p->names[i]) || (p->host_view && !is_seen(HOST, p->names[i])))
                        return false;
        return true;
}

bool pins_have_host_view(const Pins *p) {
        return p->host_view;
}

int pins_fd(const Pins *p) {
        return p->events;
}

void pins_read_events(Pins *p) {
        char buffer[4096];

        while (read(p->events, buffer, sizeof(buffer)) > 0)
                ;
}

static void remove_named(const char *path, const char *kind) {
        DIR *d = opendir(path);
        const struct dirent *e;

        if (!d)
                return;
        while ((e = readdir(d)))
                if (startswith(e->d_name, kind))
                        (void) unlinkat(dirfd(d), e->d_name, 0);
        closedir(d);
}

void pins_remove_links(const char *path) {
        remove_named(path, LINK);
}

void pins_remove_all(const char *path) {
        remove_named(path, LINK);
        remove_named(path, MAP);
        (void) rmdir(path);
}

void pins_remove(Pins *p) {
        pins_remove_all(p->path);
        for (size_t i = 0; i < p->names_size; i++)
                free(p->names[i]);
        p->names_size = 0;
        p->links = 0;
}

/* "<version>-<time>": by time, whatever the version. */
static int by_age(const void *a, const void *b) {
        const char *x = strrchr(*(char *const *) a, '-'), *y = strrchr(*(char *const *) b, '-');

        return strcmp(x, y);
}

static int list(const Pins *p, DIR *d, char ***ret_paths, size_t *n) {
        const struct dirent *e;
        size_t allocated = 0;

        while ((e = readdir(d))) {
                char *path;

                if (e->d_name[0] == '.' || !strchr(e->d_name, '-') ||
                    asprintf(&path, "%s/%s", p->parent, e->d_name) < 0)
                        continue;
                if (streq(path, p->path)) {
                        free(path);
                        continue;
                }
                if (GREEDY_REALLOC(*ret_paths, allocated, *n + 1) < 0) {
                        free(path);
                        return -ENOMEM;
                }
                (*ret_paths)[(*n)++] = path;
        }
        return 0;
}

int pins_list_others(const Pins *p, char ***ret) {
        DIR *d = opendir(p->parent);
        char **paths = NULL;
        size_t n = 0;
        int r;

        if (!d)
                return -errno;
        r = list(p, d, &paths, &n);
        closedir(d);
        if (r < 0) {
                for (size_t i = 0; i < n; i++)
                        free(paths[i]);
                free(paths);
                return r;
        }
        if (n > 0)
                qsort(paths, n, sizeof(*paths), by_age);
        *ret = paths;
        return (int) n;
}
