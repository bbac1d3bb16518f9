/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Watching: fanotify says where to look and who was there last; what is found by looking is what counts. */

#include "daemon/sensor/files/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "daemon/sensor/files/list.h"
#include "daemon/sensor/subject.h"
#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/io/fd.h"

enum {
        NAMES_MAX = 64,
        NAME_SIZE = 256,   /* NAME_MAX + 1 */
        SETTLE_US = 50000, /* what belongs together (a package, an editor's way to write) is looked at once */
        EVENTS_SIZE = 16384,
};

static const uint64_t CHANGES =
        FAN_CLOSE_WRITE | FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM | FAN_MOVED_TO | FAN_EVENT_ON_CHILD | FAN_ONDIR;

#define PROBE_NAME ".sealwatch-probe"

/* A name that something happened to, and who did it. */
typedef struct Touched {
        char name[NAME_SIZE];
        uint32_t pid;
        bool privileged;
        SubjectBuffer buffer;
        Subject subject;
} Touched;

struct Files {
        const char *const *patterns;
        FilesOps ops;
        int group;
        sd_event_source *source, *timer;
        FileList list;
        Touched *touched; /* NAMES_MAX of them */
        size_t touched_size;
        bool everything; /* is suspect: names were left out */
        bool marks_failed, probing, probe_seen;
        uint64_t overflows;
};

Files *files_free(Files *f) {
        if (!f)
                return NULL;
        sd_event_source_disable_unref(f->source);
        sd_event_source_disable_unref(f->timer);
        safe_close(f->group);
        file_list_done(&f->list);
        free(f->touched);
        free(f);
        return NULL;
}

DEFINE_CLEANUP(Files *, files_free)

static const Touched *find_touched(const Files *f, const char *name) {
        for (size_t i = f->touched_size; i > 0; i--)
                if (streq(f->touched[i - 1].name, name))
                        return &f->touched[i - 1];
        return NULL;
}

static bool is_suspect(void *userdata, const char *name) {
        const Files *f = userdata;

        return f->everything || find_touched(f, name);
}

/* A mark on a directory that has one is none. */
static void mark(void *userdata, const char *path) {
        Files *f = userdata;

        if (fanotify_mark(f->group, FAN_MARK_ADD | FAN_MARK_ONLYDIR, CHANGES, AT_FDCWD, path) < 0 && errno != ENOENT)
                f->marks_failed = true;
}

static const char *hex_or_none(const WatchedFile *file, char ret[2 * SHA256_SIZE + 1]) {
        if (!file || !file->has_digest)
                return "none";
        return hex_encode(file->digest, SHA256_SIZE, ret);
}

static void report(void *userdata, const WatchedFile *before, const WatchedFile *now) {
        const WatchedFile *file = now ? now : before;
        const char *slash = strrchr(file->path, '/');
        char old[2 * SHA256_SIZE + 1];
        Files *f = userdata;
        const Touched *t = find_touched(f, slash ? slash + 1 : file->path);
        const Activity a = {
                .event = EVENT_CONFIG,
                .subject = t ? t->subject : (Subject){},
                .target = file->path,
                .details = { { "how", !before ? "new"
                                      : now   ? "changed"
                                              : "gone" },
                             { "before", hex_or_none(before, old) } },
                .digest = now && now->has_digest ? now->digest : NULL,
                .privileged = !t || t->subject.euid == 0 || t->subject.uid == SUBJECT_UID_UNKNOWN,
        };

        f->ops.changed(f->ops.userdata, &a);
}

static int look(Files *f, bool tell) {
        const FileListOps ops = { .directory = mark, .is_suspect = is_suspect, .userdata = f };
        FileList now;
        int r = file_list_make(f->patterns, &f->list, &ops, &now);

        if (r < 0)
                return r;
        if (tell)
                file_list_compare(&f->list, &now, report, f);
        file_list_done(&f->list);
        f->list = now;
        f->touched_size = 0;
        f->everything = false;
        return 0;
}

static int on_settled(sd_event_source *source, uint64_t when, void *userdata) {
        Files *f = userdata;

        if (f->overflows > 0)
                f->ops.lost(f->ops.userdata, f->overflows);
        f->overflows = 0;
        if (look(f, true) < 0) { /* no memory: again */
                f->everything = true;
                (void) sd_event_source_set_time_relative(f->timer, USEC_PER_SEC);
                (void) sd_event_source_set_enabled(f->timer, SD_EVENT_ONESHOT);
        }
        return 0;
}

static void touch(Files *f, const char *name, uint32_t pid) {
        Touched *t;

        if (f->probing && streq(name, PROBE_NAME)) {
                f->probe_seen = true;
                return;
        }
        t = (Touched *) find_touched(f, name);
        if (!t && f->touched_size == NAMES_MAX) {
                f->everything = true;
                return;
        }
        if (!t)
                t = &f->touched[f->touched_size++];
        snprintf(t->name, sizeof(t->name), "%s", name);
        t->subject = subject_read(pid, &t->buffer);
}

