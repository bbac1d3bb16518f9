/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who goes first, what is owed, and how it all ends. Only orders are asserted, never times. */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "cmocka-all.h"
#include "rig.h"

static TpmJob *extend_text(Rig *r, TpmClass class, uint32_t pcr, const char *text) {
        TpmExtend e = extend_of(r, pcr, text, false);

        return extend_job(class, &e);
}

/* The next result is that of the job, and fine. */
static void expect_ok(Rig *r, uint64_t id) {
        _cleanup_(tpm_result_freep) TpmResult *result = next_result(r);

        assert_int_equal(result->id, id);
        assert_int_equal(result->outcome, TPM_OK);
}

static bool result_waits(const Rig *r) {
        struct pollfd p = { .fd = tpm_fd(r->tpm), .events = POLLIN };

        return poll(&p, 1, 0) == 1;
}

/* While one command is under way, jobs of all classes come in, the least urgent first. */
static void test_classes(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 0);
        uint64_t running, rest, extend, lock, late_lock;

        learn_life(&r);
        fake_hold(r.fake, TPM2_CC_PCR_Extend);
        submit(&r, extend_text(&r, TPM_CLASS_EXTEND, 0, "running"), &running);
        fake_wait_held(r.fake);
        submit(&r, tpm_job_read(), &rest);
        submit(&r, extend_text(&r, TPM_CLASS_EXTEND, 1, "extend"), &extend);
        submit(&r, extend_text(&r, TPM_CLASS_LOCK, 2, "lock"), &lock);
        submit(&r, extend_text(&r, TPM_CLASS_LOCK, 3, "lock"), &late_lock);
        fake_release(r.fake);
        expect_ok(&r, running);
        expect_ok(&r, lock);
        expect_ok(&r, late_lock);
        expect_ok(&r, extend);
        expect_ok(&r, rest);
        assert_memory_equal(fake_log(r.fake), "acdbTRRR", 8);
}

/* A job of many commands lets the others in between two of them, and still gives values of one moment. */
static void test_preemption(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 0);
        _cleanup_(tpm_result_freep) TpmResult *read = NULL;
        uint64_t rest, extend, lock;
        BankDigests found, now;

        learn_life(&r);
        fake_hold(r.fake, TPM2_CC_PCR_Read);
        submit(&r, tpm_job_read(), &rest);
        fake_wait_held(r.fake);
        submit(&r, extend_text(&r, TPM_CLASS_EXTEND, 0, "extend"), &extend);
        submit(&r, extend_text(&r, TPM_CLASS_LOCK, 1, "lock"), &lock);
        fake_release(r.fake);
        expect_ok(&r, lock);
        expect_ok(&r, extend);
        read = next_result(&r);
        assert_int_equal(read->id, rest);
        assert_int_equal(read->outcome, TPM_OK);
        assert_memory_equal(fake_log(r.fake), "TRbaRR", 6);
        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
                found = pcr_values_get(&read->state->pcrs, pcr);
                now = fake_pcr(r.fake, pcr);
                assert_true(bank_digests_equal(&found, &now));
        }
}

/* Between two extends of a job the lock plan gets in, and nothing else. */
static void test_preemption_of_extends(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 0);
        TpmJob *job = extend_text(&r, TPM_CLASS_EXTEND, 0, "one");
        TpmExtend two = extend_of(&r, 1, "two", false);
        uint64_t first, second, lock;

        assert_int_equal(tpm_job_add_extend(job, &two), 0);
        learn_life(&r);
        fake_hold(r.fake, TPM2_CC_PCR_Extend);
        submit(&r, job, &first);
        fake_wait_held(r.fake);
        submit(&r, extend_text(&r, TPM_CLASS_EXTEND, 2, "next"), &second);
        submit(&r, extend_text(&r, TPM_CLASS_LOCK, 3, "lock"), &lock);
        fake_release(r.fake);
        expect_ok(&r, lock);
        expect_ok(&r, first);
        expect_ok(&r, second);
        assert_string_equal(fake_log(r.fake), "adbc");
}

