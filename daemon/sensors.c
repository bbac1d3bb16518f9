/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The sensors: made, probed, listened to. */

#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>

#include "daemon/manager.h"
#include "daemon/sensor/subject.h"
#include "daemon/step.h"
#include "lib/base/alloc.h"
#include "lib/base/hex.h"
#include "lib/io/log.h"

enum { CACHE_MAX = 16384 };

void sensors_set_level(Manager *m, Watched w, Level level, const char *why) {
        m->levels[w] = level;
        (void) free_and_strdup(&m->level_why[w], why);
}

/* At start the levels wait for the start record; later a change is an input of its own. */
void sensors_change_level(Manager *m, Watched w, Level level, const char *why) {
        Input in = { .type = INPUT_LEVELS };

        sensors_set_level(m, w, level, why);
        if (level == LEVEL_OFF)
                log_message(LOG_WARNING, "%s: off: %s", watched_names[w], strempty(why));
        if (!m->started) {
                if (m->probes_left > 0 && --m->probes_left == 0)
                        manager_probed(m);
                return;
        }
        memcpy(in.levels.levels, m->levels, sizeof(in.levels.levels));
        for (Watched i = 0; i < _WATCHED_MAX; i++)
                in.levels.why[i] = m->level_why[i];
        manager_feed(m, &in);
        if (m->bus)
                bus_levels_changed(m->bus);
}

/* Programs are held at the gate; where the hook on them works, those that come past it are refused as well. */
static void on_gate_level(void *userdata, Level level, const char *why) {
        Manager *m = userdata;

        if (level == LEVEL_GATE && m->hook_on_exec)
                sensors_change_level(m, WATCHED_EXEC, LEVEL_ENFORCE, m->exec_hook_why);
        else
                sensors_change_level(m, WATCHED_EXEC, level, why);
}

static void on_observer_level(void *userdata, Level level, const char *why) {
        sensors_change_level(userdata, WATCHED_UNGATED, level, why);
}

static void on_ask(void *userdata, const Observation *o) {
        Manager *m = userdata;
        const Input in = { .type = INPUT_EXEC, .exec = *o };

        if (m->observer)
                observer_drain(m->observer); /* an exec that is over ends the answers given for it */
        manager_feed(m, &in);
}

static void on_admit(void *userdata, uint32_t pid, const FileIdentity *file, bool admitted) {
        const Manager *m = userdata;

        if (m->observer)
                (void) observer_admit(m->observer, pid, file, admitted); /* what fails is refused */
}

static void on_late(void *userdata, uint64_t token) {
        const Input in = { .type = INPUT_ANSWER_LATE, .token = token };

        manager_feed(userdata, &in);
}

static void on_unused(void *userdata, uint32_t pid, uint64_t token) {
        const Input in = { .type = INPUT_ANSWER_UNUSED, .unused = { .pid = pid, .token = token } };

        manager_feed(userdata, &in);
}

/* Confirmations that are in the ring still. */
static void on_catch_up(void *userdata) {
        const Manager *m = userdata;

        if (m->observer)
                observer_drain(m->observer);
}

static void on_failure(void *userdata, Failure row, const char *detail) {
        Manager *m = userdata;

        log_message(LOG_WARNING, "%s: %s", failure_name(row), strempty(detail));
        if (m->started)
                manager_failure(m, row, detail);
}

static bool is_known(void *userdata, const uint8_t digest[SHA256_SIZE]) {
        const Manager *m = userdata;

        return policy_lets_pass(engine_policy(m->engine), digest);
}

static void on_execed(void *userdata, const Execed *x) {
        const Input in = { .type = INPUT_EXECED, .execed = *x };
        Manager *m = userdata;

        if (!m->started)
                return;
        manager_feed(m, &in);
        checks_nudge(m);
}

static void on_changed(void *userdata, const Execed *x) {
        const Input in = { .type = INPUT_EXECED, .execed = *x };

        manager_feed(userdata, &in);
}

static void on_code(void *userdata, CodeSeen *c, uint32_t generation) {
        Manager *m = userdata;
        Input in = { .type = INPUT_CODE, .code = *c };

        in.code.stale = generation != m->kernel_generation;
        if (!m->started)
                return;
        manager_feed(m, &in);
        checks_nudge(m);
}

