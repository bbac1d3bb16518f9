/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The caller's side. */

#include "daemon/tpm/tpm.h"

#include <errno.h>
#include <pthread.h>

#include "daemon/tpm/clock.h"
#include "daemon/tpm/worker.h"
#include "lib/base/alloc.h"

#define COMMAND_DEADLINE (5 * USEC_PER_SEC)
#define LINGER (5 * USEC_PER_MSEC)

enum { WORKERS_MAX = 2 };

struct Tpm {
        Shared *shared;
        pthread_t threads[WORKERS_MAX];
        unsigned n_threads;
};

void tpm_silence_library(void) {
        (void) setenv("TSS2_LOG", "all+none", 0);
}

static int start_workers(Tpm *t) {
        const ClassSet lock = class_bit(TPM_CLASS_LOCK);
        bool is_split = t->shared->transport.resource_manager;
        int r;

        r = worker_start(t->shared, is_split ? CLASSES_ALL & ~lock : CLASSES_ALL, "tpm", &t->threads[0]);
        if (r < 0)
                return r;
        t->n_threads++;
        if (!is_split)
                return 0;
        r = worker_start(t->shared, lock, "tpm-lock", &t->threads[1]);
        if (r >= 0)
                t->n_threads++;
        return r;
}

int tpm_new(const TpmOptions *options, Tpm **ret, const char **reterr_why) {
        _cleanup_(transport_done) TpmTransport transport = {};
        _cleanup_(tpm_freep) Tpm *t = new0(Tpm, 1);
        int r;

        *reterr_why = "cannot start";
        if (!t)
                return -ENOMEM;
        if (options->transport)
                transport = *options->transport;
        else {
                r = transport_from_conf(options->device ?: "auto", &transport, reterr_why);
                if (r < 0)
                        return r;
        }
        r = shared_new(&transport, options->command_deadline ?: COMMAND_DEADLINE, options->linger ?: LINGER,
                       &t->shared);
        if (r < 0)
                return r;
        transport = (TpmTransport){};
        r = start_workers(t);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(t);
        return 0;
}

/* A thread is joined only when it is known to be at its end. */
Tpm *tpm_free(Tpm *t) {
        bool ended;

        if (!t)
                return NULL;
        if (t->shared) {
                queue_stop(t->shared->queue);
                ended = queue_wait_ended(t->shared->queue, t->n_threads,
                                         now_monotonic() + t->shared->command_deadline + USEC_PER_SEC);
                for (unsigned i = 0; i < t->n_threads; i++)
                        if (ended)
                                pthread_join(t->threads[i], NULL);
                        else
                                pthread_detach(t->threads[i]);
        }
        shared_unref(t->shared);
        free(t);
        return NULL;
}

int tpm_submit(Tpm *t, TpmJob *job, uint64_t *ret_id) {
        return queue_submit(t->shared->queue, job, ret_id);
}

int tpm_fd(const Tpm *t) {
        return queue_fd(t->shared->queue);
}

TpmResult *tpm_next_result(Tpm *t) {
        return queue_next_result(t->shared->queue);
}

int tpm_call(Tpm *t, TpmJob *job, usec_t timeout, TpmResult **ret) {
        _cleanup_(tpm_job_freep) TpmJob *mine = job;
        uint64_t id;
        int r;

        r = tpm_submit(t, mine, &id);
        if (r < 0)
                return r;
        (void) TAKE_PTR(mine);
        *ret = queue_wait_result(t->shared->queue, id, now_monotonic() + timeout);
        return *ret ? 0 : -ETIMEDOUT;
}

int tpm_call_aside(Tpm *t, TpmJob *job, TpmResult **ret) {
        _cleanup_(tpm_job_freep) TpmJob *mine = job;
        int r;

        r = queue_call_aside(t->shared->queue, mine, ret);
        if (r < 0)
                return r;
        (void) TAKE_PTR(mine);
        return *ret ? 0 : -ECANCELED;
}
