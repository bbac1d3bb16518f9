/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Quoting registers, and reading the values that were quoted. */

#include <tss2/tss2_mu.h>

#include "daemon/tpm/ak.h"
#include "daemon/tpm/pcr.h"
#include "daemon/tpm/run.h"
#include "lib/base/alloc.h"
#include "lib/tpm/attest.h"

enum {
        /* A quote and reads that are disturbed so often let only the lock plan in, and are given up after as often again. */
        POLITE_TRIES = 4,
        QUOTE_TRIES = 16,
};

static TpmError keep(const void *data, size_t n, TpmBytes *ret) {
        free(ret->data);
        *ret = (TpmBytes){ memdup_nul(data, n), n };
        return ret->data ? (TpmError){} : tpm_error_why(TPM_FAILED, "out of memory");
}

static TpmError keep_signature(const TPMT_SIGNATURE *signature, TpmBytes *ret) {
        uint8_t bytes[sizeof(*signature)];
        size_t size = 0;

        if (Tss2_MU_TPMT_SIGNATURE_Marshal(signature, bytes, sizeof(bytes), &size) != TSS2_RC_SUCCESS)
                return tpm_error_why(TPM_GARBAGE, "a signature that cannot be written down");
        return keep(bytes, size, ret);
}

/* *ret_hash: of the signature, and so of the digest of the registers. */
static TpmError quote(Connection *c, const TpmJob *job, const Handle *key, HashAlg alg, TpmQuote *ret,
                      HashAlg *ret_hash) {
        static const TPMT_SIG_SCHEME of_the_key = { .scheme = TPM2_ALG_NULL };
        _cleanup_esys_ TPM2B_ATTEST *attest = NULL;
        _cleanup_esys_ TPMT_SIGNATURE *signature = NULL;
        TPML_PCR_SELECTION pcrs = pcr_selection(alg, job->attest.pcrs);
        TPM2B_DATA data = { .size = (uint16_t) job->attest.size };
        TpmError e;

        memcpy(data.buffer, job->attest.data, job->attest.size);
        e = COMMAND(c, Esys_Quote(c->esys, key->tr, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data, &of_the_key,
                                  &pcrs, &attest, &signature));
        if (failed(e))
                return e;
        *ret_hash = hash_from_tpm_id(signature->signature.any.hashAlg);
        if (*ret_hash == _HASH_INVALID)
                return tpm_error_why(TPM_REFUSED, "the key signs with an unknown hash");
        e = keep(attest->attestationData, attest->size, &ret->attest);
        return failed(e) ? e : keep_signature(signature, &ret->signature);
}

/* Are the values those of the quote? */
static TpmError compare(const TpmJob *job, HashAlg alg, HashAlg hash, TpmQuote *q, bool *ret) {
        PcrInputs inputs = { .banks = bank(alg) };
        const char *why;
        size_t offset;
        Attest attest;
        Digest digest;

        if (attest_parse(q->attest.data, q->attest.size, &attest, &offset, &why) < 0)
                return tpm_error_why(TPM_GARBAGE, "a quote that is none");
        inputs.files[alg].present = job->attest.pcrs;
        memcpy(inputs.files[alg].values, q->values.values[alg], sizeof(inputs.files[alg].values));
        if (attest_pcr_digest(&attest, &inputs, hash, &digest) < 0)
                return tpm_error_why(TPM_GARBAGE, "a quote of other registers than were asked for");
        *ret = attest.digest.size == hash_size(hash) && memcmp(attest.digest.data, digest.bytes, hash_size(hash)) == 0;
        q->clock = attest.clock;
        q->counters = (TpmCounters){ attest.resets, attest.restarts };
        q->safe = attest.safe;
        return (TpmError){};
}

static TpmError quote_and_read(Connection *c, const TpmJob *job, const Handle *key, HashAlg alg, TpmQuote *q,
                               bool *ret_match) {
        HashAlg hash = _HASH_INVALID;
        TpmError e = quote(c, job, key, alg, q, &hash);

        if (!failed(e))
                e = pcr_read_some(c, alg, job->attest.pcrs, q->values.values[alg]);
        return failed(e) ? e : compare(job, alg, hash, q, ret_match);
}

/* Anybody may extend between the quote and the reads: IMA does, and so do we. */
static TpmError until_they_match(Connection *c, const TpmJob *job, const Handle *key, TpmQuote *q) {
        const TpmClass urgency = c->urgency;
        HashAlg alg = bank_preferred(c->banks);
        bool match = false;
        TpmError e = {};

        if (alg == _HASH_INVALID)
                return tpm_error_why(TPM_MISSING_BANK, "no bank of registers that is worth a quote");
        q->values.banks = bank(alg);
        q->pcrs = job->attest.pcrs;
        for (unsigned n = 0; n < QUOTE_TRIES && !match && !failed(e); n++) {
                if (n >= POLITE_TRIES)
                        c->urgency = MIN(urgency, TPM_CLASS_EXTEND);
                e = quote_and_read(c, job, key, alg, q, &match);
        }
        c->urgency = urgency;
        if (!failed(e) && !match)
                return tpm_error_why(TPM_BUSY, "registers move all the time");
        return e;
}

static TpmError quote_once(Connection *c, const TpmJob *job, TpmQuote *q) {
        _cleanup_(handle_done) Handle key = {};
        _cleanup_free_ uint8_t *public = NULL;
        TpmAk ak = {};
        TpmError e = connection_open_pinned(c);

        if (!failed(e))
                e = ak_load(c, job->attest.choice, &key, &ak);
        public = ak.public.data;
        q->signer = ak.name;
        return failed(e) ? e : until_they_match(c, job, &key, q);
}

TpmError quote_run(Connection *c, const TpmJob *job, TpmResult *result) {
        TpmError e;

        result->quote = new0(TpmQuote, 1);
        if (!result->quote)
                return tpm_error_why(TPM_FAILED, "out of memory");
        e = quote_once(c, job, result->quote);
        if (e.outcome == TPM_LOST)
                e = quote_once(c, job, result->quote);
        if (failed(e))
                result->quote = tpm_quote_free(result->quote);
        return e;
}
