/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files are found by the path that the process has used, in our own mount namespace or in the process' root. Where that leads to
 * another file by now, or nowhere, the file is not read. All of it is done by a thread: a path may lead across file systems that
 * hang. */

#include "daemon/learner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/sensor/fanotify/pool.h"
#include "lib/base/alloc.h"
#include "lib/io/fd.h"

enum { LESSONS_MAX = 1024 };

static const usec_t WORKER_GRACE = USEC_PER_SEC;

typedef struct Lesson Lesson;

struct Lesson {
        Lesson *next;
        UnhashedCode *code;
        FileIdentity file;
        uint64_t token;
        HashJob *job; /* NULL: another lesson is about the same file */
        usec_t deadline;
};

/* What the thread is told, and what it found. */
typedef struct Seen {
        HashFile file;
        FileIdentity identity;
        int identify_fd;
        uint32_t pid;
        bool has_lease, written;
        char path[];
} Seen;

struct Learner {
        Observer *observer;
        Pool *pool;
        Lesson *first;
        size_t size;
        uint64_t token;
        usec_t hash_deadline;
        uint64_t max_file_size;
};

/* Gives the digest to all who have asked about the file. */
static void finish(Learner *l, const FileIdentity *file, const Hashed *hashed) {
        Hashed h = *hashed;

        for (Lesson **p = &l->first; *p;) {
                Lesson *lesson = *p;

                if (!is_same_file(&lesson->file, file)) {
                        p = &lesson->next;
                        continue;
                }
                *p = lesson->next;
                l->size--;
                observer_hashed(l->observer, lesson->code, &h);
                h.leased_fd = -1; /* once is enough */
                free(lesson);
                p = &l->first; /* the list may be another one now */
        }
}

static void on_hashed(void *userdata, uint64_t token, HashFile *hash_file, const HashResult *result) {
        const Seen *seen = (const Seen *) hash_file;
        _cleanup_close_ int fd = hash_file->fd;
        Learner *l = userdata;

        for (Lesson *lesson = l->first; lesson; lesson = lesson->next)
                if (lesson->token == token)
                        lesson->job = NULL;
        finish(l, &seen->identity,
               &(Hashed){
                       .digest = result->failure == _FAILURE_INVALID ? result->digest : NULL,
                       .leased_fd = seen->has_lease ? fd : -1,
                       .written = seen->written,
               });
}

int learner_new(sd_event *event, Observer *observer, usec_t hash_deadline, uint64_t max_file_size, Learner **ret) {
        Learner *l = new0(Learner, 1);
        int r;

        if (!l)
                return -ENOMEM;
        l->observer = observer;
        l->hash_deadline = hash_deadline;
        l->max_file_size = max_file_size;
        r = pool_new(event, 1, on_hashed, l, &l->pool);
        if (r < 0) {
                free(l);
                return r;
        }
        *ret = l;
        return 0;
}

Learner *learner_free(Learner *l) {
        if (!l)
                return NULL;
        for (Lesson *lesson = l->first, *next; lesson; lesson = next) {
                next = lesson->next;
                if (lesson->job)
                        (void) pool_forget(l->pool, lesson->job);
                free(lesson->code);
                free(lesson);
        }
        pool_free(l->pool);
        free(l);
        return NULL;
}

/* root: -1 for our own. Opens nothing but the very file, if it is a regular one. */
static int open_in(int root, const Seen *s) {
        struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = root >= 0 ? RESOLVE_IN_ROOT : 0 };
        _cleanup_close_ int fd = (int) syscall(SYS_openat2, root >= 0 ? root : AT_FDCWD, s->path, &how, sizeof(how));
        FileIdentity found;
        struct statx file;
        char link[32];
        int opened;

        if (fd < 0)
                return -errno;
        if (observer_identify(s->identify_fd, fd, &found) < 0 || !is_same_file(&found, &s->identity))
                return -ESTALE;
        if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &file) < 0 || !S_ISREG(file.stx_mode))
                return -EINVAL;
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        opened = open(link, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        return opened < 0 ? -errno : opened;
}

static int open_anywhere(const Seen *s) {
        _cleanup_close_ int root = -1;
        int fd = open_in(-1, s);
        char path[32];

        if (fd >= 0 || s->pid == 0)
                return fd;
        snprintf(path, sizeof(path), "/proc/%u/root", s->pid);
        root = open(path, O_PATH | O_CLOEXEC);
        return root < 0 ? -errno : open_in(root, s);
}

static int open_seen(HashFile *file) {
        Seen *s = (Seen *) file;
        int fd = open_anywhere(s);

        if (fd < 0)
                return fd;
        s->has_lease = fcntl(fd, F_SETLEASE, F_RDLCK) >= 0;
        s->written = !s->has_lease && errno == EAGAIN;
        return fd;
}

static void start(Learner *l, Lesson *lesson) {
        const char *path = unhashed_path(lesson->code);
        HashOrder order = { .fd = -1, .max_size = l->max_file_size, .group = -1 };
        Seen *s;

        if (path[0] != '/')
                return;
        s = calloc(1, sizeof(Seen) + strlen(path) + 1);
        if (!s)
                return;
        s->file.open = open_seen;
        s->identity = lesson->file;
        s->identify_fd = observer_identify_fd(l->observer);
        s->pid = unhashed_pid(lesson->code);
        strcpy(s->path, path);
        order.file = &s->file;
        lesson->deadline = order.deadline = monotonic_now() + l->hash_deadline;
        lesson->job = pool_hash(l->pool, lesson->token, &order);
}

/* A file system that hangs must not hold up the others. */
static void give_up_overdue(Learner *l) {
        const usec_t now = monotonic_now();

        for (Lesson *lesson = l->first; lesson; lesson = lesson->next)
                if (lesson->job && lesson->deadline + WORKER_GRACE < now) {
                        pool_give_up(l->pool, lesson->job);
                        lesson->deadline = USEC_INFINITY - WORKER_GRACE; /* once */
                }
}

static bool is_being_read(const Learner *l, const FileIdentity *file) {
        for (const Lesson *lesson = l->first; lesson; lesson = lesson->next)
                if (lesson->job && is_same_file(&lesson->file, file))
                        return true;
        return false;
}

void learner_take(Learner *l, UnhashedCode *u) {
        const FileIdentity file = unhashed_file(u);
        Lesson *lesson = l->size < LESSONS_MAX ? new0(Lesson, 1) : NULL;

        if (!lesson) {
                observer_hashed(l->observer, u, &(Hashed){ .leased_fd = -1 });
                return;
        }
        *lesson = (Lesson){ .code = u, .file = file, .token = ++l->token };
        give_up_overdue(l);
        if (!is_being_read(l, &file))
                start(l, lesson);
        lesson->next = l->first;
        l->first = lesson;
        l->size++;
        if (!is_being_read(l, &file))
                finish(l, &file, &(Hashed){ .leased_fd = -1 });
}
