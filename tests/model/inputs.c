/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What happens to the machine. */

#include "lib/base/cleanup.h"
#include "tests/model/world.h"

static FileIdentity identity(unsigned path) {
        return (FileIdentity){ .inode_address = path + 1, .inode = path + 1, .device = 8U << 20 };
}

static Subject subject(uint32_t pid, uint32_t uid) {
        return (Subject){ .pid = pid, .uid = uid, .euid = uid, .exe = "/bin/sh", .comm = "sh", .cgroup = "/user" };
}

static void exec(World *w) {
        static const Failure rows[] = { FAILURE_HASH_DEADLINE, FAILURE_NO_LEASE, FAILURE_OPEN_WRITERS,
                                        FAILURE_READ_ERROR, FAILURE_QUEUE_FULL };
        static const uint32_t users[] = { 0, 1000, 1001 };
        unsigned path = (unsigned) random_below(&w->random, PATHS);
        Token *t = &w->tokens[w->tokens_size];
        Input in = { .type = INPUT_EXEC };

        if (w->tokens_size == TOKENS_MAX || w->stopped)
                return;
        *t = (Token){
                .path = path,
                .version = chance(w, 70) ? 0 : (unsigned) random_below(&w->random, 1000),
                .pid = 100 + (uint32_t) random_below(&w->random, 40),
                .uid = users[random_below(&w->random, ELEMENTSOF(users))],
                .failure = chance(w, 6) ? rows[random_below(&w->random, ELEMENTSOF(rows))] : _FAILURE_INVALID,
                .asked = w->boottime,
        };
        if (path == PATHS - 1 && chance(w, 95)) /* a rule that locks: not all the time */
                return;
        t->has_digest = t->failure == _FAILURE_INVALID || (t->failure == FAILURE_NO_LEASE && chance(w, 50));
        in.exec = (Observation){
                .event = EVENT_EXEC,
                .token = w->tokens_size,
                .path = path_text(path),
                .has_digest = t->has_digest,
                .failure = t->failure,
                .subject = subject(t->pid, t->uid),
                .file = identity(path),
        };
        if (t->has_digest)
                content_digest(path, t->version, in.exec.digest);
        watch_token(w, &in.exec, t);
        world_trace(w, "exec %zu: path %u version %u pid %u uid %u %s%s%s", w->tokens_size, path, t->version, t->pid,
                    t->uid, t->failure == _FAILURE_INVALID ? "" : failure_name(t->failure),
                    t->unknown ? " unknown" : "", t->refused ? " refused" : "");
        w->tokens_size++;
        daemon_feed(w, &in);
}

static void late(World *w) {
        Input in = { .type = INPUT_ANSWER_LATE };

        for (size_t i = w->tokens_size; i > 0; i--)
                if (w->tokens[i - 1].state == TOKEN_HELD && !w->tokens[i - 1].late) {
                        w->tokens[i - 1].late = true;
                        in.token = i - 1;
                        world_trace(w, "late %zu", i - 1);
                        daemon_feed(w, &in);
                        return;
                }
}

/* Most programs that run were let run; some are another file, another process, or nobody was asked. */
static void execed(World *w) {
        const Token *t = w->tokens_size > 0
                                 ? &w->tokens[w->tokens_size - 1 - random_below(&w->random, MIN(w->tokens_size, 12))]
                                 : NULL;
        bool honest = t && t->state == TOKEN_ALLOWED && chance(w, 85);
        unsigned path = honest ? t->path : (unsigned) random_below(&w->random, PATHS);
        const Input in = {
                .type = INPUT_EXECED,
                .execed = {
                        .subject = subject(t && chance(w, 97) ? t->pid : 7, t ? t->uid : 1000),
                        .path = path_text(path),
                        .file = identity(path),
                        .started = honest || chance(w, 50) ? 1 : w->boottime,
                        .when = honest && chance(w, 50) ? t->when : w->boottime, /* told late, or at once */
                        .privileged = chance(w, 10),
                        .before_gate = chance(w, 5),
                },
        };

        if (!honest && chance(w, 85)) /* seldom: it is the end of trust */
                return;
        world_trace(w, "execed pid %u path %u%s%s", in.execed.subject.pid, path,
                    in.execed.privileged ? " privileged" : "", in.execed.before_gate ? " before the gate" : "");
        daemon_feed(w, &in);
}

