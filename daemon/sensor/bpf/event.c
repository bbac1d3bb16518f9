/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon/sensor/bpf/event.h"

#include <errno.h>
#include <string.h>

#include "daemon/sensor/bpf/activity.h"

/* The path is the only part of the event that the watched can make long. */
static bool code_is_sane(const CodeEvent *e, size_t size) {
        if (size != sizeof(*e) && (size != CODE_EVENT_SHORT || e->head.flags & EVENT_PARTS))
                return false;
        return e->kind < _CODE_MAX && memchr(e->path, '\0', size - offsetof(CodeEvent, path));
}

int kernel_event_type(const void *data, size_t size) {
        const EventHead *e = data;

        if (size < sizeof(*e) || e->version != ABI_EVENTS)
                return -EPROTO;
        if (e->type == EVENT_TYPE_EXEC && size == sizeof(ExecEvent))
                return EVENT_TYPE_EXEC;
        if (e->type == EVENT_TYPE_CODE && size >= CODE_EVENT_SHORT && code_is_sane(data, size))
                return EVENT_TYPE_CODE;
        if (e->type == EVENT_TYPE_ACTIVITY && size == sizeof(ActivityEvent) && activity_is_sane(data))
                return EVENT_TYPE_ACTIVITY;
        return -EPROTO;
}

/* The names stand leaf first; each brings the slash before it in the place of its end. */
static void path_from_parts(const char parts[ABI_PATH_SIZE], char ret[PARTS_PATH_SIZE]) {
        char *end = ret + PARTS_PATH_SIZE - 1, *start = end;
        size_t at = 0;

        *end = '\0';
        while (at < ABI_PATH_SIZE && parts[at] != '\0') {
                size_t n = strnlen(parts + at, ABI_PATH_SIZE - at);

                start -= n;
                memcpy(start, parts + at, n);
                *--start = '/';
                at += n + 1;
        }
        if (start == end)
                *--start = '/';
        memmove(ret, start, (size_t) (end - start) + 1);
}

/* Where it is truncated the first, which is the file's name, stands for all. */
bool event_has_parts(const CodeEvent *e) {
        return e->head.flags & EVENT_PARTS && !(e->head.flags & EVENT_TRUNCATED);
}

const char *event_path(const CodeEvent *e, char buffer[PARTS_PATH_SIZE]) {
        if (!event_has_parts(e))
                return e->path;
        path_from_parts(e->path, buffer);
        return buffer;
}
