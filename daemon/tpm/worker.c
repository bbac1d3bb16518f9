/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Running jobs. */

#include "daemon/tpm/worker.h"

#include <errno.h>
#include <signal.h>

#include "daemon/tpm/clock.h"
#include "daemon/tpm/lock.h"
#include "daemon/tpm/run.h"
#include "lib/base/alloc.h"

/* How long a connection is held, whatever there is to do: so many times the linger, or the greeting, which on a slow TPM
 * would else be most of what it does; and at most so long. */
enum { TURN_LINGERS = 100, TURN_GREETINGS = 64 };
#define TURN_MAX (2 * USEC_PER_SEC)

typedef struct Worker {
        Shared *shared;
        ClassSet classes;
        Connection connection;
        bool is_paying; /* runs what is owed */
        char name[16];
} Worker;

static void run_job(Worker *w, TpmJob *job);

int shared_new(const TpmTransport *transport, usec_t command_deadline, usec_t linger, Shared **ret) {
        _cleanup_free_ Shared *s = new0(Shared, 1);
        int r;

        if (!s)
                return -ENOMEM;
        r = queue_new(&s->queue);
        if (r < 0)
                return r;
        s->transport = *transport;
        s->command_deadline = command_deadline;
        s->linger = linger;
        s->references = 1;
        pthread_mutex_init(&s->lock, NULL);
        pthread_mutex_init(&s->life.lock, NULL);
        *ret = TAKE_PTR(s);
        return 0;
}

static Shared *shared_ref(Shared *s) {
        HOLD(&s->lock);

        s->references++;
        return s;
}

static bool was_last_reference(Shared *s) {
        HOLD(&s->lock);

        return --s->references == 0;
}

Shared *shared_unref(Shared *s) {
        if (!s || !was_last_reference(s))
                return NULL;
        queue_free(s->queue);
        transport_done(&s->transport);
        pthread_mutex_destroy(&s->lock);
        pthread_mutex_destroy(&s->life.lock);
        free(s);
        return NULL;
}

/* Classes of this worker above the one that runs. */
static void give_way(void *userdata) {
        Worker *w = userdata;
        ClassSet above = class_bit(w->connection.urgency) - 1;

        for (TpmJob *job; (job = queue_take(w->shared->queue, w->classes & above));)
                run_job(w, job);
}

/* Owed extends are the first commands of a TPM that has returned, whichever worker finds it. */
static void opened(void *userdata) {
        Worker *w = userdata;

        if (w->is_paying)
                return; /* the others follow in their order */
        queue_owed_is_due(w->shared->queue);
        for (TpmJob *job; (job = queue_take_owed(w->shared->queue));)
                run_job(w, job);
}

static void reset_seen(void *userdata) {
        Worker *w = userdata;
        Answer *a = answer_new(TPM_JOB_NONE);

        if (!a)
                return; /* the jobs that meet the reset still say so */
        a->result.outcome = TPM_RESET;
        tpm_error_describe(tpm_error_why(TPM_RESET, "the TPM was reset"), a->result.detail, sizeof(a->result.detail));
        queue_answer(w->shared->queue, a, NULL);
}

static bool is_stopping(void *userdata) {
        Worker *w = userdata;

        return queue_is_stopping(w->shared->queue);
}

static const ConnectionHooks hooks = {
        .give_way = give_way,
        .opened = opened,
        .reset_seen = reset_seen,
        .is_stopping = is_stopping,
};

static TpmError execute(Connection *c, TpmJob *job, TpmResult *result) {
        switch (job->type) {
        case TPM_JOB_STATE:
                return state_run(c, result);
        case TPM_JOB_READ:
                return read_run(c, result);
        case TPM_JOB_EXTEND:
                return extend_run(c, job);
        case TPM_JOB_SEAL:
                return seal_run(c, job, result);
        case TPM_JOB_HARVEST:
                return harvest_run(c, job, result);
        case TPM_JOB_AK:
                return ak_run(c, job, result);
        case TPM_JOB_QUOTE:
                return quote_run(c, job, result);
        case TPM_JOB_NV_READ:
                return nv_read_run(c, job, result);
        case TPM_JOB_NV_WRITE:
                return nv_write_run(c, job);
        default:
                return tpm_error_why(TPM_FAILED, "no such job");
        }
}

/* What the TPM refused once it will refuse again; everything else may pass. */
static bool is_to_be_owed(const TpmJob *job, TpmError e) {
        return job->type == TPM_JOB_EXTEND && job->class == TPM_CLASS_LOCK && !extend_is_complete(job) &&
               e.outcome != TPM_REFUSED;
}

static void fill(TpmResult *result, uint64_t id, TpmError e) {
        result->id = id;
        result->outcome = e.outcome;
        result->rc = e.rc;
        tpm_error_describe(e, result->detail, sizeof(result->detail));
}

/* These take the job over, and are done with it (and with the key in it) before anybody learns of its end. */

static void finish(Worker *w, TpmJob *job, TpmError e) {
        Answer *a = TAKE_PTR(job->answer);

        fill(&a->result, job->id, e);
        tpm_job_free(job);
        queue_answer(w->shared->queue, a, NULL);
}