static void on_unhashed(void *userdata, UnhashedCode *u) {
        Manager *m = userdata;

        if (m->learner)
                learner_take(m->learner, u);
        else
                observer_hashed(m->observer, u, &(Hashed){ .leased_fd = -1 });
}

static void on_lost(void *userdata, const char *sensor, uint64_t first, uint64_t last, uint64_t count) {
        const Input in = { .type = INPUT_LOST,
                           .lost = { .sensor = sensor, .first = first, .last = last, .count = count } };
        Manager *m = userdata;

        if (m->started)
                manager_feed(m, &in);
}

/* The kernel side does not tell each refusal when there are too many. */
static void on_untold(void *userdata, Event event _unused_, uint64_t count) {
        const Input in = { .type = INPUT_UNTOLD, .untold = { .count = count } };
        Manager *m = userdata;

        if (m->started)
                manager_feed(m, &in);
}

/* What comes before the start is said behind it: nothing stands in the log before its first record. */
static void hooks_failed(Manager *m, const char *why) {
        if (m->started)
                manager_failure(m, FAILURE_HOOKS_DEAD, why);
        else
                m->hooks_failed = why;
}

static void on_unpinned(void *userdata) {
        hooks_failed(userdata, "somebody removed the pins of the programs");
}

/* Before the start the probe is still to say what there is. */
static void lose_level(Manager *m, Watched w, Level level, const char *why) {
        if (m->started)
                sensors_change_level(m, w, level, why);
        else
                sensors_set_level(m, w, level, why);
}

static void on_died(void *userdata, const char *why) {
        Manager *m = userdata;

        hooks_failed(m, why);
        lose_level(m, WATCHED_UNGATED, LEVEL_OFF, why);
}

static bool is_of_hooks(Watched w) {
        return w >= WATCHED_LIBRARY && w != WATCHED_CONFIG && w != WATCHED_UNIT && w != WATCHED_PCR &&
               w != WATCHED_IMA;
}

/* Somebody silenced the hooks: nothing that they claimed is claimed any longer. */
static void on_hooks_died(void *userdata) {
        static const char why[] = "a program ran without the hook being asked";
        Manager *m = userdata;

        for (Watched w = WATCHED_LIBRARY; w < _WATCHED_MAX; w++)
                if (is_of_hooks(w))
                        sensors_set_level(m, w, LEVEL_OFF, why);
        m->hooks = m->hook_on_exec = false;
        m->exec_hook_why = NULL;
        lose_level(m, WATCHED_EXEC, MIN(m->levels[WATCHED_EXEC], LEVEL_GATE), why);
        hooks_failed(m, why);
}

/* Those of an earlier daemon, while there was none: ours work, as they were seen to. */
static void on_hooks_were_dead(void *userdata) {
        manager_failure(userdata, FAILURE_HOOKS_DEAD,
                        "a program ran without the hooks of an earlier daemon being asked");
}

static void give_up_observer(Manager *m, const char *why) {
        log_message(LOG_WARNING, "programs that run past the gate cannot be seen: %s", strempty(why));
        sensors_set_level(m, WATCHED_UNGATED, LEVEL_OFF, why);
        m->observer = observer_free(m->observer);
}

/* The observer may be refused by the kernel; the guard works without it, and says so. */
static int start_observer(Manager *m) {
        const ObserverOptions options = {
                .cgroup = m->config.scope_cgroup,
                .ring_size = m->config.ring_size,
                .hooks = !m->config.hooks   ? RUNG_NONE
                         : step_only_sees() ? RUNG_FENTRY
                                            : RUNG_LSM,
                .bpf_dir = m->options->bpf_dir,
                .host_view = m->options->host_view,
        };
        const ObserverOps ops = {
                .execed = on_execed,
                .code = on_code,
                .unhashed = on_unhashed,
                .activity = activities_seen,
                .lost = on_lost,
                .untold = on_untold,
                .unpinned = on_unpinned,
                .hooks_died = on_hooks_died,
                .hooks_were_dead = on_hooks_were_dead,
                .died = on_died,
                .level = on_observer_level,
                .userdata = m,
        };
        const char *why = NULL;
        int r;

        r = observer_new(m->event, &options, &ops, &m->observer);
        if (r < 0)
                return r;
        if (observer_attach(m->observer, &why) >= 0) {
                if (why)
                        log_message(LOG_NOTICE, "the programs in the kernel are not where they can do most: %s", why);
                if (observer_pinned(m->observer, &why) == 0)
                        log_message(LOG_NOTICE, "the programs in the kernel end with this process: %s: %s",
                                    m->options->bpf_dir, strempty(why));
                return 0;
        }
        give_up_observer(m, why);
        return 0;
}

