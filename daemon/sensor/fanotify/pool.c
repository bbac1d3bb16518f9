/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Worker threads. What they share with the main thread lives as long as the last of them. */

#include "daemon/sensor/fanotify/pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/io/fd.h"

enum {
        STUCK_MAX = 16, /* threads that are replaced when they hang; then the pool shrinks, and deadlines answer */
        STACK_SIZE = 128 * 1024,
};

typedef enum JobState { JOB_QUEUED, JOB_RUNNING, JOB_DONE } JobState;

struct HashJob {
        HashJob *next;
        JobState state;
        bool only_close, forgotten, given_up;
        uint64_t token;
        HashOrder order;
        HashResult result;
};

typedef struct JobList {
        HashJob *first, **end;
} JobList;

typedef struct Shared {
        pthread_mutex_t lock;
        pthread_cond_t work;
        JobList queue, done;
        int done_fd; /* eventfd: `done` has become non-empty */
        unsigned wanted, threads, stuck, references;
        bool ending;
} Shared;

struct Pool {
        Shared *shared;
        sd_event_source *source;
        void (*done)(void *userdata, uint64_t token, HashFile *file, const HashResult *result);
        void *userdata;
};

static void list_add(JobList *l, HashJob *job) {
        job->next = NULL;
        *l->end = job;
        l->end = &job->next;
}

static HashJob *list_take(JobList *l) {
        HashJob *job = l->first;

        if (!job)
                return NULL;
        l->first = job->next;
        if (!l->first)
                l->end = &l->first;
        return job;
}

static void list_remove(JobList *l, HashJob *job) {
        HashJob **p = &l->first;

        while (*p != job)
                p = &(*p)->next;
        *p = job->next;
        if (l->end == &job->next)
                l->end = p;
}

static void shared_unref(Shared *s) {
        if (__atomic_sub_fetch(&s->references, 1, __ATOMIC_ACQ_REL) > 0)
                return;
        safe_close(s->done_fd);
        pthread_cond_destroy(&s->work);
        pthread_mutex_destroy(&s->lock);
        free(s);
}

static void job_free(HashJob *job) {
        free(job->order.file);
        free(job);
}

/* With the lock held: the next job, or NULL when this thread is to end. */
static HashJob *wait_for_job(Shared *s) {
        for (;;) {
                if (s->threads > s->wanted + s->stuck)
                        return NULL; /* it hung once, and was replaced */
                if (s->queue.first)
                        return list_take(&s->queue);
                if (s->ending)
                        return NULL;
                pthread_cond_wait(&s->work, &s->lock);
        }
}

/* With the lock held, which is given up while the work is done. */
static void run_job(Shared *s, Hasher *h, HashJob *job) {
        job->state = JOB_RUNNING;
        pthread_mutex_unlock(&s->lock);
        if (job->only_close)
                safe_close(job->order.fd);
        else
                hash_file(h, &job->order, &job->result);
        pthread_mutex_lock(&s->lock);
        if (job->only_close) {
                free(job);
                return;
        }
        if (job->given_up)
                s->stuck--;
        if (job->forgotten) {
                pthread_mutex_unlock(&s->lock);
                safe_close(job->order.file ? job->order.file->fd : job->order.fd);
                job_free(job);
                pthread_mutex_lock(&s->lock);
                return;
        }
        job->state = JOB_DONE;
        if (!s->done.first)
                (void) eventfd_write(s->done_fd, 1);
        list_add(&s->done, job);
}

static void *worker(void *userdata) {
        Shared *s = userdata;
        _cleanup_(hasher_done) Hasher h = {};
        HashJob *job;

        while (hasher_init(&h) < 0) { /* out of memory: jobs wait for it, at most until their deadline */
                hasher_done(&h);
                sleep(1);
        }
        pthread_mutex_lock(&s->lock);
        while ((job = wait_for_job(s)))
                run_job(s, &h, job);
        s->threads--;
        pthread_mutex_unlock(&s->lock);
        shared_unref(s);
        return NULL;
}

/* With the lock held. Workers get no signals: those are the main thread's. */
static int add_worker(Shared *s) {
        pthread_attr_t attributes;
        sigset_t all, before;
        pthread_t thread;
        int r;

        sigfillset(&all);
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&attributes, STACK_SIZE);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&thread, &attributes, worker, s);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&attributes);
        if (r != 0)
                return -r;
        s->threads++; /* the new thread waits for the lock */
        __atomic_add_fetch(&s->references, 1, __ATOMIC_ACQ_REL);
        return 0;
}

