/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the caller's thread and the workers meet: jobs that wait, extends that are owed, results. Every function takes
 * the lock. */

#include "daemon/tpm/job-internal.h"
#include "lib/base/macro.h"

typedef struct Queue Queue;

/* Bit 1 << TpmClass. */
typedef unsigned ClassSet;
#define CLASSES_ALL ((ClassSet) (1U << _TPM_CLASS_MAX) - 1)

static inline ClassSet class_bit(TpmClass class) {
        return 1U << class;
}

int queue_new(Queue **ret); /* 0 or a negative errno */
Queue *queue_free(Queue *q);

/* The caller's side. */
int queue_submit(Queue *q, TpmJob *job, uint64_t *ret_id); /* takes the job over on success */
int queue_fd(const Queue *q);
TpmResult *queue_next_result(Queue *q);
TpmResult *queue_wait_result(Queue *q, uint64_t id, usec_t until); /* NULL: none by then */
void queue_stop(Queue *q);

/* Any thread's side. The result comes to this call alone; NULL when the queue stops first. The job is taken over on
 * success, which is 0 or as queue_submit(). */
int queue_call_aside(Queue *q, TpmJob *job, TpmResult **ret);
bool queue_wait_ended(Queue *q, unsigned workers, usec_t until); /* so many have called queue_ended() */

/* The workers' side. */
bool queue_is_stopping(Queue *q);
void queue_ended(Queue *q);

/* The most urgent job of the classes that can be had without waiting; LOCK includes what is owed and due. NULL: none.
 * Once the queue is stopping only jobs of LOCK that were never tried are handed out. */
TpmJob *queue_take(Queue *q, ClassSet classes);

/* Waits until there may be something to take, or the queue stops. False when it was neither by the time given. */
bool queue_wait(Queue *q, ClassSet classes, usec_t until);

/* A TPM is there: everything owed is due now; queue_take_owed() hands it out, each job once. */
void queue_owed_is_due(Queue *q);
TpmJob *queue_take_owed(Queue *q);

/* Both taken over, either may be NULL: a result for the caller, and a job that could not be finished. That one is due
 * again after a while, a longer one each time. In one step, or its next result could overtake this one. */
void queue_answer(Queue *q, Answer *answer, TpmJob *owed);

void queue_owe_no_more(Queue *q); /* one could be finished: start with the short while again */
