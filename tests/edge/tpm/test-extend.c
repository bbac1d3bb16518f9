/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Extends on a TPM that fails: what is reported, and what the registers hold in the end. */

#include <errno.h>
#include <string.h>

#include "cmocka-all.h"
#include "rig.h"

static TpmJob *extend_text(Rig *r, TpmClass class, uint32_t pcr, const char *text, bool with_before) {
        TpmExtend e = extend_of(r, pcr, text, with_before);

        return extend_job(class, &e);
}

static void test_extend(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 0);
        _cleanup_(tpm_result_freep) TpmResult *one = NULL, *two = NULL;

        one = call(&r, extend_text(&r, TPM_CLASS_EXTEND, 13, "a", true));
        assert_int_equal(one->type, TPM_JOB_EXTEND);
        assert_int_equal(one->outcome, TPM_OK);
        assert_int_equal(one->rc, 0);
        assert_string_equal(one->detail, "");
        assert_int_equal(one->extend.done, 1);
        assert_false(one->extend.uncertain || one->owed);
        assert_register(&r, 13, "a");

        two = call(&r, extend_text(&r, TPM_CLASS_EXTEND, 13, "b", true));
        assert_int_equal(two->outcome, TPM_OK);
        assert_true(two->id > one->id);
        assert_register(&r, 13, "a b");
        /* Hello, leftover objects and sessions, banks; then one command each. */
        assert_string_equal(fake_log(r.fake), "TCCCnn");
        assert_int_equal(fake_opened(r.fake), 1);
}

static void test_bad_jobs(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 0);
        _cleanup_(tpm_job_freep) TpmJob *job = tpm_job_extend(TPM_CLASS_EXTEND), *other = tpm_job_read();
        TpmExtend e = extend_of(&r, 13, "a", true);

        assert_int_equal(tpm_job_add_extend(other, &e), -EINVAL);
        e.pcr = 24;
        assert_int_equal(tpm_job_add_extend(job, &e), -EINVAL);
        e.pcr = 23;
        e.digest.banks = 0;
        assert_int_equal(tpm_job_add_extend(job, &e), -EINVAL);
        e.digest.banks = BANKS;
        e.before.banks = bank(HASH_SHA256);
        assert_int_equal(tpm_job_add_extend(job, &e), -EINVAL);
        e.has_before = false;
        assert_int_equal(tpm_job_add_extend(job, &e), 0);
}

static void test_busy_then_fine(void **state _unused_) {
        static const uint32_t codes[] = { TPM2_RC_RETRY, TPM2_RC_YIELDED, TPM2_RC_TESTING };

        for (size_t i = 0; i < ELEMENTSOF(codes); i++) {
                _rig_ Rig r = rig_new(false, 0, 0);
                _cleanup_(tpm_result_freep) TpmResult *result = NULL;

                fake_inject(r.fake, TPM2_CC_PCR_Extend, 0, FAKE_RC, 17,
                            codes[i]); /* ESYS itself gives up after five */
                result = call(&r, extend_text(&r, TPM_CLASS_EXTEND, 13, "a", false));
                assert_int_equal(result->outcome, TPM_OK);
                assert_register(&r, 13, "a");
        }
}

static void test_busy_for_ever(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 20 * USEC_PER_MSEC, 0);
        _cleanup_(tpm_result_freep) TpmResult *busy = NULL, *fine = NULL;

        fake_inject(r.fake, TPM2_CC_PCR_Extend, 0, FAKE_RC, UINT32_MAX, TPM2_RC_RETRY);
        busy = call(&r, extend_text(&r, TPM_CLASS_EXTEND, 13, "a", false));
        assert_int_equal(busy->outcome, TPM_BUSY);
        assert_int_equal(busy->rc, TPM2_RC_RETRY);
        assert_int_equal(busy->extend.done, 0);
        assert_false(busy->extend.uncertain || busy->owed);
        assert_register(&r, 13, "");

        fine = call(&r, tpm_job_read());
        assert_int_equal(fine->outcome, TPM_OK);
        assert_int_equal(fake_opened(r.fake), 1); /* a busy TPM is no reason to hang up */
}

