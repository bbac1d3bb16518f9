/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Jobs, owed extends and results between threads. */

#include "daemon/tpm/queue.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/tpm/clock.h"
#include "daemon/tpm/lock.h"
#include "lib/base/alloc.h"
#include "lib/io/fd.h"

enum { WAITING_MAX = 4096 };

/* How long after a failure what is owed is tried again. */
#define BACKOFF_MIN (100 * USEC_PER_MSEC)
#define BACKOFF_MAX (5 * USEC_PER_SEC)

typedef struct JobList {
        TpmJob *first, **end; /* end: NULL when the list is empty and was never used */
} JobList;

struct Queue {
        pthread_mutex_t lock;
        pthread_cond_t work;    /* for workers: a job, or the stop */
        pthread_cond_t answers; /* for the caller: a result, or a worker's end */
        unsigned ended;
        bool stopping;

        uint64_t last_id;
        size_t waiting; /* jobs of other classes than LOCK */
        JobList jobs[_TPM_CLASS_MAX];

        JobList owed; /* until owed_at */
        JobList due;  /* owed, and to be tried now */
        usec_t owed_at, backoff;

        Answer *first_answer, **answers_end;
        Answer *first_aside;
        int event_fd;
};

static void list_append(JobList *l, TpmJob *job) {
        if (!l->end)
                l->end = &l->first;
        job->next = NULL;
        *l->end = job;
        l->end = &job->next;
}

static TpmJob *list_take(JobList *l) {
        TpmJob *job = l->first;

        if (!job)
                return NULL;
        l->first = job->next;
        if (!l->first)
                l->end = &l->first;
        job->next = NULL;
        return job;
}

static void list_done(JobList *l) {
        for (TpmJob *job; (job = list_take(l));)
                tpm_job_free(job);
}

int queue_new(Queue **ret) {
        pthread_condattr_t attributes;
        Queue *q = new0(Queue, 1);

        if (!q)
                return -ENOMEM;
        q->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (q->event_fd < 0) {
                int r = -errno;

                free(q);
                return r;
        }
        q->backoff = BACKOFF_MIN;
        q->answers_end = &q->first_answer;
        pthread_mutex_init(&q->lock, NULL);
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&q->work, &attributes);
        pthread_cond_init(&q->answers, &attributes);
        pthread_condattr_destroy(&attributes);
        *ret = q;
        return 0;
}

static Answer *answer_take(Queue *q, Answer **where) {
        Answer *a = *where;
        uint64_t count;

        *where = a->next;
        if (!a->next)
                q->answers_end = where;
        if (!q->first_answer)
                (void) !read(q->event_fd, &count, sizeof(count)); /* back to zero; it does not block */
        return a;
}

Queue *queue_free(Queue *q) {
        if (!q)
                return NULL;
        for (TpmClass c = 0; c < _TPM_CLASS_MAX; c++)
                list_done(&q->jobs[c]);
        list_done(&q->owed);
        list_done(&q->due);
        while (q->first_answer)
                tpm_result_free(&answer_take(q, &q->first_answer)->result);
        for (Answer *a; (a = q->first_aside);) {
                q->first_aside = a->next;
                tpm_result_free(&a->result);
        }
        pthread_mutex_destroy(&q->lock);
        pthread_cond_destroy(&q->work);
        pthread_cond_destroy(&q->answers);
        safe_close(q->event_fd);
        free(q);
        return NULL;
}

static int submit_locked(Queue *q, TpmJob *job, uint64_t *ret_id) {
        if (job->class != TPM_CLASS_LOCK) {
                if (q->waiting >= WAITING_MAX)
                        return -ENOBUFS;
                q->waiting++;
        }
        job->id = ++q->last_id;
        if (ret_id)
                *ret_id = job->id;
        list_append(&q->jobs[job->class], job);
        pthread_cond_broadcast(&q->work);
        return 0;
}

int queue_submit(Queue *q, TpmJob *job, uint64_t *ret_id) {
        HOLD(&q->lock);

        return submit_locked(q, job, ret_id);
}

int queue_fd(const Queue *q) {
        return q->event_fd;
}

TpmResult *queue_next_result(Queue *q) {
        HOLD(&q->lock);

        return q->first_answer ? &answer_take(q, &q->first_answer)->result : NULL;
}

/* False when the time is over. */
static bool wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, usec_t until) {
        struct timespec ts = usec_to_timespec(until);

        if (until == USEC_INFINITY)
                return pthread_cond_wait(condition, lock) == 0;
        return pthread_cond_timedwait(condition, lock, &ts) == 0;
}

static Answer **find_answer(Answer **list, uint64_t id) {
        for (Answer **a = list; *a; a = &(*a)->next)
                if ((*a)->result.id == id)
                        return a;
        return NULL;
}

