/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names of events. */

#include "policy/event.h"

#include <string.h>

#include "lib/base/macro.h"

const char *const event_names[] = {
        [EVENT_EXEC] = "exec",   [EVENT_LIBRARY] = "library",   [EVENT_MODULE] = "module",
        [EVENT_KEXEC] = "kexec", [EVENT_FIRMWARE] = "firmware", [EVENT_OVERWRITE] = "overwrite",
        [_EVENT_MAX] = NULL,
};

Event event_from_name(const char *name, size_t n) {
        for (Event e = 0; e < _EVENT_MAX; e++)
                if (strlen(event_names[e]) == n && memcmp(event_names[e], name, n) == 0)
                        return e;
        return _EVENT_INVALID;
}
