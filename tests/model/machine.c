/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files and registers, and what happens to them. As daemon/eventlog and daemon/tpm do it, but for the waiting. */

#include <errno.h>

#include "lib/base/cleanup.h"
#include "lib/pending.h"
#include "tests/model/world.h"

/* Appends, or dies in the middle of it. */
static void write_bytes(World *w, Buffer *file, const uint8_t *data, size_t n) {
        if (w->dies_in == 1 && n > 0)
                n = random_below(&w->random, n);
        buffer_bytes(file, data, n);
        (void) world_dies(w);
}

int store_append(World *w, const Action *a) {
        _cleanup_(buffer_done) Buffer item = {};

        if (w->hole > w->log_entries ||
            (w->crashes && random_below(&w->random, 400) == 0)) { /* no space left, and none for what follows */
                world_trace(w, "  entry %llu cannot be promised", (unsigned long long) a->record.seq);
                w->hole = a->record.seq + 1;
                return -ENOSPC;
        }
        HOLDS(w, pending_put_entry(&item, a->record.seq, a->record.known ? PENDING_KNOWN : 0, a->record.bytes,
                                   a->record.size) == 0);
        write_bytes(w, &w->pending, item.data, item.size);
        return 0;
}

int store_commit(World *w, const Action *a) {
        _cleanup_(buffer_done) Buffer item = {};

        HOLDS(w, pending_put_commit(&item, a->commit.upto, w->log.size, (uint32_t) a->commit.size) == 0);
        write_bytes(w, &w->pending, item.data, item.size);
        if (w->dead)
                return 0;
        if (chance(w, w->crashes ? 2 : 0))
                return -ENOSPC;
        w->last_record = w->log.size;
        write_bytes(w, &w->log, a->commit.bytes, a->commit.size);
        w->log_records++;
        w->log_entries = a->commit.upto + 1;
        return 0;
}

void store_anchored(World *w) {
        w->anchored_records = w->log_records;
}

void store_idle(World *w) {
        if (w->pending.size > 0 && !world_dies(w))
                w->pending.size = 0;
}

/* What is not to be kept goes. */
void store_begin(World *w) {
        Reader r = reader_new(w->pending.data, w->pending.size);
        _cleanup_(buffer_done) Buffer kept = {};
        PendingItem item;
        size_t start = 0;

        w->log.size = w->found.keep;
        w->has_log = true;
        if (world_dies(w))
                return;
        w->log_records = w->anchored_records = w->found.records;
        w->log_entries = w->found.entries;
        while (pending_next(&r, &item) == RECORD_OK) {
                if (item.type == PENDING_ENTRY && item.seq >= w->log_entries && item.seq < w->found.promised)
                        buffer_bytes(&kept, w->pending.data + start, r.pos - start);
                start = r.pos;
        }
        buffer_done(&w->pending);
        w->pending = TAKE_STRUCT(kept);
}

void tpm_reset(World *w) {
        memset(w->pcrs.values, 0, sizeof(w->pcrs.values));
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                memset(w->pcrs.values[alg][7], 7, DIGEST_MAX);
        w->reset++;
        w->restart = 0;
        w->poisoned = w->poison_failed = w->capped = false;
        w->poison.banks = 0;
        snprintf(w->life_name, sizeof(w->life_name), "%llu-abc", (unsigned long long) w->reset);
}

void tpm_extend(World *w, unsigned pcr, const BankDigests *digest) {
        BankDigests value = pcr_values_get(&w->pcrs, pcr);

        HOLDS(w, bank_digests_extend(&value, digest) == 0);
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                memcpy(w->pcrs.values[alg][pcr], value.values[alg], DIGEST_MAX);
}

void tpm_cap(World *w) {
        BankDigests digest;

        HOLDS(w, bank_digests_hash(w->pcrs.banks, CAP_EVENT, strlen(CAP_EVENT), &digest) == 0);
        tpm_extend(w, CAP, &digest);
        w->capped = true;
}

void job_add(World *w, const Job *job) {
        for (size_t i = 0; i < JOBS_MAX; i++)
                if (w->jobs[i].type == JOB_NONE) {
                        w->jobs[i] = *job;
                        return;
                }
        HOLDS(w, !"more jobs than can be");
}

bool job_waits(const World *w) {
        for (size_t i = 0; i < JOBS_MAX; i++)
                if (w->jobs[i].type != JOB_NONE)
                        return true;
        return false;
}

