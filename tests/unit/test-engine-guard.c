/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What leads to which state, in each mode; the rows about the guard; the lock plan. */

#include <errno.h>

#include "tests/unit/rig.h"

#define ENFORCE "[Policy]\nMode=enforce\n[Reference base]\n"
#define OBSERVE "[Policy]\nMode=observe\n[Reference base]\n"

static Input ungated(bool privileged, bool before_gate) {
        return (Input){ .type = INPUT_EXECED,
                        .execed = { .subject = { .pid = 9, .uid = 5, .euid = 5 },
                                    .path = "/memfd:x",
                                    .privileged = privileged,
                                    .before_gate = before_gate } };
}

/* The table of events and modes. */
static void every_event_in_every_mode(void **state _unused_) {
        const struct {
                Input in;
                State state[_MODE_MAX]; /* observe, enforce */
                unsigned reasons[_MODE_MAX];
                const char *verdict[_MODE_MAX];
                Kind kind;
        } table[] = {
                { ungated(false, true), { STATE_TRUSTED, STATE_TRUSTED }, {}, { "seen", "seen" }, KIND_UNGATED },
                { ungated(false, false),
                  { STATE_DEGRADED, STATE_DEGRADED },
                  { REASON_UNGATED, REASON_UNGATED },
                  { "would-kill", "kill" },
                  KIND_UNGATED },
                { ungated(true, false),
                  { STATE_DEGRADED, STATE_VIOLATED },
                  { REASON_WOULD_LOCK },
                  { "would-lock", "lock" },
                  KIND_UNGATED },
                { { .type = INPUT_TAMPER, .tamper = { .what = "pcr", .detail = "changed" } },
                  { STATE_DEGRADED, STATE_VIOLATED },
                  { REASON_WOULD_LOCK },
                  { "would-lock", "lock" },
                  KIND_TAMPER },
                { { .type = INPUT_LOST, .lost = { .sensor = "exec", .count = 3 } },
                  { STATE_DEGRADED, STATE_DEGRADED },
                  { REASON_LOST, REASON_LOST },
                  { "degrade", "degrade" },
                  KIND_FAILURE },
                { { .type = INPUT_LOCK, .lock = { .uid = 3, .reason = "people" } },
                  { STATE_VIOLATED, STATE_VIOLATED },
                  {},
                  { "", "" },
                  KIND_LOCK },
                { { .type = INPUT_POLICY_REFUSED, .policy_refused = { .error = "line 1" } },
                  { STATE_TRUSTED, STATE_TRUSTED },
                  {},
                  { "count", "count" },
                  KIND_FAILURE },
                { { .type = INPUT_SEALED, .sealed = { .name = "s" } },
                  { STATE_TRUSTED, STATE_TRUSTED },
                  {},
                  { "", "" },
                  KIND_SEAL },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                for (Mode mode = 0; mode < _MODE_MAX; mode++) {
                        Rig rig;

                        rig_new(&rig, mode == MODE_ENFORCE ? ENFORCE : OBSERVE);
                        rig_start(&rig);
                        rig_feed(&rig, &table[i].in);
                        assert_int_equal(rig.result, 0);
                        assert_int_equal(rig_state(&rig), table[i].state[mode]);
                        assert_int_equal(rig_reasons(&rig), table[i].reasons[mode]);
                        rig_expect(&rig, table[i].kind, "verdict", table[i].verdict[mode]);
                        assert_int_equal(rig_count(&rig, ACTION_KILL),
                                         table[i].verdict[mode][0] == 'k' && mode == MODE_ENFORCE);
                        assert_int_equal(rig_count(&rig, ACTION_STATE), table[i].state[mode] != STATE_TRUSTED);
                        rig_done(&rig);
                }
}

static void every_row_about_the_guard(void **state _unused_) {
        static const FailureAction actions[] = { ON_FAILURE_COUNT, ON_FAILURE_DEGRADE, ON_FAILURE_LOCK };

        for (Failure row = _FAILURE_GATE_MAX; row < _FAILURE_MAX; row++)
                for (Mode mode = 0; mode < _MODE_MAX; mode++)
                        for (size_t a = 0; a < ELEMENTSOF(actions); a++) {
                                const Input in = { .type = INPUT_FAILURE, .failure = { .row = row, .detail = "why" } };
                                State expected = a == 0                           ? STATE_TRUSTED
                                                 : a == 2 && mode == MODE_ENFORCE ? STATE_VIOLATED
                                                                                  : STATE_DEGRADED;
                                char policy[256];
                                Rig rig;

                                snprintf(policy, sizeof(policy), "%s[Failures]\n%s=%s\n",
                                         mode == MODE_ENFORCE ? ENFORCE : OBSERVE, failure_key(row),
                                         failure_action_names[actions[a]]);
                                rig_new(&rig, policy);
                                rig_start(&rig);
                                rig_feed(&rig, &in);
                                rig_expect(&rig, KIND_FAILURE, "row", failure_name(row));
                                rig_expect(&rig, KIND_FAILURE, "detail", "why");
                                assert_int_equal(rig_count(&rig, ACTION_ALERT) > 0, true);
                                assert_int_equal(rig_state(&rig), expected);
                                if (expected == STATE_DEGRADED && a == 2)
                                        assert_int_equal(rig_reasons(&rig), REASON_WOULD_LOCK);
                                rig_done(&rig);
                        }
}

/* 1, 2, 4, 8, ... */
static void a_failure_that_comes_back_does_not_fill_the_log(void **state _unused_) {
        const Input in = { .type = INPUT_FAILURE, .failure = { .row = FAILURE_TPM_BUSY } };
        size_t records = 0;
        Status status;
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        for (unsigned i = 0; i < 1000; i++) {
                json_t *event;

                rig_feed(&rig, &in);
                event = rig_event(&rig, KIND_FAILURE);
                records += event != NULL;
                json_decref(event);
        }
        assert_int_equal(records, 10);
        engine_status(rig.engine, &status);
        assert_int_equal(status.failures[FAILURE_TPM_BUSY], 1000);
        rig_done(&rig);
}

static void what_is_recovered_from(void **state _unused_) {
        const Input busy = { .type = INPUT_EXTEND_FAILED, .failure = { .row = FAILURE_TPM_BUSY } };
        const Input lost = { .type = INPUT_LOST, .lost = { .sensor = "exec", .count = 1 } };
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        rig_exec(&rig, 1, "/opt/x", _FAILURE_INVALID);
        rig_feed(&rig, &busy);
        assert_int_equal(rig_state(&rig), STATE_DEGRADED);
        assert_int_equal(rig_reasons(&rig), REASON_TPM);
        rig_settle(&rig);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        rig_feed(&rig, &lost); /* this one stays until reboot */
        rig_exec(&rig, 2, "/opt/y", _FAILURE_INVALID);
        rig_settle(&rig);
        assert_int_equal(rig_state(&rig), STATE_DEGRADED);
        assert_int_equal(rig_reasons(&rig), REASON_LOST);
        rig_done(&rig);
}

static Input step_done(LockStep step, const char *failure) {
        return (Input){ .type = INPUT_LOCK_STEP, .lock_step = { .step = step, .failure = failure, .took = 5 } };
}

/* All steps, in their order, none skipped because another failed; the poison is the lock record's digest. */
static void the_lock_plan(void **state _unused_) {
        const Input tamper = { .type = INPUT_TAMPER, .tamper = { .what = "pcr", .detail = "changed" } };
        const Input wiped = step_done(LOCK_WIPE, "failed"), poisoned = step_done(LOCK_POISON, NULL);
        BankDigests poison = {};
        LockStep next = 0;
        json_t *event;
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        rig_feed(&rig, &tamper);
        for (size_t i = 0; i < rig.list.size; i++) {
                const Action *a = &rig.list.items[i];
                RecordView view;
                const char *why;
                Reader r;

                if (a->type == ACTION_RECORD) {
                        r = reader_new(a->record.bytes, a->record.size);
                        assert_int_equal(record_parse(&r, &view, &why), RECORD_OK);
                        if (kind_from_record_name(view.name) == KIND_LOCK)
                                assert_int_equal(record_extend_value(&view, 1U << HASH_SHA256, &poison), 0);
                } else if (a->type == ACTION_LOCK_STEP) {
                        assert_int_equal(a->lock_step.step, next++);
                        assert_true(bank_digests_equal(&a->lock_step.poison, &poison));
                }
        }
        assert_int_equal(next, _LOCK_STEP_MAX);
        assert_int_equal(rig_state(&rig), STATE_VIOLATED);
        rig_feed(&rig, &wiped);
        assert_int_equal(rig_state(&rig), STATE_VIOLATED);
        rig_feed(&rig, &poisoned);
        assert_int_equal(rig_state(&rig), STATE_LOCKED);
        event = rig_event(&rig, KIND_LOCKED);
        assert_string_equal(json_string_value(json_object_get(json_object_get(event, "steps"), "wipe")),
                            "failed after 5 us");
        assert_string_equal(json_string_value(json_object_get(json_object_get(event, "steps"), "poison")),
                            "done after 5 us");
        json_decref(event);
        rig_feed(&rig, &tamper); /* once is enough */
        assert_int_equal(rig_count(&rig, ACTION_LOCK_STEP), 0);
        assert_int_equal(rig_state(&rig), STATE_LOCKED);
        rig_done(&rig);
}

/* However full the log is by what anybody can cause: the way to the locked state is in it. */
static void a_full_log_has_room_for_the_end(void **state _unused_) {
        const Input lock = { .type = INPUT_LOCK, .lock = { .uid = 0, .reason = "people" } };
        const Input wiped = step_done(LOCK_WIPE, NULL), poisoned = step_done(LOCK_POISON, NULL);
        Input policy = { .type = INPUT_POLICY };
        uint64_t token = 0;
        size_t size = 0;
        Rig rig;

        rig_new(&rig, OBSERVE);
        rig.config.log_max_size = 1 << 20;
        rig_again(&rig, OBSERVE);
        rig_start(&rig);
        do {
                char path[32];

                snprintf(path, sizeof(path), "/opt/%llu", (unsigned long long) token++);
                rig_exec(&rig, token, path, _FAILURE_INVALID);
                if (rig_count(&rig, ACTION_RECORD) > 0)
                        size += rig_find(&rig, ACTION_RECORD)->record.size;
                rig_settle(&rig);
                assert_true(rig_answered(&rig, token, true) || rig_state(&rig) == STATE_DEGRADED);
        } while (rig_state(&rig) != STATE_DEGRADED);
        assert_true(size > 700 << 10);
        do { /* and what root can */
                policy.policy.policy = rig_policy(OBSERVE);
                rig_feed(&rig, &policy);
                rig_settle(&rig);
        } while (rig.result == 0);
        assert_int_equal(rig.result, -ENOSPC);
        rig_feed(&rig, &lock);
        assert_int_equal(rig.result, 0);
        assert_int_equal(rig_state(&rig), STATE_VIOLATED);
        rig_expect(&rig, KIND_STATE, "to", "violated");
        rig_expect(&rig, KIND_LOCK, "reason", "people");
        rig_feed(&rig, &wiped);
        rig_feed(&rig, &poisoned);
        assert_int_equal(rig.result, 0);
        rig_expect(&rig, KIND_STATE, "to", "locked");
        rig_done(&rig);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(every_event_in_every_mode),
                TEST(every_row_about_the_guard),
                TEST(a_failure_that_comes_back_does_not_fill_the_log),
                TEST(what_is_recovered_from),
                TEST(the_lock_plan),
                TEST(a_full_log_has_room_for_the_end),
        };

        return RUN(tests);
}
