/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Following the IMA list. */

#include "daemon/sensor/ima/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/io/fd.h"

enum {
        CHUNK = 256 * 1024,
        HISTORY = 1024, /* values behind the last match that are remembered; older ones are no answer any more */
};

/* Bytes of the list that are not an entry yet. */
typedef struct Window {
        int fd;
        uint8_t *data;
        size_t size, allocated;
} Window;

static void window_done(Window *w) {
        if (w->fd >= 0)
                (void) close(w->fd);
        free(w->data);
        *w = (Window){ .fd = -1 };
}

struct ImaTail {
        char *path;
        HashAlg alg;
        ImaList *list;
        Window window;
        Digest last; /* of the data of the last entry: the template digest of a violation is zero */
        bool has_last;

        uint8_t (*history)[DIGEST_MAX]; /* ring: what the register held behind each entry */
        size_t first, n;
};

DEFINE_CLEANUP(ImaTail *, ima_tail_free)
DEFINE_CLEANUP(ImaList *, ima_list_free)

static void remember(ImaTail *t) {
        uint8_t *value = t->history[(t->first + t->n) % HISTORY];

        memcpy(value, ima_list_values(t->list)->values[t->alg][IMA_TAIL_REGISTER], DIGEST_MAX);
        if (t->n < HISTORY)
                t->n++;
        else
                t->first = (t->first + 1) % HISTORY;
}

int ima_tail_open(const char *path, BankSet banks, ImaTail **ret) {
        _cleanup_(ima_tail_freep) ImaTail *t = new0(ImaTail, 1);
        int r;

        if (!t)
                return -ENOMEM;
        t->window.fd = -1;
        t->alg = bank_preferred(banks);
        if (t->alg == _HASH_INVALID)
                t->alg = HASH_SHA1;
        t->history = calloc(HISTORY, sizeof(t->history[0]));
        r = t->history ? free_and_strdup(&t->path, path) : -ENOMEM;
        if (r >= 0)
                r = ima_list_new(bank(t->alg), false, &t->list);
        if (r < 0)
                return r;
        t->window.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (t->window.fd < 0)
                return -errno;
        remember(t); /* nothing yet: zero */
        *ret = TAKE_PTR(t);
        return 0;
}

ImaTail *ima_tail_free(ImaTail *t) {
        if (!t)
                return NULL;
        window_done(&t->window);
        ima_list_free(t->list);
        free(t->history);
        free(t->path);
        free(t);
        return NULL;
}

/* Reads more behind what is there. Bytes read, 0 at the end, or a negative errno. */
static ssize_t window_fill(Window *w) {
        ssize_t n;

        if (w->allocated - w->size < CHUNK) {
                uint8_t *data = realloc(w->data, w->size + CHUNK);

                if (!data)
                        return -ENOMEM;
                w->data = data;
                w->allocated = w->size + CHUNK;
        }
        do
                n = read(w->fd, w->data + w->size, w->allocated - w->size);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        w->size += (size_t) n;
        return n;
}

static void window_drop(Window *w, size_t n) {
        memmove(w->data, w->data + n, w->size - n);
        w->size -= n;
}

/* Called for every entry, with the list behind it. */
typedef void (*Step)(void *userdata, const ImaEntry *e);

/* Feeds the list with what the window has and the file gives, to its end. */
static int feed(ImaList *l, Window *w, Step step, void *userdata, const char **reterr_why) {
        for (;;) {
                const uint64_t start = ima_list_offset(l);
                ssize_t n = window_fill(w);
                LogResult result;
                ImaEntry e;

                if (n < 0)
                        return (int) n;
                ima_list_more(l, w->data, w->size);
                while ((result = ima_list_next(l, &e)) == LOG_ENTRY)
                        step(userdata, &e);
                *reterr_why = ima_list_why(l);
                window_drop(w, ima_list_offset(l) - start);
                if (result == LOG_BAD || w->size > IMA_ENTRY_MAX)
                        return -EBADMSG;
                if (result == LOG_FAILED)
                        return -EIO;
                if (n == 0)
                        return 0;
        }
}

typedef struct Reading {
        ImaTail *tail;
        ImaTailEntry entry;
        void *userdata;
} Reading;

static void on_entry(void *userdata, const ImaEntry *e) {
        Reading *r = userdata;
        ImaTail *t = r->tail;

        t->has_last = digest_data(HASH_SHA256, e->data, e->data_size, &t->last) >= 0;
        remember(t);
        r->entry(r->userdata, e);
}

int ima_tail_read(ImaTail *t, ImaTailEntry entry, void *userdata, const char **reterr_why) {
        Reading r = { t, entry, userdata };

        return feed(t->list, &t->window, on_entry, &r, reterr_why);
}

bool ima_tail_reached(ImaTail *t, const PcrValues *values) {
        if (!(values->banks & bank(t->alg)))
                return false;
        for (size_t i = t->n; i-- > 0;) {
                if (memcmp(t->history[(t->first + i) % HISTORY], values->values[t->alg][IMA_TAIL_REGISTER],
                           hash_size(t->alg)) != 0)
                        continue;
                t->first = (t->first + i) % HISTORY;
                t->n -= i;
                return true;
        }
        return false;
}

/* Where the last known entry ends in the list as it is now. */
typedef struct Search {
        const ImaTail *tail;
        ImaList *list; /* of its own */
        uint64_t behind;
} Search;

static void on_searched(void *userdata, const ImaEntry *e) {
        Search *s = userdata;
        Digest d;

        if (s->tail->has_last && digest_data(HASH_SHA256, e->data, e->data_size, &d) >= 0 &&
            digest_equal(&d, &s->tail->last))
                s->behind = ima_list_offset(s->list);
}

static int window_open(const char *path, Window *ret) {
        *ret = (Window){ .fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) };
        return ret->fd < 0 ? -errno : 0;
}

static int find_place(const ImaTail *t, uint64_t *ret) {
        _cleanup_(window_done) Window w = { .fd = -1 };
        _cleanup_(ima_list_freep) ImaList *list = NULL;
        Search s = { .tail = t };
        const char *why;
        int r;

        r = ima_list_new(bank(t->alg), false, &list);
        if (r >= 0)
                r = window_open(t->path, &w);
        s.list = list;
        if (r >= 0)
                r = feed(list, &w, on_searched, &s, &why);
        *ret = s.behind;
        return r;
}

/* The list's bytes cannot be sought, only read. */
static int window_skip(Window *w, uint64_t n) {
        while (n > 0) {
                ssize_t got = window_fill(w);
                size_t drop;

                if (got <= 0)
                        return got < 0 ? (int) got : -ENODATA;
                drop = n < w->size ? (size_t) n : w->size;
                window_drop(w, drop);
                n -= drop;
        }
        return 0;
}

int ima_tail_reopen(ImaTail *t) {
        _cleanup_(window_done) Window w = { .fd = -1 };
        uint64_t place = 0;
        int r;

        r = find_place(t, &place);
        if (r >= 0)
                r = window_open(t->path, &w);
        if (r >= 0)
                r = window_skip(&w, place);
        if (r < 0)
                return r;
        window_done(&t->window);
        t->window = w;
        w = (Window){ .fd = -1 };
        return 0;
}

uint64_t ima_tail_entries(const ImaTail *t) {
        return ima_list_entries(t->list);
}

PcrSet ima_tail_registers(const ImaTail *t) {
        return ima_list_extended(t->list);
}
