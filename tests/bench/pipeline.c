/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pipeline SOCKET DIRECTORY COUNT: how many entries of known files per second come into the register, from observation
 * over engine, log files and TPM thread, as the daemon wires them. Prints entries, seconds and TPM commands. */

#include <poll.h>
#include <stdio.h>
#include <time.h>

#include "core/engine.h"
#include "daemon/eventlog/store.h"
#include "daemon/tpm/tpm.h"
#include "lib/base/alloc.h"
#include "lib/base/hex.h"
#include "policy/load.h"

typedef struct Rig {
        Engine *engine;
        EventStore *store;
        Tpm *tpm;
        TpmState state;
        uint64_t upto, commits;
        Now now;
} Rig;

static void digest_of(long i, uint8_t ret[SHA256_SIZE]) {
        memset(ret, 0, SHA256_SIZE);
        memcpy(ret, &i, sizeof(i));
}

/* A policy in which every program of the benchmark is known. */
static int policies(void *userdata _unused_, int (*file)(void *, const char *, const char *, size_t), void *sink,
                    char **reterr_path) {
        static const char text[] = "[Reference base]\n";

        *reterr_path = NULL;
        return file(sink, "bench.policy", text, strlen(text));
}

static int reference(void *userdata, const char *pattern _unused_,
                     int (*piece)(void *, const char *, const char *, size_t), void *sink) {
        long count = *(const long *) userdata;
        int r = 0;

        for (long i = 0; i < count && r >= 0; i++) {
                char line[2 * SHA256_SIZE + 2];
                uint8_t digest[SHA256_SIZE];

                digest_of(i, digest);
                hex_encode(digest, SHA256_SIZE, line);
                strcat(line, "\n");
                r = piece(sink, "base.sha256", line, strlen(line));
        }
        return r < 0 ? r : piece(sink, "base.sha256", "", 0);
}

static void perform(Rig *rig, const Action *a) {
        if (a->type == ACTION_RECORD) {
                if (event_store_append(rig->store, a->record.seq, a->record.known, a->record.bytes, a->record.size) <
                    0)
                        abort();
        } else if (a->type == ACTION_COMMIT) {
                TpmJob *job = tpm_job_extend(TPM_CLASS_EXTEND);
                const TpmExtend item = {
                        .pcr = 13, .digest = a->commit.digest, .has_before = true, .before = a->commit.before
                };

                rig->upto = a->commit.upto;
                rig->commits++;
                if (!job || event_store_commit(rig->store, a->commit.upto, a->commit.bytes, a->commit.size) < 0 ||
                    tpm_job_add_extend(job, &item) < 0 || tpm_submit(rig->tpm, job, NULL) < 0)
                        abort();
        }
}

static void feed(Rig *rig, const Input *in) {
        _cleanup_(action_list_done) ActionList actions = {};

        rig->now.boottime++;
        if (engine_feed(rig->engine, in, &rig->now, &actions) < 0)
                abort();
        for (size_t i = 0; i < actions.size; i++)
                perform(rig, &actions.items[i]);
}

/* Takes in results; waits for one when asked to. */
static void take_results(Rig *rig, int timeout) {
        struct pollfd fd = { tpm_fd(rig->tpm), POLLIN, 0 };
        const Input extended = { .type = INPUT_EXTENDED };
        TpmResult *result;

        poll(&fd, 1, timeout);
        while ((result = tpm_next_result(rig->tpm))) {
                if (result->outcome != TPM_OK)
                        abort();
                tpm_result_free(result);
                event_store_anchored(rig->store, rig->upto + 1);
                feed(rig, &extended);
        }
}

static int open_rig(Rig *rig, const char *socket_path, const char *directory, long count) {
        const PolicySource source = { .userdata = &count, .policies = policies, .reference = reference };
        ProblemList problems = {};
        TpmOptions options = {};
        char device[200];
        const char *why;
        TpmResult *result;
        EngineConfig config = {
                .measurement_pcr = 13, .cap_pcr = 12, .log_max_size = 1 << 28, .extend_deadline = USEC_PER_SEC
        };
        FileMap log, pending;
        Policy *policy;
        bool has_log;

        snprintf(device, sizeof(device), "swtpm:%s", socket_path);
        options.device = device;
        if (tpm_new(&options, &rig->tpm, &why) < 0 ||
            tpm_call(rig->tpm, tpm_job_state(), 30 * USEC_PER_SEC, &result) < 0 || result->outcome != TPM_OK)
                return -1;
        config.banks = result->state->pcrs.banks;
        tpm_result_free(result);
        if (policy_load(&source, &policy, &problems) < 0 || engine_new(&config, policy, &rig->engine) < 0 ||
            event_store_open(directory, &rig->store) < 0 || event_store_load(rig->store, &has_log, &log, &pending) < 0)
                return -1;
        return event_store_begin(rig->store, 0, 0);
}

int main(int argc, char **argv) {
        long count = argc == 4 ? atol(argv[3]) : 0;
        struct timespec start, end;
        Status status;
        Rig rig = {};

        if (count <= 0 || open_rig(&rig, argv[1], argv[2], count) < 0) {
                fprintf(stderr, "usage: pipeline SOCKET DIRECTORY COUNT\n");
                return 2;
        }
        clock_gettime(CLOCK_MONOTONIC, &start);
        for (long i = 0; i < count; i++) {
                char path[64];
                Input in = { .type = INPUT_EXEC,
                             .exec = { .token = (uint64_t) i + 1,
                                       .path = path,
                                       .has_digest = true,
                                       .failure = _FAILURE_INVALID } };

                snprintf(path, sizeof(path), "/usr/lib/program-number-%ld", i);
                digest_of(i, in.exec.digest);
                in.exec.subject.pid = (uint32_t) i % 30000 + 1;
                feed(&rig, &in);
                if (i % 16 == 0)
                        take_results(&rig, 0);
        }
        do {
                take_results(&rig, 1000);
                engine_status(rig.engine, &status);
        } while (status.anchored < status.events);
        clock_gettime(CLOCK_MONOTONIC, &end);
        printf("%llu %.6f %llu\n", (unsigned long long) status.events,
               (double) (end.tv_sec - start.tv_sec) + (double) (end.tv_nsec - start.tv_nsec) / 1e9,
               (unsigned long long) rig.commits);
        return 0;
}