/* The connection breaks under the extend that got in between; the job underneath starts again. */
static void test_preempted_and_lost(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 0);
        uint64_t rest, extend;

        learn_life(&r);
        fake_hold(r.fake, TPM2_CC_PCR_Read);
        submit(&r, tpm_job_read(), &rest);
        fake_wait_held(r.fake);
        fake_inject(r.fake, TPM2_CC_PCR_Extend, 0, FAKE_SEND_FAILS, 1, 0);
        submit(&r, extend_text(&r, TPM_CLASS_EXTEND, 0, "a"), &extend);
        fake_release(r.fake);
        expect_ok(&r, extend);
        expect_ok(&r, rest);
        assert_register(&r, 0, "a");
        assert_int_equal(fake_opened(r.fake), 2);
}

/* Where the TPM takes several clients, the lock plan does not even wait for the command that is under way. */
static void test_lock_has_its_own_thread(void **state _unused_) {
        _rig_ Rig r = rig_new(true, 0, 0);
        uint64_t rest, extend, lock;

        learn_life(&r);
        fake_hold(r.fake, TPM2_CC_PCR_Read);
        submit(&r, tpm_job_read(), &rest);
        fake_wait_held(r.fake);
        submit(&r, extend_text(&r, TPM_CLASS_EXTEND, 0, "extend"), &extend);
        submit(&r, extend_text(&r, TPM_CLASS_LOCK, 1, "lock"), &lock);
        expect_ok(&r, lock);
        assert_register(&r, 1, "lock");
        assert_register(&r, 0, "");
        assert_false(result_waits(&r));
        fake_release(r.fake);
        expect_ok(&r, extend);
        expect_ok(&r, rest);
        assert_int_equal(fake_links(r.fake), 2);
}

static void test_registers_that_move(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 0);
        _cleanup_(tpm_result_freep) TpmResult *calm = NULL, *never = NULL;
        BankDigests found, now;

        fake_disturb_reads(r.fake, 10, 3);
        calm = call(&r, tpm_job_read());
        assert_int_equal(calm->outcome, TPM_OK);
        found = pcr_values_get(&calm->state->pcrs, 10);
        now = fake_pcr(r.fake, 10);
        assert_true(bank_digests_equal(&found, &now));
        assert_false(bank_digests_is_zero(&found));

        fake_disturb_reads(r.fake, 10, UINT32_MAX);
        never = call(&r, tpm_job_read());
        assert_int_equal(never->outcome, TPM_BUSY);
        assert_null(never->state);
}

/* The answer comes at once, the extend when the TPM is back, before anything else. */
static void test_owed_when_lost(void **state _unused_) {
        for (int resource_manager = 0; resource_manager < 2; resource_manager++) {
                _rig_ Rig r = rig_new(resource_manager, 0, 0);
                _cleanup_(tpm_result_freep) TpmResult *lost = NULL, *later = NULL;
                uint64_t lock;

                learn_life(&r);
                fake_set_absent(r.fake, true);
                submit(&r, extend_text(&r, TPM_CLASS_LOCK, 7, "poison"), &lock);
                lost = next_result(&r);
                assert_int_equal(lost->id, lock);
                assert_int_equal(lost->outcome, TPM_LOST);
                assert_true(lost->owed);
                assert_int_equal(lost->extend.done, 0);
                assert_register(&r, 7, "");

                fake_set_absent(r.fake, false);
                submit(&r, extend_text(&r, TPM_CLASS_EXTEND, 13, "a"), NULL);
                later = next_result(&r);
                assert_int_equal(later->id, lock);
                assert_int_equal(later->type, TPM_JOB_EXTEND);
                assert_int_equal(later->outcome, TPM_OK);
                assert_false(later->owed);
                assert_int_equal(later->extend.done, 1);
                expect_ok(&r, lock + 1);
                assert_register(&r, 7, "poison");
                assert_register(&r, 13, "a");
                assert_true(strchr(fake_log(r.fake), 'h') < strchr(fake_log(r.fake), 'n'));
        }
}

