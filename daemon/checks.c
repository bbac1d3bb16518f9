/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A look: the measurement list, the registers, and the list again, since both move while we look. Files are read on the
 * background thread. */

#include "daemon/manager.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "core/pcrwatch.h"
#include "daemon/sensor/ima/tail.h"
#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/io/file.h"
#include "lib/io/log.h"

#define SYSTEMD_LOG "/run/log/systemd/tpm2-measure.log"
#define LOOK_SOON (5 * USEC_PER_SEC)
#define LOOK_AT_LEAST (300 * USEC_PER_SEC)
#define REGISTERS_TIMEOUT (10 * USEC_PER_SEC)

enum {
        SYSTEMD_LOG_MAX = 4 << 20,
        ENTRIES_MAX = 4096, /* of the measurement list, judged in one look; more are judged in the next one */
        TRIES_MAX = 3,      /* looks in a row in which list and register do not fit, until that is tampering */
};

/* An entry of the measurement list, for the policy. */
typedef struct Listed {
        char *name;
        bool has_digest;
        uint8_t digest[SHA256_SIZE];
} Listed;

typedef enum Stage { STAGE_IDLE, STAGE_LIST, STAGE_REGISTERS, STAGE_LIST_AGAIN } Stage;

struct Checks {
        PcrWatch pcrs;
        bool watches_pcrs;
        ImaTail *ima;
        unsigned misses;
        bool going;
        Stage stage;
        sd_event_source *timer;
        usec_t due;
        PcrValues values;

        /* the background thread's while it reads */
        char *systemd_log;
        size_t systemd_log_size;
        Listed *entries;
        size_t entries_size, entries_allocated;
        const char *ima_why;
};

DEFINE_CLEANUP(Checks *, checks_free)

static void entries_done(Checks *c) {
        for (size_t i = 0; i < c->entries_size; i++)
                free(c->entries[i].name);
        c->entries_size = 0;
}

Checks *checks_free(Checks *c) {
        if (!c)
                return NULL;
        sd_event_source_disable_unref(c->timer);
        ima_tail_free(c->ima);
        entries_done(c);
        free(c->entries);
        free(c->systemd_log);
        free(c);
        return NULL;
}

static void on_entry(void *userdata, const ImaEntry *e) {
        Checks *c = userdata;
        Listed *l;

        if (c->entries_size == ENTRIES_MAX ||
            GREEDY_REALLOC(c->entries, c->entries_allocated, c->entries_size + 1) < 0)
                return; /* judged or not, it is in the replay */
        l = &c->entries[c->entries_size];
        *l = (Listed){ .name = memdup_nul(e->name, strnlen(e->name, e->name_size)),
                       .has_digest = e->alg == HASH_SHA256 && e->digest_size == SHA256_SIZE };
        if (!l->name)
                return;
        if (l->has_digest)
                memcpy(l->digest, e->digest, SHA256_SIZE);
        c->entries_size++;
}

static void read_systemd_log(Checks *c) {
        free(c->systemd_log);
        c->systemd_log = NULL;
        if (file_read(AT_FDCWD, SYSTEMD_LOG, SYSTEMD_LOG_MAX, &c->systemd_log, &c->systemd_log_size) < 0)
                c->systemd_log = NULL;
}

static int read_files(void *item) {
        Checks *c = ((Manager *) item)->checks;

        read_systemd_log(c);
        return c->ima ? ima_tail_read(c->ima, on_entry, c, &c->ima_why) : 0;
}

/* The baseline: what the registers held at boot, and the cap. */
static int begin_pcrs(Manager *m, Checks *c) {
        const unsigned cap = (unsigned) m->config.cap_pcr;
        uint8_t values[PCR_COUNT][DIGEST_MAX];
        BankDigests capped = bank_digests_zero(bank(m->boot_bank));
        PcrSet ours = 1U << m->config.measurement_pcr;
        int r;

        memcpy(values, m->boot_values, sizeof(values));
        memcpy(capped.values[m->boot_bank], values[cap], DIGEST_MAX);
        r = cap_extend(&capped);
        if (r < 0)
                return r;
        memcpy(values[cap], capped.values[m->boot_bank], DIGEST_MAX);
        if (c->ima)
                ours |= ima_tail_registers(c->ima);
        pcr_watch_init(&c->pcrs, m->boot_bank, m->boot_pcrs, values, ours);
        c->watches_pcrs = true;
        return 0;
}

