/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Everything that goes to the TPM while the daemon runs, and what comes back. */

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>

#include "daemon/manager.h"
#include "daemon/step.h"
#include "dbus/names.h"
#include "lib/base/alloc.h"
#include "lib/io/log.h"
#include "lib/kind.h"
#include "lib/sealpolicy.h"

enum {
        ERRANDS_MAX = 96,
        ERRANDS_KEPT = 8, /* of them, so many for what nobody asked for: commits, poison, harvest */
};

/* A job under way, and what it is for. */
typedef struct Errand {
        uint64_t id; /* of the job; 0: free */
        enum {
                ERRAND_COMMIT,
                ERRAND_POISON,
                ERRAND_HARVEST,
                ERRAND_SEAL,
                ERRAND_SNAPSHOT,
                ERRAND_LOOK,
        } what;
        uint64_t upto;    /* commit: its last entry */
        uint64_t request; /* seal, snapshot */
        /* seal */
        char *name;
        uint32_t uid;
        SecretMem secret;
        uint8_t key[SEALED_KEY_SIZE];
        /* harvest: the blobs, in the order of the job's items */
        BlobList blobs;
} Errand;

struct Registers {
        Errand errands[ERRANDS_MAX];
        bool uncertain; /* the commit on its way may be in the register already */
        uint64_t owed;  /* the poison's job that is done when the TPM can; 0: none */
};

static void errand_done(Errand *e) {
        free(e->name);
        secret_mem_done(&e->secret);
        OPENSSL_cleanse(e->key, sizeof(e->key));
        blob_list_done(&e->blobs);
        *e = (Errand){};
}

int registers_new(Registers **ret) {
        *ret = new0(Registers, 1);
        return *ret ? 0 : -ENOMEM;
}

Registers *registers_free(Registers *r) {
        for (size_t i = 0; r && i < ERRANDS_MAX; i++)
                errand_done(&r->errands[i]);
        free(r);
        return NULL;
}

/* Submits the job (taken over) for the errand (moved out of *e on success). */
static int send_errand(Manager *m, TpmJob *job, Errand *e) {
        const size_t room = e->request != 0 ? ERRANDS_MAX - ERRANDS_KEPT : ERRANDS_MAX;
        Registers *reg = m->registers;
        int r;

        for (size_t i = 0; job && i < room; i++) {
                if (reg->errands[i].id != 0)
                        continue;
                r = tpm_submit(m->tpm, job, &e->id);
                if (r < 0)
                        break;
                reg->errands[i] = TAKE_STRUCT(*e);
                return 0;
        }
        tpm_job_free(job);
        return job ? -EBUSY : -ENOMEM;
}

static Errand *find_errand(Registers *reg, uint64_t id) {
        for (size_t i = 0; id != 0 && i < ERRANDS_MAX; i++)
                if (reg->errands[i].id == id)
                        return &reg->errands[i];
        return NULL;
}

/* The row of the failure table behind an outcome that is not TPM_OK. */
static Failure failure_of_outcome(TpmOutcome outcome) {
        switch (outcome) {
        case TPM_BUSY:
                return FAILURE_TPM_BUSY;
        case TPM_LOST:
                return FAILURE_TPM_LOST;
        case TPM_RESET:
                return FAILURE_TPM_RESET;
        case TPM_LOCKOUT:
                return FAILURE_TPM_LOCKOUT;
        default:
                return FAILURE_TPM_ERROR;
        }
}

/* The cap, for a TPM that comes back after a reset: nobody shall unseal then either. */
static int cap_item(const Manager *m, TpmExtend *ret) {
        *ret = (TpmExtend){ .pcr = (uint32_t) m->config.cap_pcr };
        return bank_digests_hash(m->tpm_state.pcrs.banks, CAP_EVENT, strlen(CAP_EVENT), &ret->digest);
}

