/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What holds for every input: when it ends, what it waits for, what it says of itself. */

#include "tests/unit/rig.h"

#define OBSERVE "[Policy]\nMode=observe\n[Reference base]\n"

static void a_stop(void **state _unused_) {
        const Input stop = { .type = INPUT_STOP, .stop = { .reason = "asked" } };
        Rig rig;

        rig_new(&rig, OBSERVE);
        rig_start(&rig);
        rig_exec(&rig, 1, "/opt/x", _FAILURE_INVALID);
        rig_feed(&rig, &stop);
        rig_expect(&rig, KIND_STOP, "reason", "asked");
        assert_int_equal(rig_count(&rig, ACTION_STOP), 0); /* somebody waits, and it is not in the register */
        rig_feed(&rig, &stop);
        assert_int_equal(rig_count(&rig, ACTION_RECORD), 0); /* asked twice */
        rig_settle(&rig);
        assert_true(rig_answered(&rig, 1, true));
        assert_int_equal(rig_count(&rig, ACTION_STOP), 1);
        rig_feed(&rig, &stop);
        assert_int_equal(rig_count(&rig, ACTION_STOP), 0);
        rig_done(&rig);
}

/* Who asks behind the stop, again and again, cannot put off the end for ever. */
static void a_stop_that_others_outlast(void **state _unused_) {
        const Input stop = { .type = INPUT_STOP, .stop = { .reason = "asked" } };
        const Input extended = { .type = INPUT_EXTENDED };
        Rig rig;

        rig_new(&rig, OBSERVE);
        rig_start(&rig);
        rig_feed(&rig, &stop);
        rig_tick(&rig, USEC_PER_SEC);
        rig_exec(&rig, 1, "/opt/x", _FAILURE_INVALID);
        rig_feed(&rig, &extended);
        assert_int_equal(rig_count(&rig, ACTION_STOP), 0);
        rig_tick(&rig, USEC_PER_SEC); /* 2 s */
        assert_int_equal(rig_count(&rig, ACTION_STOP), 1);
        assert_int_equal(rig_count(&rig, ACTION_ANSWER), 0);
        assert_true(engine_deadline(rig.engine) > rig.now.boottime);
        rig_done(&rig);
}

/* The time alone ends nothing. */
static void a_stop_that_is_not_in_the_register(void **state _unused_) {
        const Input stop = { .type = INPUT_STOP, .stop = { .reason = "asked" } };
        Rig rig;

        rig_new(&rig, OBSERVE);
        rig_start(&rig);
        rig_feed(&rig, &stop);
        assert_int_equal(engine_deadline(rig.engine), USEC_INFINITY);
        rig.now.boottime += 60 * USEC_PER_SEC;
        rig_feed(&rig, &stop);
        assert_int_equal(rig_count(&rig, ACTION_STOP), 0);
        rig_settle(&rig);
        assert_int_equal(rig_count(&rig, ACTION_STOP), 1);
        rig_done(&rig);
}

static void an_extended_that_nobody_waits_for(void **state _unused_) {
        const Input extended = { .type = INPUT_EXTENDED };
        Rig rig;

        rig_new(&rig, OBSERVE);
        rig_start(&rig);
        rig_feed(&rig, &extended);
        assert_true(rig.result < 0);
        assert_int_equal(rig.list.size, 0);
        assert_int_equal(engine_deadline(rig.engine), USEC_INFINITY);
        rig_done(&rig);
}

/* An idle engine waits for nothing, and what it says of the register is what the log replays to. */
static void the_register(void **state _unused_) {
        BankDigests value = bank_digests_zero(1U << HASH_SHA256);
        const Input extended = { .type = INPUT_EXTENDED };
        Input start = { .type = INPUT_START };
        Rig rig;

        rig_new(&rig, OBSERVE);
        start.start = rig.facts;
        start.start.pcrs = &rig.pcrs;
        rig_feed(&rig, &start);
        while (rig.on_its_way) {
                const Action *commit = rig_find(&rig, ACTION_COMMIT);

                assert_true(bank_digests_equal(&commit->commit.before, &value));
                assert_int_equal(bank_digests_extend(&value, &commit->commit.digest), 0);
                rig_feed(&rig, &extended);
                assert_true(bank_digests_equal(engine_register(rig.engine), &value));
        }
        assert_int_equal(engine_deadline(rig.engine), USEC_INFINITY);
        rig_done(&rig);
}

static void what_it_says_of_itself(void **state _unused_) {
        Status status;
        Rig rig;

        rig_new(&rig, "[Policy]\nMode=enforce\n[Rule d]\nPath=/x\nAction=deny\n");
        rig_start(&rig);
        rig_exec(&rig, 1, "/x", _FAILURE_INVALID);
        engine_status(rig.engine, &status);
        assert_int_equal(status.state, STATE_TRUSTED);
        assert_int_equal(status.mode, MODE_ENFORCE);
        assert_int_equal(status.denied, 1);
        assert_int_equal(status.generation, 1);
        assert_int_equal(status.events, status.anchored + 1);
        assert_int_equal(status.levels[WATCHED_EXEC], LEVEL_GATE);
        assert_memory_equal(status.policy_digest, engine_policy(rig.engine)->digest, SHA256_SIZE);
        rig_settle(&rig);
        engine_status(rig.engine, &status);
        assert_int_equal(status.events, status.anchored);
        rig_done(&rig);
        assert_null(engine_free(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_stop),
                TEST(a_stop_that_others_outlast),
                TEST(a_stop_that_is_not_in_the_register),
                TEST(an_extended_that_nobody_waits_for),
                TEST(the_register),
                TEST(what_it_says_of_itself),
        };

        return RUN(tests);
}