static int read_registers_now(Manager *m, PcrValues *ret) {
        _cleanup_(tpm_result_freep) TpmResult *result = NULL;
        TpmJob *job = tpm_job_read();
        int r = job ? tpm_call(m->tpm, job, REGISTERS_TIMEOUT, &result) : -ENOMEM;

        if (r < 0)
                return r;
        if (result->outcome != TPM_OK)
                return -EIO;
        *ret = result->state->pcrs;
        return 0;
}

/* Why the list is not followed; NULL: it is. */
static const char *begin_ima(Manager *m, Checks *c) {
        const char *why = NULL;
        PcrValues values;
        int r;

        if (m->taints[0])
                return "the kernel measures into another TPM";
        r = ima_tail_open(IMA_LIST_PATH, m->tpm_state.pcrs.banks, &c->ima);
        if (r == -ENOENT)
                return "the kernel keeps no measurement list";
        for (unsigned i = 0; r >= 0 && i < TRIES_MAX; i++) {
                r = ima_tail_read(c->ima, on_entry, c, &why);
                if (r >= 0)
                        r = read_registers_now(m, &values);
                if (r >= 0)
                        r = ima_tail_read(c->ima, on_entry, c, &why);
                if (r >= 0 && ima_tail_reached(c->ima, &values))
                        return NULL;
        }
        c->ima = ima_tail_free(c->ima);
        entries_done(c);
        return r < 0 ? "the kernel's measurement list cannot be read"
                     : "PCR 10 is not what the kernel's measurement list replays to";
}

int checks_start(Manager *m) {
        _cleanup_(checks_freep) Checks *c = new0(Checks, 1);
        const char *why;

        if (!c)
                return -ENOMEM;
        why = begin_ima(m, c);
        sensors_set_level(m, WATCHED_IMA, why ? LEVEL_OFF : LEVEL_OBSERVE, why);
        if (begin_pcrs(m, c) < 0)
                return -ENOMEM;
        sensors_set_level(m, WATCHED_PCR, LEVEL_OBSERVE, NULL);
        m->checks = TAKE_PTR(c);
        return 0;
}

static void tamper(Manager *m, const char *what, const char *detail) {
        const Input in = { .type = INPUT_TAMPER, .tamper = { .what = what, .detail = detail } };

        manager_feed(m, &in);
}

static void tell_unexplained(Manager *m, unsigned pcr) {
        char target[16];
        Input in = {
                .type = INPUT_ACTIVITY,
                .activity = { .event = EVENT_PCR,
                              .target = target,
                              .details = { { "why", "systemd's log does not explain the change" } },
                              .alert = true,
                              .severity = SEVERITY_NOTICE },
        };

        snprintf(target, sizeof(target), "%u", pcr);
        manager_feed(m, &in);
}

static void judge_pcrs(Manager *m, Checks *c) {
        char names[PCR_SET_TEXT_MAX], detail[PCR_SET_TEXT_MAX + 64];
        PcrChanges changes;

        if (!c->watches_pcrs ||
            pcr_watch_look(&c->pcrs, &c->values, c->systemd_log, c->systemd_log_size, &changes) < 0)
                return;
        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
                if (changes.unexplained & (1U << pcr))
                        tell_unexplained(m, pcr);
        if (changes.tampered == 0)
                return;
        snprintf(detail, sizeof(detail), "of registers that nobody extends after boot: %s",
                 pcr_set_text(changes.tampered, names));
        tamper(m, "pcr-changed", detail);
}

/* Only what a rule is about: the list has every file that root reads. */
static void judge_entries(Manager *m, Checks *c) {
        const Policy *p = engine_policy(m->engine);

        for (size_t i = 0; i < c->entries_size; i++) {
                const Listed *l = &c->entries[i];
                Observation o = {
                        .event = EVENT_IMA, .path = l->name, .has_digest = l->has_digest, .failure = _FAILURE_INVALID
                };
                Input in = { .type = INPUT_ACTIVITY,
                             .activity = { .event = EVENT_IMA,
                                           .target = l->name,
                                           .digest = l->has_digest ? l->digest : NULL } };

                memcpy(o.digest, l->digest, SHA256_SIZE);
                if (!streq(policy_judge(p, &o).rule, "default"))
                        manager_feed(m, &in);
        }
        entries_done(c);
}