static void test_errors_of_the_tpm(void **state _unused_) {
        static const struct {
                uint32_t rc;
                TpmOutcome outcome;
                bool uncertain;
        } table[] = {
                { TPM2_RC_LOCKOUT, TPM_LOCKOUT, false },
                { TPM2_RC_LOCALITY, TPM_REFUSED, false },
                { TPM2_RC_VALUE | TPM2_RC_H | TPM2_RC_1, TPM_REFUSED, false },
                { TPM2_RC_POLICY_FAIL | TPM2_RC_S | TPM2_RC_1, TPM_POLICY, false },
                { TPM2_RC_INITIALIZE, TPM_RESET, false },
                { TPM2_RC_NV_RATE, TPM_BUSY, false },
                { TPM2_RC_CANCELED, TPM_BUSY, false },
                { TSS2_RESMGR_RC_LAYER | TPM2_RC_COMMAND_CODE, TPM_REFUSED, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _rig_ Rig r = rig_new(false, 0, 0);
                _cleanup_(tpm_result_freep) TpmResult *result = NULL, *after = NULL;

                fake_inject(r.fake, TPM2_CC_PCR_Extend, 0, FAKE_RC, 1, table[i].rc);
                result = call(&r, extend_text(&r, TPM_CLASS_EXTEND, 13, "a", true));
                assert_int_equal(result->outcome, table[i].outcome);
                assert_int_equal(result->rc, table[i].rc);
                assert_string_not_equal(result->detail, "");
                assert_int_equal(result->extend.uncertain, table[i].uncertain);
                assert_register(&r, 13, "");

                after = call(&r, extend_text(&r, TPM_CLASS_EXTEND, 13, "b", true));
                assert_int_equal(after->outcome, TPM_OK);
                assert_register(&r, 13, "b");
        }
}

/* A TPM in failure mode is lost until it is reset, and says nothing of what it did before. */
static void test_failure_mode(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 0);
        _cleanup_(tpm_result_freep) TpmResult *result = NULL;

        fake_inject(r.fake, TPM2_CC_PCR_Extend, 0, FAKE_RC, 2, TPM2_RC_FAILURE);
        result = call(&r, extend_text(&r, TPM_CLASS_EXTEND, 13, "a", true));
        assert_int_equal(result->outcome, TPM_LOST);
        assert_true(result->extend.uncertain);
        assert_register(&r, 13, "");
}

static void test_no_device(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 0);
        _cleanup_(tpm_result_freep) TpmResult *lost = NULL, *back = NULL;

        fake_set_absent(r.fake, true);
        lost = call(&r, extend_text(&r, TPM_CLASS_EXTEND, 13, "a", true));
        assert_int_equal(lost->outcome, TPM_LOST);
        assert_int_equal(lost->rc, 0);
        assert_string_equal(lost->detail, "the TPM cannot be opened: No such file or directory");
        assert_false(lost->extend.uncertain || lost->owed);

        fake_set_absent(r.fake, false);
        back = call(&r, extend_text(&r, TPM_CLASS_EXTEND, 13, "b", true));
        assert_int_equal(back->outcome, TPM_OK);
        assert_register(&r, 13, "b");
}

static void test_taken(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 100 * USEC_PER_MSEC, 0);
        _cleanup_(tpm_result_freep) TpmResult *fine = NULL, *busy = NULL;

        fake_set_taken(r.fake, 2);
        fine = call(&r, extend_text(&r, TPM_CLASS_EXTEND, 13, "a", true));
        assert_int_equal(fine->outcome, TPM_OK);

        fake_set_absent(r.fake, true); /* hang up */
        fake_set_absent(r.fake, false);
        fake_set_taken(r.fake, UINT32_MAX);
        busy = call(&r, extend_text(&r, TPM_CLASS_EXTEND, 13, "b", true));
        assert_int_equal(busy->outcome, TPM_BUSY);
        assert_false(busy->extend.uncertain);
        assert_register(&r, 13, "a");
}

