/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Taking over from earlier daemons.
 *
 * Dying at any step of this leaves nothing unread: an event leaves the ring when it has been dealt with, losses count as told
 * when they were, and maps are removed last. At worst the one event under way is told twice. */

#include "daemon/sensor/bpf/left.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/io/fd.h"

/* One daemon's. */
typedef struct Run {
        char *path;
        unsigned links;
        bool has_heir;   /* these have ended, and another's are attached and have their ring */
        StateHead *head; /* mapped, NULL: not there */
        size_t mapped;
        struct ring_buffer *ring;                      /* NULL: not there */
        const LeftOps *ops;                            /* while it is read */
        uint64_t strange, strange_first, strange_last; /* events that cannot be read */
} Run;

struct Left {
        Run *runs;
        size_t n;
};

DEFINE_CLEANUP(Left *, left_free)

static uint64_t load(const __u64 *p) {
        return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static int get(const char *path, const char *name) {
        char full[PATH_MAX];

        if (snprintf(full, sizeof(full), "%s/%s", path, name) >= (int) sizeof(full))
                return -ENAMETOOLONG;
        return bpf_obj_get(full);
}

/* Those that are alive, not those that have a name. */
static unsigned count_links(const char *path) {
        const struct dirent *e;
        DIR *d = opendir(path);
        unsigned n = 0;

        if (!d)
                return 0;
        while ((e = readdir(d))) {
                _cleanup_close_ int fd = -1;
                struct bpf_link_info info = {};
                uint32_t size = sizeof(info);

                if (!startswith(e->d_name, "link-"))
                        continue;
                fd = get(path, e->d_name);
                n += fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) >= 0 && info.prog_id != 0;
        }
        closedir(d);
        return n;
}

static void map_head(Run *run) {
        _cleanup_close_ int fd = get(run->path, "map-state");
        struct bpf_map_info info = {};
        uint32_t size = sizeof(info);
        void *p;

        if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0 || info.type != BPF_MAP_TYPE_ARRAY ||
            info.value_size < sizeof(StateHead))
                return;
        run->mapped = info.value_size;
        p = mmap(NULL, run->mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        run->head = p == MAP_FAILED ? NULL : p;
}

/* The kernel ends the programs one after the other, in its own time. */
static bool is_of_its_end(const Run *run, const EventHead *e) {
        uint64_t replaced = run->head ? load(&run->head->replaced) : 0;

        return replaced > 0 && e->time >= replaced;
}

/* Once is enough: the next ones say nothing new. */
static void check_hooks(Run *run, const EventHead *e) {
        uint64_t since = run->head ? load(&run->head->hooked) : 0;

        if (since == 0 || e->type != EVENT_TYPE_EXEC || !(e->flags & EVENT_UNCHECKED) || e->started < since ||
            is_of_its_end(run, e))
                return;
        run->head->hooked = 0;
        run->ops->unchecked(run->ops->userdata);
}

/* True when a daemon that took over, and was replaced in turn before it was done here, told of that program, or left it in a ring of
 * its own. One that died before it had detached these programs may not have. */
static bool is_told(const Run *run, const EventHead *e) {
        return run->has_heir && e->type == EVENT_TYPE_EXEC && is_of_its_end(run, e);
}

/* By the version of its own, which stands first in every one. */
static int on_record(void *userdata, void *data, size_t size) {
        const EventHead *e = data;
        Run *run = userdata;

        if (size >= sizeof(*e) && e->version == ABI_EVENTS &&
            (is_told(run, e) || run->ops->event(run->ops->userdata, data, size)))
                check_hooks(run, e);
        else {
                uint64_t sequence = size >= offsetof(EventHead, time)
                                            ? e->sequence
                                            : run->strange_last; /* no event of ours at all */

                if (run->strange == 0 || sequence < run->strange_first)
                        run->strange_first = sequence;
                run->strange_last = MAX(run->strange_last, sequence);
                run->strange++;
        }
        if (run->head)
                __atomic_store_n(&run->head->told, run->head->told + 1, __ATOMIC_RELEASE);
        return 0;
}

static void open_ring(Run *run) {
        _cleanup_close_ int fd = get(run->path, "map-ring");
        struct bpf_map_info info = {};
        uint32_t size = sizeof(info);

        if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) >= 0 && info.type == BPF_MAP_TYPE_RINGBUF)
                run->ring = ring_buffer__new(fd, on_record, run, NULL);
}

