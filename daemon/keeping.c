/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Secrets in the service manager's store of descriptors, so that a restart of the daemon does not lose them. With OnDeath=lock
 * only a clean stop puts them there: nothing is left of a daemon that died. */

#include <errno.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "daemon/manager.h"
#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/io/fd.h"
#include "lib/io/log.h"

#define FD_NAME "secret"

static void store(Manager *m, const char *name) {
        _cleanup_close_ int fd = -1;
        int r = vault_keep(m->vault, name, m->life.name, &fd);

        if (r >= 0)
                r = sd_pid_notify_with_fds(0, 0, "FDSTORE=1\nFDPOLL=0\nFDNAME=" FD_NAME, &fd, 1);
        if (r < 0 && !m->keeps_nothing) {
                m->keeps_nothing = true;
                log_errno(LOG_WARNING, r, "secrets are lost when the daemon restarts");
        }
}

void keeping_store(Manager *m, const char *name) {
        if (m->managed && m->config.on_death != ON_DEATH_LOCK)
                store(m, name);
}

void keeping_stop(Manager *m) {
        if (!m->managed || m->config.on_death != ON_DEATH_LOCK)
                return;
        for (size_t i = 0; vault_name(m->vault, i); i++)
                store(m, vault_name(m->vault, i));
}

void keeping_forget(const Manager *m) {
        if (m->managed)
                (void) sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=" FD_NAME);
}

/* Only a log that goes on, with the cap in it, of a guard that is not locked gets secrets back. */
static bool fits(const Manager *m) {
        Status status;

        engine_status(m->engine, &status);
        return m->found.verdict == RECONCILE_CONTINUE && m->found.cap_recorded && !reconcile_opens(&m->found) &&
               status.state != STATE_VIOLATED && status.state != STATE_LOCKED;
}

static bool is_ours(void *userdata, const char *name) {
        const Manager *m = userdata;

        return blob_list_has(&m->sealed, name);
}

void keeping_begin(Manager *m) {
        m->managed = getenv("NOTIFY_SOCKET") != NULL;
        (void) sd_listen_fds(0); /* no program of ours inherits them */
}

static void free_names(char **names) {
        for (size_t i = 0; names[i]; i++)
                free(names[i]);
        free(names);
}

DEFINE_CLEANUP(char **, free_names)

void keeping_restore(Manager *m) {
        _cleanup_(free_namesp) char **names = NULL;
        const int n = sd_listen_fds_with_names(0, &names);
        const bool whole = n > 0 && fits(m);
        size_t back = 0, wiped = 0;

        for (int i = 0; i < n; i++) {
                _cleanup_close_ int fd = -1;

                if (!streq(names[i], FD_NAME))
                        continue;
                fd = SD_LISTEN_FDS_START + i;
                if (whole && vault_take_back(m->vault, fd, m->life.name, is_ours, m) >= 0)
                        back++;
                else {
                        vault_wipe_file(fd);
                        wiped++;
                }
        }
        if (back + wiped > 0)
                log_message(wiped > 0 ? LOG_WARNING : LOG_NOTICE, "%zu secrets were kept over the restart, %zu wiped",
                            back, wiped);
        if (wiped > 0 || (back > 0 && m->config.on_death == ON_DEATH_LOCK))
                keeping_forget(m);
        if (wiped > 0)
                for (size_t i = 0; vault_name(m->vault, i); i++)
                        keeping_store(m, vault_name(m->vault, i));
}
