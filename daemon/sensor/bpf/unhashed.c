/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Code that the kernel side has no digest of yet, and what is found out about it. */

#include <errno.h>
#include <stdlib.h>

#include "daemon/sensor/bpf/observer-internal.h"
#include "lib/base/alloc.h"

/* The names stand leaf first; each brings the slash before it in the place of its end. */
void path_from_parts(const char parts[ABI_PATH_SIZE], char ret[PARTS_PATH_SIZE]) {
        char *end = ret + PARTS_PATH_SIZE - 1, *start = end;
        size_t at = 0;

        *end = '\0';
        while (at < ABI_PATH_SIZE && parts[at] != '\0') {
                size_t n = strnlen(parts + at, ABI_PATH_SIZE - at);

                start -= n;
                memcpy(start, parts + at, n);
                *--start = '/';
                at += n + 1;
        }
        if (start == end)
                *--start = '/';
        memmove(ret, start, (size_t) (end - start) + 1);
}

/* Where it is truncated the first, which is the file's name, stands for all. */
static bool has_parts(const CodeEvent *e) {
        return e->head.flags & EVENT_PARTS && !(e->head.flags & EVENT_TRUNCATED);
}

const char *event_path(const CodeEvent *e, char buffer[PARTS_PATH_SIZE]) {
        if (!has_parts(e))
                return e->path;
        path_from_parts(e->path, buffer);
        return buffer;
}

UnhashedCode *unhashed_new(const CodeEvent *e, uint32_t generation) {
        UnhashedCode *u = new0(UnhashedCode, 1);

        if (!u)
                return NULL;
        u->event = *e;
        u->generation = generation;
        if (has_parts(e))
                path_from_parts(e->path, u->path);
        return u;
}

const char *unhashed_path(const UnhashedCode *u) {
        return u->path;
}

uint32_t unhashed_pid(const UnhashedCode *u) {
        return u->event.head.pid;
}

FileIdentity unhashed_file(const UnhashedCode *u) {
        return identity_of(&u->event.file);
}

void observer_hashed(Observer *o, UnhashedCode *u, const Hashed *h) {
        if (h->digest) {
                u->event.error = 0;
                memcpy(u->event.digest, h->digest, sizeof(u->event.digest));
        }
        u->event.writers += h->written;
        if (h->digest && h->leased_fd >= 0 && o->programs)
                (void) programs_learn(o->programs, h->leased_fd, h->digest); /* else it is asked about again */
        report_code(o, &u->event, u->generation, !h->digest);
        free(u);
}