static int start_gate(Manager *m) {
        GateOptions options = {
                .paths = (const char *const *) m->config.file_systems,
                .host_view = m->options->host_view,
                .cgroup = m->config.scope_cgroup,
                .hash_deadline = m->config.hash_deadline,
                .answer_deadline = m->config.answer_deadline,
                .linger = m->observer ? GATE_LINGER_OBSERVED : GATE_LINGER_ALONE,
                .max_file_size = m->config.max_file_size,
                .queue_max = m->config.queue_max,
                .workers = (unsigned) m->config.workers,
                .cache_max = CACHE_MAX,
                .identify_fd = m->observer ? observer_identify_fd(m->observer) : -1,
        };
        const GateOps ops = {
                .ask = on_ask,
                .admit = on_admit,
                .late = on_late,
                .changed = on_changed,
                .unused = on_unused,
                .catch_up = on_catch_up,
                .failure = on_failure,
                .level = on_gate_level,
                .is_known = is_known,
                .identify = m->observer ? observer_identify : NULL,
                .userdata = m,
        };
        int r;

        if (RAND_bytes(options.seed, sizeof(options.seed)) != 1)
                return -EIO;
        r = gate_new(m->event, &options, &ops, &m->gate);
        return r;
}

/* Which level stands for which event; programs have one of their own. */
static const Watched watched_of[_EVENT_CODE_MAX] = {
        [EVENT_EXEC] = _WATCHED_MAX,   [EVENT_LIBRARY] = WATCHED_LIBRARY,   [EVENT_MODULE] = WATCHED_MODULE,
        [EVENT_KEXEC] = WATCHED_KEXEC, [EVENT_FIRMWARE] = WATCHED_FIRMWARE, [EVENT_OVERWRITE] = WATCHED_OVERWRITE,
};

/* Before the gate is made: it gets what belongs to the rung. */
static void probe_hooks(Manager *m) {
        const char *why[_EVENT_CODE_MAX];
        Level levels[_EVENT_CODE_MAX];

        if (observer_probe_hooks(m->observer, m->options->canary, levels, why) < 0)
                return give_up_observer(m, "the kernel does not take the programs any more");
        if (learner_new(m->event, m->observer, m->config.hash_deadline, m->config.max_file_size, &m->learner) < 0)
                m->learner = NULL; /* what it would hash is code that nobody could read */
        m->hook_on_exec = levels[EVENT_EXEC] == LEVEL_ENFORCE;
        m->exec_hook_why = m->hook_on_exec ? why[EVENT_EXEC] : NULL;
        m->hooks = levels[EVENT_EXEC] > LEVEL_OFF;
        for (Event e = 0; e < _EVENT_CODE_MAX; e++)
                if (watched_of[e] < _WATCHED_MAX)
                        sensors_set_level(m, watched_of[e], levels[e], why[e]);
}

static int set_kernel_policy(Manager *m, const Policy *policy) {
        _cleanup_(compiled_policy_done) CompiledPolicy compiled = {};
        int r = policy_compile(policy, m->kernel_generation + 1, &compiled);

        if (r >= 0)
                r = observer_set_policy(m->observer, &compiled);
        if (r < 0)
                return r;
        observer_drain(m->observer); /* what was decided by the old one, while the engine still has that */
        m->kernel_generation++;
        return 0;
}

void sensors_set_policy(Manager *m, const Policy *policy) {
        int r;

        gate_set_needs_subject(m->gate, policy->needs_subject);
        if (!m->observer || !m->hooks) /* hooks that are not claimed let everything go */
                return;
        r = set_kernel_policy(m, policy);
        if (r < 0) {
                log_errno(LOG_ERR, r, "the kernel side does not take the policy");
                manager_failure(m, FAILURE_HOOKS_DEAD, "the kernel side does not take the policy");
        }
}

