/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What must stay as it is from round to round. */

#include <errno.h>

#include "lib/base/cleanup.h"
#include "lib/evidence/pins.h"
#include "tests/test.h"

static Pins good(void) {
        Pins p = { .has_report = true,
                   .vm_id = "A0B1-C2",
                   .ak = { .size = 34 },
                   .has_clock = true,
                   .resets = 7,
                   .restarts = 2,
                   .clock = 1000 };

        memset(p.report_id, 1, sizeof(p.report_id));
        memset(p.chip_id, 2, sizeof(p.chip_id));
        memset(p.measurement, 3, sizeof(p.measurement));
        memset(p.ak.bytes, 4, p.ak.size);
        return p;
}

static void what_has_not_changed_passes(void **state _unused_) {
        _cleanup_(check_list_done) CheckList checks = {};
        Pins before = good(), now = good();

        now.clock++;
        now.restarts++;
        pins_compare(&before, &now, &checks);
        assert_int_equal(checks.size, PINS);
        for (size_t i = 0; i < checks.size; i++)
                assert_int_equal(checks.items[i].result, CHECK_PASS);
}

static void each_change_fails_its_own_check(void **state _unused_) {
        const Pins before = good();
        Pins other[PINS];
        static const char *const names[PINS] = { "same-report-id", "same-chip-id", "same-measurement",
                                                 "same-vm-id",     "same-ak",      "same-reset-count",
                                                 "restart-count",  "clock-forward" };

        for (size_t i = 0; i < PINS; i++)
                other[i] = before;
        other[0].report_id[31]++;
        other[1].chip_id[63]++;
        other[2].measurement[0]++;
        other[3].vm_id[1]++;
        other[4].ak.bytes[33]++;
        other[5].resets++;
        other[6].restarts--;
        other[7].clock--;
        for (size_t i = 0; i < PINS; i++) {
                _cleanup_(check_list_done) CheckList checks = {};

                pins_compare(&before, &other[i], &checks);
                assert_int_equal(checks.size, PINS);
                for (size_t k = 0; k < PINS; k++) {
                        assert_string_equal(checks.items[k].name, names[k]);
                        assert_int_equal(checks.items[k].result, k == i ? CHECK_FAIL : CHECK_PASS);
                }
        }
}

static void what_is_not_there_any_more_fails(void **state _unused_) {
        _cleanup_(check_list_done) CheckList checks = {}, first = {};
        const Pins before = good(), none = {};

        pins_compare(&before, &none, &checks);
        pins_compare(&none, &before, &first);
        for (size_t i = 0; i < PINS; i++) {
                assert_int_equal(checks.items[i].result, CHECK_FAIL);
                assert_int_equal(first.items[i].result, CHECK_NA);
        }
}

static void an_update_forgets_nothing(void **state _unused_) {
        Pins p = good(), now = { .has_clock = true, .resets = 7, .restarts = 2, .clock = 1001 }, expected = good();

        pins_update(&p, &now);
        expected.clock = 1001;
        assert_memory_equal(&p, &expected, sizeof(p));
        now = good();
        now.chip_id[0] = 99;
        pins_update(&p, &now);
        assert_int_equal(p.chip_id[0], 99);
}

static void texts_go_there_and_back(void **state _unused_) {
        const Pins before = good(), none = {};
        char text[PIN_TEXT_MAX + 1];
        Pins after = {};

        for (size_t i = 0; i < PINS; i++) {
                const char *name = pins_text(&before, i, text);

                assert_non_null(name);
                assert_int_equal(pins_take_text(&after, name, text), 0);
                assert_null(pins_text(&none, i, text));
        }
        assert_memory_equal(&before, &after, sizeof(after));
}

static void other_texts_are_refused(void **state _unused_) {
        static const char *const wrong[][2] = {
                { "report-id", "00" },
                { "report-id", "" },
                { "ak", "" },
                { "ak", "0" },
                { "clock", "-1" },
                { "clock", "" },
                { "clock", "1x" },
                { "clock", "99999999999999999999" },
                { "nothing", "1" },
                { "ak", "zz" },
                { "vm-id", "0123456789012345678901234567890123456789012345678901234567890123456789" },
        };
        Pins p = {};

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                assert_int_equal(pins_take_text(&p, wrong[i][0], wrong[i][1]), -EINVAL);
        assert_false(p.has_report || p.has_clock || p.ak.size > 0 || *p.vm_id);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(what_has_not_changed_passes),      TEST(each_change_fails_its_own_check),
                TEST(what_is_not_there_any_more_fails), TEST(an_update_forgets_nothing),
                TEST(texts_go_there_and_back),          TEST(other_texts_are_refused),
        };

        return RUN(tests);
}