static void judge_ima(Manager *m, Checks *c) {
        if (!c->ima)
                return;
        if (ima_tail_reached(c->ima, &c->values)) {
                c->misses = 0;
                return;
        }
        (void) ima_tail_reopen(c->ima); /* a kernel that removed entries counts anew */
        if (++c->misses < TRIES_MAX)
                return;
        tamper(m, "ima-list", "PCR 10 is not what the kernel's measurement list replays to");
        c->ima = ima_tail_free(c->ima);
        sensors_change_level(m, WATCHED_IMA, LEVEL_OFF, "PCR 10 is not what the kernel's measurement list replays to");
}

static void lose_ima(Manager *m, Checks *c, int error) {
        const char *why = error == -EBADMSG ? c->ima_why : "the kernel's measurement list cannot be read";

        if (error == -EBADMSG)
                tamper(m, "ima-list", why);
        c->ima = ima_tail_free(c->ima);
        sensors_change_level(m, WATCHED_IMA, LEVEL_OFF, why);
}

/* After the lock plan the registers are poisoned, and nothing is left to find out. */
static bool is_over(const Manager *m) {
        Status status;

        engine_status(m->engine, &status);
        return status.state == STATE_VIOLATED || status.state == STATE_LOCKED;
}

static bool is_capped(const Manager *m) {
        Status status;

        engine_status(m->engine, &status);
        return status.capped;
}

static int on_due(sd_event_source *s, uint64_t usec, void *userdata);

static void look_at(Manager *m, usec_t due) {
        Checks *c = m->checks;

        c->due = due;
        if (!c->timer)
                (void) sd_event_add_time(m->event, &c->timer, CLOCK_BOOTTIME, due, USEC_PER_SEC, on_due, m);
        else if (sd_event_source_set_time(c->timer, due) >= 0)
                (void) sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
}

static void end_look(Manager *m, usec_t next) {
        m->checks->stage = STAGE_IDLE;
        look_at(m, now_get().boottime + next);
}

static void judge(Manager *m, Checks *c) {
        if (!is_over(m)) {
                judge_pcrs(m, c);
                judge_ima(m, c);
        }
        judge_entries(m, c);
        end_look(m, c->misses > 0 ? LOOK_SOON : LOOK_AT_LEAST);
}

static void files_read(void *item, int result, int cancelled) {
        Manager *m = item;
        Checks *c = m->checks;

        if (cancelled)
                return end_look(m, LOOK_SOON);
        if (result < 0 && c->ima)
                lose_ima(m, c, result);
        if (c->stage == STAGE_LIST_AGAIN)
                return judge(m, c);
        c->stage = STAGE_REGISTERS;
        if (!registers_look(m))
                end_look(m, LOOK_SOON);
}

void checks_on_registers(Manager *m, const PcrValues *values) {
        Checks *c = m->checks;

        if (!values)
                return end_look(m, LOOK_AT_LEAST);
        c->values = *values;
        c->stage = STAGE_LIST_AGAIN;
        (void) background_submit(m->background, read_files, files_read, m);
}

static int on_due(sd_event_source *s _unused_, uint64_t usec _unused_, void *userdata) {
        Manager *m = userdata;
        Checks *c = m->checks;

        if (c->stage != STAGE_IDLE || is_over(m))
                return 0;
        if (!is_capped(m)) { /* the TPM owes it; what its register holds is no news */
                end_look(m, LOOK_AT_LEAST);
                return 0;
        }
        c->stage = STAGE_LIST;
        (void) background_submit(m->background, read_files, files_read, m);
        return 0;
}

void checks_nudge(Manager *m) {
        Checks *c = m->checks;
        usec_t soon;

        if (!c || !c->going || c->stage != STAGE_IDLE)
                return;
        soon = now_get().boottime + LOOK_SOON;
        if (c->due > soon)
                look_at(m, soon);
}

void checks_go(Manager *m) {
        if (!m->checks)
                return;
        m->checks->going = true;
        look_at(m, now_get().boottime + LOOK_SOON);
}
