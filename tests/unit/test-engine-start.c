/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From the start to the first state: boot, start, gap and policy records, harvest, cap, levels. */

#include "lib/base/cleanup.h"
#include "tests/unit/rig.h"

#define ENFORCE "[Policy]\nMode=enforce\n[Reference base]\n"

static void feed_start(Rig *rig) {
        Input in = { .type = INPUT_START, .start = rig->facts };

        in.start.pcrs = &rig->pcrs;
        rig_feed(rig, &in);
}

static size_t seq_of(const Rig *rig, Kind kind) {
        for (size_t i = 0; i < rig->list.size; i++) {
                const Action *a = &rig->list.items[i];
                RecordView view;
                const char *why;
                Reader r;

                if (a->type != ACTION_RECORD)
                        continue;
                r = reader_new(a->record.bytes, a->record.size);
                assert_int_equal(record_parse(&r, &view, &why), RECORD_OK);
                if (view.template == TEMPLATE_BUF && kind_from_record_name(view.name) == kind)
                        return (size_t) a->record.seq;
        }
        return SIZE_MAX;
}

static void the_first_records(void **state _unused_) {
        Rig rig;

        rig_new(&rig, ENFORCE);
        feed_start(&rig);
        assert_int_equal(seq_of(&rig, KIND_BOOT), 0);
        assert_int_equal(seq_of(&rig, KIND_START), 1);
        assert_int_equal(seq_of(&rig, KIND_POLICY), 2);
        assert_int_equal(seq_of(&rig, KIND_CAP), 3);
        assert_int_equal(seq_of(&rig, KIND_GAP), SIZE_MAX); /* nothing was before */
        rig_expect(&rig, KIND_BOOT, "life", "1-aa");
        rig_expect(&rig, KIND_BOOT, "bank", "sha256");
        rig_expect(&rig, KIND_POLICY, "mode", "enforce");
        assert_int_equal(rig_state(&rig), STATE_STARTING);
        assert_int_equal(rig_count(&rig, ACTION_HARVEST), 0);
        rig_done(&rig);
}

/* SHA-1 alone proves nothing. */
static void no_bank_to_prove_anything_in(void **state _unused_) {
        const Input ready = { .type = INPUT_READY };
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig.pcrs.banks = 1U << HASH_SHA1;
        feed_start(&rig);
        assert_true(rig.result < 0);
        rig_feed(&rig, &ready);
        assert_int_equal(rig_state(&rig), STATE_DEGRADED);
        rig_done(&rig);
}

/* Cap record, register, then harvest and cap in one. */
static void harvest_waits_for_the_cap_record(void **state _unused_) {
        const Input extended = { .type = INPUT_EXTENDED };
        const HarvestResult results[] = { { "one", NULL }, { "two", "broken" } };
        const Input harvested = { .type = INPUT_HARVESTED, .harvested = { results, 2, true } };
        const Input ready = { .type = INPUT_READY };
        size_t commits = 0;
        json_t *event;
        Status status;
        Rig rig;

        rig_new(&rig, ENFORCE);
        feed_start(&rig);
        for (; rig_count(&rig, ACTION_HARVEST) == 0; commits++)
                rig_feed(&rig, &extended);
        assert_int_equal(commits, 4); /* boot, start, policy, cap */
        assert_false(rig_find(&rig, ACTION_HARVEST)->harvest.cap_only);
        engine_status(rig.engine, &status);
        assert_false(status.capped);
        rig_feed(&rig, &harvested);
        event = rig_event(&rig, KIND_HARVEST);
        assert_string_equal(json_string_value(json_array_get(json_object_get(event, "held"), 0)), "one");
        assert_string_equal(json_string_value(json_object_get(json_object_get(event, "failed"), "two")), "broken");
        json_decref(event);
        engine_status(rig.engine, &status);
        assert_true(status.capped);
        rig_feed(&rig, &ready);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        rig_done(&rig);
}

/* The door stands open: that is no state to be trusted, whatever recovers later. */
static void a_cap_that_failed(void **state _unused_) {
        const Input harvested = { .type = INPUT_HARVESTED };
        const Input ready = { .type = INPUT_READY };
        Rig rig;

        rig_new(&rig, ENFORCE);
        feed_start(&rig);
        rig_settle(&rig);
        rig_feed(&rig, &harvested);
        rig_feed(&rig, &ready);
        rig_settle(&rig);
        assert_int_equal(rig_state(&rig), STATE_DEGRADED);
        assert_int_equal(rig_reasons(&rig), REASON_FAILURE);
        rig_done(&rig);
}