/* An owed job stays silent until it is done, or refused for good. */
static void finish_extend(Worker *w, TpmJob *job, TpmError e) {
        const bool was_owed = job->extend.owed, is_owed = is_to_be_owed(job, e);
        Answer *a = was_owed && is_owed ? NULL : was_owed ? TAKE_PTR(job->later) : TAKE_PTR(job->answer);

        if (a) {
                fill(&a->result, job->id, e);
                a->result.owed = is_owed;
                a->result.extend.done = job->extend.done;
                a->result.extend.uncertain = !extend_is_complete(job) && job->extend.items[job->extend.done].uncertain;
        }
        if (is_owed)
                job->extend.owed = true;
        else
                job = tpm_job_free(job);
        if (was_owed && !is_owed)
                queue_owe_no_more(w->shared->queue);
        queue_answer(w->shared->queue, a, job);
}

/* A cap that is owed lives on as a job of its own, under the id of the harvest. */
static void finish_harvest(Worker *w, TpmJob *job, TpmError e) {
        TpmJob *cap = is_to_be_owed(job->harvest.cap, e) ? TAKE_PTR(job->harvest.cap) : NULL;
        Answer *a = TAKE_PTR(job->answer);

        fill(&a->result, job->id, e);
        a->result.owed = cap;
        if (cap) {
                cap->id = job->id;
                cap->extend.owed = true;
        }
        tpm_job_free(job);
        queue_answer(w->shared->queue, a, cap);
}

/* Takes the job over. It may be run from inside another one, between two of that one's commands. */
static void run_job(Worker *w, TpmJob *job) {
        Connection *c = &w->connection;
        const TpmClass urgency = c->urgency;
        const unsigned pinned = c->pinned;
        const bool is_paying = w->is_paying;
        TpmError e;

        c->urgency = job->class;
        c->pinned = 0;
        w->is_paying = is_paying || (job->type == TPM_JOB_EXTEND && job->extend.owed);
        e = execute(c, job, job->answer ? &job->answer->result : NULL);
        c->urgency = urgency;
        c->pinned = pinned;
        w->is_paying = is_paying;
        if (job->type == TPM_JOB_EXTEND)
                finish_extend(w, job, e);
        else if (job->type == TPM_JOB_HARVEST)
                finish_harvest(w, job, e);
        else
                finish(w, job, e);
}

/* Without a resource manager others wait while we hold the TPM: so not when there is nothing to do, and not for ever
 * when there always is. */
static void share(Worker *w, bool is_idle) {
        Connection *c = &w->connection;
        const usec_t linger = w->shared->linger;
        const usec_t turn = MIN(MAX(TURN_LINGERS * linger, TURN_GREETINGS * c->greeting), TURN_MAX);

        if (w->shared->transport.resource_manager || !connection_is_held(c)) {
                if (is_idle)
                        queue_wait(w->shared->queue, w->classes, USEC_INFINITY);
                return;
        }
        if (is_idle ? !queue_wait(w->shared->queue, w->classes, now_monotonic() + linger)
                    : now_monotonic() - c->opened_at > turn)
                connection_rest(c);
}

static void *run(void *userdata) {
        _cleanup_free_ Worker *w = userdata;
        Shared *s = w->shared;

        pthread_setname_np(pthread_self(), w->name);
        if (w->classes == class_bit(TPM_CLASS_LOCK))
                (void) connection_open(
                        &w->connection); /* before anybody removes the device node, or uses up descriptors */
        while (!queue_is_stopping(s->queue)) {
                TpmJob *job = queue_take(s->queue, w->classes);

                if (job)
                        run_job(w, job);
                share(w, !job);
        }
        for (TpmJob *job; (job = queue_take(s->queue, w->classes));)
                run_job(w, job);
        connection_close(&w->connection);
        queue_ended(s->queue);
        shared_unref(s);
        return NULL;
}

/* Signals are the business of the thread that waits for them. */
static int start_without_signals(pthread_t *ret, void *(*function)(void *), void *userdata) {
        sigset_t all, before;
        int r;

        sigfillset(&all);
        r = pthread_sigmask(SIG_SETMASK, &all, &before);
        if (r != 0)
                return -r;
        r = pthread_create(ret, NULL, function, userdata);
        (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
        return -r;
}

int worker_start(Shared *s, ClassSet classes, const char *name, pthread_t *ret) {
        _cleanup_free_ Worker *w = new0(Worker, 1);
        int r;

        if (!w)
                return -ENOMEM;
        *w = (Worker){
                .shared = shared_ref(s),
                .classes = classes,
                .connection = { .transport = &s->transport,
                                .deadline = s->command_deadline,
                                .life = &s->life,
                                .hooks = &hooks,
                                .userdata = w,
                                .urgency = TPM_CLASS_REST },
        };
        strncpy(w->name, name, sizeof(w->name) - 1);
        r = start_without_signals(ret, run, w);
        if (r < 0) {
                shared_unref(s);
                return r;
        }
        (void) TAKE_PTR(w);
        return 0;
}
