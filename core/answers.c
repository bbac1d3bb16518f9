/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Gate answers that wait for their exec. */

#include "core/answers.h"

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/base/table.h"

typedef struct Given {
        FileIdentity file;
        uint64_t token;
        usec_t when;
        bool held;
} Given;

/* The answers of one process, the oldest first; it goes when there are too many. */
typedef struct Process {
        uint32_t pid; /* the key */
        uint32_t n;
        Given given[ANSWERS_PER_PROCESS];
} Process;

struct Answers {
        Table *processes;
};

int answers_new(size_t max, const uint8_t seed[16], Answers **ret) {
        _cleanup_free_ Answers *a = new0(Answers, 1);
        int r;

        if (!a)
                return -ENOMEM;
        r = table_new(sizeof(uint32_t), sizeof(Process), max, seed, &a->processes);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(a);
        return 0;
}

Answers *answers_free(Answers *a) {
        if (!a)
                return NULL;
        table_free(a->processes);
        free(a);
        return NULL;
}

static usec_t newest(const Process *p) {
        return p->given[p->n - 1].when;
}

/* Removes all processes whose newest answer is older than the middle of all. */
static void make_room(Answers *a) {
        usec_t first = USEC_INFINITY, last = 0, middle;
        size_t position = 0;
        Process *p;

        while ((p = table_next(a->processes, &position))) {
                first = MIN(first, newest(p));
                last = MAX(last, newest(p));
        }
        middle = first + (last - first) / 2;
        position = 0;
        while ((p = table_next(a->processes, &position)))
                if (newest(p) <= middle) {
                        uint32_t pid = p->pid;

                        table_remove(a->processes, &pid);
                        position--; /* the slot may hold another one now */
                }
}

static void drop(Process *p, size_t i, size_t n) {
        p->n -= (uint32_t) n;
        memmove(&p->given[i], &p->given[i + n], (p->n - i) * sizeof(Given));
}

static void remove_if_empty(Answers *a, const Process *p) {
        const uint32_t pid = p->pid;

        if (p->n == 0)
                table_remove(a->processes, &pid);
}

int answers_add(Answers *a, uint32_t pid, const FileIdentity *file, uint64_t token, bool held, usec_t now) {
        void *entry;
        Process *p;
        int r;

        r = table_put(a->processes, &pid, &entry);
        if (r == -ENOSPC) {
                make_room(a);
                r = table_put(a->processes, &pid, &entry);
        }
        if (r < 0)
                return r;
        p = entry;
        if (p->n == ANSWERS_PER_PROCESS)
                drop(p, 0, 1);
        p->given[p->n++] = (Given){ .file = *file, .token = token, .when = now, .held = held };
        return 0;
}

static size_t given_until(const Process *p, usec_t when) {
        size_t n = 0;

        while (p && n < p->n && p->given[n].when <= when)
                n++;
        return n;
}

bool answers_consume(Answers *a, uint32_t pid, const FileIdentity *file, usec_t started, usec_t when, UsedAnswer *used,
                     size_t *ret_n) {
        Process *p = table_get(a->processes, &pid);
        const size_t n = given_until(p, when);
        size_t main = n; /* which of them it is that runs */

        for (size_t i = 0; i < n; i++) {
                const Given *g = &p->given[i];

                if (is_same_file(&g->file, file) && started <= g->when)
                        main = i;
                used[i] = (UsedAnswer){ .token = g->token, .ran = g->held };
        }
        for (size_t i = 0; i < main; i++)
                used[i].ran = false;
        if (n > 0) {
                drop(p, 0, n);
                remove_if_empty(a, p);
        }
        *ret_n = n;
        return main < n;
}

void answers_forget(Answers *a, uint32_t pid, uint64_t token) {
        Process *p = table_get(a->processes, &pid);

        for (size_t i = 0; p && i < p->n; i++)
                if (p->given[i].token == token) {
                        drop(p, i, 1);
                        break;
                }
        if (p)
                remove_if_empty(a, p);
}

size_t answers_size(const Answers *a) {
        return table_size(a->processes);
}