/* The name in an event: behind the file handle of its directory. NULL: there is none. */
/* Of an event that is so long and has its name, if any, behind the head. */
static const char *name_in(const char *event, size_t size) {
        const char *end = event + size, *body = event + sizeof(struct fanotify_event_metadata), *name;
        struct fanotify_event_info_fid info;
        struct file_handle handle;

        if (size < sizeof(struct fanotify_event_metadata) + sizeof(info) + sizeof(handle))
                return NULL;
        memcpy(&info, body, sizeof(info));
        memcpy(&handle, body + sizeof(info), sizeof(handle));
        if (info.hdr.len > (size_t) (end - body) || info.hdr.info_type != FAN_EVENT_INFO_TYPE_DFID_NAME ||
            handle.handle_bytes >= info.hdr.len || sizeof(info) + sizeof(handle) + handle.handle_bytes >= info.hdr.len)
                return NULL;
        name = body + sizeof(info) + sizeof(handle) + handle.handle_bytes;
        return memchr(name, '\0', (size_t) (body + info.hdr.len - name)) ? name : NULL;
}

static void on_one(Files *f, const struct fanotify_event_metadata *m, const char *event) {
        const char *name = name_in(event, m->event_len);

        if (m->mask & FAN_Q_OVERFLOW)
                f->overflows++;
        if (name)
                touch(f, name, (uint32_t) m->pid);
        else
                f->everything = true;
}

/* An event begins where the one before it ends, which need not be where a uint64_t may stand. */
static void read_events(Files *f) {
        struct fanotify_event_metadata m;
        char buffer[EVENTS_SIZE];
        ssize_t n;

        while ((n = read(f->group, buffer, sizeof(buffer))) > 0)
                for (const char *event = buffer; (size_t) (buffer + n - event) >= sizeof(m); event += m.event_len) {
                        memcpy(&m, event, sizeof(m));
                        if (m.event_len < sizeof(m) || m.event_len > (size_t) (buffer + n - event))
                                break;
                        on_one(f, &m, event);
                }
}

static int on_event(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Files *f = userdata;

        read_events(f);
        (void) sd_event_source_set_time_relative(f->timer, SETTLE_US);
        (void) sd_event_source_set_enabled(f->timer, SD_EVENT_ONESHOT);
        return 0;
}

int files_new(sd_event *event, const char *const *patterns, const FilesOps *ops, Files **ret, const char **ret_why) {
        _cleanup_(files_freep) Files *f = new0(Files, 1);
        int r;

        *ret_why = "out of memory";
        if (!f)
                return -ENOMEM;
        f->patterns = patterns;
        f->ops = *ops;
        f->group = -1;
        f->touched = new0(Touched, NAMES_MAX);
        if (!f->touched)
                return -ENOMEM;
        f->group = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_DFID_NAME, O_RDONLY);
        if (f->group < 0) {
                *ret_why = "the kernel gives no fanotify group that reports names";
                return -errno;
        }
        r = sd_event_add_io(event, &f->source, f->group, EPOLLIN, on_event, f);
        if (r >= 0)
                r = sd_event_add_time(event, &f->timer, CLOCK_MONOTONIC, USEC_INFINITY, 1, on_settled, f);
        if (r >= 0)
                r = sd_event_source_set_enabled(f->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret_why = NULL;
        *ret = TAKE_PTR(f);
        return 0;
}

/* Writes a file of our own in a directory that is marked for as long. */
static bool probe(Files *f, const char *directory) {
        _cleanup_close_ int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;

        if (dir < 0 || fanotify_mark(f->group, FAN_MARK_ADD | FAN_MARK_ONLYDIR, CHANGES, dir, NULL) < 0)
                return false;
        f->probing = true;
        fd = openat(dir, PROBE_NAME, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        fd = safe_close(fd);
        (void) unlinkat(dir, PROBE_NAME, 0);
        read_events(f);
        (void) fanotify_mark(f->group, FAN_MARK_REMOVE | FAN_MARK_ONLYDIR, CHANGES, dir, NULL);
        f->probing = false;
        f->touched_size = 0;
        f->everything = false;
        return f->probe_seen;
}

Level files_start(Files *f, const char *directory, const char **ret_why) {
        *ret_why = "the kernel does not tell of changes";
        if (!probe(f, directory))
                return LEVEL_OFF;
        *ret_why = "out of memory";
        if (look(f, false) < 0)
                return LEVEL_OFF;
        *ret_why = f->list.full      ? "there are too many files to watch"
                   : f->marks_failed ? "the kernel does not watch some of the directories"
                                     : NULL;
        return *ret_why ? LEVEL_OFF : LEVEL_OBSERVE;
}

size_t files_watched(const Files *f) {
        return f->list.size;
}
