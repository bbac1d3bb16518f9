/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Jobs and results: making them and taking them apart. */

#include "daemon/tpm/job.h"

#include <errno.h>
#include <openssl/crypto.h>

#include "daemon/tpm/job-internal.h"
#include "lib/base/alloc.h"

Answer *answer_new(TpmJobType type) {
        Answer *a = new0(Answer, 1);

        if (a)
                a->result.type = type;
        return a;
}

static void answer_free(Answer *a) {
        if (a)
                tpm_result_free(&a->result);
}

static TpmJob *job_new(TpmJobType type, TpmClass class) {
        _cleanup_(tpm_job_freep) TpmJob *job = new0(TpmJob, 1);

        if (!job)
                return NULL;
        job->type = type;
        job->class = class;
        job->answer = answer_new(type);
        if (!job->answer)
                return NULL;
        if (type == TPM_JOB_EXTEND) {
                job->later = answer_new(type);
                if (!job->later)
                        return NULL;
        }
        return TAKE_PTR(job);
}

TpmJob *tpm_job_state(void) {
        return job_new(TPM_JOB_STATE, TPM_CLASS_REST);
}

TpmJob *tpm_job_read(void) {
        return job_new(TPM_JOB_READ, TPM_CLASS_REST);
}

TpmJob *tpm_job_extend(TpmClass class) {
        return job_new(TPM_JOB_EXTEND, class);
}

TpmJob *tpm_job_seal(const uint8_t policy[SHA256_SIZE], const uint8_t key[SEALED_KEY_SIZE]) {
        TpmJob *job = job_new(TPM_JOB_SEAL, TPM_CLASS_REST);

        if (!job)
                return NULL;
        memcpy(job->seal.policy, policy, SHA256_SIZE);
        memcpy(job->seal.key, key, SEALED_KEY_SIZE);
        return job;
}

TpmJob *tpm_job_harvest(const TpmExtend *cap) {
        _cleanup_(tpm_job_freep) TpmJob *job = job_new(TPM_JOB_HARVEST, TPM_CLASS_REST);

        if (!job)
                return NULL;
        job->harvest.cap = tpm_job_extend(TPM_CLASS_LOCK);
        if (!job->harvest.cap || tpm_job_add_extend(job->harvest.cap, cap) < 0)
                return NULL;
        return TAKE_PTR(job);
}

TpmJob *tpm_job_ak(TpmAkChoice choice) {
        TpmJob *job = job_new(TPM_JOB_AK, TPM_CLASS_REST);

        if (job)
                job->attest.choice = choice;
        return job;
}

TpmJob *tpm_job_quote(TpmAkChoice choice, const void *data, size_t n, PcrSet pcrs) {
        TpmJob *job = n <= TPM_QUOTE_DATA_MAX ? job_new(TPM_JOB_QUOTE, TPM_CLASS_REST) : NULL;

        if (!job)
                return NULL;
        job->attest.choice = choice;
        memcpy(job->attest.data, data, n);
        job->attest.size = n;
        job->attest.pcrs = pcrs;
        return job;
}

TpmJob *tpm_job_nv_read(uint32_t index) {
        TpmJob *job = job_new(TPM_JOB_NV_READ, TPM_CLASS_REST);

        if (job)
                job->nv.index = index;
        return job;
}

TpmJob *tpm_job_nv_write(uint32_t index, const void *data, size_t n) {
        _cleanup_(tpm_job_freep) TpmJob *job =
                n <= TPM_NV_WRITE_MAX ? job_new(TPM_JOB_NV_WRITE, TPM_CLASS_REST) : NULL;

        if (!job)
                return NULL;
        job->nv.index = index;
        job->nv.data = memdup_nul(data, n);
        job->nv.size = n;
        return job->nv.data ? TAKE_PTR(job) : NULL;
}

static void sealed_item_done(SealedItem *item) {
        free(item->srk_name);
        free(item->public);
        free(item->private);
        *item = (SealedItem){};
}

