/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The manager's loop. */

#include "daemon/manager.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>

#include "lib/base/cleanup.h"
#include "lib/io/log.h"

/* How long the register may stand still before a stop gives up, unless ExtendDeadlineSec= is longer. */
#define STOP_PATIENCE (5 * USEC_PER_SEC)

/* What else the end may take, which the service manager has to wait for: TimeoutStopSec= of the unit. */
#define STOP_SLACK (90 * USEC_PER_SEC)

/* One-shot, armed when entries reached the register; nothing ticks when nothing happens. */
#define ARCHIVE_AFTER USEC_PER_SEC

void manager_done(Manager *m) {
        if (!m->started || (m->stopping && !m->handing_over)) /* else somebody must judge until the next one does */
                sensors_stop(m);                              /* while all is there: it tells what was seen */
        vault_free(m->vault); /* first of all: nothing below may keep secrets waiting */
        sd_event_source_disable_unref(m->engine_timer);
        sd_event_source_disable_unref(m->archive_timer);
        sd_event_source_disable_unref(m->signal_source);
        sd_event_source_disable_unref(m->stop_timer);
        sd_event_source_disable_unref(m->background_source);
        sd_event_source_disable_unref(m->tpm_source);
        background_free(m->background); /* it answers over the bus, and gives sensors a policy */
        gate_free(m->gate);
        learner_free(m->learner);
        observer_free(m->observer);
        files_free(m->files);
        units_free(m->units);
        bus_free(m->bus);
        checks_free(m->checks); /* the background reads for it */
        rounds_free(m->rounds); /* it asks the TPM */
        tpm_free(m->tpm);
        registers_free(m->registers);
        engine_free(m->engine);
        policy_free(m->first_policy);
        event_store_free(m->store);
        for (Watched w = 0; w < _WATCHED_MAX; w++)
                free(m->level_why[w]);
        free(m->scope);
        free(m->tpm_device);
        death_note_done(&m->death);
        blob_list_done(&m->sealed);
        config_done(&m->config);
        sd_event_unref(m->event);
}

static int on_engine_timer(sd_event_source *s _unused_, uint64_t usec _unused_, void *userdata) {
        const Input in = { .type = INPUT_TIMER };
        Manager *m = userdata;

        if (m->observer)
                observer_drain(m->observer);
        manager_feed(m, &in);
        return 0;
}

/* Then it must be left alone: setting a timer makes one that is due wait for the next turn, and whoever feeds us at every turn
 * would keep it from us for ever. */
static bool is_armed(sd_event_source *timer, usec_t deadline) {
        int enabled;
        usec_t at;

        return timer && sd_event_source_get_enabled(timer, &enabled) > 0 && enabled == SD_EVENT_ONESHOT &&
               sd_event_source_get_time(timer, &at) >= 0 && at == deadline;
}

/* One timer, armed only while the engine waits for something. */
static void arm_engine_timer(Manager *m) {
        usec_t deadline = engine_deadline(m->engine);
        int r;

        if (deadline == USEC_INFINITY) {
                if (m->engine_timer)
                        (void) sd_event_source_set_enabled(m->engine_timer, SD_EVENT_OFF);
                return;
        }
        if (is_armed(m->engine_timer, deadline))
                return;
        if (!m->engine_timer)
                r = sd_event_add_time(m->event, &m->engine_timer, CLOCK_BOOTTIME, deadline, 0, on_engine_timer, m);
        else {
                r = sd_event_source_set_time(m->engine_timer, deadline);
                if (r >= 0)
                        r = sd_event_source_set_enabled(m->engine_timer, SD_EVENT_ONESHOT);
        }
        if (r < 0)
                log_errno(LOG_ERR, r, "cannot arm the engine's timer");
}

static void feed_one(Manager *m, const Input *in) {
        _cleanup_(action_list_done) ActionList actions = {};
        const Now now = now_get();
        int r;

        r = engine_feed(m->engine, in, &now, &actions);
        if (r < 0)
                log_errno(LOG_ERR, r, "the engine could not do all that an input asked for");
        death_begun(m);
        manager_perform(m, &actions);
}

/* What is told of the machine is not: its strings are gone when its turn comes. */
static bool can_wait(const Input *in) {
        switch (in->type) {
        case INPUT_READY:
        case INPUT_PROVIDER:
        case INPUT_EXTEND_FAILED:
        case INPUT_COMMIT_FAILED:
        case INPUT_FAILURE:
        case INPUT_LOCK_STEP:
        case INPUT_PROVED:
        case INPUT_ATTESTED: /* as of give_up() */
                return true;
        case INPUT_HARVESTED:
                return in->harvested.n == 0;
        case INPUT_EXECED:
                return !in->execed.path;
        default:
                return false;
        }
}

static void follow(Manager *m, const Input *in) {
        const size_t room = in->type == INPUT_FAILURE ? FOLLOWUPS_MAX - FOLLOWUPS_KEPT : FOLLOWUPS_MAX;

        assert(can_wait(in));
        if (m->followups_size < room)
                m->followups[m->followups_size++] = *in;
        else
                log_message(LOG_ERR, "too many things follow from one input");
}

/* True when nothing that was promised is still on its way to the register. */
static bool is_idle(Manager *m) {
        Status status;

        engine_status(m->engine, &status);
        return status.events == status.anchored;
}

