/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the world is made of. */

#include "tests/model/world.h"

#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "tests/memory-source.h"

/* The first KNOWN_PATHS are in the reference set as long as their content is version 0. */
enum { KNOWN_PATHS = 8, POLICIES = 6 };

static const char *const paths[PATHS] = {
        "/usr/bin/a",   "/usr/bin/b",      "/usr/bin/c", "/usr/bin/d", "/alert/known", "/ignore/known",
        "/deny/known",  "/usr/\xff\\\"\n", "/opt/x",     "/opt/y",     "/opt/z",       "/alert/unknown",
        "/ignore/more", "/deny/more",      "/kill/one",  "/lock/one",
};

#define RULES                                                                                                         \
        "[Reference base]\n"                                                                                          \
        "[Rule d]\nPath=/deny/*\nAction=deny\n"                                                                       \
        "[Rule k]\nPath=/kill/*\nAction=kill alert\n"                                                                 \
        "[Rule l]\nPath=/lock/*\nAction=lock\nSeverity=critical\nTechnique=T1204.002\n"                               \
        "[Rule a]\nPath=/alert/*\nAction=alert\n"                                                                     \
        "[Rule i]\nPath=/ignore/*\nAction=ignore\n"                                                                   \
        "[Rule x]\nEvent=mount dm\nPath=/deny/*\nAction=deny alert\n"                                                 \
        "[Rule y]\nEvent=mount config\nPath=/lock/*\nAction=lock\n"                                                   \
        "[Rule z]\nEvent=ptrace\nPath=/kill/*\nAction=kill\n"

static const char *const policies[POLICIES] = {
        "[Policy]\nMode=enforce\n" RULES,
        "[Policy]\nMode=observe\n" RULES,
        "[Policy]\nMode=enforce\n" RULES "[Rule u]\nReference=!base\nAction=deny alert\nUser=1001\n",
        "[Policy]\nMode=enforce\n" RULES
        "[Failures]\nExtendDeadline=allow\nReadError=allow\nOpenWriters=allow\nAnswerDeadline=lock\nLogFull=allow\n"
        "EventsLost=count\n",
        "[Policy]\nMode=observe\n" RULES "[Failures]\nReadError=lock\nEventsLost=lock\nExtendDeadline=lock\n",
        "[Policy]\nMode=enforce\n" RULES
        "[Failures]\nReadError=lock\nExtendDeadline=lock\nTpmLost=degrade\nTpmReset=degrade\nTpmBusy=count\n"
        "PolicyRefused=degrade\nHooksDead=degrade\n",
};

const char *path_text(unsigned path) {
        return paths[path];
}

void content_digest(unsigned path, unsigned version, uint8_t ret[SHA256_SIZE]) {
        char content[128];

        snprintf(content, sizeof(content), "%s %u", paths[path], version);
        if (sha256(content, strlen(content), ret) < 0)
                abort();
}

static Policy *policy_parse(unsigned policy) {
        _cleanup_free_ char *base = calloc(KNOWN_PATHS, 2 * SHA256_SIZE + 32);
        Policy *p;

        for (unsigned i = 0; base && i < KNOWN_PATHS; i++) {
                char hex[2 * SHA256_SIZE + 1];
                uint8_t digest[SHA256_SIZE];

                content_digest(i, 0, digest);
                sprintf(base + strlen(base), "%s  known\n", hex_encode(digest, SHA256_SIZE, hex));
        }
        p = base ? memory_policy(policies[policy], base) : NULL;
        if (!p)
                abort();
        return p;
}

Policy *policy_make(unsigned policy) {
        return policy_parse(policy % POLICIES);
}

bool chance(World *w, size_t percent) {
        return random_below(&w->random, 100) < percent;
}

void world_trace(World *w, const char *format, ...) {
        char *line = w->trace[w->traced++ % ELEMENTSOF(w->trace)];
        int n = snprintf(line, sizeof(w->trace[0]), "%5u ", w->step);
        va_list ap;

        va_start(ap, format);
        vsnprintf(line + n, sizeof(w->trace[0]) - (size_t) n, format, ap);
        va_end(ap);
}

_Noreturn void world_broken(const World *w, const char *what, const char *file, int line) {
        unsigned first = w->traced > ELEMENTSOF(w->trace) ? w->traced - ELEMENTSOF(w->trace) : 0;

        fprintf(stderr, "seed %llu, step %u: does not hold (%s:%d):\n      %s\n", (unsigned long long) w->seed,
                w->step, file, line, what);
        for (unsigned i = first; i < w->traced; i++)
                fprintf(stderr, "%s\n", w->trace[i % ELEMENTSOF(w->trace)]);
        fflush(stderr);
        _exit(1);
}

bool world_dies(World *w) {
        if (w->dies_in > 0 && --w->dies_in == 0)
                w->dead = true;
        return w->dead;
}

void world_new(World *w, uint64_t seed) {
        static const BankSet banks[] = { 1U << HASH_SHA256, 1U << HASH_SHA1 | 1U << HASH_SHA256,
                                         1U << HASH_SHA384 | 1U << HASH_SHA256, 1U << HASH_SHA384 };
        Random *random = &w->random;

        *w = (World){ .seed = seed, .random = { .state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1 }, .boottime = 1000 };
        for (unsigned i = 0; i < 8; i++)
                random_next(random);
        w->config = (EngineConfig){
                .banks = banks[random_below(random, ELEMENTSOF(banks))],
                .measurement_pcr = MEASUREMENT,
                .cap_pcr = CAP,
                .poison_pcrs = 1U << 7 | 1U << 11,
                .log_max_size = chance(w, 30) ? (300 << 10) + random_below(random, 20 << 10) : 256 << 20,
                .extend_deadline = 2 * USEC_PER_SEC,
                .lock_on_death = chance(w, 20),
                .release_when_degraded = chance(w, 30),
                .attestation = { .required = chance(w, 10), .grace = 20 * USEC_PER_SEC },
        };
        for (Watched i = 0; i < _WATCHED_MAX; i++)
                w->config.required_levels[i] = -1;
        random_fill(random, w->config.seed, sizeof(w->config.seed));
        w->policy = (unsigned) random_below(random, POLICIES);
        w->crashes = chance(w, 80);
        w->pcrs.banks = w->config.banks;
        w->reset = 1;
        if (table_new(sizeof(uint64_t[2]), sizeof(Key), 1 << 20, w->config.seed, &w->told.keys) < 0)
                abort();
        machine_reboot(w);
}

void world_done(World *w) {
        engine_free(w->engine);
        buffer_done(&w->log);
        buffer_done(&w->pending);
        json_decref(w->death);
        table_free(w->told.keys);
        free(w->prints);
}