void registers_commit(Manager *m, const Action *a) {
        _cleanup_(tpm_job_freep) TpmJob *job = tpm_job_extend(TPM_CLASS_EXTEND);
        const TpmExtend item = {
                .pcr = (uint32_t) m->config.measurement_pcr,
                .digest = a->commit.digest,
                .has_before = true,
                .before = a->commit.before,
                .uncertain = m->registers->uncertain,
        };
        const Input failed = { .type = INPUT_EXTEND_FAILED, .failure = { .row = FAILURE_OUT_OF_MEMORY } };
        Errand errand = { .what = ERRAND_COMMIT, .upto = a->commit.upto };
        int r = -ENOMEM;

        step("extend:before-submit");
        if (job)
                r = tpm_job_add_extend(job, &item);
        if (r >= 0)
                r = send_errand(m, TAKE_PTR(job), &errand);
        step("extend:after-submit");
        if (r < 0)
                manager_feed(m, &failed);
}

/* True when the register showed at start that this very poison is in it: an earlier run died behind the extend. */
static bool is_poisoned(const Manager *m, unsigned pcr, const BankDigests *digest) {
        return death_note_is_poisoned(&m->death, pcr, digest, &m->tpm_state.pcrs);
}

static TpmJob *poison_job(const Manager *m, const BankDigests *digest) {
        _cleanup_(tpm_job_freep) TpmJob *job = tpm_job_extend(TPM_CLASS_LOCK);
        TpmExtend cap;

        if (!job || cap_item(m, &cap) < 0 || tpm_job_cap_if_reset(job, &cap) < 0)
                return NULL;
        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
                const TpmExtend item = { .pcr = pcr, .digest = *digest };

                if (m->config.poison_pcrs & (1U << pcr) && !is_poisoned(m, pcr, digest) &&
                    tpm_job_add_extend(job, &item) < 0)
                        return NULL;
        }
        return TAKE_PTR(job);
}

static void lock_step_done(Manager *m, const char *failure) {
        const Input in = {
                .type = INPUT_LOCK_STEP,
                .lock_step = { .step = LOCK_POISON, .failure = failure, .took = now_get().boottime - m->lock_started },
        };

        manager_feed(m, &in);
}

void registers_poison(Manager *m, const BankDigests *digest) {
        Errand errand = { .what = ERRAND_POISON };

        if (send_errand(m, poison_job(m, digest), &errand) < 0)
                lock_step_done(m, "failed: out of memory");
}

void registers_harvest(Manager *m, bool cap_only) {
        _cleanup_(errand_done) Errand errand = { .what = ERRAND_HARVEST };
        _cleanup_(tpm_job_freep) TpmJob *job = NULL;
        const Input in = { .type = INPUT_HARVESTED };
        TpmExtend cap;
        int r;

        r = cap_only ? 0 : blobs_load(m->options->state_dir, &errand.blobs);
        if (r < 0)
                log_errno(LOG_ERR, r, "cannot read the sealed secrets");
        if (cap_item(m, &cap) >= 0)
                job = tpm_job_harvest(&cap);
        for (size_t i = 0; job && i < errand.blobs.size; i++)
                if (!errand.blobs.items[i].why && tpm_job_add_sealed(job, &errand.blobs.items[i].sealed) < 0)
                        errand.blobs.items[i].why = "out of memory";
        step("secret:before-harvest");
        if (send_errand(m, TAKE_PTR(job), &errand) < 0) {
                manager_failure(m, FAILURE_OUT_OF_MEMORY, "harvest");
                manager_feed(m, &in);
                manager_ready(m);
        }
}

void registers_seal(Manager *m, uint64_t request, const char *name, uint32_t uid, SecretMem *secret) {
        PcrSet pcrs = m->config.seal_pcrs | 1U << m->config.cap_pcr;
        Errand errand = { .what = ERRAND_SEAL, .request = request, .uid = uid };
        uint8_t policy[SHA256_SIZE];
        int r;

        errand.secret = TAKE_STRUCT(*secret);
        r = (m->boot_pcrs & pcrs) == pcrs ? 0 : -ENODATA;
        if (r >= 0)
                r = seal_policy_digest(m->boot_bank, pcrs, m->boot_values, policy);
        if (r >= 0)
                r = free_and_strdup(&errand.name, name);
        if (r >= 0 && RAND_priv_bytes(errand.key, sizeof(errand.key)) != 1)
                r = -EIO;
        if (r >= 0)
                r = send_errand(m, tpm_job_seal(policy, errand.key), &errand);
        if (r < 0)
                requests_fail(m, request, SEALWATCH_ERROR_FAILED,
                              r == -ENODATA ? "the boot record lacks a register of SealPCRs="
                                            : "the secret could not be sealed");
        errand_done(&errand);
}

