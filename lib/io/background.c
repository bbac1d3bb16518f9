/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One thread for what may block. */

#include "lib/io/background.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/io/fd.h"

typedef struct Job Job;

struct Job {
        BackgroundWork work;
        BackgroundDone done;
        void *item;
        int result;
        Job *next;
};

typedef struct JobList {
        Job *first, **end;
} JobList;

struct Background {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        pthread_t thread;
        bool running, ending;
        JobList waiting, finished;
        int event_fd;
};

DEFINE_CLEANUP(Background *, background_free)

static void push(JobList *l, Job *j) {
        j->next = NULL;
        *(l->first ? l->end : &l->first) = j;
        l->end = &j->next;
}

static Job *pop(JobList *l) {
        Job *j = l->first;

        if (j)
                l->first = j->next;
        return j;
}

static void *run(void *userdata) {
        Background *b = userdata;
        const uint64_t one = 1;

        pthread_mutex_lock(&b->lock);
        while (!b->ending) {
                Job *j = pop(&b->waiting);

                if (!j) {
                        pthread_cond_wait(&b->changed, &b->lock);
                        continue;
                }
                pthread_mutex_unlock(&b->lock);
                j->result = j->work(j->item);
                pthread_mutex_lock(&b->lock);
                push(&b->finished, j);
                (void) write_all(b->event_fd, &one, sizeof(one));
        }
        pthread_mutex_unlock(&b->lock);
        return NULL;
}

int background_new(Background **ret) {
        _cleanup_(background_freep) Background *b = new0(Background, 1);
        int r;

        if (!b)
                return -ENOMEM;
        pthread_mutex_init(&b->lock, NULL);
        pthread_cond_init(&b->changed, NULL);
        b->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (b->event_fd < 0)
                return -errno;
        r = pthread_create(&b->thread, NULL, run, b);
        if (r > 0)
                return -r;
        b->running = true;
        *ret = TAKE_PTR(b);
        return 0;
}

static void finish(JobList *l, bool cancelled) {
        Job *j;

        while ((j = pop(l))) {
                j->done(j->item, j->result, cancelled);
                free(j);
        }
}

Background *background_free(Background *b) {
        if (!b)
                return NULL;
        if (b->running) {
                pthread_mutex_lock(&b->lock);
                b->ending = true;
                pthread_cond_signal(&b->changed);
                pthread_mutex_unlock(&b->lock);
                pthread_join(b->thread, NULL);
        }
        finish(&b->finished, false);
        finish(&b->waiting, true);
        pthread_mutex_destroy(&b->lock);
        pthread_cond_destroy(&b->changed);
        safe_close(b->event_fd);
        free(b);
        return NULL;
}

int background_submit(Background *b, BackgroundWork work, BackgroundDone done, void *item) {
        Job *j = new0(Job, 1);

        if (!j) {
                done(item, -ENOMEM, true);
                return -ENOMEM;
        }
        *j = (Job){ .work = work, .done = done, .item = item };
        pthread_mutex_lock(&b->lock);
        push(&b->waiting, j);
        pthread_cond_signal(&b->changed);
        pthread_mutex_unlock(&b->lock);
        return 0;
}

int background_fd(const Background *b) {
        return b->event_fd;
}

void background_dispatch(Background *b) {
        JobList finished;
        uint64_t count;

        (void) read_up_to(b->event_fd, &count, sizeof(count));
        pthread_mutex_lock(&b->lock);
        finished = b->finished;
        b->finished = (JobList){};
        pthread_mutex_unlock(&b->lock);
        finish(&finished, false);
}
