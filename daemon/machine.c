/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the records say of the machine. */

#include "daemon/machine.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/io/file.h"

/* systemd-stub sets it (systemd-stub(7)). */
#define STUB_INFO "/sys/firmware/efi/efivars/StubInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"

int machine_read(Machine *ret) {
        _cleanup_free_ char *boot_id = NULL, *cmdline = NULL;
        struct utsname u;
        size_t n = 0;

        *ret = (Machine){};
        if (file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &boot_id, &n) >= 0)
                snprintf(ret->boot_id, sizeof(ret->boot_id), "%.*s", (int) strcspn(boot_id, "\n"), boot_id);
        if (uname(&u) >= 0)
                snprintf(ret->kernel, sizeof(ret->kernel), "%s %s %s", u.sysname, u.release, u.version);
        ret->stub_booted = access(STUB_INFO, F_OK) == 0;
        n = 0;
        (void) file_read(AT_FDCWD, "/proc/cmdline", 65536, &cmdline, &n);
        return sha256(cmdline ?: "", n, ret->cmdline);
}

static usec_t clock_usec(clockid_t clock) {
        struct timespec t;

        clock_gettime(clock, &t);
        return (usec_t) t.tv_sec * USEC_PER_SEC + (usec_t) t.tv_nsec / NSEC_PER_USEC;
}

Now now_get(void) {
        return (Now){ .boottime = clock_usec(CLOCK_BOOTTIME), .realtime = clock_usec(CLOCK_REALTIME) };
}
