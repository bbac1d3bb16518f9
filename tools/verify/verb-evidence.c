/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatch-verify evidence: is this the guest that it says it is, and did it do what its policy demands? */

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/fd.h"
#include "tools/verify/evidence.h"
#include "tools/verify/input.h"
#include "tools/verify/judge.h"
#include "tools/verify/known.h"
#include "tools/verify/many.h"
#include "tools/verify/show.h"
#include "tools/verify/verbs.h"

enum { THREADS_MAX = 256 };

typedef struct Arguments {
        SnpArguments common;
        const char *file, *state, *nonces;
        uint8_t nonce[EVIDENCE_NONCE_MAX];
        size_t nonce_size;
        uint64_t threads; /* 0: one for each processor */
        bool stream, json;
} Arguments;

static int usage(const Arguments *a) {
        return show_undecided(a->json,
                              "usage: sealwatch-verify evidence FILE --nonce HEX [--policy FILE] [--state DIR] "
                              "[--at UNIXTIME] [--allow-simulated] [--stream [--nonces FILE] [--threads N]] [--json]");
}

static int parse_option(int c, Arguments *a) {
        int r = 0;

        if (c == 'n') {
                r = input_hex("--nonce", optarg, sizeof(a->nonce), a->json, a->nonce, &a->nonce_size);
                if (r == 0 && a->nonce_size < EVIDENCE_NONCE_MIN)
                        r = show_undecided(a->json, "--nonce expects at least 8 bytes");
        } else if (c == 'N')
                a->nonces = optarg;
        else if (c == 'd')
                a->state = optarg;
        else if (c == 's')
                a->stream = true;
        else if (c == 't')
                r = input_number("--threads", optarg, THREADS_MAX, a->json, &a->threads);
        else if (c != 'j' && !snp_option(&a->common, c, optarg, a->json, &r))
                r = usage(a);
        return r;
}

static int parse_arguments(int argc, char **argv, Arguments *a) {
        static const struct option options[] = { { "nonce", required_argument, NULL, 'n' },
                                                 { "nonces", required_argument, NULL, 'N' },
                                                 { "policy", required_argument, NULL, OPTION_POLICY },
                                                 { "state", required_argument, NULL, 'd' },
                                                 { "at", required_argument, NULL, OPTION_AT },
                                                 { "allow-simulated", no_argument, NULL, OPTION_ALLOW_SIMULATED },
                                                 { "stream", no_argument, NULL, 's' },
                                                 { "threads", required_argument, NULL, 't' },
                                                 { "json", no_argument, NULL, 'j' },
                                                 {} };
        uint64_t seen = 0;
        int c, r = 0;

        a->json = input_wants_json(argc, argv);
        while (r == 0 && (c = input_next_option(argc, argv, options, &seen)) >= 0)
                r = parse_option(c, a);
        if (r != 0)
                return r;
        if (optind + 1 != argc || (a->nonce_size > 0) == (a->nonces != NULL))
                return usage(a);
        if (!a->stream && (a->nonces || a->threads > 0))
                return show_undecided(a->json, "--nonces and --threads belong to --stream");
        a->file = argv[optind];
        return 0;
}

/* What is kept of a guest depends on the order of its documents, so then it is one thread. */
static unsigned threads_of(const Arguments *a) {
        cpu_set_t set;

        if (a->state)
                return 1;
        if (a->threads > 0)
                return (unsigned) a->threads;
        return sched_getaffinity(0, sizeof(set), &set) < 0 ? 1 : (unsigned) CPU_COUNT(&set);
}

static int judge_one(const Arguments *a, const Judging *j) {
        _cleanup_(check_list_done) CheckList checks = {};
        _cleanup_free_ char *text = NULL;
        size_t n;
        int r = input_file(a->file, EVIDENCE_SIZE_MAX, a->json, &text, &n);

        if (r != 0)
                return r;
        r = judge_document(j, text, n, (Bytes){ a->nonce, a->nonce_size }, &checks);
        if (r < 0)
                return show_undecided(a->json, "cannot decide about %s: %s", a->file,
                                      r == -EBADMSG ? "what was kept of this guest is damaged" : strerror(-r));
        return show_checks(&checks, a->file, a->json);
}

int verb_evidence(int argc, char **argv) {
        Arguments a = {};
        _cleanup_(endorsement_cache_freep) EndorsementCache *cache = NULL;
        _cleanup_(appraisal_policy_done) AppraisalPolicy policy = {};
        _cleanup_close_ int state = -1;
        int r = parse_arguments(argc, argv, &a);

        if (r == 0)
                r = appraisal_policy_read(a.common.policy_file, a.json, &policy);
        if (r != 0)
                return r;
        if (a.state) {
                r = known_open(a.state, &state);
                if (r < 0)
                        return show_undecided(a.json, "cannot open %s: %s", a.state, strerror(-r));
        }
        if (a.stream && endorsement_cache_new(&cache) < 0)
                return show_undecided(a.json, "out of memory");
        const Judging judging = { .policy = &policy,
                                  .cache = cache,
                                  .state = state,
                                  .has_at = a.common.has_at,
                                  .at = a.common.at,
                                  .allow_simulated = a.common.allow_simulated };
        if (!a.stream)
                return judge_one(&a, &judging);
        return many_judge(&(Many){ .judging = &judging,
                                   .path = a.file,
                                   .nonces_path = a.nonces,
                                   .nonce = { a.nonce, a.nonce_size },
                                   .threads = threads_of(&a),
                                   .json = a.json });
}