static int on_done(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Pool *p = userdata;
        Shared *s = p->shared;
        eventfd_t count;

        (void) eventfd_read(fd, &count);
        for (;;) {
                HashJob *job;

                pthread_mutex_lock(&s->lock);
                job = list_take(&s->done);
                pthread_mutex_unlock(&s->lock);
                if (!job)
                        return 0;
                p->done(p->userdata, job->token, job->order.file, &job->result);
                job_free(job);
        }
}

static int shared_new(unsigned workers, Shared **ret) {
        Shared *s = new0(Shared, 1);

        if (!s)
                return -ENOMEM;
        s->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (s->done_fd < 0) {
                free(s);
                return -errno;
        }
        pthread_mutex_init(&s->lock, NULL);
        pthread_cond_init(&s->work, NULL);
        s->queue.end = &s->queue.first;
        s->done.end = &s->done.first;
        s->wanted = workers;
        s->references = 1;
        *ret = s;
        return 0;
}

DEFINE_CLEANUP(Pool *, pool_free)

int pool_new(sd_event *event, unsigned workers,
             void (*done)(void *userdata, uint64_t token, HashFile *file, const HashResult *result), void *userdata,
             Pool **ret) {
        _cleanup_(pool_freep) Pool *p = new0(Pool, 1);
        int r;

        if (!p)
                return -ENOMEM;
        p->done = done;
        p->userdata = userdata;
        r = shared_new(workers, &p->shared);
        if (r >= 0)
                r = sd_event_add_io(event, &p->source, p->shared->done_fd, EPOLLIN, on_done, p);
        if (r >= 0)
                r = sd_event_source_set_priority(p->source, SD_EVENT_PRIORITY_IMPORTANT);
        for (unsigned i = 0; r >= 0 && i < workers; i++) {
                pthread_mutex_lock(&p->shared->lock);
                r = add_worker(p->shared);
                pthread_mutex_unlock(&p->shared->lock);
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(p);
        return 0;
}

Pool *pool_free(Pool *p) {
        if (!p)
                return NULL;
        sd_event_source_disable_unref(p->source);
        if (p->shared) {
                pthread_mutex_lock(&p->shared->lock);
                p->shared->ending = true;
                pthread_cond_broadcast(&p->shared->work);
                pthread_mutex_unlock(&p->shared->lock);
                shared_unref(p->shared);
        }
        free(p);
        return NULL;
}

static void submit(Shared *s, HashJob *job) {
        pthread_mutex_lock(&s->lock);
        list_add(&s->queue, job);
        pthread_cond_signal(&s->work);
        pthread_mutex_unlock(&s->lock);
}

HashJob *pool_hash(Pool *p, uint64_t token, const HashOrder *order) {
        HashJob *job = new0(HashJob, 1);

        if (!job) {
                free(order->file);
                return NULL;
        }
        job->token = token;
        job->order = *order;
        if (job->order.file)
                job->order.file->fd = -1;
        submit(p->shared, job);
        return job;
}

void pool_close(Pool *p, int fd) {
        HashJob *job = new0(HashJob, 1);

        if (!job) {
                safe_close(fd);
                return;
        }
        job->only_close = true;
        job->order.fd = fd;
        submit(p->shared, job);
}

/* With the lock held: nobody counts on the thread any more that has this job. */
static void give_up(Shared *s, HashJob *job) {
        if (job->state != JOB_RUNNING || job->given_up)
                return;
        job->given_up = true;
        if (++s->stuck <= STUCK_MAX && !s->ending)
                (void) add_worker(s);
}

void pool_give_up(Pool *p, HashJob *job) {
        pthread_mutex_lock(&p->shared->lock);
        give_up(p->shared, job);
        pthread_mutex_unlock(&p->shared->lock);
}

bool pool_forget(Pool *p, HashJob *job) {
        Shared *s = p->shared;
        bool running;

        pthread_mutex_lock(&s->lock);
        running = job->state == JOB_RUNNING;
        if (running) {
                job->forgotten = true;
                give_up(s, job);
        } else
                list_remove(job->state == JOB_QUEUED ? &s->queue : &s->done, job);
        pthread_mutex_unlock(&s->lock);
        if (!running) {
                if (job->order.file)
                        safe_close(job->order.file->fd); /* done, and told nobody */
                job_free(job);
        }
        return running;
}
