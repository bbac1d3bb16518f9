/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kernel side's activities in words. */

#include "daemon/sensor/bpf/activity.h"

#include <stdio.h>
#include <string.h>

typedef enum Target { TARGET_FILE, TARGET_FILE_OR_MEMORY, TARGET_NAME, TARGET_OBJECT } Target;

static const struct {
        ActivityKind kind;
        const char *how;
        Target target;
} rows[] = {
        [WHAT_MEMORY_ANONYMOUS] = { ACTIVITY_MEMORY, "anonymous", TARGET_FILE_OR_MEMORY },
        [WHAT_MEMORY_MODIFIED] = { ACTIVITY_MEMORY, "modified", TARGET_FILE_OR_MEMORY },
        [WHAT_MODULE_REQUEST] = { ACTIVITY_MODULE_REQUEST, "request", TARGET_NAME },
        [WHAT_BPF_PROGRAM] = { ACTIVITY_BPF, "load", TARGET_NAME },
        [WHAT_PTRACE_ATTACH] = { ACTIVITY_PTRACE, "attach", TARGET_FILE },
        [WHAT_PTRACE_TRACEME] = { ACTIVITY_PTRACE, "traceme", TARGET_FILE },
        [WHAT_MOUNT] = { ACTIVITY_MOUNT, "mount", TARGET_FILE },
        [WHAT_MOUNT_MOVE] = { ACTIVITY_MOUNT, "move", TARGET_FILE },
        [WHAT_MOUNT_UNMOUNT] = { ACTIVITY_MOUNT, "unmount", TARGET_FILE },
        [WHAT_MOUNT_PIVOT] = { ACTIVITY_MOUNT, "pivot", TARGET_FILE },
        [WHAT_SETUID_CALL] = { ACTIVITY_SETUID, "call", TARGET_FILE },
        [WHAT_SETUID_PROGRAM] = { ACTIVITY_SETUID, "program", TARGET_FILE },
        [WHAT_DEVICE_TPM] = { ACTIVITY_DEVICE, "tpm", TARGET_FILE },
        [WHAT_DEVICE_DISK] = { ACTIVITY_DEVICE, "disk", TARGET_FILE },
        [WHAT_DEVICE_MEMORY] = { ACTIVITY_DEVICE, "memory", TARGET_FILE },
        [WHAT_DM] = { ACTIVITY_DM, "ioctl", TARGET_NAME },
        [WHAT_SELF_SIGNAL] = { ACTIVITY_SELF, "signal", TARGET_FILE },
        [WHAT_SELF_PTRACE] = { ACTIVITY_SELF, "ptrace", TARGET_FILE },
        [WHAT_SELF_LIMIT] = { ACTIVITY_SELF, "limit", TARGET_FILE },
        [WHAT_SELF_WRITE] = { ACTIVITY_SELF, "write", TARGET_FILE },
        [WHAT_SELF_REMOVE] = { ACTIVITY_SELF, "remove", TARGET_FILE },
        [WHAT_SELF_MAP] = { ACTIVITY_SELF, "map", TARGET_OBJECT },
        [WHAT_SELF_LINK] = { ACTIVITY_SELF, "link", TARGET_OBJECT },
        [WHAT_SELF_MOUNT] = { ACTIVITY_SELF, "mount", TARGET_FILE },
        [WHAT_SELF_CGROUP] = { ACTIVITY_SELF, "cgroup", TARGET_FILE },
        [WHAT_SELF_KERNEL] = { ACTIVITY_SELF, "kernel", TARGET_FILE },
        [WHAT_SELF_KPROBE] = { ACTIVITY_SELF, "kprobe", TARGET_OBJECT },
        [WHAT_SELF_LIVEPATCH] = { ACTIVITY_SELF, "livepatch", TARGET_NAME },
        [WHAT_SELF_PROGRAM] = { ACTIVITY_SELF, "program", TARGET_OBJECT },
        [WHAT_MOUNT_RECONFIGURE] = { ACTIVITY_MOUNT, "reconfigure", TARGET_FILE },
};
static_assert(ELEMENTSOF(rows) == _WHAT_MAX, "a row per way");

ActivityKind activity_kind_of(ActivityWhat what) {
        return rows[what].kind;
}