TpmJob *tpm_job_free(TpmJob *job) {
        if (!job)
                return NULL;
        answer_free(job->answer);
        answer_free(job->later);
        if (job->type == TPM_JOB_EXTEND)
                free(job->extend.items);
        if (job->type == TPM_JOB_HARVEST) {
                for (size_t i = 0; i < job->harvest.n; i++)
                        sealed_item_done(&job->harvest.items[i]);
                free(job->harvest.items);
                tpm_job_free(job->harvest.cap);
        }
        if (job->type == TPM_JOB_NV_WRITE)
                free(job->nv.data);
        OPENSSL_cleanse(job, sizeof(*job));
        free(job);
        return NULL;
}

static bool extend_is_valid(const TpmExtend *e) {
        return e->pcr < PCR_COUNT && e->digest.banks != 0 && (!e->has_before || e->before.banks == e->digest.banks);
}

int tpm_job_add_extend(TpmJob *job, const TpmExtend *extend) {
        int r;

        if (job->type != TPM_JOB_EXTEND || !extend_is_valid(extend))
                return -EINVAL;
        r = GREEDY_REALLOC(job->extend.items, job->extend.allocated, job->extend.n + 1);
        if (r < 0)
                return r;
        job->extend.items[job->extend.n++] = *extend;
        return 0;
}

int tpm_job_cap_if_reset(TpmJob *job, const TpmExtend *cap) {
        if (job->type != TPM_JOB_EXTEND || !extend_is_valid(cap))
                return -EINVAL;
        job->extend.cap = *cap;
        job->extend.cap.has_before = false; /* of another TPM life */
        job->extend.has_cap = true;
        return 0;
}

static int sealed_item_copy(const Sealed *s, SealedItem *item) {
        *item = (SealedItem){
                .srk_name = memdup_nul(s->srk_name, s->srk_name_size),
                .public = memdup_nul(s->public, s->public_size),
                .private = memdup_nul(s->private, s->private_size),
                .srk_name_size = s->srk_name_size,
                .public_size = s->public_size,
                .private_size = s->private_size,
                .bank = s->bank,
                .pcrs = s->pcrs,
        };
        if (item->srk_name && item->public && item->private)
                return 0;
        sealed_item_done(item);
        return -ENOMEM;
}

int tpm_job_add_sealed(TpmJob *job, const Sealed *sealed) {
        size_t n = job->harvest.n;
        TpmHarvested *results;
        int r;

        if (job->type != TPM_JOB_HARVEST || sealed->bank < 0 || sealed->bank >= _HASH_MAX)
                return -EINVAL;
        results = reallocarray(job->answer->result.harvest.items, n + 1, sizeof(*results)); /* no keys in there yet */
        if (!results)
                return -ENOMEM;
        job->answer->result.harvest.items = results;
        r = GREEDY_REALLOC(job->harvest.items, job->harvest.allocated, n + 1);
        if (r < 0)
                return r;
        r = sealed_item_copy(sealed, &job->harvest.items[n]);
        if (r < 0)
                return r;
        results[n] = (TpmHarvested){ .outcome = TPM_LOST };
        job->answer->result.harvest.n = job->harvest.n = n + 1;
        return 0;
}

TpmAk *tpm_ak_free(TpmAk *ak) {
        if (!ak)
                return NULL;
        free(ak->public.data);
        free(ak->certificate.data);
        free(ak);
        return NULL;
}

TpmQuote *tpm_quote_free(TpmQuote *quote) {
        if (!quote)
                return NULL;
        free(quote->attest.data);
        free(quote->signature.data);
        free(quote);
        return NULL;
}

TpmResult *tpm_result_free(TpmResult *result) {
        if (!result)
                return NULL;
        switch (result->type) {
        case TPM_JOB_STATE:
        case TPM_JOB_READ:
                free(result->state);
                break;
        case TPM_JOB_SEAL:
                free(result->seal.public.data);
                free(result->seal.private.data);
                break;
        case TPM_JOB_HARVEST:
                if (result->harvest.items)
                        OPENSSL_cleanse(result->harvest.items, result->harvest.n * sizeof(TpmHarvested));
                free(result->harvest.items);
                break;
        case TPM_JOB_AK:
                tpm_ak_free(result->ak);
                break;
        case TPM_JOB_QUOTE:
                tpm_quote_free(result->quote);
                break;
        case TPM_JOB_NV_READ:
                free(result->nv.data);
                break;
        default:
                break;
        }
        free(result);
        return NULL;
}
