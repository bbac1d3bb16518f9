/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every allocation of the engine fails once, for every kind of input. What it could not do it says; nobody is let run for
 * want of memory, a violation is one, the lock plan runs, and everybody is answered once. */

#include "lib/base/cleanup.h"
#include "tests/unit/rig.h"

#define ENFORCE                                                                                                       \
        "[Policy]\nMode=enforce\n[Reference base]\n[Rule d]\nPath=/deny\nAction=deny alert\n"                         \
        "[Rule l]\nPath=/lock\nAction=lock\n[Rule a]\nPath=/alert\nAction=alert\n"

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);

static bool armed, failed;
static unsigned long left; /* allocations that succeed before one fails */

static bool fails(void) {
        if (!armed || failed || left-- > 0)
                return false;
        failed = true;
        return true;
}

void *__wrap_malloc(size_t n) {
        return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size) {
        return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n) {
        return fails() ? NULL : __real_realloc(p, n);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size) {
        return fails() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *s) {
        return fails() ? NULL : __real_strdup(s);
}

static void *json_memory(size_t n) {
        return __wrap_malloc(n);
}

static void around(bool inside) {
        armed = inside;
}

static Input exec_of(const char *path) {
        return (Input){ .type = INPUT_EXEC, .exec = rig_observation(1, path, _FAILURE_INVALID) };
}

typedef struct Row {
        Input in;
        bool violation, refused; /* refused: the program must not run */
} Row;

static size_t count_steps(const Rig *rig, LockStep step) {
        size_t n = 0;

        for (size_t i = 0; i < rig->list.size; i++)
                n += rig->list.items[i].type == ACTION_LOCK_STEP && rig->list.items[i].lock_step.step == step;
        return n;
}

/* Time passes and the TPM works until nothing is left to do; counts the steps of the lock plan. */
static void run_down(Rig *rig, size_t steps[_LOCK_STEP_MAX]) {
        const Input extended = { .type = INPUT_EXTENDED };

        for (unsigned n = 0; n < 200; n++) {
                if (rig->on_its_way)
                        rig_feed(rig, &extended);
                else if (engine_deadline(rig->engine) != USEC_INFINITY)
                        rig_tick(rig, engine_deadline(rig->engine) - rig->now.boottime);
                else
                        return;
                for (LockStep step = 0; step < _LOCK_STEP_MAX; step++)
                        steps[step] += count_steps(rig, step);
        }
        fail_msg("the engine does not come to rest");
}

static void check_end(Rig *rig, const Row *row, size_t steps[_LOCK_STEP_MAX]) {
        const Input late = { .type = INPUT_ANSWER_LATE, .token = 1 };

        if (row->in.type == INPUT_EXEC && rig->answers[1] == 0)
                rig_feed(rig, &late);
        if (row->in.type == INPUT_EXEC)
                assert_true(rig->answers[1] > 0);
        if (row->refused)
                assert_false(rig_answered(rig, 1, true));
        if (!row->violation)
                return;
        assert_true(guard_is_closed(rig_state(rig)));
        for (LockStep step = 0; step < _LOCK_STEP_MAX; step++)
                assert_int_equal(steps[step], 1);
}

/* What a round of attestation needs beside its inputs. */
static void begin_round(Rig *rig, Input *in, CheckList *checks) {
        const Input provider = { .type = INPUT_PROVIDER, .provider.name = "simulator" };
        const Input ask = { .type = INPUT_ATTEST };

        if (in->type == INPUT_ATTEST || in->type == INPUT_ATTESTED)
                rig_feed(rig, &provider);
        if (in->type != INPUT_ATTESTED)
                return;
        rig_feed(rig, &ask);
        check_add(checks, "signature", CHECK_FAIL, "it is wrong");
        in->attested.checks = checks;
}

/* False when no allocation was left to fail. */
static bool fail_at(const Row *row, unsigned long n) {
        _cleanup_(check_list_done) CheckList checks = {};
        size_t steps[_LOCK_STEP_MAX] = {};
        Input in = row->in;
        Rig rig;

        rig_new(&rig, ENFORCE);
        if (in.type == INPUT_ATTESTED) /* no canary comes before it */
                rig.facts.levels[WATCHED_EXEC] = LEVEL_OFF;
        rig_start(&rig);
        begin_round(&rig, &in, &checks);
        rig_exec(&rig, 2, "/alert", _FAILURE_INVALID); /* somebody waits already */
        if (in.type == INPUT_POLICY)
                in.policy.policy = rig_policy(ENFORCE);
        left = n;
        failed = false;
        rig.around = around;
        rig_feed(&rig, &in);
        rig.around = NULL;
        for (LockStep step = 0; step < _LOCK_STEP_MAX; step++)
                steps[step] = count_steps(&rig, step);
        run_down(&rig, steps);
        check_end(&rig, row, steps);
        assert_true(rig_answered(&rig, 2, true) || rig_answered(&rig, 2, false));
        rig_resume(&rig, ENFORCE);
        assert_int_equal(rig.found.verdict, RECONCILE_CONTINUE); /* the log is whole */
        rig_done(&rig);
        return failed;
}

static void every_allocation_of_every_input(void **state _unused_) {
        const Row rows[] = {
                { .in = exec_of(RIG_KNOWN) },
                { .in = exec_of("/opt/x") },
                { .in = exec_of("/alert") },
                { .in = exec_of("/deny"), .refused = true },
                { .in = exec_of("/lock"), .refused = true, .violation = true },
                { .in = { .type = INPUT_TAMPER, .tamper = { .what = "pcr", .detail = "x" } }, .violation = true },
                { .in = { .type = INPUT_LOCK, .lock = { .reason = "people" } }, .violation = true },
                { .in = { .type = INPUT_EXECED,
                          .execed = { .subject = { .pid = 3 }, .path = "/x", .privileged = true } },
                  .violation = true },
                { .in = { .type = INPUT_FAILURE, .failure = { .row = FAILURE_TPM_LOST } }, .violation = true },
                { .in = { .type = INPUT_EXECED, .execed = { .subject = { .pid = 3 }, .path = "/x" } } },
                { .in = { .type = INPUT_LOST, .lost = { .sensor = "exec", .count = 1 } } },
                { .in = { .type = INPUT_LEVELS, .levels.levels = { LEVEL_OFF }, .levels.why = { "dead" } } },
                { .in = { .type = INPUT_RELEASE, .release = { .name = "one" } } },
                { .in = { .type = INPUT_SEALED, .sealed = { .name = "one" } } },
                { .in = { .type = INPUT_POLICY } },
                { .in = { .type = INPUT_POLICY_REFUSED, .policy_refused = { .error = "x" } } },
                { .in = { .type = INPUT_ATTEST } },
                { .in = { .type = INPUT_ATTESTED, .attested.round = 1 }, .violation = true },
                { .in = { .type = INPUT_EXTENDED } },
                { .in = { .type = INPUT_STOP, .stop = { .reason = "asked" } } },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                unsigned long n = 0;

                while (fail_at(&rows[i], n))
                        n++;
                assert_true(n > 0 || rows[i].in.type == INPUT_EXTENDED);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(every_allocation_of_every_input),
        };

        json_set_alloc_funcs(json_memory, free);
        return RUN(tests);
}
