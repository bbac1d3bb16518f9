/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A window over a file: read(), not mmap(), so that what is resident is the window and nothing else. */

#include "tools/verify/stream.h"

#include <errno.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/io/fd.h"
#include "tools/verify/input.h"
#include "tools/verify/show.h"

typedef struct Window {
        char *data;
        size_t size, allocated;
} Window;

static void window_done(Window *w) {
        free(w->data);
}

/* Fills what is free. Returns 1 at the end of the file, else 0, or a negative errno. */
static int fill(int fd, Window *w) {
        ssize_t n = read_up_to(fd, w->data + w->size, w->allocated - w->size);

        if (n < 0)
                return (int) n;
        w->size += (size_t) n;
        return w->size < w->allocated;
}

static int make_room(Window *w, size_t used) {
        w->size -= used;
        memmove(w->data, w->data + used, w->size);
        if (w->size < w->allocated)
                return 0;
        if (w->allocated >= STREAM_WINDOW_MAX)
                return -EFBIG;
        return GREEDY_REALLOC(w->data, w->allocated, 2 * w->allocated);
}

static int feed(int fd, StreamTake take, void *userdata) {
        _cleanup_(window_done) Window w = {};
        size_t used;
        int last, r;

        r = GREEDY_REALLOC(w.data, w.allocated, (size_t) STREAM_WINDOW);
        while (r >= 0) {
                last = fill(fd, &w);
                if (last < 0)
                        return last;
                r = take(userdata, w.data, w.size, last, &used);
                if (r <= 0 || last)
                        return r < 0 ? r : 0;
                r = make_room(&w, used);
        }
        return r;
}

int stream_file(const char *path, bool json, StreamTake take, void *userdata) {
        _cleanup_close_ int fd = -1;
        int r = input_open(path, json, &fd);

        if (r != 0)
                return r;
        r = feed(fd, take, userdata);
        return r < 0 ? show_undecided(json, "cannot decide about %s: %s", path, strerror(-r)) : 0;
}
