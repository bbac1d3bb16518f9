/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Texts of /proc about a process, each by each of their parsers: what comes out is of the text and within its room. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "daemon/sensor/proctext.h"
#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"

static void check_status(const char *text) {
        ProcStatus status;
        int r = proc_status_parse(text, &status);

        REQUIRE(r == 0 || r == -EBADMSG);
        if (r == 0)
                REQUIRE(memchr(status.comm, 0, sizeof(status.comm)) && strstr(text, "Name:") && strstr(text, "Uid:"));
}

static void check_started(const char *text) {
        uint64_t started;
        int r = proc_stat_parse_started(text, &started);

        REQUIRE(r == 0 || r == -EBADMSG);
        if (r == 0)
                REQUIRE(strchr(text, ')'));
}

static void check_cgroup(char *text) {
        char unit[PROC_UNIT_SIZE];
        const char *path = proc_cgroup_parse(text), *found;

        if (!path)
                return;
        REQUIRE(*path == '/' && !strchr(path, '\n'));
        REQUIRE(cgroup_is_in(path, "/") && cgroup_is_in(path, path));
        found = cgroup_unit(path, unit);
        if (found)
                REQUIRE(found == unit && *unit && !strchr(unit, '/') && strstr(path, unit));
}

static void run(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = memdup_nul(data, size);

        REQUIRE(text);
        check_status(text);
        check_started(text);
        check_cgroup(text); /* cuts the text */
}

static void seeds(void) {
        fuzz_seed_text("12:cpuset:/x\n0::/user.slice/user-1000.slice/user@1000.service/app.slice/a.scope\n");
        fuzz_seed_text("0::/system.slice/_a.service\n1:name=systemd:/\n");
        fuzz_seed_text("71 (a) b) c) S 1 71 71 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4242 0 0\n");
        fuzz_seed_text("Name:\ta\\nb\\\\c\nUmask:\t0022\nPPid:\t1\nUid:\t1000\t0\t0\t0\n");
        fuzz_seed_text("Name:\tlonger than sixteen bytes\nPPid:\t4294967296\nUid:\t-1\n");
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
