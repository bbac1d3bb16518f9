/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatchd.conf: every value that was taken is within its limits, and the same file on top of itself changes nothing. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "policy/config.h"

static bool register_serves(uint64_t pcr) {
        return pcr < 16 && pcr != 10;
}

static bool registers_serve(PcrSet set) {
        for (unsigned pcr = 0; pcr < 32; pcr++)
                if (set & (1U << pcr) && !register_serves(pcr))
                        return false;
        return true;
}

static bool in_range(uint64_t v, uint64_t min, uint64_t max) {
        return v >= min && v <= max;
}

static void check_values(const Config *c) {
        REQUIRE(in_range(c->log_max_size, 1 << 20, UINT64_C(1) << 32));
        REQUIRE(c->on_death == ON_DEATH_GAP || c->on_death == ON_DEATH_LOCK);
        REQUIRE(c->tpm && (streq(c->tpm, "auto") || startswith(c->tpm, "device:/") || startswith(c->tpm, "swtpm:/")));
        REQUIRE(register_serves(c->measurement_pcr) && register_serves(c->cap_pcr));
        REQUIRE(registers_serve(c->poison_pcrs) && registers_serve(c->seal_pcrs));
        REQUIRE(in_range(c->extend_deadline, 10 * USEC_PER_MSEC, 600 * USEC_PER_SEC));
        REQUIRE(in_range(c->tpm_deadline, USEC_PER_SEC, 600 * USEC_PER_SEC));
        REQUIRE(in_range(c->hash_deadline, 10 * USEC_PER_MSEC, 600 * USEC_PER_SEC));
        REQUIRE(in_range(c->answer_deadline, 10 * USEC_PER_MSEC, 600 * USEC_PER_SEC));
        REQUIRE(c->max_file_size > 0 && in_range(c->queue_max, 1, 1 << 16) && in_range(c->workers, 1, 64));
        REQUIRE(in_range(c->ring_size, RING_SIZE_MIN, RING_SIZE_MAX) && (c->ring_size & (c->ring_size - 1)) == 0);
        REQUIRE(!c->scope_cgroup || (c->scope_cgroup[0] == '/' && !strstr(c->scope_cgroup, "//")));
        REQUIRE(!c->file_systems || c->file_systems[0]);
        for (char **p = c->file_systems; p && *p; p++)
                REQUIRE(**p == '/' && !strchr(*p, ' '));
        for (char **p = c->files; p && *p; p++)
                REQUIRE(**p == '/' && !strchr(*p, ' '));
        for (Watched w = 0; w < _WATCHED_MAX; w++)
                REQUIRE(c->required_levels[w] >= -1 && c->required_levels[w] < _LEVEL_MAX);
}

static void require_equal(const Config *a, const Config *b) {
        REQUIRE(a->log_max_size == b->log_max_size && a->on_death == b->on_death && streq(a->tpm, b->tpm));
        REQUIRE(a->measurement_pcr == b->measurement_pcr && a->cap_pcr == b->cap_pcr);
        REQUIRE(a->poison_pcrs == b->poison_pcrs && a->seal_pcrs == b->seal_pcrs);
        REQUIRE(a->seal_pcrs_auto == b->seal_pcrs_auto && a->release_when_degraded == b->release_when_degraded);
        REQUIRE(streq(strempty(a->scope_cgroup), strempty(b->scope_cgroup)));
        REQUIRE(memcmp(a->required_levels, b->required_levels, sizeof(a->required_levels)) == 0);
        REQUIRE(!a->file_systems == !b->file_systems);
        for (size_t i = 0; a->file_systems && a->file_systems[i]; i++)
                REQUIRE(b->file_systems[i] && streq(a->file_systems[i], b->file_systems[i]));
}

static void apply(Config *c, const uint8_t *data, size_t size, ProblemList *problems) {
        REQUIRE(config_apply(c, "sealwatchd.conf", (const char *) data, size, problems) == 0);
        check_values(c);
}

static void run(const uint8_t *data, size_t size) {
        _cleanup_(problem_list_done) ProblemList first = {}, second = {};
        _cleanup_(config_done) Config once = {}, twice = {};

        REQUIRE(config_init(&once) == 0 && config_init(&twice) == 0);
        apply(&once, data, size, &first);
        apply(&twice, data, size, &second);
        REQUIRE(first.size == second.size);
        apply(&twice, data, size, &second);
        require_equal(&once, &twice);
        problem_list_done(&first);
        config_check(&once, &first);
        if (problem_list_is_empty(&first))
                REQUIRE(once.measurement_pcr != once.cap_pcr && !(once.poison_pcrs & 1U << once.measurement_pcr));
}

static void seeds(void) {
        fuzz_seed_text(
                "[Daemon]\nLogMaxSize=64M\nOnDeath=lock\n[Registers]\nTpm=swtpm:/run/x\nMeasurementPCR=14\nCapPCR=8\n"
                "PoisonPCRs=7 11\nExtendDeadlineSec=500ms\nTpmDeadlineSec=1min\n[Watch]\nScope=cgroup:/a/b\n"
                "FileSystems=/ /usr\nRequireLevels=exec:gate "
                "ungated:observe\nHashDeadlineSec=5\nAnswerDeadlineSec=10s\n"
                "MaxFileSize=1T\nQueueMax=65536\nWorkers=64\n[Secrets]\nSealPCRs=4 7\nReleaseWhenDegraded=yes\n");
        fuzz_seed_text("[Watch]\nScope=machine\nFileSystems=all\nRequireLevels=\n[Secrets]\nSealPCRs=auto\n[Registers]"
                       "\nTpm=device:/dev/x\n");
        fuzz_seed_text("[Registers]\nMeasurementPCR=16\nCapPCR=23\nPoisonPCRs=7 "
                       "17\nCapPCR=1\n[Wach]\nx=1\n[Watch]\nScope=cgroup:/a/..\n"
                       "LogMaxSize=1\nWorkers=18446744073709551616\nQueueMax=-1\nMaxFileSize=18446744073709551615T\n["
                       "Daemon x]\n");
}

const FuzzTarget fuzz_target = { run, seeds, NULL };
