/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Code that the kernel side has no digest of yet, and what is found out about it. */

#include <errno.h>
#include <stdlib.h>

#include "daemon/sensor/bpf/observer-internal.h"
#include "lib/base/alloc.h"

UnhashedCode *unhashed_new(const CodeEvent *e, size_t size, uint32_t generation) {
        UnhashedCode *u = new0(UnhashedCode, 1);

        if (!u)
                return NULL;
        memcpy(&u->event, e, size);
        u->generation = generation;
        if (event_has_parts(e))
                (void) event_path(e, u->path);
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
