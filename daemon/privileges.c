/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Capabilities. The unit leaves few of these from the start; who runs the daemon by hand has all of them. */

#include "daemon/privileges.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/capability.h>

#include "lib/base/cleanup.h"
#include "lib/base/macro.h"

static const cap_value_t kept[] = {
        CAP_SYS_ADMIN,       /* fanotify permission events, BPF programs */
        CAP_SYS_PTRACE,      /* /proc/PID/exe of other users */
        CAP_DAC_READ_SEARCH, /* paths through other users' directories */
        CAP_LEASE,           /* on other users' files */
        CAP_KILL,            /* what ran past the gate */
        CAP_IPC_LOCK,        /* memory that is never swapped, where LimitMEMLOCK= does not allow it */
};

/* Without them the kernel refuses before a hook is asked, and nothing can be said of that hook. */
static const cap_value_t for_probes[] = {
        CAP_SYS_MODULE, CAP_SYS_BOOT, /* kexec */
};

static void free_capabilities(cap_t c) {
        (void) cap_free(c);
}

DEFINE_CLEANUP(cap_t, free_capabilities)

static int add(cap_t to, cap_t had, const cap_value_t *values, size_t n) {
        for (size_t i = 0; i < n; i++) {
                cap_flag_value_t has = CAP_CLEAR;

                if (cap_get_flag(had, values[i], CAP_PERMITTED, &has) < 0 || has == CAP_CLEAR)
                        continue;
                if (cap_set_flag(to, CAP_PERMITTED, 1, &values[i], CAP_SET) < 0 ||
                    cap_set_flag(to, CAP_EFFECTIVE, 1, &values[i], CAP_SET) < 0)
                        return -errno;
        }
        return 0;
}

static int keep(bool probes) {
        _cleanup_(free_capabilitiesp) cap_t had = cap_get_proc(), wanted = cap_init();
        int r;

        if (!had || !wanted)
                return -ENOMEM;
        r = add(wanted, had, kept, ELEMENTSOF(kept));
        if (r >= 0 && probes)
                r = add(wanted, had, for_probes, ELEMENTSOF(for_probes));
        if (r < 0)
                return r;
        return cap_set_proc(wanted) < 0 ? -errno : 0;
}

int privileges_reduce(void) {
        return keep(true);
}

int privileges_settle(void) {
        return keep(false);
}