/* The rule for the extend of which nobody knows whether it took effect. */
static void test_lost_in_the_middle(void **state _unused_) {
        static const struct {
                TpmClass class;
                bool with_before;
                FakeFault fault;
                TpmOutcome outcome;
                bool uncertain;
                const char *held;
                const char *log;
        } table[] = {
                /* With the value before: read, then done or again. */
                { TPM_CLASS_EXTEND, true, FAKE_LOST_AFTER, TPM_OK, false, "a", "nTCCRRRR" },
                { TPM_CLASS_EXTEND, true, FAKE_LOST_BEFORE, TPM_OK, false, "a", "TCCRRRRn" },
                { TPM_CLASS_EXTEND, true, FAKE_SEND_FAILS, TPM_OK, false, "a", "TCCn" },
                { TPM_CLASS_LOCK, true, FAKE_LOST_AFTER, TPM_OK, false, "a", "nTCCRRRR" },
                { TPM_CLASS_LOCK, true, FAKE_LOST_BEFORE, TPM_OK, false, "a", "TCCRRRRn" },
                /* Without it the lock plan extends again, and a log entry does not. */
                { TPM_CLASS_LOCK, false, FAKE_LOST_AFTER, TPM_OK, false, "a a", "nTCCn" },
                { TPM_CLASS_LOCK, false, FAKE_LOST_BEFORE, TPM_OK, false, "a", "TCCn" },
                { TPM_CLASS_EXTEND, false, FAKE_LOST_AFTER, TPM_LOST, true, "a", "nTCC" },
                { TPM_CLASS_EXTEND, false, FAKE_LOST_BEFORE, TPM_LOST, true, "", "TCC" },
                { TPM_CLASS_EXTEND, false, FAKE_SEND_FAILS, TPM_OK, false, "a", "TCCn" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _rig_ Rig r = rig_new(false, 0, 0);
                _cleanup_(tpm_result_freep) TpmResult *result = NULL;

                learn_life(&r);
                fake_inject(r.fake, TPM2_CC_PCR_Extend, 0, table[i].fault, 1, 0);
                result = call(&r, extend_text(&r, table[i].class, 13, "a", table[i].with_before));
                assert_int_equal(result->outcome, table[i].outcome);
                assert_int_equal(result->extend.uncertain, table[i].uncertain);
                assert_int_equal(result->extend.done, table[i].outcome == TPM_OK);
                assert_false(result->owed);
                assert_register(&r, 13, table[i].held);
                assert_string_equal(fake_log(r.fake), table[i].log);
        }
}

/* It broke, and before the register could be read somebody else extended it. */
static void test_lost_and_foreign(void **state _unused_) {
        static const struct {
                TpmClass class;
                size_t done;
        } table[] = { { TPM_CLASS_EXTEND, 0 }, { TPM_CLASS_LOCK, 1 } };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _rig_ Rig r = rig_new(false, 0, 0);
                _cleanup_(tpm_result_freep) TpmResult *result = NULL;
                TpmExtend foreign = extend_of(&r, 13, "foreign", false);

                learn_life(&r);
                fake_inject(r.fake, TPM2_CC_PCR_Extend, 0, FAKE_LOST_BEFORE, 1, 0);
                fake_hold(r.fake, TPM2_CC_PCR_Read);
                submit(&r, extend_text(&r, table[i].class, 13, "a", true), NULL);
                fake_wait_held(r.fake);
                fake_extend(r.fake, 13, &foreign.digest);
                fake_release(r.fake);
                result = next_result(&r);
                assert_int_equal(result->outcome, TPM_RESET);
                assert_int_equal(result->extend.done, table[i].done);
                assert_register(&r, 13, table[i].done ? "foreign a" : "foreign");
        }
}

