/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the kernel side says of activities, in words. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/sensor/bpf/activity.h"
#include "lib/base/macro.h"

static void paths_are_put_together(void **state) {
        static const struct {
                const char *parts;
                size_t size;
                bool whole;
                const char *path;
        } cases[] = {
                { "\0", 1, true, "/" },
                { "c\0bb\0aaa\0\0rest", 14, true, "/aaa/bb/c" },
                { "c\0b\0\0", 5, false, "(unreachable)/b/c" },
                { "no end", 6, true, "/no end" },
                { "", 0, false, "(unreachable)/" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char path[64];

                activity_path(cases[i].parts, cases[i].size, cases[i].whole, path, sizeof(path));
                assert_string_equal(path, cases[i].path);
        }
}

static void what_has_no_room_is_no_path(void **state) {
        char path[16];

        activity_path("0123456789\0abcdef\0\0", 19, true, path, sizeof(path));
        assert_string_equal(path, "/");
        activity_path("0123456789\0abc\0\0", 16, true, path, sizeof(path));
        assert_string_equal(path, "/abc/0123456789");
}

static const char *detail(const Activity *a, const char *key) {
        for (size_t i = 0; i < ACTIVITY_DETAILS_MAX && a->details[i].key; i++)
                if (streq(a->details[i].key, key))
                        return a->details[i].text;
        return NULL;
}

static void each_way_has_its_words(void **state) {
        ActivityEvent e = { .file.inode_address = 1, .number = 10 << 20 | 224, .name = "tmpfs", .target = "x\0dev" };
        ActivityText text;
        Activity a;

        for (ActivityWhat what = 0; what < _WHAT_MAX; what++) {
                e.what = what;
                e.kind = activity_kind_of(what);
                assert_true(activity_from_event(&e, &text, &a));
                assert_true(a.event >= _EVENT_CODE_MAX && a.event < _EVENT_MAX);
                assert_true(*a.target && detail(&a, "how"));
        }
        e.what = WHAT_DEVICE_TPM;
        e.kind = ACTIVITY_DEVICE;
        assert_true(activity_from_event(&e, &text, &a));
        assert_string_equal(a.target, "/dev/x");
        assert_string_equal(detail(&a, "device"), "10:224");
        e.kind = ACTIVITY_MOUNT;
        assert_false(activity_from_event(&e, &text, &a));
        e.what = _WHAT_MAX;
        assert_false(activity_from_event(&e, &text, &a));
}

static void subjects_and_others(void **state) {
        ActivityEvent e = {
                .head = { .flags = EVENT_PRIVILEGED, .started = 7000 },
                .kind = ACTIVITY_PTRACE,
                .what = WHAT_PTRACE_ATTACH,
                .denied = 1,
                .other_pid = 42,
                .program = "gdb\0bin\0usr",
        };
        ActivityText text;
        Activity a;

        assert_true(activity_from_event(&e, &text, &a));
        assert_string_equal(a.subject.exe, "/usr/bin/gdb");
        assert_string_equal(a.target, "(kernel)");
        assert_string_equal(detail(&a, "pid"), "42");
        assert_true(a.denied && a.privileged);
        assert_int_equal(a.started, 7);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(paths_are_put_together),
                cmocka_unit_test(what_has_no_room_is_no_path),
                cmocka_unit_test(each_way_has_its_words),
                cmocka_unit_test(subjects_and_others),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
