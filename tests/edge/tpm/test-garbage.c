/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Answers that are no answers, and answers that do not come: never taken for success. */

#include <string.h>

#include "cmocka-all.h"
#include "rig.h"

typedef struct Bad {
        FakeFault fault;
        uint32_t argument;
} Bad;

/* For any command. A response's header is tag, size, code: 2, 4, 4 bytes. */
static const Bad headers[] = {
        { FAKE_SHORT, 0 },
        { FAKE_SHORT, 1 },
        { FAKE_SHORT, 9 },
        { FAKE_SHORT, 10 }, /* the header of more than comes */
        { FAKE_SHORT, 11 },
        { FAKE_CUT, 5 },
        { FAKE_CUT, 9 },
        { FAKE_TAG, 0 },
        { FAKE_TAG, 0xc4 }, /* what a TPM 1.2 says */
        { FAKE_TAG, 0xffff },
        { FAKE_SIZE, 0 },
        { FAKE_SIZE, 10 },
        { FAKE_SIZE, 4096 },
        { FAKE_SIZE, UINT32_MAX },
        { FAKE_CODE, 1 },
        { FAKE_CODE, TPM2_RC_POLICY_FAIL }, /* an error that carries what only a success has */
        { FAKE_CODE, 0xa0009 },             /* error codes of the software stack */
        { FAKE_CODE, 0x70009 },
        { FAKE_CODE, 0x8000a },
        { FAKE_CODE, UINT32_MAX },
};

static void extend_and_fail(const Bad *bad) {
        _rig_ Rig r = rig_new(false, 0, 0);
        _cleanup_(tpm_result_freep) TpmResult *result = NULL, *again = NULL;
        TpmExtend e = extend_of(&r, 13, "a", true);

        learn_life(&r);
        fake_inject(r.fake, TPM2_CC_PCR_Extend, 0, bad->fault, 1, bad->argument);
        result = call(&r, extend_job(TPM_CLASS_EXTEND, &e));
        assert_int_equal(result->outcome, TPM_GARBAGE);
        assert_int_equal(result->extend.done, 0);
        assert_true(result->extend.uncertain);
        assert_register(&r, 13, "a"); /* that is why it is uncertain */

        e.uncertain = true;
        again = call(&r, extend_job(TPM_CLASS_EXTEND, &e));
        assert_int_equal(again->outcome, TPM_OK);
        assert_register(&r, 13, "a");
        assert_int_equal(fake_links(r.fake), 1); /* a new one: the old one may be out of step */
        assert_int_equal(fake_opened(r.fake), 2);
}

static void test_extend(void **state _unused_) {
        static const Bad own[] = {
                { FAKE_TAG, TPM2_ST_NO_SESSIONS },
                { FAKE_CUT, 10 },
                { FAKE_CUT, 14 },
                { FAKE_CUT, 18 },
        };

        for (size_t i = 0; i < ELEMENTSOF(headers); i++)
                extend_and_fail(&headers[i]);
        for (size_t i = 0; i < ELEMENTSOF(own); i++)
                extend_and_fail(&own[i]);
        for (uint32_t seed = 0; seed < 300; seed++)
                extend_and_fail(&(Bad){ FAKE_RANDOM, seed });
}

static void read_and_fail(uint32_t code, const Bad *bad) {
        _rig_ Rig r = rig_new(false, 0, 0);
        _cleanup_(tpm_result_freep) TpmResult *result = NULL, *again = NULL;

        fake_inject(r.fake, code, 0, bad->fault, 1, bad->argument);
        result = call(&r, tpm_job_state());
        assert_int_equal(result->outcome, TPM_GARBAGE);
        assert_null(result->state);
        again = call(&r, tpm_job_state());
        assert_int_equal(again->outcome, TPM_OK);
}