/* Nobody asks for anything: the worker looks for the TPM by itself. */
static void test_owed_without_a_job(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 0);
        uint64_t one, two;

        learn_life(&r);
        fake_set_absent(r.fake, true);
        submit(&r, extend_text(&r, TPM_CLASS_LOCK, 7, "one"), &one);
        submit(&r, extend_text(&r, TPM_CLASS_LOCK, 7, "two"), &two);
        for (int i = 0; i < 2; i++) {
                _cleanup_(tpm_result_freep) TpmResult *lost = next_result(&r);

                assert_int_equal(lost->outcome, TPM_LOST);
                assert_true(lost->owed);
        }
        fake_set_absent(r.fake, false);
        expect_ok(&r, one);
        expect_ok(&r, two);
        assert_register(&r, 7, "one two");
        assert_false(result_waits(&r));
}

static void test_owed_when_busy(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 20 * USEC_PER_MSEC, 0);
        _cleanup_(tpm_result_freep) TpmResult *busy = NULL;
        TpmJob *job = extend_text(&r, TPM_CLASS_LOCK, 7, "a");
        TpmExtend second = extend_of(&r, 11, "b", false);

        assert_int_equal(tpm_job_add_extend(job, &second), 0);
        fake_inject(r.fake, TPM2_CC_PCR_Extend, 1, FAKE_RC, 60, TPM2_RC_RETRY);
        submit(&r, job, NULL);
        busy = next_result(&r);
        assert_int_equal(busy->outcome, TPM_BUSY);
        assert_true(busy->owed);
        assert_int_equal(busy->extend.done, 1);
        expect_ok(&r, busy->id);
        assert_register(&r, 7, "a");
        assert_register(&r, 11, "b");
}

/* An owed extend that may have taken effect is looked at first. */
static void test_owed_and_uncertain(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 0);
        _cleanup_(tpm_result_freep) TpmResult *busy = NULL;
        TpmExtend e = extend_of(&r, 7, "a", true);

        fake_inject(r.fake, TPM2_CC_PCR_Extend, 0, FAKE_LATE, 1, 3);
        submit(&r, extend_job(TPM_CLASS_LOCK, &e), NULL);
        busy = next_result(&r);
        assert_int_equal(busy->outcome, TPM_BUSY);
        assert_true(busy->owed && busy->extend.uncertain);
        expect_ok(&r, busy->id);
        assert_register(&r, 7, "a");
}

static void test_refused_is_not_owed(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 0);
        _cleanup_(tpm_result_freep) TpmResult *refused = NULL;

        fake_inject(r.fake, TPM2_CC_PCR_Extend, 0, FAKE_RC, 1, TPM2_RC_LOCALITY);
        refused = call(&r, extend_text(&r, TPM_CLASS_LOCK, 17, "a"));
        assert_int_equal(refused->outcome, TPM_REFUSED);
        assert_false(refused->owed);
}

static void wait_for_links(const Rig *r, unsigned n) {
        for (int i = 0; i < 6000 && fake_links(r->fake) != n; i++)
                usleep(10000);
        assert_int_equal(fake_links(r->fake), n);
}

/* One client at a time: an idle connection is given up, after a look at the counters. */
static void test_linger(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, USEC_PER_MSEC);
        _cleanup_(tpm_result_freep) TpmResult *notice = NULL, *result = NULL, *extended = NULL;

        result = call(&r, tpm_job_state());
        wait_for_links(&r, 0);
        assert_int_equal(fake_opened(r.fake), 1);
        assert_false(result_waits(&r));

        fake_reset(r.fake, false);
        assert_false(result_waits(&r)); /* nobody looks while there is nothing to do */
        submit(&r, extend_text(&r, TPM_CLASS_EXTEND, 13, "a"), NULL);
        notice = next_result(&r);
        assert_int_equal(notice->type, TPM_JOB_NONE);
        assert_int_equal(notice->outcome, TPM_RESET);
        extended = next_result(&r);
        assert_int_equal(extended->outcome, TPM_RESET);
        assert_register(&r, 13, "");
}

