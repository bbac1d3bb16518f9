/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* OnDeath=lock. While the death of this daemon must lock the machine, a note of what is to be done lies in the runtime directory
 * (lib/deathnote.h), for sealwatch-lock, which the service manager runs when we have gone, and for the daemon after us. When a
 * lock begins, that of its record takes its place before the record is written; it is taken away when the registers have it, or
 * when we are asked to stop. */

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

/* What the registers held before the digest of the lock, as far as we know. */
static int note_registers(const Manager *m, DeathNote *n) {
        BankDigests digest;
        PcrSet pcrs;
        int r = death_note_poison(n, m->seen.banks, &pcrs, &digest);

        for (unsigned pcr = 0; r >= 0 && pcr < PCR_COUNT; pcr++) {
                if (!(pcrs & 1U << pcr))
                        continue;
                (void) death_note_before(n, pcr, &m->seen);
                if (death_note_is_poisoned(&m->death, pcr, &digest, &m->seen))
                        memcpy(n->before[pcr], m->death.before[pcr], DIGEST_MAX);
        }
        return r;
}

static int make_note(const Manager *m, DeathNote *ret) {
        const Now now = now_get();
        const uint32_t cap = (uint32_t) m->config.cap_pcr;
        int r;

        *ret = (DeathNote){ .measurement_pcr = (uint32_t) m->config.measurement_pcr,
                            .cap_pcr = cap,
                            .bank = m->boot_bank };
        memcpy(ret->uncapped, m->boot_values[cap], sizeof(ret->uncapped));
        if (snprintf(ret->tpm, sizeof(ret->tpm), "%s", m->tpm_device) >= (int) sizeof(ret->tpm))
                return -ENAMETOOLONG;
        r = engine_death_lock(m->engine, &now, &ret->lock);
        return r < 0 ? r : note_registers(m, ret);
}

static int write_note(const Manager *m) {
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

/* What fails is tried again with the next input. */
static void arm(Manager *m, bool begun) {
        int r = write_note(m);

        if (r >= 0) {
                m->death_armed = begun ? DEATH_BEGUN : DEATH_ON;
                m->death_unarmed = false;
                return;
        }
        if (m->death_unarmed)
                return;
        m->death_unarmed = true;
        log_errno(LOG_ERR, r, "if this daemon dies, only the next one locks: there is no note for sealwatch-lock");
        manager_failure(m, FAILURE_LOG_WRITE, "the note of OnDeath=lock cannot be written");
}

static void forget(const Manager *m, const char *name) {
        _cleanup_free_ char *path = NULL;
        int r = path_of(m, name, &path);

        if (r >= 0 && unlink(path) < 0 && errno != ENOENT)
                r = -errno;
        if (r < 0)
                log_errno(LOG_ERR, r, "cannot remove the note for OnDeath=lock");
}

static void disarm(Manager *m) {
        if (m->death_armed == DEATH_OFF)
                return;
        forget(m, DEATH_NOTE_FILE);
        forget(m, DEATH_DONE_FILE);
        m->death_armed = DEATH_OFF;
}

/* A lock that was begun, and is not in the registers: whatever ends us now, somebody must go on with it. */
static bool is_under_way(const Manager *m, const Status *status) {
        return guard_is_closed(status->state) && !status->poisoned &&
               (m->config.on_death == ON_DEATH_LOCK || m->death.lock);
}

void death_begun(Manager *m) {
        Status status;

        if (!m->started || m->death_armed == DEATH_BEGUN)
                return;
        engine_status(m->engine, &status);
        if (is_under_way(m, &status) && status.lock_recorded) /* else the note that there is says enough */
                arm(m, true);
}

void death_watch(Manager *m) {
        bool locks = m->config.on_death == ON_DEATH_LOCK && engine_policy(m->engine)->mode == MODE_ENFORCE;
        Status status;

        if (!m->started)
                return;
        engine_status(m->engine, &status);
        if (is_under_way(m, &status))
                return death_begun(m);
        if (!locks || m->stopping || guard_is_closed(status.state))
                return disarm(m);
        if (m->death_armed != DEATH_ON)
                arm(m, false);
}

/* 1, or 0: there is no such note, or it says nothing. */
static int load(const Manager *m, const char *name, DeathNote *ret) {
        _cleanup_free_ char *path = NULL, *text = NULL;
        size_t n;
        int r = path_of(m, name, &path);

        if (r >= 0)
                r = file_read(AT_FDCWD, path, DEATH_NOTE_MAX, &text, &n);
        if (r == -ENOENT)
                return 0;
        if (r >= 0)
                r = death_note_parse(text, n, ret);
        if (r < 0) {
                log_errno(LOG_ERR, r, "%s cannot be read", path ?: name);
                return r == -ENOMEM ? r : 0; /* the gap is unclean, and that locks */
        }
        return 1;
}

/* What an earlier run noted of a register is newer than what is known of the boot. */
static void add_boot_values(Manager *m) {
        DeathNote *n = &m->death;

        if (n->bank != m->boot_bank)
                n->noted = 0;
        n->bank = m->boot_bank;
        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
                if (m->boot_pcrs & ~n->noted & 1U << pcr)
                        memcpy(n->before[pcr], m->boot_values[pcr], DIGEST_MAX);
        n->noted |= m->boot_pcrs;
}

int death_load(Manager *m) {
        int r = load(m, DEATH_DONE_FILE, &m->death);

        if (r == 0)
                r = load(m, DEATH_NOTE_FILE, &m->death);
        if (r >= 0)
                add_boot_values(m);
        return r < 0 ? r : 0;
}