/* Something is done to the machine's running state. */
static void activity(World *w) {
        static const uint32_t users[] = { 0, 1000, 1001 };
        unsigned path = (unsigned) random_below(&w->random, PATHS);
        const Policy *p = engine_policy(w->engine);
        Input in = { .type = INPUT_ACTIVITY };
        Activity *a = &in.activity;

        *a = (Activity){
                .event = _EVENT_CODE_MAX + (Event) random_below(&w->random, _EVENT_MAX - _EVENT_CODE_MAX),
                .subject = subject((uint32_t) random_below(&w->random, 40),
                                   users[random_below(&w->random, ELEMENTSOF(users))]),
                .target = path_text(path),
                .details = { { "type", "tmpfs" } },
                .denied = p->mode == MODE_ENFORCE && chance(w, 50),
                .stale = chance(w, 5),
                .privileged = chance(w, 10),
        };
        if (a->event == EVENT_SELF && !a->denied && chance(w, 95)) /* mostly the end of trust */
                return;
        world_trace(w, "activity %s path %u uid %u%s%s", event_names[a->event], path, a->subject.uid,
                    a->denied ? " denied" : "", a->privileged ? " privileged" : "");
        daemon_feed(w, &in);
}

static void failure(World *w) {
        const Input in = { .type = INPUT_FAILURE,
                           .failure = { .row = (Failure) random_below(&w->random, _FAILURE_MAX) } };

        if (policy_on_failure(engine_policy(w->engine), in.failure.row) == ON_FAILURE_LOCK && chance(w, 80))
                return;
        world_trace(w, "failure %s", failure_name(in.failure.row));
        daemon_feed(w, &in);
}

static void lost(World *w) {
        const Input in = { .type = INPUT_LOST, .lost = { .sensor = "exec", .first = 1, .last = 5, .count = 5 } };

        if (!chance(w, 20))
                return;
        world_trace(w, "lost");
        daemon_feed(w, &in);
}

static void levels(World *w) {
        Input in = { .type = INPUT_LEVELS, .levels.levels = { LEVEL_GATE, LEVEL_OBSERVE } };

        if (chance(w, 40))
                in.levels.levels[WATCHED_UNGATED] = LEVEL_OFF;
        world_trace(w, "levels");
        daemon_feed(w, &in);
}

static void policy(World *w) {
        Input in = { .type = INPUT_POLICY };

        w->policy = (unsigned) random_below(&w->random, 100);
        in.policy.policy = policy_make(w->policy);
        world_trace(w, "policy %u (%s)", w->policy % 6, mode_names[in.policy.policy->mode]);
        daemon_feed(w, &in);
}

static void policy_refused(World *w) {
        const Input in = { .type = INPUT_POLICY_REFUSED, .policy_refused = { .error = "line 1: a mistake" } };

        world_trace(w, "policy refused");
        daemon_feed(w, &in);
}

static void request(World *w) {
        const Input in = {
                .type = INPUT_RELEASE,
                .release = { .request = w->requests_size,
                             .name = "one",
                             .unavailable = w->secrets ? NULL : "it is not held",
                             .uid = 0,
                             .pid = 9 },
        };

        if (w->requests_size == REQUESTS_MAX)
                return;
        w->requests[w->requests_size++] = REQUEST_OPEN;
        world_trace(w, "release");
        daemon_feed(w, &in);
}

static void sealed(World *w) {
        const Input in = { .type = INPUT_SEALED, .sealed = { .name = "three", .uid = 0 } };

        daemon_feed(w, &in);
}

/* A step of a round of attestation. Its result is watched by the record. */
static void attest(World *w) {
        static const CanaryOutcome outcomes[] = { CANARY_NOT_ASKED, CANARY_NOT_ASKED, CANARY_TROUBLE, CANARY_RAN };
        _cleanup_(check_list_done) CheckList checks = {};
        const Input ask = { .type = INPUT_ATTEST };
        Input proved = { .type = INPUT_PROVED, .proved = { .round = w->proving, .trouble = "the model has none" } };
        Input attested = { .type = INPUT_ATTESTED, .attested = { .round = w->gathering, .checks = &checks } };

        proved.proved.outcome = outcomes[random_below(&w->random, chance(w, 5) ? 4 : 3)];
        check_add(&checks, "model", chance(w, 80) ? CHECK_PASS : chance(w, 15) ? CHECK_FAIL : CHECK_UNDECIDED, "so");
        if (chance(w, 10))
                attested.attested.reason = "there is no evidence";
        world_trace(w, "attestation: %s", w->proving ? "proved" : w->gathering ? "attested" : "asked");
        if (w->proving)
                daemon_feed(w, &proved);
        else
                daemon_feed(w, w->gathering ? &attested : &ask);
        if (!w->dead && w->proving == proved.proved.round)
                w->proving = 0;
        if (!w->dead && w->gathering == attested.attested.round)
                w->gathering = 0;
}