/* Locks first. */
static Job take_job(World *w) {
        static const int order[] = { JOB_POISON, JOB_COMMIT, JOB_HARVEST };
        Job job = {};

        for (size_t o = 0; o < ELEMENTSOF(order); o++)
                for (size_t i = 0; i < JOBS_MAX; i++)
                        if ((int) w->jobs[i].type == order[o]) {
                                job = w->jobs[i];
                                w->jobs[i] = (Job){};
                                return job;
                        }
        return job;
}

static Failure go_wrong(World *w) {
        static const Failure rows[] = { FAILURE_TPM_BUSY, FAILURE_TPM_BUSY, FAILURE_TPM_LOCKOUT, FAILURE_TPM_ERROR,
                                        FAILURE_TPM_LOST };

        return rows[random_below(&w->random, ELEMENTSOF(rows))];
}

/* Was it executed after all? Returns a failure when the register tells neither. */
static Failure settle(World *w, const Job *job, bool *ret_done) {
        const BankDigests now = pcr_values_get(&w->pcrs, MEASUREMENT);
        BankDigests after = job->before;

        HOLDS(w, bank_digests_extend(&after, &job->digest) == 0);
        *ret_done = bank_digests_equal(&now, &after);
        return *ret_done || bank_digests_equal(&now, &job->before) ? _FAILURE_INVALID : FAILURE_TPM_RESET;
}

static void run_commit(World *w, Job *job, bool well) {
        Input in = { .type = INPUT_EXTEND_FAILED };
        bool bad = !well && chance(w, 15), done = false;
        Failure row = bad ? go_wrong(w) : _FAILURE_INVALID;

        if (w->known_reset)
                row = FAILURE_TPM_RESET;
        else if (job->uncertain && row == _FAILURE_INVALID && !(well && w->foreign)) /* there it stays uncertain */
                row = settle(w, job, &done);
        if (!w->known_reset && !done && (row == _FAILURE_INVALID || (bad && !job->uncertain && chance(w, 50)))) {
                watch_commit(w, job);
                tpm_extend(w, MEASUREMENT, &job->digest);
                w->uncertain = bad;
        } else if (row == _FAILURE_INVALID)
                w->uncertain = false;
        else
                w->uncertain = w->uncertain || (bad && chance(w, 50));
        world_trace(w, "commit up to %llu: %s", (unsigned long long) job->upto,
                    row == _FAILURE_INVALID ? "extended" : failure_name(row));
        if (world_dies(w))
                return;
        in.failure.row = row;
        if (row == _FAILURE_INVALID) {
                w->uncertain = false;
                in.type = INPUT_EXTENDED;
                store_anchored(w);
        }
        daemon_feed(w, &in);
}

static void run_harvest(World *w, const Job *job, bool well) {
        static const HarvestResult results[] = { { "one", NULL }, { "two", "broken" } };
        bool capped = well || chance(w, 90);
        const Input in = { .type = INPUT_HARVESTED, .harvested = { results, job->cap_only ? 0 : 2, capped } };
        const Input failed = { .type = INPUT_FAILURE, .failure = { .row = FAILURE_TPM_BUSY } };
        const Input ready = { .type = INPUT_READY };

        if (capped)
                tpm_cap(w);
        world_trace(w, "harvest%s: %s", job->cap_only ? " (cap only)" : "", capped ? "capped" : "not capped");
        if (world_dies(w))
                return;
        w->secrets = capped && !job->cap_only;
        if (!capped)
                daemon_feed(w, &failed);
        if (!w->dead)
                daemon_feed(w, &in);
        if (!w->dead)
                daemon_feed(w, &ready);
}

/* With OnDeath=lock: whoever locks, and however often one of them was cut off, it is with one digest; but for one whose record
 * could not be written. */
void tpm_poison(World *w, const BankDigests *digest) {
        const BankDigests unrecorded = bank_digests_violation(digest->banks);

        if (!bank_digests_equal(digest, &unrecorded)) {
                HOLDS(w, !w->config.lock_on_death || w->poison.banks == 0 || bank_digests_equal(digest, &w->poison));
                w->poison = *digest;
                if (w->hole)
                        w->poison.banks = 0;
        }
        tpm_extend(w, 7, digest);
        tpm_extend(w, 11, digest);
        w->poisoned = true;
}