static void test_reads(void **state _unused_) {
        static const uint32_t codes[] = { TPM2_CC_PCR_Read, TPM2_CC_ReadClock, TPM2_CC_GetCapability,
                                          TPM2_CC_ReadPublic };

        for (size_t c = 0; c < ELEMENTSOF(codes); c++) {
                for (size_t i = 0; i < ELEMENTSOF(headers); i++)
                        read_and_fail(codes[c], &headers[i]);
                for (uint32_t seed = 0; seed < 100; seed++)
                        read_and_fail(codes[c], &(Bad){ FAKE_RANDOM, seed });
        }
}

/* Responses whose header is in order and that end early: nothing may be filled in from what came before. */
static void test_cut_reads(void **state _unused_) {
        for (uint32_t size = 10; size < 35; size++)
                read_and_fail(TPM2_CC_ReadClock, &(Bad){ FAKE_CUT, size });
        for (uint32_t size = 10; size < 10 + 4 + 4 + 6 + 4 + 8 * 22; size++)
                read_and_fail(TPM2_CC_PCR_Read, &(Bad){ FAKE_CUT, size });
}

/* The registers of an earlier answer are still in the buffer when the later one is cut. */
static void test_cut_late(void **state _unused_) {
        for (unsigned skip = 1; skip < 12; skip++) {
                _rig_ Rig r = rig_new(false, 0, 0);
                _cleanup_(tpm_result_freep) TpmResult *result = NULL;

                fake_inject(r.fake, TPM2_CC_PCR_Read, skip, FAKE_CUT, 1, 60);
                result = call(&r, tpm_job_read());
                assert_int_equal(result->outcome, TPM_GARBAGE);
        }
}

/* No answer within the deadline. The connection to a device is kept until it comes, and nothing else is sent. */
static void test_late(void **state _unused_) {
        _rig_ Rig r = rig_new(true, 0, 0);
        _cleanup_(tpm_result_freep) TpmResult *late = NULL, *still = NULL, *fine = NULL;
        TpmExtend a = extend_of(&r, 13, "a", true), b = extend_of(&r, 11, "b", true);

        learn_life(&r);
        fake_inject(r.fake, TPM2_CC_PCR_Extend, 0, FAKE_LATE, 1, 2);
        late = call(&r, extend_job(TPM_CLASS_EXTEND, &a));
        assert_int_equal(late->outcome, TPM_BUSY);
        assert_true(late->extend.uncertain);
        assert_string_equal(fake_log(r.fake), "n");

        still = call(&r, extend_job(TPM_CLASS_EXTEND, &b));
        assert_int_equal(still->outcome, TPM_BUSY);
        assert_false(still->extend.uncertain);
        assert_string_equal(fake_log(r.fake), "n");
        assert_int_equal(fake_opened(r.fake), 2); /* and one of them by the other thread */

        fine = call(&r, extend_job(TPM_CLASS_EXTEND, &b));
        assert_int_equal(fine->outcome, TPM_OK);
        assert_register(&r, 13, "a");
        assert_register(&r, 11, "b");
        assert_int_equal(fake_opened(r.fake), 3);
        assert_int_equal(fake_links(r.fake), 2);
}

static void test_late_read(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 0);
        _cleanup_(tpm_result_freep) TpmResult *late = NULL, *fine = NULL;

        fake_inject(r.fake, TPM2_CC_PCR_Read, 3, FAKE_LATE, 1, 1);
        late = call(&r, tpm_job_read());
        assert_int_equal(late->outcome, TPM_BUSY);
        assert_string_not_equal(late->detail, "");
        fine = call(&r, tpm_job_read());
        assert_int_equal(fine->outcome, TPM_OK);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_extend),   cmocka_unit_test(test_reads), cmocka_unit_test(test_cut_reads),
                cmocka_unit_test(test_cut_late), cmocka_unit_test(test_late),  cmocka_unit_test(test_late_read),
        };

        tpm_silence_library();
        return cmocka_run_group_tests_name("tpm-garbage", tests, NULL, NULL);
}
