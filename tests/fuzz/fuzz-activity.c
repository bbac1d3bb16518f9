/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An event of the kernel side about an activity: names and paths in it are chosen by whoever is watched. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "daemon/sensor/bpf/activity.h"

static void check_strings(const Activity *a, const ActivityText *text) {
        REQUIRE(a->target == text->target && strnlen(text->target, sizeof(text->target)) < sizeof(text->target));
        REQUIRE(*a->target);
        for (size_t i = 0; i < ACTIVITY_DETAILS_MAX && a->details[i].key; i++)
                REQUIRE(a->details[i].text && strlen(a->details[i].text) < sizeof(text->target));
        REQUIRE(!a->subject.exe || *a->subject.exe == '/');
}

static void run(const uint8_t *data, size_t size) {
        ActivityEvent e = {};
        ActivityText text;
        Activity a;

        memcpy(&e, data, MIN(size, sizeof(e)));
        if (!activity_from_event(&e, &text, &a)) {
                REQUIRE(e.what >= _WHAT_MAX || e.kind != activity_kind_of((ActivityWhat) e.what) || e.denied > 1);
                return;
        }
        REQUIRE(!event_is_code(a.event) && a.event < _EVENT_MAX);
        check_strings(&a, &text);
}

static void seeds(void) {
        for (ActivityWhat what = 0; what < _WHAT_MAX; what++) {
                ActivityEvent e = { .kind = activity_kind_of(what),
                                    .what = what,
                                    .file.inode_address = what & 1,
                                    .name = "fs-ext4",
                                    .target = "passwd\0etc",
                                    .program = "bash\0bin\0usr" };

                fuzz_seed(&e, sizeof(e));
        }
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
