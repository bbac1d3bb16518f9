/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Daemons that died, and the ones that come after them. */

#include "lib/pending.h"
#include "tests/sample.h"
#include "tests/unit/rig.h"

#define RULES                                                                                                         \
        "[Reference base]\n[Rule d]\nPath=/deny/*\nAction=deny\n[Rule l]\nPath=/lock/*\nAction=lock\n"                \
        "[Rule a]\nPath=/alert/*\nAction=alert\n"
#define ENFORCE "[Policy]\nMode=enforce\n" RULES
#define OBSERVE "[Policy]\nMode=observe\n" RULES

static const Input lock = { .type = INPUT_LOCK, .lock = { .reason = "people" } };
static const Input lost = { .type = INPUT_LOST, .lost = { .sensor = "exec", .count = 1 } };

static Input step_done(LockStep step) {
        return (Input){ .type = INPUT_LOCK_STEP, .lock_step = { .step = step } };
}

static uint64_t events(const Rig *rig) {
        Status status;

        engine_status(rig->engine, &status);
        return status.events;
}

/* The counts of a start without the facts of a first one. */
static void start_again(Rig *rig) {
        Input in = { .type = INPUT_START, .start = rig->facts };

        in.start.pcrs = &rig->pcrs;
        rig_feed(rig, &in);
}

/* Paths that need escaping, or cutting: they are found again. */
static void nothing_is_recorded_twice(void **state _unused_) {
        char *long_path = repeat('l', 3000);
        const char *paths[] = { RIG_KNOWN, "/opt/x", "/deny/x", "/alert/\xff\\\"\n\xe2\x80\xae", long_path };
        uint64_t before;
        Rig rig;

        memcpy(long_path, "/alert/\\", 8);
        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        for (uint64_t i = 0; i < ELEMENTSOF(paths); i++)
                rig_exec(&rig, i, paths[i], _FAILURE_INVALID);
        rig_exec(&rig, 50, "/opt/x", FAILURE_READ_ERROR);
        before = events(&rig);
        rig_resume(&rig, ENFORCE); /* most of it is only promised */
        assert_int_equal(rig.found.verdict, RECONCILE_CONTINUE);
        assert_int_equal(events(&rig), before);
        rig_start(&rig);
        before = events(&rig);
        for (uint64_t i = 0; i < ELEMENTSOF(paths); i++)
                rig_exec(&rig, i, paths[i], _FAILURE_INVALID);
        rig_exec(&rig, 50, "/opt/x", FAILURE_READ_ERROR);
        assert_int_equal(events(&rig), before);
        assert_true(rig_answered(&rig, 1, true)); /* it is in the register */
        rig_resume(&rig, OBSERVE);                /* another policy */
        start_again(&rig);
        rig_exec(&rig, 60, RIG_KNOWN, _FAILURE_INVALID);
        assert_int_equal(rig_count(&rig, ACTION_RECORD), 1);
        rig_done(&rig);
        free(long_path);
}

/* At every input on the way into the locked state, and behind it. */
static void no_way_back_from_a_violation(void **state _unused_) {
        for (unsigned died = 0; died < 4; died++) {
                const Input steps[] = { lock, step_done(LOCK_WIPE), step_done(LOCK_POISON), lost };
                const Input ready = { .type = INPUT_READY };
                LockStep next = 0;
                Rig rig;

                rig_new(&rig, ENFORCE);
                rig_start(&rig);
                for (unsigned i = 0; i <= died; i++)
                        rig_feed(&rig, &steps[i]);
                rig_resume(&rig, OBSERVE); /* whatever the policy says now */
                assert_int_equal(rig_state(&rig), died < 2 ? STATE_VIOLATED : STATE_LOCKED);
                start_again(&rig);
                for (size_t i = 0; i < rig.list.size; i++)
                        if (rig.list.items[i].type == ACTION_LOCK_STEP)
                                assert_int_equal(rig.list.items[i].lock_step.step, next++);
                assert_int_equal(next, died < 2 ? _LOCK_STEP_MAX : 0);
                rig_feed(&rig, &ready);
                rig_feed(&rig, &steps[1]);
                rig_feed(&rig, &steps[2]);
                assert_int_equal(rig_state(&rig), STATE_LOCKED);
                rig_done(&rig);
        }
}

/* The poison stays that of the lock record which is there: a verifier knows one digest. */
static void the_poison_is_the_same(void **state _unused_) {
        BankDigests poison;
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        rig_feed(&rig, &lock);
        poison = rig_find(&rig, ACTION_LOCK_STEP)->lock_step.poison;
        rig_resume(&rig, ENFORCE);
        start_again(&rig);
        assert_true(bank_digests_equal(&rig_find(&rig, ACTION_LOCK_STEP)->lock_step.poison, &poison));
        assert_null(rig_event(&rig, KIND_LOCK));
        rig_done(&rig);
}