static void run_poison(World *w, const Job *job, bool well) {
        const bool fails = !well && chance(w, 10);
        const Input in = { .type = INPUT_LOCK_STEP,
                           .lock_step = { .step = LOCK_POISON, .failure = fails ? "failed" : NULL, .took = 7 } };

        w->poison_failed = w->poison_failed || fails;
        if (!fails || chance(w, 50)) {
                if (w->known_reset)
                        tpm_cap(w);
                tpm_poison(w, &job->digest);
        }
        world_trace(w, "poison: %s", fails ? "failed" : "extended");
        if (!world_dies(w))
                daemon_feed(w, &in);
}

void job_run(World *w, bool well) {
        Job job = take_job(w);

        if (job.type == JOB_COMMIT)
                run_commit(w, &job, well);
        else if (job.type == JOB_HARVEST)
                run_harvest(w, &job, well);
        else if (job.type == JOB_POISON)
                run_poison(w, &job, well);
}

static void remove_log(World *w) {
        w->has_log = false;
        w->log.size = w->pending.size = 0;
}

/* Another TPM life: /run is empty, everything else is as it was. */
void machine_reboot(World *w) {
        world_trace(w, "reboot");
        tpm_reset(w);
        remove_log(w);
        json_decref(w->death);
        w->death = NULL;
        w->tampered = w->foreign = false;
        w->anchored = 0;
        w->must_reasons = 0;
        w->must_close = false;
        told_reset(w);
}

static void forge(World *w, Buffer *file) {
        uint8_t digest[SHA256_SIZE];

        random_fill(&w->random, digest, sizeof(digest));
        HOLDS(w, record_put_file(file, MEASUREMENT, digest, "/forged") == 0);
}

/* Removes the first promised entry that is not committed, when others follow it. */
static bool drop_promise(World *w) {
        Reader r = reader_new(w->pending.data, w->pending.size);
        size_t start = 0, from = 0, to = 0, later = 0;
        PendingItem item;

        while (pending_next(&r, &item) == RECORD_OK) {
                if (item.type == PENDING_ENTRY && item.seq == w->told.entries - 2 && item.seq >= w->log_entries) {
                        from = start;
                        to = r.pos;
                } else if (item.type == PENDING_ENTRY && item.seq == w->told.entries - 1)
                        later++;
                start = r.pos;
        }
        if (to == 0 || later == 0)
                return false;
        memmove(w->pending.data + from, w->pending.data + to, w->pending.size - to);
        w->pending.size -= to - from;
        return true;
}

/* A commit was announced and is not, or not all, in the log: what stands there is torn, and is not looked at. */
static bool is_torn(const World *w) {
        Reader r = reader_new(w->pending.data, w->pending.size);
        PendingItem item;
        bool torn = false;

        while (pending_next(&r, &item) == RECORD_OK)
                if (item.type == PENDING_COMMIT)
                        torn = item.offset + item.length > w->log.size;
        return torn;
}

/* While the daemon is dead, somebody changes something. What must be noticed is noted; what nothing tells of is not
 * done: a log that is gone together with its TPM life is one of an earlier boot. */
void machine_tamper(World *w) {
        BankDigests noise; /* not 0xff: that is what the next record may extend, and then nobody can tell */
        const size_t what = random_below(&w->random, 10);
        const bool told_of = w->has_log && w->anchored > 0;

        HOLDS(w, bank_digests_hash(w->pcrs.banks, "noise", 5, &noise) == 0);
        world_trace(w, "tampering %zu", what);
        if (what == 0) /* not tampering: half an entry */
                buffer_bytes(&w->pending, "half an entry", 1 + random_below(&w->random, 12));
        if (what == 0 || !told_of || ((what == 3 || what == 4) && w->last_record == 0) ||
            (what == 2 && !streq(w->life.name, w->life_name)) || (what == 5 && is_torn(w)) ||
            (what == 8 && !drop_promise(w)))
                return;
        if (what == 1)
                w->restart++;
        else if (what == 2)
                remove_log(w);
        else if (what == 3)
                w->log.data[random_below(&w->random, w->last_record)] ^= (uint8_t) (1U << random_below(&w->random, 8));
        else if (what == 4)
                w->log.size = random_below(&w->random, w->last_record);
        else if (what == 5)
                forge(w, &w->log);
        else if (what == 6)
                tpm_extend(w, MEASUREMENT, &noise);
        else if (what == 7)
                tpm_extend(w, CAP, &noise);
        else if (what == 9)
                tpm_reset(w);
        w->tampered = true;
        w->foreign = what == 9 ? false : w->foreign || what < 8;
}
