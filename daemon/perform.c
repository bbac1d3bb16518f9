/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Actions become calls of the edges, one function each. The order of the list is kept: a record is written before the
 * answer that depends on it. */

#include <errno.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>

#include "daemon/alert.h"
#include "daemon/manager.h"
#include "daemon/step.h"
#include "dbus/names.h"
#include "lib/io/log.h"

static void perform_record(Manager *m, const Action *a) {
        int r;

        step("record:before-pending");
        r = event_store_append(m->store, a->record.seq, a->record.known, a->record.bytes, a->record.size);
        step("record:after-pending");
        if (r >= 0)
                return;
        m->log_failed = true;
        log_errno(LOG_ERR, r, "cannot write entry %llu to the pending file", (unsigned long long) a->record.seq);
        manager_failure(m, FAILURE_LOG_WRITE, strerrorname_np(-r));
}

static void perform_commit(Manager *m, const Action *a) {
        const Input failed = { .type = INPUT_COMMIT_FAILED, .failure = { .row = FAILURE_LOG_WRITE } };
        int r = 0;

        if (m->committed_upto <= a->commit.upto) { /* else it is written, and only its extend is tried again */
                step("record:before-commit");
                r = event_store_commit(m->store, a->commit.upto, a->commit.bytes, a->commit.size);
                step("record:after-commit");
        }
        if (r < 0) {
                log_errno(LOG_ERR, r, "cannot write the event log");
                manager_feed(m, &failed);
                return;
        }
        m->committed_upto = a->commit.upto + 1;
        registers_commit(m, a);
}

/* An entry of this list could not be written: what would have been let run because of it is decided by its row. */
static bool answer_after_all(const Manager *m, bool allow) {
        if (!allow || !m->log_failed)
                return allow;
        return policy_on_failure(engine_policy(m->engine), FAILURE_LOG_WRITE) == ON_FAILURE_ALLOW;
}

static void perform_answer(Manager *m, const Action *a) {
        int r;

        step("release:before-answer");
        r = gate_answer(m->gate, a->answer.token, answer_after_all(m, a->answer.allow));
        step("release:after-answer");
        if (r < 0)
                log_errno(LOG_ERR, r, "cannot answer the kernel");
}

static void perform_lock_step(Manager *m, const Action *a) {
        Input done = { .type = INPUT_LOCK_STEP, .lock_step = { .step = a->lock_step.step } };
        usec_t started;

        if (a->lock_step.step == LOCK_POISON) {
                step("lock:before-poison");
                registers_poison(m, &a->lock_step.poison);
                step("lock:after-poison");
                return;
        }
        started = now_get().boottime;
        if (m->lock_started == 0) /* else it is wiped once more, behind a harvest */
                m->lock_started = started;
        step("lock:before-wipe");
        (void) vault_wipe(m->vault);
        keeping_forget(m);
        step("lock:after-wipe");
        done.lock_step.took = now_get().boottime - started;
        manager_feed(m, &done);
}

static void perform_alert(Manager *m, const Action *a) {
        alert_send(a->alert.severity, a->alert.kind, a->alert.seq, a->alert.json, m->taints[0] != NULL);
        if (m->bus &&
            (a->alert.severity >= SEVERITY_ERROR || a->alert.kind == KIND_EXEC || a->alert.kind == KIND_ACTIVITY))
                bus_violation(m->bus, a->alert.seq, kind_name(a->alert.kind), a->alert.json);
        if (log_take_lost() > 0) /* earlier ones: the journal is asked by a thread */
                manager_failure(m, FAILURE_JOURNAL_GONE, NULL);
}

static void perform_state(Manager *m, const Action *a) {
        Status status;

        engine_status(m->engine, &status);
        if (m->bus)
                bus_state_changed(m->bus, a->state.from, a->state.to, status.reasons);
        (void) sd_notifyf(0, "STATUS=%s%s", m->taints[0] ? "[SIMULATED] " : "", state_names[a->state.to]);
}

static void perform_refuse(Manager *m, const Action *a) {
        requests_fail(m, a->release.request, SEALWATCH_ERROR_REFUSED, a->release.reason);
}

static void perform_stop(Manager *m) {
        log_message(LOG_NOTICE, "stopped");
        (void) sd_event_exit(m->event, EX_OK);
}

static void perform_one(Manager *m, const Action *a) {
        switch (a->type) {
        case ACTION_RECORD:
                return perform_record(m, a);
        case ACTION_COMMIT:
                return perform_commit(m, a);
        case ACTION_HARVEST:
                return registers_harvest(m, a->harvest.cap_only);
        case ACTION_ANSWER:
                return perform_answer(m, a);
        case ACTION_CONFIRMED:
                return gate_confirmed(m->gate, a->confirmed.token, a->confirmed.ran ? &a->confirmed.execed : NULL);
        case ACTION_KILL:
                return sensors_kill(m, a->kill.pid, a->kill.started);
        case ACTION_LOCK_STEP:
                return perform_lock_step(m, a);
        case ACTION_ALERT:
                return perform_alert(m, a);
        case ACTION_STATE:
                return perform_state(m, a);
        case ACTION_RELEASE:
                return requests_release(m, a);
        case ACTION_REFUSE:
                return perform_refuse(m, a);
        case ACTION_PROVE:
                return rounds_prove(m, a);
        case ACTION_ATTEST:
                return rounds_attest(m, a);
        case ACTION_ATTESTED:
                return rounds_attested(m, a);
        case ACTION_NO_ROUND:
                return rounds_refused(m, a);
        case ACTION_DETACH:
                return requests_detached(m, a);
        case ACTION_DRILL:
                return drill_perform(m, a);
        case ACTION_STOP:
                return perform_stop(m);
        case _ACTION_MAX:
                return;
        }
}

void manager_perform(Manager *m, const ActionList *actions) {
        m->log_failed = false;
        for (size_t i = 0; i < actions->size; i++)
                perform_one(m, &actions->items[i]);
}