void registers_snapshot(Manager *m, uint64_t request) {
        Errand errand = { .what = ERRAND_SNAPSHOT, .request = request };

        if (send_errand(m, tpm_job_read(), &errand) < 0)
                requests_fail(m, request, SEALWATCH_ERROR_BUSY, "the TPM has too much to do");
}

bool registers_look(Manager *m) {
        Errand errand = { .what = ERRAND_LOOK };

        return send_errand(m, tpm_job_read(), &errand) >= 0;
}

static void on_commit(Manager *m, const TpmResult *result, const Errand *e) {
        const Input extended = { .type = INPUT_EXTENDED };
        const Input failed = {
                .type = INPUT_EXTEND_FAILED,
                .failure = { .row = failure_of_outcome(result->outcome), .detail = result->detail },
        };

        step("extend:before-ack");
        m->registers->uncertain = result->extend.uncertain;
        if (result->outcome != TPM_OK)
                return manager_feed(m, &failed);
        event_store_anchored(m->store, e->upto + 1);
        manager_feed(m, &extended);
        step("extend:after-ack");
        manager_anchored(m);
}

static void on_poison(Manager *m, const TpmResult *result) {
        if (result->outcome == TPM_OK)
                return lock_step_done(m, NULL);
        m->registers->owed = result->owed ? result->id : 0;
        log_message(LOG_CRIT, "the poison registers could not be extended: %s", result->detail);
        lock_step_done(m, result->owed ? "owed: the TPM does not answer" : "failed: the TPM refused");
}

/* Opens one blob into the vault. NULL, or why not. */
static const char *open_blob(Manager *m, const Blob *b, const TpmHarvested *h) {
        _cleanup_(secret_mem_done) SecretMem secret = {};

        if (h->outcome == TPM_POLICY)
                return "the boot registers are not those that it was sealed to";
        if (h->outcome == TPM_WRONG_TPM)
                return "it was sealed by another TPM";
        if (h->outcome != TPM_OK)
                return tpm_outcome_name(h->outcome);
        if (secret_mem_new(b->sealed.secret_size, &secret) < 0)
                return "no locked memory";
        if (sealed_open(&b->sealed, h->key, secret.data) < 0)
                return "the blob was changed";
        return vault_put(m->vault, b->name, &secret) < 0 ? "too many secrets" : NULL;
}

static void on_harvest(Manager *m, const TpmResult *result, const Errand *e) {
        HarvestResult results[VAULT_MAX] = {};
        Input in = { .type = INPUT_HARVESTED, .harvested = { .results = results, .capped = result->harvest.capped } };
        size_t item = 0;

        step("secret:after-harvest");
        for (size_t i = 0; i < e->blobs.size; i++) {
                const Blob *b = &e->blobs.items[i];
                const char *why = b->why;

                if (!why)
                        why = item < result->harvest.n ? open_blob(m, b, &result->harvest.items[item++])
                                                       : "the TPM was not asked";
                if (why)
                        log_message(LOG_WARNING, "secret %s is not opened: %s", b->name, why);
                results[in.harvested.n++] = (HarvestResult){ .name = b->name, .failure = why };
        }
        if (e->blobs.left_out > 0)
                log_message(LOG_WARNING, "%zu secrets beyond %d are not opened", e->blobs.left_out, VAULT_MAX);
        if (!result->harvest.capped) { /* an open door: nothing may be held behind it */
                (void) vault_wipe(m->vault);
                keeping_forget(m);
                manager_failure(m, failure_of_outcome(result->outcome), result->detail);
        }
        manager_feed(m, &in);
        for (size_t i = 0; vault_name(m->vault, i); i++)
                keeping_store(m, vault_name(m->vault, i));
        manager_ready(m);
}