/* Nor is a busy one held for ever: others get their turn. */
static void test_turns(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 50 * USEC_PER_MSEC);
        unsigned jobs = 0;

        for (; fake_opened(r.fake) < 4 && jobs < 10000000; jobs++) {
                _cleanup_(tpm_result_freep) TpmResult *result = NULL;

                submit(&r, extend_text(&r, TPM_CLASS_EXTEND, 13, "a"), NULL);
                result = next_result(&r);
                assert_int_equal(result->outcome, TPM_OK);
        }
        assert_true(fake_opened(r.fake) >= 4);
        assert_true(jobs > fake_opened(r.fake));
}

/* It is reset while we hold the connection, after our last command. */
static void test_reset_seen_when_closing(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 200 * USEC_PER_MSEC);
        _cleanup_(tpm_result_freep) TpmResult *result = NULL, *notice = NULL;

        result = call(&r, tpm_job_state());
        fake_reset(r.fake, true);
        notice = next_result(&r);
        assert_int_equal(notice->type, TPM_JOB_NONE);
        assert_int_equal(notice->outcome, TPM_RESET);
        wait_for_links(&r, 0);
}

/* Two threads, two descriptors, kept. */
static void test_device_stays_open(void **state _unused_) {
        _rig_ Rig r = rig_new(true, 0, USEC_PER_MSEC);
        _cleanup_(tpm_result_freep) TpmResult *one = NULL, *two = NULL;

        one = call(&r, tpm_job_state());
        usleep(20000);
        two = call(&r, tpm_job_state());
        assert_int_equal(fake_opened(r.fake), 2);
        assert_int_equal(fake_links(r.fake), 2);
}

static void test_leftovers(void **state _unused_) {
        for (int resource_manager = 0; resource_manager < 2; resource_manager++) {
                _rig_ Rig r = rig_new(resource_manager, 0, 0);

                for (unsigned i = 0; i < 3; i++)
                        fake_leave_object(r.fake, TPM2_TRANSIENT_FIRST + i);
                learn_life(&r);
                assert_int_equal(fake_objects(r.fake), resource_manager ? 3 : 0);
        }
}

/* Somebody else left objects while we were connected; the TPM is full when we need room. */
static void test_no_room(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 0);
        _cleanup_(tpm_result_freep) TpmResult *fine = NULL, *full = NULL;

        learn_life(&r);
        fake_leave_object(r.fake, TPM2_TRANSIENT_FIRST);
        fake_inject(r.fake, TPM2_CC_ReadPublic, 0, FAKE_RC, 1, TPM2_RC_OBJECT_MEMORY);
        fine = call(&r, tpm_job_state());
        assert_int_equal(fine->outcome, TPM_OK);
        assert_int_equal(fake_objects(r.fake), 0);

        fake_inject(r.fake, TPM2_CC_ReadPublic, 0, FAKE_RC, UINT32_MAX, TPM2_RC_OBJECT_MEMORY);
        full = call(&r, tpm_job_state());
        assert_int_equal(full->outcome, TPM_REFUSED);
        assert_int_equal(full->rc, TPM2_RC_OBJECT_MEMORY);
        assert_null(full->state);
}

