/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Extends, each exactly once as far as that can be known. */

#include "daemon/tpm/pcr.h"
#include "daemon/tpm/run.h"

/* The extend may have taken effect: the register tells. *ret_done, or it is to be extended (again). */
static TpmError settle(Connection *c, TpmJob *job, TpmExtend *item, bool *ret_done) {
        BankDigests now, after = item->before;
        TpmError e;

        *ret_done = false;
        if (!item->has_before)
                return job->class == TPM_CLASS_LOCK
                               ? (TpmError){} /* twice is better than never */
                               : tpm_error_why(TPM_LOST, "it is not known whether the register was extended");
        e = pcr_read_one(c, item->pcr, item->before.banks, &now);
        if (failed(e))
                return e;
        if (bank_digests_extend(&after, &item->digest) < 0)
                return tpm_error_why(TPM_FAILED, "cannot compute a digest");
        *ret_done = bank_digests_equal(&now, &after);
        if (*ret_done || bank_digests_equal(&now, &item->before))
                return (TpmError){};
        job->extend.foreign = true;
        return job->class == TPM_CLASS_LOCK ? (TpmError){}
                                            : tpm_error_why(TPM_RESET, "the register holds a foreign value");
}

/* Only the lock plan makes do with fewer banks: something is better than nothing there, and no log has to fit. */
static TpmError extend_banks(Connection *c, const TpmJob *job, const TpmExtend *item) {
        BankDigests there = item->digest;

        there.banks &= c->banks;
        if (there.banks != item->digest.banks && job->class != TPM_CLASS_LOCK)
                return tpm_error_why(TPM_MISSING_BANK, "a bank that must be extended is not allocated");
        return there.banks ? pcr_extend(c, item->pcr, &there) : (TpmError){};
}

static TpmError extend_item(Connection *c, TpmJob *job, TpmExtend *item) {
        TpmError e;

        if (item->uncertain) {
                bool done;

                e = settle(c, job, item, &done);
                if (failed(e) || done)
                        return e;
                item->uncertain = false;
        }
        e = extend_banks(c, job, item);
        item->uncertain = e.uncertain;
        return e;
}

/* A device's connection stays open for weeks, so that its counters may be old. */
static TpmError look_for_reset(Connection *c, const TpmJob *job) {
        bool is_held_open = c->transport->resource_manager && job->class == TPM_CLASS_LOCK && job->extend.has_cap;

        return is_held_open ? connection_check(c) : (TpmError){};
}

/* Before anything else is extended in another TPM life, the door to the secrets is shut there too. */
static TpmError cap_after_reset(Connection *c, TpmJob *job) {
        TpmError e;

        if (!job->extend.has_cap || !life_needs_cap(c->life, c->counters))
                return (TpmError){};
        e = pcr_extend(c, job->extend.cap.pcr, &job->extend.cap.digest);
        if (!failed(e))
                life_capped(c->life, c->counters);
        return e;
}

static TpmError extend_left(Connection *c, TpmJob *job) {
        TpmError e = connection_open(c);

        if (!failed(e))
                e = look_for_reset(c, job);
        if (!failed(e) && connection_is_reset(c))
                e = cap_after_reset(c, job);
        if (failed(e))
                return e;
        if (connection_is_reset(c) && job->class != TPM_CLASS_LOCK)
                return tpm_error_why(TPM_RESET, "the TPM was reset");
        while (!extend_is_complete(job)) {
                e = extend_item(c, job, &job->extend.items[job->extend.done]);
                if (failed(e))
                        return e;
                job->extend.done++;
        }
        return (TpmError){};
}

/* All are in. */
static TpmError judge(const Connection *c, const TpmJob *job) {
        if (connection_is_reset(c))
                return tpm_error_why(TPM_RESET, "the TPM was reset");
        if (job->extend.foreign)
                return tpm_error_why(TPM_RESET, "a register held a foreign value");
        for (size_t i = 0; i < job->extend.n; i++)
                if (job->extend.items[i].digest.banks & ~c->banks)
                        return tpm_error_why(TPM_MISSING_BANK, "a bank that must be extended is not allocated");
        return (TpmError){};
}

/* A connection that broke is opened again once: most often the TPM is still there, or there again. */
TpmError extend_run(Connection *c, TpmJob *job) {
        TpmError e = extend_left(c, job);

        if (e.outcome == TPM_LOST)
                e = extend_left(c, job);
        return failed(e) ? e : judge(c, job);
}
