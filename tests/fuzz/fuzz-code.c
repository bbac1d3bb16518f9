/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What stands in the ring: that it is an event, and the path of one about code, which whoever is watched chooses. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sensor/bpf/event.h"
#include "lib/base/cleanup.h"
#include "lib/base/macro.h"

static void check_path(const CodeEvent *e, size_t size) {
        char buffer[PARTS_PATH_SIZE];
        const char *path = event_path(e, buffer);

        REQUIRE(e->kind < _CODE_MAX);
        if (path == buffer) {
                REQUIRE(event_has_parts(e) && *path == '/' && strnlen(path, sizeof(buffer)) < sizeof(buffer));
                return;
        }
        REQUIRE(path == e->path && strnlen(path, size - offsetof(CodeEvent, path)) < size - offsetof(CodeEvent, path));
}

static void run(const uint8_t *data, size_t size) {
        _cleanup_free_ void *e = malloc(size); /* where an event may begin */

        if (!e)
                return;
        memcpy(e, data, size);
        switch (kernel_event_type(e, size)) {
        case EVENT_TYPE_EXEC:
                REQUIRE(size == sizeof(ExecEvent));
                return;
        case EVENT_TYPE_CODE:
                REQUIRE(size == sizeof(CodeEvent) || size == CODE_EVENT_SHORT);
                return check_path(e, size);
        case EVENT_TYPE_ACTIVITY:
                REQUIRE(size == sizeof(ActivityEvent));
                return;
        default:
                REQUIRE(kernel_event_type(e, size) < 0);
        }
}

static void seed(const void *data, size_t size, int type) {
        REQUIRE(kernel_event_type(data, size) == type);
        fuzz_seed(data, size);
}

static CodeEvent code(const char *path, size_t path_size, uint16_t flags) {
        CodeEvent e = { .head = { .version = ABI_EVENTS, .type = EVENT_TYPE_CODE, .flags = flags },
                        .kind = CODE_LIBRARY };

        memcpy(e.path, path, path_size);
        return e;
}

/* A short one is refused where its path is not in it. */
static void seeds(void) {
        static const char parts[] = "libx.so\0lib\0usr";
        const ExecEvent exec = { .head = { .version = ABI_EVENTS, .type = EVENT_TYPE_EXEC }, .filename = "/bin/x" };
        char path[ABI_PATH_SIZE];
        CodeEvent e = code("/usr/lib/libx.so", 17, 0);

        memset(path, 'x', sizeof(path));
        seed(&exec, sizeof(exec), EVENT_TYPE_EXEC);
        seed(&e, CODE_EVENT_SHORT, EVENT_TYPE_CODE);
        seed(&e, sizeof(e), EVENT_TYPE_CODE);
        seed(&e, CODE_EVENT_SHORT - 1, -EPROTO);
        seed(&e, CODE_EVENT_SHORT + 8, -EPROTO);
        e = code(path, ABI_SHORT_PATH_SIZE - 1, 0);
        seed(&e, CODE_EVENT_SHORT, EVENT_TYPE_CODE);
        e = code(path, ABI_SHORT_PATH_SIZE, 0);
        seed(&e, CODE_EVENT_SHORT, -EPROTO);
        seed(&e, sizeof(e), EVENT_TYPE_CODE);
        e = code(path, sizeof(path), 0);
        seed(&e, sizeof(e), -EPROTO);
        e = code(parts, sizeof(parts), EVENT_PARTS);
        seed(&e, CODE_EVENT_SHORT, -EPROTO);
        seed(&e, sizeof(e), EVENT_TYPE_CODE);
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