/* Marks and attaches; what the probes show comes to sensors_change_level() from the event loop. */
int sensors_start(Manager *m) {
        int r;

        for (Watched w = WATCHED_LIBRARY; w < _WATCHED_MAX; w++)
                sensors_set_level(m, w, LEVEL_OFF,
                                  is_of_hooks(w) ? "the kernel runs no programs of ours" : "not watched");
        r = checks_start(m); /* may wait: nobody waits for us yet */
        if (r >= 0)
                r = start_observer(m);
        if (r >= 0 && m->observer)
                probe_hooks(m);
        if (r >= 0)
                r = start_gate(m);
        if (r < 0)
                return log_errno(LOG_ERR, r, "cannot start the sensors");
        activities_watch_files(m);
        m->probes_left = 1 + (m->observer != NULL);
        if (m->observer) {
                activities_probe(m);
                observer_gate_armed(m->observer, gate_armed(m->gate));
                r = observer_probe(m->observer, m->options->canary);
                if (r < 0)
                        on_observer_level(m, LEVEL_OFF, "the probe could not be started");
        }
        r = gate_probe(m->gate, m->options->canary);
        if (r < 0)
                on_gate_level(m, LEVEL_OFF, "the probe could not be started");
        return 0;
}

static void on_units_listed(void *userdata, size_t units, const uint8_t digest[SHA256_SIZE]) {
        char count[24];
        const Input in = {
                .type = INPUT_ACTIVITY,
                .activity = { .event = EVENT_UNIT,
                              .target = "*",
                              .digest = digest,
                              .details = { { "units", count } } },
        };

        snprintf(count, sizeof(count), "%zu", units);
        manager_feed(userdata, &in);
}

static void on_unit_changed(void *userdata, const UnitSeen *u) {
        static const uint8_t none[SHA256_SIZE];
        bool is_new = memcmp(u->previous, none, SHA256_SIZE) == 0;
        char previous[2 * SHA256_SIZE + 1];
        const Input in = {
                .type = INPUT_ACTIVITY,
                .activity = { .event = EVENT_UNIT,
                              .target = u->name,
                              .digest = u->digest,
                              .details = { { "file", u->fragment },
                                           { "program", u->command },
                                           { "transient", u->transient ? "yes" : "no" },
                                           { "loaded", u->stale ? "before the files changed" : "as the files are" },
                                           { is_new ? NULL : "previous", previous } } },
        };

        hex_encode(u->previous, SHA256_SIZE, previous);
        manager_feed(userdata, &in);
}

static void on_units_level(void *userdata, Level level, const char *why) {
        sensors_change_level(userdata, WATCHED_UNIT, level, why);
}

/* Units are the machine's; who watches a cgroup is not asked. */
static void start_units(Manager *m) {
        const UnitsOps ops = {
                .listed = on_units_listed, .changed = on_unit_changed, .level = on_units_level, .userdata = m
        };

        if (!m->config.scope_cgroup && units_new(m->event, m->options->bus_address, &ops, &m->units) < 0)
                log_message(LOG_WARNING, "units cannot be watched");
}

void sensors_facts(Manager *m, StartFacts *ret) {
        ObserverLeft left;
        const char *why;

        if (!m->observer)
                return;
        observer_drain(m->observer); /* what ran until now, our own probes among it, was before the start */
        observer_left(m->observer, &left);
        ret->pinned = observer_pinned(m->observer, &why);
        ret->judging = left.judging;
        ret->queued = left.queued;
        ret->lost = left.lost;
}

void sensors_open(Manager *m) {
        sensors_set_policy(m, engine_policy(m->engine));
        if (m->observer)
                observer_take_over(m->observer);
        gate_open(m->gate);
        start_units(m);
}

/* What the observer said cannot be said any more, and nobody is missing it: it was asked for. */
void sensors_detach(Manager *m) {
        static const char why[] = "detached";

        if (!m->observer)
                return;
        observer_detach(m->observer);
        m->hooks = m->hook_on_exec = false;
        for (Watched w = WATCHED_LIBRARY; w < _WATCHED_MAX; w++)
                if (is_of_hooks(w))
                        sensors_set_level(m, w, LEVEL_OFF, why);
        sensors_set_level(m, WATCHED_EXEC, MIN(m->levels[WATCHED_EXEC], LEVEL_GATE), why);
        sensors_change_level(m, WATCHED_UNGATED, LEVEL_OFF, why);
}

void sensors_stop(Manager *m) {
        if (m->observer)
                observer_unpin(m->observer);
}

void sensors_kill(Manager *m _unused_, uint32_t pid, usec_t started) {
        int r = process_kill(pid, started);

        if (r < 0)
                log_errno(LOG_ERR, r, "cannot kill process %u", pid);
}
