/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* /proc/PID/mountinfo: every line is a mount or the whole is refused; mounts are found by their id. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "daemon/sensor/fanotify/mountinfo.h"
#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"

static void check_list(const MountList *l) {
        for (size_t i = 0; i < l->size; i++) {
                const Mount *m = &l->items[i], *found = mount_list_find(l, m->id);

                REQUIRE(m->path && m->type && found && found->id == m->id);
                REQUIRE(i == 0 || l->items[i - 1].id <= m->id);
                (void) mount_list_may_wait(l, m->path);
        }
        REQUIRE(!mount_list_find(l, UINT64_MAX));
}

static void run(const uint8_t *data, size_t size) {
        _cleanup_(mount_list_done) MountList list = {};
        _cleanup_free_ char *text = memdup_nul(data, size);
        size_t lines = 0;
        int r;

        REQUIRE(text);
        for (const char *p = text; *p; p++)
                lines += *p == '\n' || !p[1];
        r = mountinfo_parse(text, &list);
        REQUIRE((r == 0 && list.size == lines) || (r == -EBADMSG && list.size < lines));
        if (r == 0)
                check_list(&list);
}

static void seeds(void) {
        fuzz_seed_text("36 35 98:0 / / rw,noatime master:1 - ext4 /dev/root rw\n"
                       "40 36 0:52 /sub /mount\\040point\\012x rw shared:7 propagate_from:2 - fuse.sshfs host:/ rw\n"
                       "38 36 0:4 / /proc rw - proc none rw");
        fuzz_seed_text("1 1 8:1 / /mnt rw - nfs4 s:/ rw\n2 1 4294967295:4294967295 / /mnt/a rw - btrfs  rw\n");
        fuzz_seed_text("1 1 8 / / rw - ext4 x rw\n");
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