static void on_seal(Manager *m, const TpmResult *result, Errand *e) {
        _cleanup_(buffer_done) Buffer blob = {};
        uint8_t nonce[SEALED_NONCE_SIZE];
        const Sealed s = {
                .name = e->name,
                .name_size = strlen(e->name),
                .bank = m->boot_bank,
                .pcrs = m->config.seal_pcrs | 1U << m->config.cap_pcr,
                .srk_name = result->seal.srk_name.bytes,
                .srk_name_size = result->seal.srk_name.size,
                .public = result->seal.public.data,
                .public_size = result->seal.public.size,
                .private = result->seal.private.data,
                .private_size = result->seal.private.size,
        };
        Sealed head = s;
        int r;

        if (result->outcome != TPM_OK)
                return requests_fail(m, e->request, SEALWATCH_ERROR_FAILED, result->detail);
        r = seal_policy_digest(m->boot_bank, s.pcrs, m->boot_values, head.policy);
        if (r >= 0 && RAND_bytes(nonce, sizeof(nonce)) != 1)
                r = -EIO;
        if (r >= 0)
                r = sealed_write(&head, e->key, nonce, e->secret.data, e->secret.size, &blob);
        if (r < 0)
                return requests_fail(m, e->request, SEALWATCH_ERROR_FAILED, "the secret could not be encrypted");
        requests_sealed(m, e->request, e->name, e->uid, &e->secret, &blob);
}

/* The register against the log: whoever else extends it is found out here at the latest. */
static bool register_is_ours(Manager *m, const PcrValues *pcrs) {
        const BankDigests found = pcr_values_get(pcrs, (unsigned) m->config.measurement_pcr);
        const Input in = {
                .type = INPUT_TAMPER,
                .tamper = { .what = "foreign-extend",
                            .detail = "the measurement register is not what the event log replays to" },
        };

        if (bank_digests_equal(&found, engine_register(m->engine)))
                return true;
        if (m->started)
                manager_feed(m, &in);
        return false;
}

static void on_snapshot(Manager *m, const TpmResult *result, const Errand *e) {
        BusReply reply = { .fd = event_store_fd(m->store), .size = event_store_anchored_size(m->store) };

        if (result->outcome != TPM_OK)
                return requests_fail(m, e->request, SEALWATCH_ERROR_FAILED, result->detail);
        if (m->registers->uncertain) /* the register may be one record ahead of what we know */
                return requests_fail(m, e->request, SEALWATCH_ERROR_BUSY, "an extend is under way again; try later");
        if (!register_is_ours(m, &result->state->pcrs))
                return requests_fail(m, e->request, SEALWATCH_ERROR_REFUSED,
                                     "the measurement register is not what the event log replays to");
        reply.pcrs = &result->state->pcrs;
        if (m->bus)
                bus_reply(m->bus, e->request, &reply);
}

static void on_look(Manager *m, const TpmResult *result) {
        if (result->outcome == TPM_OK)
                m->seen = result->state->pcrs;
        if (result->outcome == TPM_OK && !m->registers->uncertain)
                (void) register_is_ours(m, &result->state->pcrs);
        checks_on_registers(m, result->outcome == TPM_OK ? &result->state->pcrs : NULL);
}

static void on_result(Manager *m, const TpmResult *result) {
        Errand *found = find_errand(m->registers, result->id);
        _cleanup_(errand_done) Errand e = {};

        if (!found) {
                if (result->type == TPM_JOB_NONE)
                        manager_failure(m, failure_of_outcome(result->outcome), result->detail);
                else if (result->outcome == TPM_OK)
                        log_message(LOG_NOTICE, "extends that were owed to the TPM are done");
                if (result->id != 0 && result->id == m->registers->owed && result->outcome == TPM_OK)
                        lock_step_done(m, NULL);
                return;
        }
        e = TAKE_STRUCT(*found);
        switch (e.what) {
        case ERRAND_COMMIT:
                return on_commit(m, result, &e);
        case ERRAND_POISON:
                return on_poison(m, result);
        case ERRAND_HARVEST:
                return on_harvest(m, result, &e);
        case ERRAND_SEAL:
                return on_seal(m, result, &e);
        case ERRAND_SNAPSHOT:
                return on_snapshot(m, result, &e);
        case ERRAND_LOOK:
                return on_look(m, result);
        }
}

static int on_tpm(sd_event_source *s _unused_, int fd _unused_, uint32_t events _unused_, void *userdata) {
        Manager *m = userdata;

        for (;;) {
                _cleanup_(tpm_result_freep) TpmResult *result = tpm_next_result(m->tpm);

                if (!result)
                        return 0;
                on_result(m, result);
        }
}

int registers_watch(Manager *m) {
        return sd_event_add_io(m->event, &m->tpm_source, tpm_fd(m->tpm), EPOLLIN, on_tpm, m);
}