static void reasons_that_stay(void **state _unused_) {
        const Input busy = { .type = INPUT_FAILURE, .failure = { .row = FAILURE_TPM_BUSY } };
        const Input ungated = { .type = INPUT_EXECED, .execed = { .subject = { .pid = 3 }, .path = "/x" } };
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        rig_feed(&rig, &busy);
        rig_resume(&rig, ENFORCE);
        rig_start(&rig);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED); /* the TPM answers again */
        rig_feed(&rig, &ungated);
        rig_feed(&rig, &busy);
        rig_resume(&rig, ENFORCE);
        rig_start(&rig);
        assert_int_equal(rig_state(&rig), STATE_DEGRADED);
        assert_int_equal(rig_reasons(&rig), REASON_UNGATED);
        rig_done(&rig);
}

/* What the sensors could do once is what they must be able to do, unless the configuration says otherwise. */
static void a_restart_lowers_no_level(void **state _unused_) {
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig.facts.level_why[WATCHED_UNGATED] = "no ring (yet)";
        rig_start(&rig);
        rig.facts.levels[WATCHED_UNGATED] = LEVEL_OFF;
        rig_resume(&rig, ENFORCE);
        rig_start(&rig);
        assert_int_equal(rig_state(&rig), STATE_DEGRADED);
        assert_int_equal(rig_reasons(&rig), REASON_LEVEL);
        rig_resume(&rig, ENFORCE); /* nor does the second one */
        rig_start(&rig);
        assert_int_equal(rig_state(&rig), STATE_DEGRADED);
        rig.facts.levels[WATCHED_UNGATED] = LEVEL_OBSERVE;
        rig_resume(&rig, ENFORCE);
        rig_start(&rig);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        rig.facts.levels[WATCHED_UNGATED] = LEVEL_OFF;
        rig.config.required_levels[WATCHED_UNGATED] = LEVEL_OFF;
        rig_resume(&rig, ENFORCE);
        rig_start(&rig);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        rig_done(&rig);
}

static void the_gap(void **state _unused_) {
        const Input stop = { .type = INPUT_STOP, .stop = { .reason = "asked" } };
        json_t *event;
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        rig.now.realtime += 5 * USEC_PER_SEC;
        rig_resume(&rig, ENFORCE);
        start_again(&rig);
        event = rig_event(&rig, KIND_GAP);
        assert_true(json_is_false(json_object_get(event, "clean")));
        assert_int_equal(json_integer_value(json_object_get(event, "until")), rig.now.realtime);
        assert_int_equal(json_integer_value(json_object_get(event, "since")), rig.now.realtime - 5 * USEC_PER_SEC);
        json_decref(event);
        rig_expect(&rig, KIND_GAP, "verdict", "gap");
        rig_settle(&rig);
        rig_feed(&rig, &stop);
        rig_settle(&rig);
        rig.config.lock_on_death = true;
        rig_resume(&rig, ENFORCE);
        start_again(&rig);
        event = rig_event(&rig, KIND_GAP);
        assert_true(json_is_true(json_object_get(event, "clean")));
        json_decref(event);
        assert_int_equal(rig_state(&rig), STATE_STARTING);
        rig_resume(&rig, ENFORCE); /* it died now */
        start_again(&rig);
        rig_expect(&rig, KIND_GAP, "verdict", "lock");
        assert_int_equal(rig_state(&rig), STATE_VIOLATED);
        rig_done(&rig);
}

/* What sealwatch-lock did needs its record, whatever the log and the policy say now. */
static void a_death_that_locked(void **state _unused_) {
        static const char *const policies[] = { ENFORCE, OBSERVE };

        for (unsigned fresh = 0; fresh < 2; fresh++)
                for (size_t i = 0; i < ELEMENTSOF(policies); i++) {
                        json_t *death = NULL, *event;
                        Rig rig;

                        rig_new(&rig, ENFORCE);
                        rig.config.lock_on_death = true;
                        rig_start(&rig);
                        assert_int_equal(engine_death_lock(rig.engine, &rig.now, &death), 0);
                        if (fresh) {
                                rig_done(&rig);
                                rig_new(&rig, policies[i]);
                                rig.facts.fresh = true;
                        } else {
                                rig.config.lock_on_death = false; /* since then */
                                rig_resume(&rig, policies[i]);
                        }
                        rig.facts.death = death;
                        start_again(&rig);
                        rig_expect(&rig, KIND_GAP, "verdict", "lock");
                        event = rig_event(&rig, KIND_LOCK);
                        assert_true(json_equal(event, death));
                        json_decref(event);
                        assert_int_equal(rig_state(&rig), STATE_VIOLATED);
                        rig_settle(&rig);
                        rig_resume(&rig, policies[i]); /* the note is there still */
                        start_again(&rig);
                        assert_null(rig_event(&rig, KIND_LOCK));
                        assert_int_equal(rig_state(&rig), STATE_VIOLATED);
                        json_decref(death);
                        rig_done(&rig);
                }
}

