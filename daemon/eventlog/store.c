/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The files of the event log. */

#include "daemon/eventlog/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/entry.h"
#include "lib/io/fd.h"
#include "lib/pending.h"

enum {
        INDEX_STEP = 64,           /* records between two index marks */
        PENDING_COMPACT = 4 << 20, /* a pending file above this is rewritten without what is committed */
        FILE_MAX = UINT32_MAX,     /* what configuration allows for the log */
};

/* Where entry `seq` starts: every INDEX_STEP-th record. */
typedef struct Mark {
        uint64_t seq, offset;
} Mark;

struct EventStore {
        int directory, lock, log, pending;
        uint64_t log_size, anchored_size, pending_size;
        uint64_t records, entries;                   /* committed */
        uint64_t anchored_records, anchored_entries; /* in the register */
        uint64_t hole;                               /* an entry below it could not be promised; 0: none */
        Mark *marks;
        size_t marks_size, marks_allocated;
};

DEFINE_CLEANUP(EventStore *, event_store_free)

int event_store_open(const char *directory, EventStore **ret) {
        _cleanup_(event_store_freep) EventStore *s = new0(EventStore, 1);

        if (!s)
                return -ENOMEM;
        s->directory = s->lock = s->log = s->pending = -1;
        s->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (s->directory < 0)
                return -errno;
        s->lock = openat(s->directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (s->lock < 0)
                return -errno;
        if (flock(s->lock, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? -EBUSY : -errno;
        *ret = TAKE_PTR(s);
        return 0;
}

EventStore *event_store_free(EventStore *s) {
        if (!s)
                return NULL;
        safe_close(s->pending);
        safe_close(s->log);
        safe_close(s->lock);
        safe_close(s->directory);
        free(s->marks);
        free(s);
        return NULL;
}

static int open_file(EventStore *s, const char *name, int *ret) {
        int fd = openat(s->directory, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd < 0)
                return -errno;
        safe_close(*ret);
        *ret = fd;
        return 0;
}

/* A file with other content, in one step: a crash leaves the old or the new one. *fd becomes that of the new one. */
static int replace_file(EventStore *s, const char *name, const void *data, size_t n, int *fd) {
        _cleanup_close_ int made =
                openat(s->directory, "new", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        int r;

        if (made < 0)
                return -errno;
        r = write_all(made, data, n);
        if (r >= 0 && renameat(s->directory, "new", s->directory, name) < 0)
                r = -errno;
        if (r < 0)
                return r;
        safe_close(*fd);
        *fd = TAKE_FD(made);
        return 0;
}

int event_store_load(EventStore *s, bool *has_log, FileMap *log, FileMap *pending) {
        int r;

        r = open_file(s, "measurements", &s->log);
        if (r >= 0)
                r = open_file(s, "pending", &s->pending);
        if (r >= 0)
                r = file_map(s->log, log);
        if (r < 0)
                return r;
        r = file_map(s->pending, pending);
        if (r < 0)
                file_unmap(log);
        else
                s->pending_size = pending->size;
        *has_log = log->size > 0;
        return r;
}

int event_store_import(EventStore *s, const void *log, size_t n) {
        return replace_file(s, "measurements", log, n, &s->log);
}

static int count_entry(void *userdata _unused_, uint64_t seq _unused_, const RecordView *entry _unused_) {
        return 0;
}

/* Accounts for a committed record of n bytes at the end of the log. */
static int account(EventStore *s, uint64_t entries, size_t n) {
        if (s->records % INDEX_STEP == 0) {
                if (GREEDY_REALLOC(s->marks, s->marks_allocated, s->marks_size + 1) < 0)
                        return -ENOMEM;
                s->marks[s->marks_size++] = (Mark){ .seq = s->entries, .offset = s->log_size };
        }
        s->records++;
        s->entries += entries;
        s->log_size += n;
        return 0;
}

static int account_all(EventStore *s, const FileMap *log, size_t keep) {
        Reader reader = reader_new(log->data, MIN(keep, log->size));
        RecordView view;
        const char *why;

        while (record_parse(&reader, &view, &why) == RECORD_OK) {
                int n = entries_each(&view, 0, count_entry, NULL), r;

                if (n < 0)
                        return n;
                r = account(s, (uint64_t) n, view.size);
                if (r < 0)
                        return r;
        }
        return s->log_size == keep ? 0 : -EBADMSG;
}

/* Appends to a file of known size; a failed write leaves the file as it was. */
static int append_bytes(int fd, uint64_t *size, const void *data, size_t n) {
        int r = n <= FILE_MAX - *size ? pwrite_all(fd, data, n, (off_t) *size) : -EFBIG;

        if (r < 0) {
                int cut = ftruncate(fd, (off_t) *size); /* else the rest is overwritten or found torn */

                (void) cut;
                return r;
        }
        *size += n;
        return 0;
}

int event_store_append(EventStore *s, uint64_t seq, bool known, const void *record, size_t n) {
        _cleanup_(buffer_done) Buffer item = {};
        int r = s->hole > s->entries ? -EAGAIN : pending_put_entry(&item, seq, known ? PENDING_KNOWN : 0, record, n);

        if (r >= 0)
                r = append_bytes(s->pending, &s->pending_size, item.data, item.size);
        if (r < 0)
                s->hole = seq + 1;
        return r;
}

/* The items of the pending file that still count: entries behind the last commit that is in the register. */
static int collect_pending(const EventStore *s, const FileMap *old, uint64_t promised, Buffer *ret) {
        Reader reader = reader_new(old->data, MIN((size_t) s->pending_size, old->size));
        PendingItem item;
        size_t start = 0;

        while (pending_next(&reader, &item) == RECORD_OK) {
                if (item.type == PENDING_ENTRY && item.seq >= s->anchored_entries && item.seq < promised)
                        buffer_bytes(ret, old->data + start, reader.pos - start);
                start = reader.pos;
        }
        return buffer_error(ret);
}

/* Rewrites the pending file without what is done. */
static int compact(EventStore *s, uint64_t promised) {
        _cleanup_(buffer_done) Buffer kept = {};
        FileMap old;
        int r;

        r = file_map(s->pending, &old);
        if (r < 0)
                return r;
        r = collect_pending(s, &old, promised, &kept);
        file_unmap(&old);
        if (r < 0)
                return r;
        r = replace_file(s, "pending", kept.data, kept.size, &s->pending);
        if (r < 0)
                return r;
        s->pending_size = kept.size;
        return 0;
}

int event_store_begin(EventStore *s, size_t keep, uint64_t promised) {
        FileMap log;
        int r;

        if (ftruncate(s->log, (off_t) keep) < 0)
                return -errno;
        r = file_map(s->log, &log);
        if (r < 0)
                return r;
        r = account_all(s, &log, keep);
        file_unmap(&log);
        if (r < 0)
                return r;
        event_store_anchored(s, s->entries);
        return compact(s, promised);
}

int event_store_commit(EventStore *s, uint64_t upto, const void *record, size_t n) {
        _cleanup_(buffer_done) Buffer item = {};
        uint64_t size = s->log_size;
        int r;

        if (s->pending_size > PENDING_COMPACT)
                (void) compact(s, UINT64_MAX); /* the old file is as good, only larger */
        r = pending_put_commit(&item, upto, size, (uint32_t) n);
        if (r >= 0)
                r = append_bytes(s->pending, &s->pending_size, item.data, item.size);
        if (r >= 0)
                r = append_bytes(s->log, &size, record, n);
        return r < 0 ? r : account(s, upto + 1 - s->entries, n);
}

void event_store_anchored(EventStore *s, uint64_t entries) {
        s->anchored_size = s->log_size;
        s->anchored_records = s->records;
        s->anchored_entries = entries;
}

int event_store_idle(EventStore *s) {
        if (s->pending_size == 0)
                return 0;
        s->pending_size = 0;
        return ftruncate(s->pending, 0) < 0 ? -errno : 0;
}

uint64_t event_store_anchored_records(const EventStore *s) {
        return s->anchored_records;
}

uint64_t event_store_anchored_size(const EventStore *s) {
        return s->anchored_size;
}

int event_store_fd(const EventStore *s) {
        return s->log;
}

/* The last mark at or before an entry. */
static Mark find_mark(const EventStore *s, uint64_t seq) {
        Mark best = {};

        for (size_t low = 0, high = s->marks_size; low < high;) {
                size_t middle = low + (high - low) / 2;

                if (s->marks[middle].seq <= seq) {
                        best = s->marks[middle];
                        low = middle + 1;
                } else
                        high = middle;
        }
        return best;
}

typedef struct Listing {
        uint64_t since, end;
        int (*entry)(void *userdata, uint64_t seq, const RecordView *entry);
        void *userdata;
} Listing;

static int list_entry(void *userdata, uint64_t seq, const RecordView *entry) {
        const Listing *l = userdata;

        return seq < l->since || seq >= l->end ? 0 : l->entry(l->userdata, seq, entry);
}

int event_store_list(const EventStore *s, uint64_t since, uint32_t max,
                     int (*entry)(void *userdata, uint64_t seq, const RecordView *entry), void *userdata) {
        Listing l = { .since = since, .end = since + max, .entry = entry, .userdata = userdata };
        Mark mark = find_mark(s, since);
        uint64_t seq = mark.seq;
        RecordView view;
        const char *why;
        Reader reader;
        FileMap log;
        int r;

        r = file_map(s->log, &log);
        if (r < 0)
                return r;
        reader = reader_new(log.data, MIN(log.size, (size_t) s->anchored_size));
        reader.pos = MIN((size_t) mark.offset, reader.size);
        while (r >= 0 && seq < l.end && record_parse(&reader, &view, &why) == RECORD_OK) {
                r = entries_each(&view, seq, list_entry, &l);
                seq += r > 0 ? (uint64_t) r : 0;
        }
        file_unmap(&log);
        return r < 0 ? r : 0;
}
