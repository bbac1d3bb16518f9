/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon/sensor/bpf/refusal.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/macro.h"

static const char log_begin[] = "-- BEGIN PROG LOAD LOG --\n", log_end[] = "-- END PROG LOAD LOG --";

static void take_program(Refusal *r, const char *message) {
        static const char before[] = "libbpf: prog '";
        const char *name = message + strlen(before), *end;

        if (r->program[0] != '\0' || !startswith(message, before))
                return;
        end = strchr(name, '\'');
        if (end && startswith(end, "': BPF program load failed"))
                snprintf(r->program, sizeof(r->program), "%.*s", (int) (end - name), name);
}

void refusal_take(Refusal *r, const char *message) {
        const char *line = strstr(message, log_begin), *end, *next;

        take_program(r, message);
        if (!line || r->verifier[0] != '\0')
                return;
        line += strlen(log_begin);
        end = strstr(line, log_end) ?: line + strlen(line);
        /* The message of libbpf's about its log begins with the program once more. */
        for (; line < end; line = next) {
                const char *stop = memchr(line, '\n', (size_t) (end - line)) ?: end;

                next = stop < end ? stop + 1 : end;
                if (stop > line && !startswith(line, "processed ") && !startswith(line, "libbpf: "))
                        snprintf(r->verifier, sizeof(r->verifier), "%.*s", (int) (stop - line), line);
        }
}

bool refusal_format(const Refusal *r, int error, char ret[REFUSAL_SIZE]) {
        if (r->program[0] == '\0')
                return false;
        snprintf(ret, REFUSAL_SIZE, "the kernel refuses the program '%s': %s%s%s", r->program, strerror(-error),
                 r->verifier[0] != '\0' ? ": " : "", r->verifier);
        return true;
}