/* Of a lock that was begun, sealwatch-lock has its record before the log has any of it. However many of the entries the log
 * has then: the registers get that record's digest, once, and no other. */
static void a_death_in_the_middle_of_a_lock(void **state _unused_) {
        for (unsigned kept = 0; kept < 3; kept++) { /* of the violation's two */
                json_t *death = NULL, *event;
                size_t before, committed;
                BankDigests poison;
                PendingItem item;
                Reader r;
                Rig rig;

                rig_new(&rig, ENFORCE);
                rig_start(&rig);
                before = rig.pending.size;
                committed = rig.log.size;
                rig_feed(&rig, &lock);
                poison = rig_find(&rig, ACTION_LOCK_STEP)->lock_step.poison;
                event = rig_event(&rig, KIND_LOCK);
                assert_int_equal(engine_death_lock(rig.engine, &rig.now, &death), 0);
                assert_true(json_equal(event, death));
                json_decref(event);
                r = reader_new(rig.pending.data + before, rig.pending.size - before);
                for (unsigned i = 0; i < kept; i++)
                        assert_int_equal(pending_next(&r, &item), RECORD_OK);
                rig.pending.size = before + r.pos;
                rig.log.size = committed;
                rig.on_its_way = false;
                rig_resume(&rig, OBSERVE);
                assert_int_equal(rig.found.verdict, RECONCILE_CONTINUE);
                rig.facts.death = death;
                start_again(&rig);
                event = rig_event(&rig, KIND_LOCK);
                assert_true(kept == 2 ? !event : json_equal(event, death));
                json_decref(event);
                assert_int_equal(rig_state(&rig), STATE_VIOLATED);
                assert_int_equal(rig_count(&rig, ACTION_LOCK_STEP), _LOCK_STEP_MAX);
                assert_true(bank_digests_equal(&rig_find(&rig, ACTION_LOCK_STEP)->lock_step.poison, &poison));
                json_decref(death);
                rig_done(&rig);
        }
}

/* As long as the registers do not have it: also where a daemon gave up, and the next one finds only its record of that. */
static void a_note_stays_until_the_registers_have_it(void **state _unused_) {
        const Input wiped = step_done(LOCK_WIPE), poisoned = step_done(LOCK_POISON);
        Input gave_up = step_done(LOCK_POISON);

        gave_up.lock_step.failure = "owed: the TPM does not answer";
        for (unsigned well = 0; well < 2; well++) {
                Status status;
                Rig rig;

                rig_new(&rig, ENFORCE);
                rig_start(&rig);
                engine_status(rig.engine, &status);
                assert_false(status.lock_recorded);
                rig_feed(&rig, &lock);
                rig_feed(&rig, &wiped);
                engine_status(rig.engine, &status);
                assert_true(status.lock_recorded && !status.poisoned);
                rig_feed(&rig, well ? &poisoned : &gave_up);
                assert_int_equal(rig_state(&rig), STATE_LOCKED);
                engine_status(rig.engine, &status);
                assert_int_equal(status.poisoned, well);
                rig_settle(&rig);
                rig_resume(&rig, ENFORCE);
                engine_status(rig.engine, &status);
                assert_true(status.lock_recorded);
                assert_int_equal(status.poisoned, well);
                rig_feed(&rig, &poisoned); /* what was owed is paid */
                engine_status(rig.engine, &status);
                assert_true(status.poisoned);
                rig_done(&rig);
        }
}

/* Who finds fewer programs than the one before left to the kernel, and not none: somebody ended those. */
static void some_programs_are_missing(void **state _unused_) {
        static const struct {
                uint64_t judging;
                bool missed;
        } cases[] = { { 7, false }, { 9, false }, { 0, false }, { 6, true }, { 1, true } };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Rig rig;

                rig_new(&rig, ENFORCE);
                rig.facts.pinned = 7;
                rig_start(&rig);
                rig.facts.judging = cases[i].judging;
                rig_resume(&rig, ENFORCE);
                start_again(&rig);
                assert_int_equal(rig_state(&rig), cases[i].missed ? STATE_VIOLATED : STATE_STARTING);
                if (cases[i].missed)
                        rig_expect(&rig, KIND_FAILURE, "row", "hooks-dead");
                rig_done(&rig);
        }
}