int left_find(const Pins *pins, Left **ret) {
        _cleanup_(left_freep) Left *l = new0(Left, 1);
        bool attached = false;
        char **paths = NULL;
        int n;

        if (!l)
                return -ENOMEM;
        n = pins_list_others(pins, &paths);
        if (n < 0)
                return n;
        l->runs = n > 0 ? new0(Run, (size_t) n) : NULL;
        for (int i = 0; i < n; i++)
                if (l->runs)
                        l->runs[l->n++] = (Run){ .path = paths[i] };
                else
                        free(paths[i]);
        free(paths);
        if (n > 0 && !l->runs)
                return -ENOMEM;
        for (size_t i = 0; i < l->n; i++) {
                l->runs[i].links = count_links(l->runs[i].path);
                map_head(&l->runs[i]);
                open_ring(&l->runs[i]);
                attached = attached || (l->runs[i].links > 0 && l->runs[i].ring);
        }
        for (size_t i = 0; i < l->n; i++)
                l->runs[i].has_heir = attached && l->runs[i].links == 0;
        *ret = TAKE_PTR(l);
        return 0;
}

Left *left_free(Left *l) {
        if (!l)
                return NULL;
        for (size_t i = 0; i < l->n; i++) {
                ring_buffer__free(l->runs[i].ring);
                if (l->runs[i].head)
                        (void) munmap(l->runs[i].head, l->runs[i].mapped);
                free(l->runs[i].path);
        }
        free(l->runs);
        free(l);
        return NULL;
}

static uint64_t untold_losses(const StateHead *h) {
        uint64_t n = 0;

        for (size_t t = 0; t < ABI_TYPES_MAX; t++)
                n += load(&h->lost[t]) - h->lost_told[t];
        return n;
}

void left_facts(const Left *l, LeftFacts *ret) {
        *ret = (LeftFacts){ .runs = (unsigned) l->n, .readable = true };
        for (size_t i = 0; i < l->n; i++) {
                const StateHead *h = l->runs[i].head;
                uint64_t lost, numbered;

                ret->links += l->runs[i].links;
                if (h && h->in_charge && l->runs[i].ring)
                        ret->judging = MAX(ret->judging, l->runs[i].links);
                ret->readable = ret->readable && h && h->events == ABI_EVENTS;
                if (!h)
                        continue;
                lost = untold_losses(h);
                numbered = load(&h->sequence) - h->told;
                ret->lost += lost;
                ret->queued += numbered > lost && numbered < UINT32_MAX ? numbered - lost : 0;
        }
}

void left_let_go(Left *l, unsigned which, uint64_t inode_address) {
        for (size_t i = 0; i < l->n; i++)
                if (l->runs[i].head)
                        __atomic_store_n(&l->runs[i].head->let_go[which], inode_address, __ATOMIC_RELEASE);
}

void left_detach(Left *l, uint64_t now) {
        for (size_t i = 0; i < l->n; i++) {
                StateHead *h = l->runs[i].head;

                if (h && load(&h->replaced) == 0)
                        __atomic_store_n(&h->replaced, now, __ATOMIC_RELEASE);
                pins_remove_links(l->runs[i].path);
        }
}

/* At once: they are out of the ring, and count as told. */
static void tell_strange(Run *run) {
        if (run->strange > 0)
                run->ops->lost(run->ops->userdata, -1, run->strange_first, run->strange_last, run->strange);
        run->strange = 0;
}

void left_read(Left *l, const LeftOps *ops) {
        for (size_t i = 0; i < l->n; i++) {
                l->runs[i].ops = ops;
                if (l->runs[i].ring)
                        (void) ring_buffer__consume(l->runs[i].ring);
                tell_strange(&l->runs[i]);
        }
}

static void tell_lost(Run *run, const LeftOps *ops) {
        StateHead *h = run->head;
        uint64_t end = load(&h->sequence), missing;

        for (int t = 0; t < ABI_TYPES_MAX; t++) {
                uint64_t n = load(&h->lost[t]) - h->lost_told[t];

                if (n == 0)
                        continue;
                ops->lost(ops->userdata, t, h->told, MAX(end, h->told + 1) - 1, n);
                h->lost_told[t] += n;
                h->told += n;
        }
        missing = end - h->told; /* what was numbered and is neither in the ring nor counted */
        if (missing > 0 && missing <= end) {
                ops->lost(ops->userdata, -1, h->told, end - 1, missing);
                h->told = end;
        }
}

/* By another version of the programs, kinds and counters may mean other things. */
static void tell_untold(const Run *run, const LeftOps *ops) {
        SensorState *state = (SensorState *) run->head;

        if (run->head->version != ABI_VERSION || run->mapped < sizeof(SensorState))
                return;
        for (uint32_t kind = 0; kind < ABI_KINDS_MAX; kind++) {
                uint64_t n = __atomic_exchange_n(&state->untold[kind], 0, __ATOMIC_ACQ_REL);

                if (n > 0)
                        ops->untold(ops->userdata, kind, n);
        }
}

void left_end(Left *l, const LeftOps *ops) {
        left_read(l, ops);
        for (size_t i = 0; i < l->n; i++) {
                Run *run = &l->runs[i];

                if (run->head) {
                        tell_lost(run, ops);
                        tell_untold(run, ops);
                }
                pins_remove_all(run->path);
        }
}