TpmResult *queue_wait_result(Queue *q, uint64_t id, usec_t until) {
        Answer **found;
        HOLD(&q->lock);

        while (!(found = find_answer(&q->first_answer, id)))
                if (!wait_until(&q->answers, &q->lock, until))
                        return NULL;
        return &answer_take(q, found)->result;
}

int queue_call_aside(Queue *q, TpmJob *job, TpmResult **ret) {
        Answer **found = NULL;
        uint64_t id;
        int r;
        HOLD(&q->lock);

        job->answer->aside = true;
        r = submit_locked(q, job, &id);
        if (r < 0)
                return r;
        while (!q->stopping && !(found = find_answer(&q->first_aside, id)))
                (void) wait_until(&q->answers, &q->lock, USEC_INFINITY);
        *ret = NULL;
        if (found) {
                *ret = &(*found)->result;
                *found = (*found)->next;
        }
        return 0;
}

void queue_stop(Queue *q) {
        HOLD(&q->lock);

        q->stopping = true;
        pthread_cond_broadcast(&q->answers);
        pthread_cond_broadcast(&q->work);
}

bool queue_wait_ended(Queue *q, unsigned workers, usec_t until) {
        HOLD(&q->lock);

        while (q->ended < workers)
                if (!wait_until(&q->answers, &q->lock, until))
                        return false;
        return true;
}

bool queue_is_stopping(Queue *q) {
        HOLD(&q->lock);

        return q->stopping;
}

void queue_ended(Queue *q) {
        HOLD(&q->lock);

        q->ended++;
        pthread_cond_broadcast(&q->answers);
}

static void owed_to_due(Queue *q) {
        for (TpmJob *job; (job = list_take(&q->owed));)
                list_append(&q->due, job);
}

static TpmJob *take_locked(Queue *q, ClassSet classes) {
        TpmJob *job;

        if (q->stopping)
                return classes & class_bit(TPM_CLASS_LOCK) ? list_take(&q->jobs[TPM_CLASS_LOCK]) : NULL;
        if (classes & class_bit(TPM_CLASS_LOCK)) {
                if (q->owed.first && now_monotonic() >= q->owed_at) {
                        owed_to_due(q);
                        q->backoff = MIN(2 * q->backoff, BACKOFF_MAX);
                }
                job = list_take(&q->due);
                if (job)
                        return job;
        }
        for (TpmClass c = 0; c < _TPM_CLASS_MAX; c++) {
                job = classes & class_bit(c) ? list_take(&q->jobs[c]) : NULL;
                if (!job)
                        continue;
                q->waiting -= c != TPM_CLASS_LOCK;
                return job;
        }
        return NULL;
}

TpmJob *queue_take(Queue *q, ClassSet classes) {
        HOLD(&q->lock);

        return take_locked(q, classes);
}

static bool something_waits(const Queue *q, ClassSet classes) {
        if (classes & class_bit(TPM_CLASS_LOCK) && q->due.first)
                return true;
        for (TpmClass c = 0; c < _TPM_CLASS_MAX; c++)
                if (classes & class_bit(c) && q->jobs[c].first)
                        return true;
        return false;
}

bool queue_wait(Queue *q, ClassSet classes, usec_t until) {
        bool owes;
        HOLD(&q->lock);

        if (q->stopping || something_waits(q, classes))
                return true;
        owes = classes & class_bit(TPM_CLASS_LOCK) && q->owed.first && q->owed_at < until;
        return wait_until(&q->work, &q->lock, owes ? q->owed_at : until) || owes; /* the caller looks again */
}

void queue_owed_is_due(Queue *q) {
        HOLD(&q->lock);

        owed_to_due(q);
}

TpmJob *queue_take_owed(Queue *q) {
        HOLD(&q->lock);

        return list_take(&q->due);
}

void queue_owe_no_more(Queue *q) {
        HOLD(&q->lock);

        q->backoff = BACKOFF_MIN;
}

static void put_answer(Queue *q, Answer *answer) {
        const uint64_t one = 1;

        if (answer->aside) {
                answer->next = q->first_aside;
                q->first_aside = answer;
                pthread_cond_broadcast(&q->answers);
                return;
        }
        answer->next = NULL;
        *q->answers_end = answer;
        q->answers_end = &answer->next;
        (void) !write(q->event_fd, &one, sizeof(one)); /* fails only when it counts 2^64 already */
        pthread_cond_broadcast(&q->answers);
}

void queue_answer(Queue *q, Answer *answer, TpmJob *owed) {
        HOLD(&q->lock);

        if (answer)
                put_answer(q, answer);
        if (owed) {
                list_append(&q->owed, owed);
                q->owed_at = now_monotonic() + q->backoff;
                pthread_cond_broadcast(&q->work); /* the other worker may have to wait less long now */
        }
}