static void test_harvest_always_caps(void **state _unused_) {
        static const uint8_t no_tpm[] = { 0, TPM2_ALG_SHA256, 1, 2, 3 };
        const Sealed sealed = { .bank = HASH_SHA256,
                                .srk_name = no_tpm,
                                .srk_name_size = sizeof(no_tpm),
                                .public = no_tpm,
                                .public_size = sizeof(no_tpm),
                                .private = no_tpm,
                                .private_size = sizeof(no_tpm) };
        static const struct {
                uint32_t code;
                FakeFault fault;
                unsigned times;
                uint32_t argument;
                TpmOutcome item, cap;
                bool owed;
        } table[] = {
                { 1, FAKE_RC, 0, 0, TPM_WRONG_TPM, TPM_OK, false },
                { TPM2_CC_ReadPublic, FAKE_RC, 1, TPM2_RC_LOCKOUT, TPM_LOCKOUT, TPM_OK, false },
                { TPM2_CC_ReadPublic, FAKE_LOST_AFTER, 1, 0, TPM_WRONG_TPM, TPM_OK, false },
                { TPM2_CC_ReadPublic, FAKE_LOST_AFTER, 2, 0, TPM_LOST, TPM_OK, false },
                { TPM2_CC_ReadPublic, FAKE_RANDOM, 1, 5, TPM_GARBAGE, TPM_OK, false },
                { TPM2_CC_PCR_Extend, FAKE_LOST_BEFORE, 2, 0, TPM_WRONG_TPM, TPM_LOST, true },
                { TPM2_CC_PCR_Extend, FAKE_RC, 1, TPM2_RC_LOCALITY, TPM_WRONG_TPM, TPM_REFUSED, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _rig_ Rig r = rig_new(false, 0, 0);
                _cleanup_(tpm_result_freep) TpmResult *result = NULL;
                TpmExtend cap = extend_of(&r, 12, "cap", true);
                TpmJob *job = tpm_job_harvest(&cap);

                assert_int_equal(tpm_job_add_sealed(job, &sealed), 0);
                fake_inject(r.fake, table[i].code, 0, table[i].fault, table[i].times, table[i].argument);
                submit(&r, job, NULL);
                result = next_result(&r);
                assert_int_equal(result->type, TPM_JOB_HARVEST);
                assert_int_equal(result->harvest.n, 1);
                assert_int_equal(result->harvest.items[0].outcome, table[i].item);
                assert_int_equal(result->outcome, table[i].cap);
                assert_int_equal(result->harvest.capped, table[i].cap == TPM_OK);
                assert_int_equal(result->owed, table[i].owed);
                if (table[i].owed)
                        expect_ok(&r, result->id);
                assert_register(&r, 12, table[i].cap == TPM_OK || table[i].owed ? "cap" : "");
        }
}

static void test_harvest_of_nothing(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 0);
        _cleanup_(tpm_result_freep) TpmResult *result = NULL;
        TpmExtend cap = extend_of(&r, 12, "cap", false);

        result = call(&r, tpm_job_harvest(&cap));
        assert_int_equal(result->outcome, TPM_OK);
        assert_true(result->harvest.capped);
        assert_int_equal(result->harvest.n, 0);
        assert_register(&r, 12, "cap");
        assert_string_equal(fake_log(r.fake), "TCCCm"); /* no more than the cap needs */
}

static void test_call_gives_up_waiting(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 0);
        TpmResult *result = NULL;

        learn_life(&r);
        fake_hold(r.fake, TPM2_CC_PCR_Extend);
        assert_int_equal(tpm_call(r.tpm, extend_text(&r, TPM_CLASS_EXTEND, 13, "a"), USEC_PER_MSEC, &result),
                         -ETIMEDOUT);
        assert_null(result);
        fake_release(r.fake);
        expect_ok(&r, 2);
        assert_register(&r, 13, "a");
}

static void test_call_takes_its_own(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 0);
        _cleanup_(tpm_result_freep) TpmResult *mine = NULL;
        uint64_t first;

        submit(&r, extend_text(&r, TPM_CLASS_EXTEND, 13, "a"), &first);
        mine = call(&r, tpm_job_read());
        assert_int_equal(mine->id, first + 1);
        assert_true(result_waits(&r));
        expect_ok(&r, first);
        assert_false(result_waits(&r));
        assert_null(tpm_next_result(r.tpm));
}

