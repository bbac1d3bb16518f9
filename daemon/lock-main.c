/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatch-lock: run by the service manager whenever sealwatchd has ended (ExecStopPost=). Where that one left a note, its end
 * was none that it chose, or a lock had not reached the TPM yet; and what it would have extended is extended now: the cap, if
 * the register is open still, and the poison. It needs the note and the TPM, and neither policy nor log. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/death.h"
#include "daemon/message-ids.h"
#include "daemon/tpm/tpm.h"
#include "lib/base/alloc.h"
#include "lib/deathnote.h"
#include "lib/io/file.h"
#include "lib/io/log.h"
#include "lib/kind.h"

/* For both calls together less than the service manager gives us. */
#define DEADLINE (20 * USEC_PER_SEC)

static int call(Tpm *t, TpmJob *job, TpmResult **ret) {
        int r = job ? tpm_call(t, job, DEADLINE, ret) : -ENOMEM;

        if (r < 0)
                return log_errno(LOG_CRIT, r, "the TPM does not answer");
        if ((*ret)->outcome == TPM_OK || (*ret)->outcome == TPM_MISSING_BANK)
                return 0;
        log_message(LOG_CRIT, "the TPM: %s", (*ret)->detail);
        return -EIO;
}

/* Before the poison, and once: a register that was capped twice is one that somebody else extended. */
static int add_cap(const DeathNote *n, const TpmState *state, TpmJob *job) {
        TpmExtend cap = { .pcr = n->cap_pcr };
        int r;

        if (state->pcrs.banks & bank(n->bank) && /* without it nobody can tell */
            memcmp(state->pcrs.values[n->bank][n->cap_pcr], n->uncapped, hash_size(n->bank)) != 0)
                return 0;
        r = bank_digests_hash(state->pcrs.banks, CAP_EVENT, strlen(CAP_EVENT), &cap.digest);
        return r < 0 ? r : tpm_job_add_extend(job, &cap);
}

/* Once each: also where an earlier run, or the daemon itself, was cut off behind some of them. */
static int add_poison(DeathNote *n, const TpmState *state, TpmJob *job) {
        TpmExtend item = {};
        PcrSet pcrs;
        int r = death_note_poison(n, state->pcrs.banks, &pcrs, &item.digest);

        for (item.pcr = 0; r >= 0 && item.pcr < PCR_COUNT; item.pcr++) {
                if (!(pcrs & 1U << item.pcr) || death_note_is_poisoned(n, item.pcr, &item.digest, &state->pcrs))
                        continue;
                (void) death_note_before(n, item.pcr, &state->pcrs);
                r = tpm_job_add_extend(job, &item);
        }
        return r;
}

/* What the registers hold is on its way to be changed: whoever comes after us needs to know it. */
static void keep_note(const char *path, const DeathNote *n) {
        _cleanup_free_ char *text = death_note_format(n);
        int r = text ? file_write_atomic(AT_FDCWD, path, 0600, text, strlen(text)) : -ENOMEM;

        if (r < 0) /* locked twice is better than not at all */
                log_errno(LOG_ERR, r, "cannot write %s: what is extended now may be extended once more", path);
}

static int lock(Tpm *t, const char *path, DeathNote *n) {
        _cleanup_(tpm_result_freep) TpmResult *found = NULL, *done = NULL;
        _cleanup_(tpm_job_freep) TpmJob *job = tpm_job_extend(TPM_CLASS_LOCK);
        int r = call(t, tpm_job_read(), &found);

        if (r < 0)
                return r;
        r = job ? add_cap(n, found->state, job) : -ENOMEM;
        if (r >= 0)
                r = add_poison(n, found->state, job);
        if (r < 0)
                return log_errno(LOG_CRIT, r, "cannot tell what is to be extended");
        keep_note(path, n);
        return call(t, TAKE_PTR(job), &done);
}

static void say(void) {
        static const char *const fields[] = {
                "MESSAGE=sealwatchd died: what the TPM holds for this boot is locked until reboot (OnDeath=lock)",
                "MESSAGE_ID=" SEALWATCH_MESSAGE_DIED,
                "PRIORITY=2",
                "SEALWATCH_KIND=died",
        };

        log_fields(fields, ELEMENTSOF(fields));
}

static int run(const char *directory) {
        _cleanup_free_ char *path = NULL, *done = NULL, *text = NULL;
        _cleanup_(death_note_done) DeathNote note = {};
        _cleanup_(tpm_freep) Tpm *tpm = NULL;
        const char *why = "out of memory";
        size_t n;
        int r;

        if (asprintf(&path, "%s/" DEATH_NOTE_FILE, directory) < 0 ||
            asprintf(&done, "%s/" DEATH_DONE_FILE, directory) < 0)
                return -ENOMEM;
        r = file_read(AT_FDCWD, path, DEATH_NOTE_MAX, &text, &n);
        if (r == -ENOENT) /* it stopped as it should, had locked, or nothing is to be locked */
                return 0;
        if (r >= 0)
                r = death_note_parse(text, n, &note);
        if (r < 0)
                return log_errno(LOG_CRIT, r, "%s cannot be read, and nothing is locked before the next start", path);
        r = tpm_new(&(TpmOptions){ .device = note.tpm }, &tpm, &why);
        if (r < 0)
                return log_errno(LOG_CRIT, r, "cannot use the TPM %s: %s", note.tpm, why);
        r = lock(tpm, path, &note);
        if (r < 0)
                return r;
        say();
        return rename(path, done) < 0 ? log_errno(LOG_ERR, errno, "cannot rename %s", path) : 0;
}

int main(int argc, char **argv) {
        const char *directory = getenv("RUNTIME_DIRECTORY") ?: "/run/sealwatch";

        int r;

        if (argc > 2)
                return EX_USAGE;
        tpm_silence_library();
        r = log_open(); /* without it there is standard error */
        if (r < 0)
                log_errno(LOG_WARNING, r, "cannot log as usual");
        r = run(argc > 1 ? argv[1] : directory);
        log_close();
        return r < 0 ? EX_UNAVAILABLE : EX_OK;
}