static void a_violation_before_harvest_opens_nothing(void **state _unused_) {
        const Input lock = { .type = INPUT_LOCK, .lock = { .reason = "people" } };
        const Input harvested = { .type = INPUT_HARVESTED, .harvested.capped = true };
        Rig rig;

        rig_new(&rig, ENFORCE);
        feed_start(&rig);
        rig_feed(&rig, &lock);
        while (rig_count(&rig, ACTION_HARVEST) == 0) {
                const Input extended = { .type = INPUT_EXTENDED };

                assert_true(rig.on_its_way);
                rig_feed(&rig, &extended);
        }
        assert_true(rig_find(&rig, ACTION_HARVEST)->harvest.cap_only);
        rig_feed(&rig, &harvested); /* what came in behind the lock plan goes at once */
        assert_int_equal(rig_find(&rig, ACTION_LOCK_STEP)->lock_step.step, LOCK_WIPE);
        rig_done(&rig);
}

static void nothing_to_harvest(void **state _unused_) {
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig.facts.secrets_openable = false;
        rig.facts.capped = true; /* the cap was set again at start: that is recorded */
        feed_start(&rig);
        assert_int_equal(seq_of(&rig, KIND_CAP), 3);
        rig_settle(&rig);
        assert_int_equal(rig_count(&rig, ACTION_HARVEST), 0);
        rig_again(&rig, ENFORCE);
        rig.facts.capped = false;
        feed_start(&rig);
        assert_int_equal(seq_of(&rig, KIND_CAP), SIZE_MAX);
        rig_done(&rig);
}

static void required_levels(void **state _unused_) {
        Input levels = { .type = INPUT_LEVELS, .levels.levels = { LEVEL_GATE, LEVEL_OFF } };
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig_start(&rig);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        rig_feed(&rig, &levels); /* below what it was at start */
        rig_expect(&rig, KIND_LEVEL, "from", "observe");
        rig_expect(&rig, KIND_LEVEL, "to", "off");
        assert_int_equal(rig_reasons(&rig), REASON_LEVEL);
        assert_int_equal(rig_state(&rig), STATE_DEGRADED);
        levels.levels.levels[WATCHED_UNGATED] = LEVEL_OBSERVE;
        rig_feed(&rig, &levels);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        rig_done(&rig);
        rig_new(&rig, ENFORCE);
        rig.config.required_levels[WATCHED_LIBRARY] = LEVEL_OBSERVE;
        rig.config.required_levels[WATCHED_UNGATED] = LEVEL_OFF;
        rig_again(&rig, ENFORCE);
        rig_start(&rig);
        assert_int_equal(rig_state(&rig), STATE_DEGRADED);
        rig_done(&rig);
}

/* Nothing that the kernel side once could do was lost: it never came. */
static void hooks_that_never_came(void **state _unused_) {
        Rig rig;

        rig_new(&rig, ENFORCE);
        rig.config.hooks = true;
        rig_again(&rig, ENFORCE);
        rig_start(&rig);
        assert_int_equal(rig_reasons(&rig), REASON_LEVEL);
        assert_int_equal(rig_state(&rig), STATE_DEGRADED);
        rig.config.required_levels[WATCHED_LIBRARY] = LEVEL_OFF; /* that is known, and accepted */
        rig_again(&rig, ENFORCE);
        rig_start(&rig);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        rig_done(&rig);
        rig_new(&rig, ENFORCE);
        rig.config.hooks = true;
        rig.facts.levels[WATCHED_LIBRARY] = LEVEL_OBSERVE;
        rig_again(&rig, ENFORCE);
        rig_start(&rig);
        assert_int_equal(rig_state(&rig), STATE_TRUSTED);
        rig_done(&rig);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(the_first_records),
                TEST(no_bank_to_prove_anything_in),
                TEST(harvest_waits_for_the_cap_record),
                TEST(a_cap_that_failed),
                TEST(a_violation_before_harvest_opens_nothing),
                TEST(nothing_to_harvest),
                TEST(required_levels),
                TEST(hooks_that_never_came),
        };

        return RUN(tests);
}