static void test_queue_is_bounded(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 0);
        unsigned n = 0;
        TpmJob *job;

        learn_life(&r);
        fake_hold(r.fake, TPM2_CC_ReadClock);
        submit(&r, tpm_job_read(), NULL);
        fake_wait_held(r.fake);
        while ((job = extend_text(&r, TPM_CLASS_EXTEND, 13, "a")) && tpm_submit(r.tpm, job, NULL) == 0)
                assert_true(++n <= 100000);
        tpm_job_free(job);
        submit(&r, extend_text(&r, TPM_CLASS_LOCK, 7, "poison"), NULL);
        fake_release(r.fake);
        for (unsigned i = 0; i < n + 2; i++) {
                _cleanup_(tpm_result_freep) TpmResult *result = next_result(&r);

                assert_int_equal(result->outcome, TPM_OK);
        }
        assert_register(&r, 7, "poison");
}

/* Whoever ends the daemon does not cancel the lock plan, only the rest. */
static void test_free_runs_the_lock_plan(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 0, 0);

        learn_life(&r);
        fake_hold(r.fake, TPM2_CC_PCR_Extend);
        submit(&r, extend_text(&r, TPM_CLASS_LOCK, 0, "running"), NULL);
        fake_wait_held(r.fake);
        submit(&r, extend_text(&r, TPM_CLASS_EXTEND, 13, "a"), NULL);
        submit(&r, tpm_job_read(), NULL);
        submit(&r, extend_text(&r, TPM_CLASS_LOCK, 7, "poison"), NULL);
        fake_release(r.fake);
        r.tpm = tpm_free(r.tpm);
        assert_register(&r, 7, "poison");
        assert_int_equal(fake_links(r.fake), 0);
}

/* A thread that hangs is left behind, and cleans up when it gets free. */
static void test_free_leaves_a_stuck_thread(void **state _unused_) {
        _rig_ Rig r = rig_new(false, 10 * USEC_PER_MSEC, 0);

        learn_life(&r);
        fake_hold(r.fake, TPM2_CC_PCR_Extend);
        submit(&r, extend_text(&r, TPM_CLASS_EXTEND, 13, "a"), NULL);
        fake_wait_held(r.fake);
        r.tpm = tpm_free(r.tpm);
        assert_int_equal(fake_links(r.fake), 1);
        fake_release(r.fake);
        wait_for_links(&r, 0);
        assert_register(&r, 13, "a");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_classes),
                cmocka_unit_test(test_preemption),
                cmocka_unit_test(test_preemption_of_extends),
                cmocka_unit_test(test_preempted_and_lost),
                cmocka_unit_test(test_lock_has_its_own_thread),
                cmocka_unit_test(test_registers_that_move),
                cmocka_unit_test(test_owed_when_lost),
                cmocka_unit_test(test_owed_without_a_job),
                cmocka_unit_test(test_owed_when_busy),
                cmocka_unit_test(test_owed_and_uncertain),
                cmocka_unit_test(test_refused_is_not_owed),
                cmocka_unit_test(test_linger),
                cmocka_unit_test(test_turns),
                cmocka_unit_test(test_reset_seen_when_closing),
                cmocka_unit_test(test_device_stays_open),
                cmocka_unit_test(test_leftovers),
                cmocka_unit_test(test_no_room),
                cmocka_unit_test(test_harvest_always_caps),
                cmocka_unit_test(test_harvest_of_nothing),
                cmocka_unit_test(test_call_gives_up_waiting),
                cmocka_unit_test(test_call_takes_its_own),
                cmocka_unit_test(test_queue_is_bounded),
                cmocka_unit_test(test_free_runs_the_lock_plan),
                cmocka_unit_test(test_free_leaves_a_stuck_thread),
        };

        tpm_silence_library();
        return cmocka_run_group_tests_name("tpm-order", tests, NULL, NULL);
}