/* What ends trust, or the daemon: seldom. */
static void fatal(World *w) {
        const Input tamper = { .type = INPUT_TAMPER, .tamper = { .what = "pcr", .detail = "changed" } };
        const Input lock = { .type = INPUT_LOCK, .lock = { .uid = 0, .reason = "people" } };
        const Input stop = { .type = INPUT_STOP, .stop = { .reason = "asked" } };
        const size_t what = random_below(&w->random, 40);

        if (what == 0 && !w->known_reset && w->log_entries > 0 && w->anchored > 0) {
                world_trace(w, "the TPM is reset");
                tpm_reset(w);
                w->known_reset = w->tampered = true;
                w->foreign = false;
        } else if (what == 1 || what == 2) {
                world_trace(w, what == 1 ? "tamper" : "lock");
                daemon_feed(w, what == 1 ? &tamper : &lock);
        } else if (what < 12) {
                world_trace(w, "stop");
                if (!w->stopping)
                        w->stop_asked = w->boottime;
                w->stopping = true;
                daemon_feed(w, &stop);
        }
}

static void tick(World *w, usec_t by) {
        const Input in = { .type = INPUT_TIMER };
        usec_t due = engine_deadline(w->engine);

        w->boottime += by;
        if (due > w->boottime)
                return;
        world_trace(w, "timer");
        daemon_feed(w, &in);
}

static void work(World *w) {
        job_run(w, false);
}

static void wait_long(World *w) {
        tick(w, random_below(&w->random, 3 * USEC_PER_SEC));
}

/* The disk has a copy of all that is in the register. */
static void archive(World *w) {
        Status status;

        engine_status(w->engine, &status);
        if (status.anchored >= w->told_upto)
                w->life.watermark = w->anchored_records;
}

void world_step(World *w) {
        static const struct {
                unsigned weight;
                void (*happens)(World *w);
        } table[] = {
                { 31, exec }, { 14, execed }, { 28, work },  { 3, wait_long },      { 1, late },    { 2, failure },
                { 2, lost },  { 2, levels },  { 2, policy }, { 1, policy_refused }, { 4, request }, { 1, sealed },
                { 1, fatal }, { 1, archive }, { 3, attest }, { 4, activity },
        };
        size_t n = random_below(&w->random, 100);

        if (w->crashes && w->dies_in == 0 && chance(w, 2))
                w->dies_in = 1 + (unsigned) random_below(&w->random, 40);
        tick(w, random_below(&w->random, 40 * USEC_PER_MSEC));
        for (size_t i = 0; i < ELEMENTSOF(table) && !w->dead; i++) {
                if (n < table[i].weight) {
                        table[i].happens(w);
                        break;
                }
                n -= table[i].weight;
        }
        if (!w->dead && !w->stopped)
                return;
        daemon_crash(w);
        if (chance(w, 10))
                machine_tamper(w);
        else if (chance(w, 10))
                machine_reboot(w);
        daemon_start(w);
}

/* Everything comes to an end, and nothing goes wrong any more. */
void world_settle(World *w) {
        bool crashes = w->crashes;

        if (w->known_reset) { /* its commits will never be in this TPM */
                daemon_crash(w);
                daemon_start(w);
        }
        w->crashes = false;
        w->dies_in = 0;
        world_trace(w, "settle");
        for (unsigned n = 0;; n++) {
                HOLDS(w, n < 20000);
                if (w->stopped)
                        break;
                if (job_waits(w))
                        job_run(w, true);
                else if (engine_deadline(w->engine) != USEC_INFINITY)
                        tick(w, engine_deadline(w->engine) - w->boottime);
                else
                        break;
        }
        if (!w->stopped)
                watch_rest(w);
        w->crashes = crashes;
}
