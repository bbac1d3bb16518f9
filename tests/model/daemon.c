/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The daemon around the engine: as daemon/startup.c, manager.c, perform.c and registers.c do it. */

#include "lib/base/cleanup.h"
#include "lib/deathnote.h"
#include "tests/model/world.h"

DEFINE_CLEANUP(Engine *, engine_free)
DEFINE_CLEANUP(Policy *, policy_free)

void daemon_followup(World *w, const Input *in) {
        HOLDS(w, w->followups_size < ELEMENTSOF(w->followups));
        w->followups[w->followups_size++] = *in;
}

static void perform_record(World *w, const Action *a) {
        const Input failed = { .type = INPUT_FAILURE, .failure = { .row = FAILURE_LOG_WRITE, .detail = "ENOSPC" } };

        if (store_append(w, a) >= 0)
                return;
        w->log_failed = true;
        daemon_followup(w, &failed);
}

static void perform_commit(World *w, const Action *a) {
        const Input failed = { .type = INPUT_COMMIT_FAILED, .failure = { .row = FAILURE_LOG_WRITE } };
        const Job job = { .type = JOB_COMMIT,
                          .upto = a->commit.upto,
                          .digest = a->commit.digest,
                          .before = a->commit.before,
                          .uncertain = w->uncertain };

        if (w->committed <= a->commit.upto && store_commit(w, a) < 0) {
                world_trace(w, "  commit up to %llu cannot be written", (unsigned long long) a->commit.upto);
                daemon_followup(w, &failed);
                return;
        }
        w->committed = a->commit.upto + 1;
        if (!w->dead)
                job_add(w, &job);
}

static void perform_answer(World *w, const Action *a) {
        bool allow = a->answer.allow;

        if (allow && w->log_failed)
                allow = policy_on_failure(engine_policy(w->engine), FAILURE_LOG_WRITE) == ON_FAILURE_ALLOW;
        watch_answer(w, a, allow);
}

static void forget_note(World *w) {
        json_decref(w->death);
        w->death = NULL;
}

static void make_note(World *w) {
        const Now now = { .boottime = w->boottime, .realtime = w->boottime + 1000 * USEC_PER_SEC };

        HOLDS(w, engine_death_lock(w->engine, &now, &w->death) == 0);
}

/* These two as daemon/death.c does. */
static void begin_note(World *w) {
        Status status;

        engine_status(w->engine, &status);
        if (!status.lock_recorded || status.poisoned || !(w->config.lock_on_death || w->death))
                return;
        forget_note(w);
        make_note(w);
}

static void watch_note(World *w) {
        Status status;

        engine_status(w->engine, &status);
        if (guard_is_closed(status.state) && !status.poisoned && (w->config.lock_on_death || w->death))
                return;
        if (!w->config.lock_on_death || engine_policy(w->engine)->mode != MODE_ENFORCE || w->stopping ||
            guard_is_closed(status.state))
                forget_note(w);
        else if (!w->death)
                make_note(w);
}

static void perform_lock_step(World *w, const Action *a) {
        const Input wiped = { .type = INPUT_LOCK_STEP, .lock_step = { .step = LOCK_WIPE, .took = 3 } };
        const Job job = { .type = JOB_POISON, .digest = a->lock_step.poison };

        if (a->lock_step.step == LOCK_POISON)
                return job_add(w, &job);
        w->secrets = false;
        daemon_followup(w, &wiped);
}

static void perform(World *w, const Action *a) {
        switch (a->type) {
        case ACTION_RECORD:
                return perform_record(w, a);
        case ACTION_COMMIT:
                return perform_commit(w, a);
        case ACTION_HARVEST:
                return job_add(w, &(const Job){ .type = JOB_HARVEST, .cap_only = a->harvest.cap_only });
        case ACTION_ANSWER:
                return perform_answer(w, a);
        case ACTION_LOCK_STEP:
                return perform_lock_step(w, a);
        case ACTION_PROVE:
                w->proving = a->attest.round;
                return;
        case ACTION_ATTEST:
                w->gathering = a->attest.round;
                return;
        case ACTION_STOP:
                watch_stop(w);
                w->stopped = true;
                return;
        default:
                return;
        }
}

static void feed_one(World *w, const Input *in) {
        _cleanup_(action_list_done) ActionList list = {};
        const Now now = { .boottime = w->boottime, .realtime = w->boottime + 1000 * USEC_PER_SEC };
        Status before;
        int r;

        engine_status(w->engine, &before);
        watch_input(w, in);
        r = engine_feed(w->engine, in, &now, &list);
        watch_list(w, in, &list, r, &before);
        w->log_failed = false;
        if (!world_dies(w))
                begin_note(w);
        for (size_t i = 0; i < list.size && !world_dies(w); i++)
                perform(w, &list.items[i]);
}

void daemon_feed(World *w, const Input *in) {
        Status status;

        daemon_followup(w, in);
        for (size_t i = 0; i < w->followups_size && !w->dead; i++) {
                const Input next = w->followups[i];

                feed_one(w, &next);
        }
        w->followups_size = 0;
        if (w->dead)
                return;
        watch_note(w);
        engine_status(w->engine, &status);
        if (status.events == status.anchored)
                store_idle(w);
}

