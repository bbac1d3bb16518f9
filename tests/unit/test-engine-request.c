/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Secrets and policies that people ask for. */

#include "tests/unit/rig.h"

#define ENFORCE "[Policy]\nMode=enforce\n[Reference base]\n"

static Input release(uint64_t request, const char *unavailable) {
        return (Input){ .type = INPUT_RELEASE,
                        .release = {
                                .request = request, .name = "one", .unavailable = unavailable, .uid = 3, .pid = 4 } };
}

static void expect_refused(Rig *rig, const char *part) {
        const Action *a = rig_find(rig, ACTION_REFUSE);

        assert_non_null(strstr(a->release.reason, part));
        assert_string_equal(a->release.name, "one");
        rig_expect(rig, KIND_RELEASE, "verdict", "refused");
        assert_int_equal(rig_count(rig, ACTION_RELEASE), 0);
}

/* Handed out only when its record is in the register. */
static void a_secret_waits_for_its_record(void **state _unused_) {
        Input in = release(7, NULL);
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        rig_feed(&rig, &in);
        rig_expect(&rig, KIND_RELEASE, "verdict", "released");
        assert_int_equal(rig_count(&rig, ACTION_RELEASE) + rig_count(&rig, ACTION_REFUSE), 0);
        rig_settle(&rig);
        assert_int_equal(rig_find(&rig, ACTION_RELEASE)->release.request, 7);
        assert_string_equal(rig_find(&rig, ACTION_RELEASE)->release.name, "one");
        in = release(8, "it is not held");
        rig_feed(&rig, &in);
        expect_refused(&rig, "it is not held");
        rig_done(&rig);
}

static void in_which_state(void **state _unused_) {
        const Input lost = { .type = INPUT_LOST, .lost = { .sensor = "exec", .count = 1 } };
        const Input lock = { .type = INPUT_LOCK, .lock = { .reason = "people" } };
        const Input in = release(1, NULL);

        for (int when_degraded = 0; when_degraded < 2; when_degraded++) {
                Rig rig;

                rig_new(&rig, ENFORCE);
                rig.config.release_when_degraded = when_degraded;
                rig_again(&rig, ENFORCE);
                rig_feed(&rig, &in);
                expect_refused(&rig, "starting");
                rig_again(&rig, ENFORCE);
                rig_start(&rig);
                rig_feed(&rig, &lost);
                rig_feed(&rig, &in);
                if (when_degraded) {
                        rig_settle(&rig);
                        assert_int_equal(rig_count(&rig, ACTION_RELEASE), 1);
                } else
                        expect_refused(&rig, "degraded");
                rig_feed(&rig, &lock);
                rig_feed(&rig, &in);
                expect_refused(&rig, "locked");
                rig_done(&rig);
        }
}

/* Recorded as released, and then the state changed: it is not handed out. */
static void a_violation_in_between(void **state _unused_) {
        const Input lock = { .type = INPUT_LOCK, .lock = { .reason = "people" } };
        const Input in = release(1, NULL);
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        rig_feed(&rig, &in);
        rig_feed(&rig, &lock);
        assert_int_equal(rig_count(&rig, ACTION_REFUSE), 1);
        rig_settle(&rig);
        assert_int_equal(rig_count(&rig, ACTION_RELEASE), 0);
        rig_done(&rig);
}

static void a_new_policy_records_everything_anew(void **state _unused_) {
        Input in = { .type = INPUT_POLICY };
        json_t *event;
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        rig_exec(&rig, 1, RIG_KNOWN, _FAILURE_INVALID);
        in.policy.policy = rig_policy("[Reference base]\n[Rule d]\nPath=/x\nAction=deny\n");
        rig_feed(&rig, &in);
        assert_ptr_equal(engine_policy(rig.engine), in.policy.policy);
        rig_expect(&rig, KIND_POLICY, "mode", "observe");
        event = rig_event(&rig, KIND_POLICY);
        assert_int_equal(json_integer_value(json_object_get(event, "generation")), 2);
        json_decref(event);
        rig_exec(&rig, 2, RIG_KNOWN, _FAILURE_INVALID);
        assert_int_equal(rig_count(&rig, ACTION_RECORD), 1);
        rig_done(&rig);
}

static void a_policy_that_cannot_be_recorded_is_not_taken(void **state _unused_) {
        const Policy *old;
        Input in = { .type = INPUT_POLICY };
        uint64_t generation;
        Status status;
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig.config.log_max_size = 1 << 20;
        rig_again(&rig, ENFORCE);
        rig_start(&rig);
        do {
                engine_status(rig.engine, &status);
                generation = status.generation;
                old = engine_policy(rig.engine);
                in.policy.policy = rig_policy("[Policy]\nMode=observe\n[Reference base]\n");
                rig_feed(&rig, &in);
                rig_settle(&rig);
                engine_status(rig.engine, &status);
        } while (status.generation > generation);
        assert_ptr_equal(engine_policy(rig.engine), old);
        assert_true(generation > 1000);
        rig_done(&rig);
}

static void nothing_is_detached_before_its_record(void **state _unused_) {
        const Input in = { .type = INPUT_DETACH, .detach = { .request = 7, .uid = 0, .reason = "upgrade" } };
        Rig rig;

        rig_new(&rig, "");
        rig_start(&rig);
        rig_feed(&rig, &in);
        rig_expect(&rig, KIND_DETACH, "reason", "upgrade");
        assert_int_equal(rig_count(&rig, ACTION_DETACH), 0);
        rig_feed(&rig, &in); /* a second one meanwhile */
        assert_int_equal(rig_find(&rig, ACTION_REFUSE)->release.request, 7);
        rig_settle(&rig);
        assert_int_equal(rig_count(&rig, ACTION_DETACH), 1);
        assert_int_equal(rig_find(&rig, ACTION_DETACH)->detach, 7);
        rig_feed(&rig, &in);
        rig_settle(&rig);
        assert_int_equal(rig_count(&rig, ACTION_DETACH), 1);
        rig_done(&rig);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_secret_waits_for_its_record),
                TEST(in_which_state),
                TEST(a_violation_in_between),
                TEST(a_new_policy_records_everything_anew),
                TEST(a_policy_that_cannot_be_recorded_is_not_taken),
                TEST(nothing_is_detached_before_its_record),
        };

        return RUN(tests);
}
