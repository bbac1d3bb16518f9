/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names of events. */

#include "policy/event.h"

#include <string.h>

#include "lib/base/macro.h"

const char *const event_names[] = {
        [EVENT_EXEC] = "exec",         [EVENT_LIBRARY] = "library",
        [EVENT_MODULE] = "module",     [EVENT_KEXEC] = "kexec",
        [EVENT_FIRMWARE] = "firmware", [EVENT_OVERWRITE] = "overwrite",
        [EVENT_MEMORY] = "memory",     [EVENT_MODULE_REQUEST] = "module-request",
        [EVENT_BPF] = "bpf",           [EVENT_PTRACE] = "ptrace",
        [EVENT_MOUNT] = "mount",       [EVENT_SETUID] = "setuid",
        [EVENT_DEVICE] = "device",     [EVENT_DM] = "dm",
        [EVENT_CONFIG] = "config",     [EVENT_UNIT] = "unit",
        [EVENT_PCR] = "pcr",           [EVENT_IMA] = "ima",
        [EVENT_SELF] = "self",         [_EVENT_MAX] = NULL,
};
static_assert(_EVENT_MAX <= 32, "a set of events is an unsigned");

Event event_from_name(const char *name, size_t n) {
        for (Event e = 0; e < _EVENT_MAX; e++)
                if (strlen(event_names[e]) == n && memcmp(event_names[e], name, n) == 0)
                        return e;
        return _EVENT_INVALID;
}
