/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Worlds, one after the other, each from its own seed. One in which something does not hold is made as small as it gets
 * without healing, and shown.
 *
 *   test-model [--worlds N | --seconds N] [--steps N] [--seed N] */

#include <getopt.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/model/world.h"

enum { STEPS_MAX = 5000 };

typedef struct Plan {
        uint64_t first_seed, worlds;
        time_t until;
        unsigned steps;
} Plan;

/* What a child leaves to its parent. */
typedef struct Shared {
        uint64_t seed, worlds, entries;
} Shared;

static uint64_t mix(uint64_t seed, unsigned step) {
        return (seed + step * UINT64_C(0x9e3779b97f4a7c15)) | 1;
}

/* Each step has its own random numbers, so that one can be left out without changing the others. */
static void run_world(uint64_t seed, unsigned steps, const bool *left_out, uint64_t *entries) {
        static World w;

        world_new(&w, seed);
        daemon_start(&w);
        for (w.step = 0; w.step < steps; w.step++) {
                if (left_out && left_out[w.step])
                        continue;
                w.random.state = mix(seed, w.step);
                for (unsigned i = 0; i < 8; i++)
                        random_next(&w.random);
                world_step(&w);
                if (w.step % 150 == 149)
                        world_settle(&w);
        }
        world_settle(&w);
        *entries += w.told.entries;
        world_done(&w);
}

/* In a child, silently. */
static bool fails(uint64_t seed, unsigned steps, const bool *left_out) {
        uint64_t entries = 0;
        pid_t pid = fork();
        int status;

        if (pid == 0) {
                if (!freopen("/dev/null", "w", stderr))
                        _exit(2);
                run_world(seed, steps, left_out, &entries);
                _exit(0);
        }
        return waitpid(pid, &status, 0) == pid && !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Leaves out what can be left out: half of the steps, a quarter, ... one. */
static void shrink(uint64_t seed, unsigned steps) {
        static bool left_out[STEPS_MAX], tried[STEPS_MAX];
        uint64_t entries = 0;
        unsigned kept = 0;

        for (unsigned size = steps / 2; size > 0; size /= 2)
                for (unsigned start = 0; start < steps; start += size) {
                        memcpy(tried, left_out, sizeof(tried));
                        memset(tried + start, true, MIN(size, steps - start));
                        if (memcmp(tried, left_out, sizeof(tried)) != 0 && fails(seed, steps, tried))
                                memcpy(left_out, tried, sizeof(left_out));
                }
        for (unsigned i = 0; i < steps; i++)
                kept += !left_out[i];
        fprintf(stderr, "\nthe same with %u of %u steps:\n", kept, steps);
        run_world(seed, steps, left_out, &entries);
}

static void run_worlds(const Plan *plan, Shared *shared) {
        for (uint64_t i = 0; plan->until ? time(NULL) < plan->until : i < plan->worlds; i++) {
                shared->seed = plan->first_seed + i;
                run_world(shared->seed, plan->steps, NULL, &shared->entries);
                shared->worlds++;
        }
}

static int run_plan(const Plan *plan) {
        Shared *shared = mmap(NULL, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        pid_t pid;
        int status;

        if (shared == MAP_FAILED)
                return 1;
        pid = fork();
        if (pid == 0) {
                run_worlds(plan, shared);
                exit(0); /* not _exit(): leaks are looked for here */
        }
        if (waitpid(pid, &status, 0) != pid)
                return 1;
        printf("%llu worlds of %u steps from seed %llu, %llu entries in their last logs\n",
               (unsigned long long) shared->worlds, plan->steps, (unsigned long long) plan->first_seed,
               (unsigned long long) shared->entries);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                return shared->worlds > 0 && shared->entries > shared->worlds ? 0 : 1;
        fprintf(stderr, "seed %llu fails; again: --seed %llu --worlds 1 --steps %u\n",
                (unsigned long long) shared->seed, (unsigned long long) shared->seed, plan->steps);
        if (fails(shared->seed, plan->steps, NULL))
                shrink(shared->seed, plan->steps);
        return 1;
}

int main(int argc, char **argv) {
        static const struct option options[] = {
                { "worlds", required_argument, NULL, 'w' },
                { "seconds", required_argument, NULL, 't' },
                { "steps", required_argument, NULL, 's' },
                { "seed", required_argument, NULL, 'r' },
                { NULL, 0, NULL, 0 },
        };
        Plan plan = { .first_seed = 1, .worlds = 1, .steps = 600 };
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                if (c == 'w')
                        plan.worlds = strtoull(optarg, NULL, 0);
                else if (c == 't')
                        plan.until = time(NULL) + strtol(optarg, NULL, 0);
                else if (c == 's')
                        plan.steps = (unsigned) MIN(strtoul(optarg, NULL, 0), (unsigned long) STEPS_MAX);
                else if (c == 'r')
                        plan.first_seed = strtoull(optarg, NULL, 0);
                else
                        return 2;
        return run_plan(&plan);
}