/* The next name, and how long it is; 0 at the end. */
static size_t next_part(const char *parts, size_t size, size_t at) {
        return at < size ? strnlen(parts + at, size - at) : 0;
}

void activity_path(const char *parts, size_t size, bool whole, char *ret, size_t ret_size) {
        static const char unreachable[] = "(unreachable)";
        size_t n, used = 0, place, length = 0;

        for (size_t at = 0; (n = next_part(parts, size, at)) > 0; at += n + 1)
                length += n + 1;
        if (!whole && ret_size > sizeof(unreachable))
                used = (size_t) snprintf(ret, ret_size, "%s", unreachable);
        if (length == 0 || used + length >= ret_size) {
                snprintf(ret + used, ret_size - used, "/");
                return;
        }
        place = used + length;
        ret[place] = '\0';
        for (size_t at = 0; (n = next_part(parts, size, at)) > 0; at += n + 1) {
                place -= n;
                memcpy(ret + place, parts + at, n);
                ret[--place] = '/';
        }
}

static void put_target(const ActivityEvent *e, ActivityText *text) {
        bool whole = !(e->head.flags & EVENT_TRUNCATED), has_file = e->file.inode_address != 0;

        if (rows[e->what].target == TARGET_NAME)
                snprintf(text->target, sizeof(text->target), "%s", *text->name ? text->name : "(unnamed)");
        else if (!has_file)
                snprintf(text->target, sizeof(text->target), "%s",
                         rows[e->what].target == TARGET_FILE_OR_MEMORY ? "(anonymous)" : "(kernel)");
        else
                activity_path(e->target, sizeof(e->target), whole, text->target, sizeof(text->target));
}

static void add(Activity *a, size_t *n, const char *key, const char *value) {
        if (*n < ACTIVITY_DETAILS_MAX && *value)
                a->details[(*n)++] = (ActivityDetail){ key, value };
}

static const char *number_key(ActivityKind kind) {
        static const char *const keys[_ACTIVITY_MAX] = {
                [ACTIVITY_BPF] = "type",       [ACTIVITY_MOUNT] = "flags", [ACTIVITY_DEVICE] = "device",
                [ACTIVITY_MEMORY] = "protect", [ACTIVITY_DM] = "command",
        };

        return keys[kind];
}

static void put_number(const ActivityEvent *e, ActivityText *text) {
        unsigned long long n = e->number;

        if (e->kind == ACTIVITY_DEVICE)
                snprintf(text->number, sizeof(text->number), "%llu:%llu", n >> 20, n & 0xfffff);
        else
                snprintf(text->number, sizeof(text->number), "0x%llx", n);
}

bool activity_is_sane(const ActivityEvent *e) {
        return e->what < _WHAT_MAX && rows[e->what].kind == (ActivityKind) e->kind && e->denied <= 1;
}

bool activity_from_event(const ActivityEvent *e, ActivityText *text, Activity *ret) {
        size_t n = 0;

        if (!activity_is_sane(e))
                return false;
        *text = (ActivityText){};
        *ret = (Activity){
                .event = _EVENT_CODE_MAX + (Event) e->kind,
                .target = text->target,
                .denied = e->denied,
                .privileged = e->head.flags & EVENT_PRIVILEGED,
                .started = e->head.started / 1000,
                .alert = e->what == WHAT_SELF_LIVEPATCH, /* its module was let in */
                .severity = SEVERITY_WARNING,
        };
        snprintf(text->name, sizeof(text->name), "%.*s", (int) sizeof(e->name), e->name);
        put_target(e, text);
        if (*e->program) {
                activity_path(e->program, sizeof(e->program), true, text->program, sizeof(text->program));
                ret->subject.exe = text->program;
        }
        add(ret, &n, "how", rows[e->what].how);
        if (e->other_pid > 0) {
                snprintf(text->pid, sizeof(text->pid), "%u", e->other_pid);
                add(ret, &n, "pid", text->pid);
        }
        if (rows[e->what].target != TARGET_NAME)
                add(ret, &n, "type", text->name);
        if (number_key(e->kind)) {
                put_number(e, text);
                add(ret, &n, number_key(e->kind), text->number);
        }
        return true;
}
