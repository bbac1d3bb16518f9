/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Jobs for the TPM's queue, and what came of them, in the attester's words. All of it runs on its thread. */

#include "daemon/attest-tpm.h"

#include <errno.h>
#include <stdio.h>

enum { RC_HANDLE = 0x08b, RC_NV_UNINITIALIZED = 0x14a, RC_FORMAT_1 = 0x0bf }; /* TPM 2.0 Library part 2, section 6.6 */

/* Nothing is there, or nothing was written to it yet. */
static bool is_nothing(uint32_t rc) {
        return (rc & RC_FORMAT_1) == RC_HANDLE || rc == RC_NV_UNINITIALIZED;
}

static int error_of(const TpmResult *result) {
        switch (result->outcome) {
        case TPM_OK:
                return 0;
        case TPM_BUSY:
        case TPM_LOCKOUT:
                return -EBUSY;
        case TPM_LOST:
        case TPM_RESET:
                return -ENODEV;
        case TPM_FAILED:
                return -ENOMEM;
        case TPM_REFUSED:
                return is_nothing(result->rc) ? -ENOENT : -EIO;
        default:
                return -EIO;
        }
}

/* Takes the job over. */
static int call(void *userdata, TpmJob *job, TpmResult **ret, char *why) {
        int r = job ? tpm_call_aside(userdata, job, ret) : -ENOMEM;

        if (r < 0) {
                snprintf(why, ATTEST_WHY_MAX, "%s", strerror(-r));
                return r;
        }
        snprintf(why, ATTEST_WHY_MAX, "TPM: %s", (*ret)->detail);
        return error_of(*ret);
}

static TpmAkChoice choice(bool azure) {
        return azure ? TPM_AK_AZURE : TPM_AK_GUEST;
}

static AkOrigin origin(TpmAkOrigin o) {
        static const AkOrigin origins[] = {
                [TPM_AK_ORIGIN_AZURE] = AK_ORIGIN_AZURE,
                [TPM_AK_ORIGIN_TEMPLATE] = AK_ORIGIN_TEMPLATE,
                [TPM_AK_ORIGIN_OWN] = AK_ORIGIN_OWN,
        };

        return origins[o];
}

static int copy(const TpmBytes *bytes, Buffer *ret) {
        buffer_bytes(ret, bytes->data, bytes->size);
        return buffer_error(ret);
}

static int find_ak(void *userdata, bool azure, AttestKey *ret, char *why) {
        _cleanup_(tpm_result_freep) TpmResult *result = NULL;
        int r = call(userdata, tpm_job_ak(choice(azure)), &result, why);

        if (r < 0)
                return r;
        ret->origin = origin(result->ak->origin);
        ret->name = result->ak->name;
        ret->persistent = result->ak->persistent;
        r = copy(&result->ak->public, &ret->public);
        return r < 0 ? r : copy(&result->ak->certificate, &ret->certificate);
}

static int quote(void *userdata, bool azure, const void *nonce, size_t n, PcrSet pcrs, AttestQuote *ret,
                 TpmName *ret_signer, char *why) {
        _cleanup_(tpm_result_freep) TpmResult *result = NULL;
        int r = call(userdata, tpm_job_quote(choice(azure), nonce, n, pcrs), &result, why);
        const TpmQuote *q;

        if (r < 0)
                return r;
        q = result->quote;
        *ret_signer = q->signer;
        ret->pcrs = q->values;
        ret->selected = q->pcrs;
        ret->clock = q->clock;
        ret->reset_count = q->counters.reset;
        ret->restart_count = q->counters.restart;
        ret->safe = q->safe;
        r = copy(&q->attest, &ret->attest);
        return r < 0 ? r : copy(&q->signature, &ret->signature);
}

static int nv_read(void *userdata, uint32_t index, Buffer *ret, char *why) {
        _cleanup_(tpm_result_freep) TpmResult *result = NULL;
        int r = call(userdata, tpm_job_nv_read(index), &result, why);

        return r < 0 ? r : copy(&result->nv, ret);
}

static int nv_write(void *userdata, uint32_t index, const void *data, size_t n, char *why) {
        _cleanup_(tpm_result_freep) TpmResult *result = NULL;

        return call(userdata, tpm_job_nv_write(index, data, n), &result, why);
}

void attest_tpm_init(Tpm *t, bool is_software, AttestTpm *ret) {
        *ret = (AttestTpm){
                .userdata = t,
                .is_software = is_software,
                .find_ak = find_ak,
                .quote = quote,
                .nv_read = nv_read,
                .nv_write = nv_write,
        };
}