/* As daemon/lock-main.c does. */
static void run_helper(World *w) {
        const DeathNote note = { .measurement_pcr = MEASUREMENT, .lock = w->death };
        BankDigests poison;
        PcrSet pcrs;

        if (!w->capped)
                tpm_cap(w);
        HOLDS(w, death_note_poison(&note, w->pcrs.banks, &pcrs, &poison) == 0);
        tpm_poison(w, &poison);
}

/* It is gone, wherever it was. What it had sent to the TPM may still arrive there. */
void daemon_crash(World *w) {
        world_trace(w, w->stopped ? "stopped" : "crash");
        for (size_t i = 0; i < JOBS_MAX; i++) {
                const Job *job = &w->jobs[i];

                if (job->type == JOB_COMMIT && !w->known_reset && !job->uncertain && chance(w, 50)) {
                        watch_commit(w, job);
                        tpm_extend(w, MEASUREMENT, &job->digest);
                }
                if (job->type == JOB_HARVEST && chance(w, 50))
                        tpm_cap(w);
                w->jobs[i] = (Job){};
        }
        if (w->death && chance(w, 50)) /* sealwatch-lock, if it comes to it */
                run_helper(w);
        w->engine = engine_free(w->engine);
        w->followups_size = 0;
        w->secrets = w->dead = w->ready = w->stopping = w->stopped = w->uncertain = w->known_reset = false;
        w->dies_in = 0;
        w->proving = w->gathering = 0;
        w->tokens_size = w->requests_size = 0; /* the kernel lets all of them go */
        told_from_files(w, w->log.size, true);
        w->hole = 0;
}

static Findings look(const World *w) {
        return (Findings){
                .log = w->has_log ? (w->log.data ?: (const uint8_t *) "") : NULL,
                .log_size = w->log.size,
                .pending = w->pending.data,
                .pending_size = w->pending.size,
                .had_log = w->has_life && streq(w->life.name, w->life_name),
                .watermark = w->has_life ? w->life.watermark : 0,
                .life = w->life_name,
                .reset_count = w->reset,
                .restart_count = w->restart,
                .pcrs = &w->pcrs,
                .measurement_pcr = MEASUREMENT,
                .cap_pcr = CAP,
        };
}

static void settle_registers(World *w) {
        if (reconcile_caps(&w->found)) {
                tpm_cap(w);
                if (world_dies(w))
                        return;
        }
        if (w->found.owed_size > 0) {
                tpm_extend(w, MEASUREMENT, &w->found.owed);
                w->anchored = w->found.entries;
                (void) world_dies(w);
        }
}

static void make_engine(World *w, const Findings *f) {
        _cleanup_(engine_freep) Engine *e = NULL;
        Policy *p = policy_make(w->policy);

        HOLDS(w, engine_new(&w->config, p, &e) == 0);
        HOLDS(w, engine_resume(e, f, &w->found) == 0);
        w->engine = TAKE_PTR(e);
}

static void feed_start(World *w) {
        static const char *const taints[] = { "model", NULL };
        Input in = {
                .type = INPUT_START,
                .start = {
                        .fresh = reconcile_begins(&w->found),
                        .version = "1", .life = w->life_name, .bootid = "boot", .kernel = "kernel", .scope = "machine",
                        .pid = 1,
                        .reset_count = w->reset, .restart_count = w->restart,
                        .pcrs = &w->pcrs,
                        .levels = { LEVEL_GATE, LEVEL_OBSERVE },
                        .taints = taints,
                        .torn = w->found.torn,
                        .secrets_openable = reconcile_opens(&w->found),
                        .capped = reconcile_caps(&w->found),
                        .death = w->death,
                },
        };
        const Input tampered = { .type = INPUT_TAMPER,
                                 .tamper = { .what = w->found.what, .detail = w->found.detail } };
        const Input ready = { .type = INPUT_READY };
        const Input provider = { .type = INPUT_PROVIDER, .provider.name = "model" };

        daemon_feed(w, &in);
        if (!w->dead && w->seed % 2 == 0)
                daemon_feed(w, &provider);
        if (!w->dead && w->found.verdict == RECONCILE_TAMPERED)
                daemon_feed(w, &tampered);
        w->told_upto = w->told.entries;
        if (!w->dead && !in.start.secrets_openable)
                daemon_feed(w, &ready);
}

static void start_once(World *w) {
        const Findings f = look(w);
        Status status;

        HOLDS(w, reconcile(&f, &w->found) == 0);
        world_trace(w, "start: %s", w->found.what);
        watch_found(w);
        if (w->found.verdict == RECONCILE_TAMPERED)
                w->poison.banks = 0; /* what was to be extended may be in no log any more */
        settle_registers(w);
        if (w->dead)
                return;
        make_engine(w, &f);
        engine_status(w->engine, &status);
        HOLDS(w, status.events == w->told.entries);
        memcpy(w->life.name, w->life_name, sizeof(w->life.name));
        w->life.watermark = reconcile_watermark(&w->found);
        w->has_life = true;
        if (world_dies(w))
                return;
        store_begin(w);
        w->committed = w->log_entries;
        w->told_upto = UINT64_MAX;
        if (!w->dead)
                feed_start(w);
}

void daemon_start(World *w) {
        for (;;) {
                if (w->crashes && chance(w, 10))
                        w->dies_in = 1 + (unsigned) random_below(&w->random, 60);
                start_once(w);
                if (!w->dead)
                        return;
                daemon_crash(w);
                if (chance(w, 5))
                        machine_tamper(w);
        }
}
