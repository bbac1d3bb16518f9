/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Fuzz target for the parsers of /proc texts; the first byte says which. With clang -fsanitize=fuzzer as it is; else
 * with a main() of its own that takes files, and makes changed copies of each. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sensor/fanotify/mountinfo.h"
#include "daemon/sensor/proctext.h"
#include "lib/base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse_mounts(const char *text) {
        _cleanup_(mount_list_done) MountList l = {};

        if (mountinfo_parse(text, &l) < 0)
                return;
        for (size_t i = 0; i < l.size; i++) {
                (void) mount_list_may_wait(&l, l.items[i].path);
                if (!mount_list_find(&l, l.items[i].id))
                        abort();
        }
}

static void parse_cgroup(char *text) {
        char unit[PROC_UNIT_SIZE];
        const char *path = proc_cgroup_parse(text);

        if (!path)
                return;
        if (!cgroup_is_in(path, "/") || !cgroup_is_in(path, path))
                abort();
        if (cgroup_unit(path, unit) && (strchr(unit, '/') || strlen(unit) >= sizeof(unit)))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = size > 0 ? strndup((const char *) data + 1, size - 1) : NULL;
        ProcStatus status;
        uint64_t started;

        if (!text)
                return 0;
        switch (data[0] % 4) {
        case 0:
                if (proc_status_parse(text, &status) >= 0 && strlen(status.comm) >= sizeof(status.comm))
                        abort();
                break;
        case 1:
                (void) proc_stat_parse_started(text, &started);
                break;
        case 2:
                parse_cgroup(text);
                break;
        case 3:
                parse_mounts(text);
                break;
        }
        return 0;
}

#ifndef LIBFUZZER
enum { INPUT_MAX = 1 << 16, COPIES = 20000 };

static void change(uint8_t *data, size_t *size) {
        size_t at = (size_t) rand() % *size, n = (size_t) rand() % 8;

        switch (rand() % 3) {
        case 0:
                data[at] = (uint8_t) rand();
                break;
        case 1:
                data[at] = (uint8_t) "\n\t\\ :/0()-"[rand() % 10];
                break;
        case 2:
                if (at + n < *size) {
                        memmove(data + at, data + at + n, *size - at - n);
                        *size -= n;
                }
                break;
        }
}

int main(int argc, char **argv) {
        static uint8_t original[INPUT_MAX], data[INPUT_MAX];

        srand(1);
        for (int i = 1; i < argc; i++) {
                _cleanup_(fclosep) FILE *f = fopen(argv[i], "re");
                size_t n = f ? fread(original, 1, sizeof(original), f) : 0;

                if (n == 0)
                        return 2;
                LLVMFuzzerTestOneInput(original, n);
                for (int copy = 0; copy < COPIES; copy++) {
                        size_t size = n;

                        memcpy(data, original, n);
                        for (int changes = 1 + rand() % 4; changes > 0 && size > 0; changes--)
                                change(data, &size);
                        LLVMFuzzerTestOneInput(data, size);
                }
        }
        return 0;
}
#endif