/* A job that follows an uncertain one says so, and does not extend twice. */
static void test_uncertain_from_before(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 0);
        _cleanup_(tpm_result_freep) TpmResult *busy = NULL, *again = NULL;
        TpmExtend e = extend_of(&r, 13, "a", true);

        learn_life(&r);
        fake_inject(r.fake, TPM2_CC_PCR_Extend, 0, FAKE_LATE, 1, 1);
        busy = call(&r, extend_job(TPM_CLASS_EXTEND, &e));
        assert_int_equal(busy->outcome, TPM_BUSY);
        assert_true(busy->extend.uncertain);
        assert_int_equal(busy->extend.done, 0);

        e.uncertain = true;
        again = call(&r, extend_job(TPM_CLASS_EXTEND, &e));
        assert_int_equal(again->outcome, TPM_OK);
        assert_register(&r, 13, "a");
}

static void test_several_items(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 0);
        _cleanup_(tpm_result_freep) TpmResult *result = NULL;
        TpmJob *job = extend_text(&r, TPM_CLASS_EXTEND, 7, "a", true);
        TpmExtend b = extend_of(&r, 11, "b", true), c = extend_of(&r, 13, "c", true);

        assert_int_equal(tpm_job_add_extend(job, &b), 0);
        assert_int_equal(tpm_job_add_extend(job, &c), 0);
        fake_inject(r.fake, TPM2_CC_PCR_Extend, 1, FAKE_RC, 1, TPM2_RC_LOCALITY);
        result = call(&r, job);
        assert_int_equal(result->outcome, TPM_REFUSED);
        assert_int_equal(result->extend.done, 1);
        assert_register(&r, 7, "a");
        assert_register(&r, 11, "");
        assert_register(&r, 13, "");
}

static void test_missing_bank(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 0);
        _cleanup_(tpm_result_freep) TpmResult *refused = NULL, *locked = NULL;
        TpmExtend e = extend_of(&r, 13, "a", false);

        fake_set_banks(r.fake, bank(HASH_SHA256));
        refused = call(&r, extend_job(TPM_CLASS_EXTEND, &e));
        assert_int_equal(refused->outcome, TPM_MISSING_BANK);
        assert_int_equal(refused->extend.done, 0);
        assert_register(&r, 13, "");

        locked = call(&r, extend_job(TPM_CLASS_LOCK, &e));
        assert_int_equal(locked->outcome, TPM_MISSING_BANK);
        assert_int_equal(locked->extend.done, 1);
        assert_false(locked->owed);
        assert_register(&r, 13, "a");
}

static TpmJob *with_cap(Rig *r, TpmJob *job) {
        TpmExtend cap = extend_of(r, 12, "cap", false);

        assert_int_equal(tpm_job_cap_if_reset(job, &cap), 0);
        return job;
}

static void test_reset_under_an_extend(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 0);
        _cleanup_(tpm_result_freep) TpmResult *notice = NULL, *result = NULL, *second = NULL, *third = NULL;

        learn_life(&r);
        fake_inject(r.fake, TPM2_CC_PCR_Extend, 0, FAKE_RESET_BEFORE, 1, 0);
        submit(&r, with_cap(&r, extend_text(&r, TPM_CLASS_EXTEND, 13, "a", true)), NULL);
        notice = next_result(&r);
        assert_int_equal(notice->type, TPM_JOB_NONE);
        assert_int_equal(notice->id, 0);
        assert_int_equal(notice->outcome, TPM_RESET);
        result = next_result(&r);
        assert_int_equal(result->outcome, TPM_RESET);
        assert_int_equal(result->extend.done, 0);
        assert_register(&r, 12, "cap");
        assert_register(&r, 13, "");
        assert_string_equal(fake_log(r.fake), "TCCCm");

        /* Neither the notice nor the cap a second time; the lock plan goes on all the same. */
        second = call(&r, with_cap(&r, extend_text(&r, TPM_CLASS_LOCK, 7, "poison", false)));
        assert_int_equal(second->outcome, TPM_RESET);
        assert_int_equal(second->extend.done, 1);
        assert_false(second->owed);
        assert_register(&r, 7, "poison");
        assert_register(&r, 12, "cap");
        assert_null(tpm_next_result(r.tpm));

        /* Until somebody accepts the new life. */
        learn_life(&r);
        third = call(&r, with_cap(&r, extend_text(&r, TPM_CLASS_EXTEND, 13, "b", true)));
        assert_int_equal(third->outcome, TPM_OK);
        assert_register(&r, 12, "cap");
}

