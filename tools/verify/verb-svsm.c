/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatch-verify svsm: is this the endorsement key of a vTPM that runs in the guest itself, below its system? */

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "lib/svsm/appraise.h"
#include "tools/verify/evidence.h"
#include "tools/verify/input.h"
#include "tools/verify/show.h"
#include "tools/verify/verbs.h"

enum { REPORT_FILE_MAX = 65536 };

typedef struct Arguments {
        SnpArguments snp;
        const char *report, *manifest;
        uint8_t nonce[SVSM_NONCE_SIZE];
        bool has_nonce, json;
} Arguments;

static int usage(const Arguments *a) {
        return show_undecided(a->json,
                              "usage: sealwatch-verify svsm --report FILE --manifest FILE --nonce HEX --vek FILE "
                              "--chain FILE [--crl FILE] [--at UNIXTIME] [--policy FILE] [--allow-simulated] "
                              "[--json]");
}

static int parse_nonce(Arguments *a) {
        size_t n;
        int r = input_hex("--nonce", optarg, sizeof(a->nonce), a->json, a->nonce, &n);

        if (r == 0 && n != sizeof(a->nonce))
                r = show_undecided(a->json, "--nonce expects all 64 bytes that the SVSM was given");
        a->has_nonce = r == 0;
        return r;
}

static int parse_option(int c, Arguments *a) {
        int r = 0;

        if (c == 'r')
                a->report = optarg;
        else if (c == 'm')
                a->manifest = optarg;
        else if (c == 'n')
                r = parse_nonce(a);
        else if (c != 'j' && !snp_option(&a->snp, c, optarg, a->json, &r))
                r = usage(a);
        return r;
}

static int parse_arguments(int argc, char **argv, Arguments *a) {
        static const struct option options[] = { SNP_OPTIONS,
                                                 { "report", required_argument, NULL, 'r' },
                                                 { "manifest", required_argument, NULL, 'm' },
                                                 { "nonce", required_argument, NULL, 'n' },
                                                 { "json", no_argument, NULL, 'j' },
                                                 {} };
        uint64_t seen = 0;
        int c, r = 0;

        a->json = input_wants_json(argc, argv);
        while (r == 0 && (c = input_next_option(argc, argv, options, &seen)) >= 0)
                r = parse_option(c, a);
        if (r == 0 && (optind != argc || !a->report || !a->manifest || !a->has_nonce || !a->snp.vek || !a->snp.chain))
                r = usage(a);
        return r;
}

int verb_svsm(int argc, char **argv) {
        Arguments a = {};
        _cleanup_(check_list_done) CheckList checks = {};
        _cleanup_(snp_inputs_done) SnpInputs in = {};
        _cleanup_free_ char *report = NULL, *manifest = NULL, *subject = NULL;
        SvsmEvidence evidence;
        size_t n = 0, manifest_size = 0;
        int r = parse_arguments(argc, argv, &a);

        if (r == 0)
                r = input_file(a.report, REPORT_FILE_MAX, a.json, &report, &n);
        if (r == 0)
                r = input_file(a.manifest, SVSM_MANIFEST_MAX, a.json, &manifest, &manifest_size);
        if (r == 0)
                r = snp_inputs_read(&a.snp, a.json, &in);
        if (r != 0)
                return r;
        evidence = (SvsmEvidence){ .snp = { .report = report,
                                            .report_size = n,
                                            .endorsements = in.endorsements,
                                            .requirements = &in.policy.snp,
                                            .at = in.at,
                                            .allow_simulated = a.snp.allow_simulated },
                                   .manifest = { (const uint8_t *) manifest, manifest_size } };
        memcpy(evidence.nonce, a.nonce, sizeof(a.nonce));
        r = svsm_appraise(&evidence, &checks);
        if (r < 0)
                return show_undecided(a.json, "cannot decide about %s: %s", a.report, strerror(-r));
        subject = snp_subject(a.report, in.endorsements);
        return show_checks(&checks, subject ? subject : a.report, a.json);
}
