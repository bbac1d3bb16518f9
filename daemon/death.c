/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* OnDeath=lock. While the death of this daemon must lock the machine, a note of what is to be done lies in the runtime directory
 * (lib/deathnote.h), for sealwatch-lock, which the service manager runs when we have gone, and for the daemon after us. It is
 * taken away where the log says by itself what became of us: behind the stop record, and before the lock plan's own extend. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/death.h"
#include "daemon/manager.h"
#include "lib/base/alloc.h"
#include "lib/deathnote.h"
#include "lib/io/file.h"
#include "lib/io/log.h"

static int path_of(const Manager *m, const char *name, char **ret) {
        return asprintf(ret, "%s/%s", m->options->run_dir, name) < 0 ? -ENOMEM : 0;
}

static int make_note(const Manager *m, DeathNote *ret) {
        const Now now = now_get();
        const uint32_t cap = (uint32_t) m->config.cap_pcr;

        *ret = (DeathNote){ .measurement_pcr = (uint32_t) m->config.measurement_pcr,
                            .cap_pcr = cap,
                            .bank = m->boot_bank };
        memcpy(ret->uncapped, m->boot_values[cap], sizeof(ret->uncapped));
        if (snprintf(ret->tpm, sizeof(ret->tpm), "%s", m->tpm_device) >= (int) sizeof(ret->tpm))
                return -ENAMETOOLONG;
        return engine_death_lock(m->engine, &now, &ret->lock);
}

static int arm(const Manager *m) {
        _cleanup_free_ char *path = NULL, *text = NULL;
        _cleanup_(death_note_done) DeathNote note = {};
        int r = make_note(m, &note);

        if (r < 0)
                return r;
        text = death_note_format(&note);
        if (!text || path_of(m, DEATH_NOTE_FILE, &path) < 0)
                return -ENOMEM;
        return file_write_atomic(AT_FDCWD, path, 0600, text, strlen(text));
}

static void forget(const Manager *m, const char *name) {
        _cleanup_free_ char *path = NULL;
        int r = path_of(m, name, &path);

        if (r >= 0 && unlink(path) < 0 && errno != ENOENT)
                r = -errno;
        if (r < 0)
                log_errno(LOG_ERR, r, "cannot remove the note for OnDeath=lock");
}

void death_disarm(Manager *m) {
        if (m->death_armed == DEATH_OFF)
                return;
        forget(m, DEATH_NOTE_FILE);
        forget(m, DEATH_DONE_FILE);
        m->death_armed = DEATH_OFF;
}

void death_watch(Manager *m) {
        bool locks = m->config.on_death == ON_DEATH_LOCK && engine_policy(m->engine)->mode == MODE_ENFORCE;
        Status status;
        int r;

        if (!m->started)
                return;
        if (locks && !m->stopping) {
                engine_status(m->engine, &status);
                locks = !guard_is_closed(status.state);
        }
        if (!locks || m->stopping) {
                death_disarm(m);
                return;
        }
        if (m->death_armed == DEATH_ON)
                return;
        m->death_armed = DEATH_ON;
        r = arm(m);
        if (r < 0)
                log_errno(LOG_ERR, r,
                          "if this daemon dies, only the next one locks: there is no note for sealwatch-lock");
}

/* 1 and the lock, 0: there is no such note, or it says nothing. */
static int load(const Manager *m, const char *name, json_t **ret) {
        _cleanup_free_ char *path = NULL, *text = NULL;
        _cleanup_(death_note_done) DeathNote note = {};
        size_t n;
        int r = path_of(m, name, &path);

        if (r >= 0)
                r = file_read(AT_FDCWD, path, DEATH_NOTE_MAX, &text, &n);
        if (r == -ENOENT)
                return 0;
        if (r >= 0)
                r = death_note_parse(text, n, &note);
        if (r < 0) {
                log_errno(LOG_ERR, r, "%s cannot be read", path ?: name);
                return r == -ENOMEM ? r : 0; /* the gap is unclean, and that locks */
        }
        *ret = json_incref(note.lock);
        return 1;
}

int death_load(Manager *m) {
        int r = load(m, DEATH_DONE_FILE, &m->death);

        if (r == 0)
                r = load(m, DEATH_NOTE_FILE, &m->death);
        return r < 0 ? r : 0;
}