static void test_reset_under_the_lock_plan(void **state _unused_) {
        for (int resource_manager = 0; resource_manager < 2; resource_manager++) {
                _rig_ Rig r = rig_new(resource_manager, 0, 0);
                _cleanup_(tpm_result_freep) TpmResult *notice = NULL, *result = NULL;

                learn_life(&r);
                fake_inject(r.fake, TPM2_CC_PCR_Extend, 0, FAKE_RESET_BEFORE, 1, 0);
                submit(&r, with_cap(&r, extend_text(&r, TPM_CLASS_LOCK, 7, "poison", true)), NULL);
                notice = next_result(&r);
                assert_int_equal(notice->type, TPM_JOB_NONE);
                result = next_result(&r);
                assert_int_equal(result->outcome, TPM_RESET);
                assert_int_equal(result->extend.done, 1);
                assert_false(result->owed);
                assert_register(&r, 12, "cap");
                assert_register(&r, 7, "poison");
                assert_true(strchr(fake_log(r.fake), 'm') < strchr(fake_log(r.fake), 'h')); /* the cap first */
        }
}

/* A device's connection may have outlived a hibernation. */
static void test_reset_behind_an_open_device(void **state _unused_) {
        _rig_ Rig r = rig_new(true, 0, 0);
        _cleanup_(tpm_result_freep) TpmResult *before = NULL, *notice = NULL, *result = NULL;

        learn_life(&r);
        before = call(&r, with_cap(&r, extend_text(&r, TPM_CLASS_LOCK, 7, "a", false)));
        assert_int_equal(before->outcome, TPM_OK);
        fake_reset(r.fake, true);
        submit(&r, with_cap(&r, extend_text(&r, TPM_CLASS_LOCK, 7, "b", false)), NULL);
        notice = next_result(&r);
        assert_int_equal(notice->type, TPM_JOB_NONE);
        result = next_result(&r);
        assert_int_equal(result->outcome, TPM_RESET);
        assert_register(&r, 12, "cap");
        assert_register(&r, 7, "b");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_extend),
                cmocka_unit_test(test_bad_jobs),
                cmocka_unit_test(test_busy_then_fine),
                cmocka_unit_test(test_busy_for_ever),
                cmocka_unit_test(test_errors_of_the_tpm),
                cmocka_unit_test(test_failure_mode),
                cmocka_unit_test(test_no_device),
                cmocka_unit_test(test_taken),
                cmocka_unit_test(test_lost_in_the_middle),
                cmocka_unit_test(test_lost_and_foreign),
                cmocka_unit_test(test_uncertain_from_before),
                cmocka_unit_test(test_several_items),
                cmocka_unit_test(test_missing_bank),
                cmocka_unit_test(test_reset_under_an_extend),
                cmocka_unit_test(test_reset_under_the_lock_plan),
                cmocka_unit_test(test_reset_behind_an_open_device),
        };

        tpm_silence_library();
        return cmocka_run_group_tests_name("tpm-extend", tests, NULL, NULL);
}