/* Somebody writes a log that says all is well. */
static void a_forged_log_makes_nothing_better(void **state _unused_) {
        EventBuilder e = sample_event(KIND_STATE, "trusted", 0, true);
        const Input tampered = { .type = INPUT_TAMPER, .tamper = { .what = "log-forged", .detail = "x" } };
        Rig rig;

        rig_new(&rig, OBSERVE);
        rig_start(&rig);
        rig_feed(&rig, &lock);
        rig_settle(&rig);
        sample_put(&rig.log, 13, &e);
        rig_resume(&rig, OBSERVE);
        assert_string_equal(rig.found.what, "log-forged");
        assert_int_equal(rig_state(&rig), STATE_VIOLATED);
        start_again(&rig);
        rig_feed(&rig, &tampered);
        assert_int_equal(rig_state(&rig), STATE_VIOLATED);
        rig_done(&rig);
}

/* A log that does not verify may say that something was measured: it is measured anew. */
static void a_log_that_does_not_verify_measures_nothing(void **state _unused_) {
        Rig rig;

        rig_new(&rig, OBSERVE);
        rig_start(&rig);
        rig_exec(&rig, 1, "/opt/x", _FAILURE_INVALID);
        rig_settle(&rig);
        sample_put_file(&rig.log, 13, "/opt/forged"); /* its digest is that of the path, as the rig's */
        rig_resume(&rig, OBSERVE);
        assert_int_equal(rig.found.verdict, RECONCILE_TAMPERED);
        start_again(&rig);
        rig_expect(&rig, KIND_POLICY, "mode", "observe");
        rig_exec(&rig, 2, "/opt/x", _FAILURE_INVALID);
        assert_int_equal(rig_count(&rig, ACTION_RECORD), 1);
        rig_exec(&rig, 3, "/opt/forged", _FAILURE_INVALID);
        assert_int_equal(rig_count(&rig, ACTION_RECORD), 1);
        assert_int_equal(rig_count(&rig, ACTION_ANSWER), 0);
        rig_done(&rig);
}

/* It died between the record that demands a lock and all that follows: the next one locks, whatever its policy is. */
static void a_lock_that_was_only_demanded(void **state _unused_) {
        static const char *const policies[] = { ENFORCE, OBSERVE };
        const Input tamper = { .type = INPUT_TAMPER, .tamper = { "log", "somebody was here" } };

        for (size_t i = 0; i < ELEMENTSOF(policies); i++) {
                size_t before, committed;
                PendingItem item;
                Reader r;
                Rig rig;

                rig_new(&rig, ENFORCE);
                rig_start(&rig);
                before = rig.pending.size;
                committed = rig.log.size;
                rig_feed(&rig, &tamper);
                r = reader_new(rig.pending.data + before, rig.pending.size - before);
                assert_int_equal(pending_next(&r, &item), RECORD_OK);
                rig.pending.size = before + r.pos;
                rig.log.size = committed;
                rig.on_its_way = false;
                rig_resume(&rig, policies[i]);
                assert_int_equal(rig.found.verdict, RECONCILE_CONTINUE);
                start_again(&rig);
                assert_int_equal(rig_state(&rig), STATE_VIOLATED);
                rig_expect(&rig, KIND_STATE, "to", "violated");
                rig_expect(&rig, KIND_LOCK, "reason", "the lock plan was cut off");
                assert_true(rig_count(&rig, ACTION_LOCK_STEP) > 0);
                rig_settle(&rig);
                rig_resume(&rig, policies[i]); /* and once more: then it is known */
                start_again(&rig);
                assert_int_equal(rig_state(&rig), STATE_VIOLATED);
                assert_null(rig_event(&rig, KIND_LOCK));
                rig_done(&rig);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(nothing_is_recorded_twice),
                TEST(no_way_back_from_a_violation),
                TEST(the_poison_is_the_same),
                TEST(reasons_that_stay),
                TEST(a_restart_lowers_no_level),
                TEST(the_gap),
                TEST(a_death_that_locked),
                TEST(a_death_in_the_middle_of_a_lock),
                TEST(a_note_stays_until_the_registers_have_it),
                TEST(some_programs_are_missing),
                TEST(a_forged_log_makes_nothing_better),
                TEST(a_log_that_does_not_verify_measures_nothing),
                TEST(a_lock_that_was_only_demanded),
        };

        return RUN(tests);
}