void manager_feed(Manager *m, const Input *in) {
        if (m->feeding) { /* an action led here: its turn comes */
                follow(m, in);
                return;
        }
        m->feeding = true;
        feed_one(m, in);
        for (size_t i = 0; i < m->followups_size; i++) {
                const Input next = m->followups[i];

                feed_one(m, &next);
        }
        m->followups_size = 0;
        m->feeding = false;
        death_watch(m);
        if (is_idle(m) && event_store_idle(m->store) < 0)
                log_message(LOG_WARNING, "cannot empty the pending file");
        arm_engine_timer(m);
}

void manager_failure(Manager *m, Failure row, const char *detail) {
        const Input in = { .type = INPUT_FAILURE, .failure = { .row = row, .detail = detail } };

        manager_feed(m, &in);
}

static int save_life(const Manager *m, uint64_t watermark) {
        Life life = m->life;

        life.watermark = watermark;
        return life_write(m->options->state_dir, &life);
}

/* A copy of the log's end on its way to the disk, and the watermark for it. */
typedef struct ArchiveJob {
        Manager *manager;
        uint64_t size, watermark;
} ArchiveJob;

static ArchiveJob archive_job(Manager *m) {
        Status status;

        engine_status(m->engine, &status);
        return (ArchiveJob){
                .manager = m,
                .size = event_store_anchored_size(m->store),
                .watermark =
                        status.anchored >= m->told_upto ? event_store_anchored_records(m->store) : m->life.watermark,
        };
}

static int archive_work(void *item) {
        const ArchiveJob *j = item;
        const Manager *m = j->manager;
        int r = archive_copy(event_store_fd(m->store), j->size, m->options->log_dir, m->life.name);

        return r < 0 ? r : save_life(m, j->watermark);
}

static void archive_done(void *item, int result, int cancelled) {
        _cleanup_free_ ArchiveJob *j = item;

        j->manager->archiving = false;
        if (!cancelled && result < 0)
                manager_failure(j->manager, FAILURE_ARCHIVE_WRITE, strerrorname_np(-result));
}

static int on_archive_timer(sd_event_source *s _unused_, uint64_t usec _unused_, void *userdata) {
        Manager *m = userdata;
        Status status;
        ArchiveJob *j;

        engine_status(m->engine, &status);
        if (m->bus)
                bus_events_anchored(m->bus, status.anchored);
        if (m->archiving) { /* a slow disk: later */
                manager_anchored(m);
                return 0;
        }
        j = calloc(1, sizeof(ArchiveJob));
        if (!j)
                return 0;
        *j = archive_job(m);
        m->archiving = true;
        (void) background_submit(m->background, archive_work, archive_done, j);
        return 0;
}

void manager_anchored(Manager *m) {
        int enabled = SD_EVENT_OFF;

        if (m->archive_timer && sd_event_source_get_enabled(m->archive_timer, &enabled) >= 0 &&
            enabled != SD_EVENT_OFF)
                return;
        m->archive_timer = sd_event_source_disable_unref(m->archive_timer);
        (void) sd_event_add_time_relative(m->event, &m->archive_timer, CLOCK_BOOTTIME, ARCHIVE_AFTER, 0,
                                          on_archive_timer, m);
}

void manager_archive_now(Manager *m) {
        const ArchiveJob j = archive_job(m);
        int r;

        m->background_source = sd_event_source_disable_unref(m->background_source);
        m->background = background_free(m->background); /* it may be writing there */
        r = archive_work((void *) &j);

        if (r < 0)
                log_errno(LOG_ERR, r, "cannot archive the event log");
}

static int on_stop_timeout(sd_event_source *s, uint64_t usec, void *userdata);

/* As long as entries reach the register, that of the stop comes nearer. */
static void await_stop(Manager *m) {
        const usec_t patience = MAX(STOP_PATIENCE, m->config.extend_deadline);
        Status status;
        int r;

        engine_status(m->engine, &status);
        m->stop_anchored = status.anchored;
        (void) sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%" PRIu64, patience + STOP_SLACK);
        m->stop_timer = sd_event_source_disable_unref(m->stop_timer);
        r = sd_event_add_time_relative(m->event, &m->stop_timer, CLOCK_BOOTTIME, patience, 0, on_stop_timeout, m);
        if (r < 0)
                log_errno(LOG_ERR, r, "cannot limit how long the stop may take");
}

static int on_stop_timeout(sd_event_source *s _unused_, uint64_t usec _unused_, void *userdata) {
        Manager *m = userdata;
        Status status;

        engine_status(m->engine, &status);
        if (status.anchored > m->stop_anchored) {
                await_stop(m);
                return 0;
        }
        log_message(LOG_WARNING, "the stop record did not reach the TPM in time");
        return sd_event_exit(m->event, EX_TEMPFAIL);
}

void manager_stop(Manager *m, const char *reason, bool hand_over) {
        const Input in = { .type = INPUT_STOP, .stop = { .reason = reason } };

        (void) sd_notify(0, "STOPPING=1");
        m->handing_over = hand_over;
        if (m->stopping || !m->started) { /* asked twice, or there is nothing to record yet */
                (void) sd_event_exit(m->event, m->stopping ? EX_TEMPFAIL : EX_OK);
                return;
        }
        m->stopping = true;
        keeping_stop(m);
        await_stop(m);
        manager_feed(m, &in);
}
