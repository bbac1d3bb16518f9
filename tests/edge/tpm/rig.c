/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the tests share. */

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "cmocka-all.h"
#include "rig.h"

/* It says hello as soon as it runs. */
static void wait_for_lock_thread(const Rig *r) {
        for (usec_t waited = 0; strlen(fake_log(r->fake)) < 2 && waited < PATIENCE; waited += USEC_PER_MSEC)
                usleep(USEC_PER_MSEC);
        assert_string_equal(fake_log(r->fake), "TC");
        fake_clear_log(r->fake);
}

Rig rig_new(bool resource_manager, usec_t command_deadline, usec_t linger) {
        Rig r = { .fake = fake_new(BANKS, resource_manager) };
        const char *why;

        assert_non_null(r.fake);
        assert_int_equal(tpm_new(&(TpmOptions){ .transport = fake_transport(r.fake),
                                                .command_deadline = command_deadline,
                                                .linger = linger ?: 10 * PATIENCE },
                                 &r.tpm, &why),
                         0);
        if (resource_manager)
                wait_for_lock_thread(&r);
        return r;
}

void rig_done(Rig *r) {
        r->tpm = tpm_free(r->tpm);
        fake_free(r->fake);
}

TpmExtend extend_of(Rig *r, uint32_t pcr, const char *text, bool with_before) {
        TpmExtend e = { .pcr = pcr, .has_before = with_before, .before = fake_pcr(r->fake, pcr) };

        assert_int_equal(bank_digests_hash(e.before.banks, text, strlen(text), &e.digest), 0);
        return e;
}

TpmJob *extend_job(TpmClass class, const TpmExtend *extend) {
        TpmJob *job = tpm_job_extend(class);

        assert_non_null(job);
        assert_int_equal(tpm_job_add_extend(job, extend), 0);
        return job;
}

void submit(Rig *r, TpmJob *job, uint64_t *ret_id) {
        assert_non_null(job);
        assert_int_equal(tpm_submit(r->tpm, job, ret_id), 0);
}

TpmResult *call(Rig *r, TpmJob *job) {
        TpmResult *result = NULL;

        assert_non_null(job);
        assert_int_equal(tpm_call(r->tpm, job, PATIENCE, &result), 0);
        return result;
}

TpmResult *next_result(Rig *r) {
        struct pollfd p = { .fd = tpm_fd(r->tpm), .events = POLLIN };
        TpmResult *result;

        assert_int_equal(poll(&p, 1, (int) (PATIENCE / USEC_PER_MSEC)), 1);
        result = tpm_next_result(r->tpm);
        assert_non_null(result);
        return result;
}

void learn_life(Rig *r) {
        _cleanup_(tpm_result_freep) TpmResult *result = call(r, tpm_job_state());

        assert_string_equal(result->detail, "");
        assert_int_equal(result->outcome, TPM_OK);
        fake_clear_log(r->fake);
}

void assert_register(Rig *r, uint32_t pcr, const char *words) {
        BankDigests now = fake_pcr(r->fake, pcr), expected = bank_digests_zero(now.banks);

        for (size_t n; words += strspn(words, " "), (n = strcspn(words, " ")) > 0; words += n) {
                BankDigests digest;

                assert_int_equal(bank_digests_hash(now.banks, words, n, &digest), 0);
                assert_int_equal(bank_digests_extend(&expected, &digest), 0);
        }
        assert_true(bank_digests_equal(&now, &expected));
}
