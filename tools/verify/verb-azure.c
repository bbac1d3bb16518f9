/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatch-verify azure: is this a genuine confidential VM of Azure, and does its vTPM say what it is said to say? */

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "lib/azure/appraise.h"
#include "lib/azure/hcl.h"
#include "lib/tpm/certificate.h"
#include "tools/verify/evidence.h"
#include "tools/verify/input.h"
#include "tools/verify/quote-arguments.h"
#include "tools/verify/show.h"
#include "tools/verify/verbs.h"

typedef struct Arguments {
        SnpArguments snp;
        QuoteArguments quote;
        const char *hcl, *ak_certificate;
        bool json;
} Arguments;

static void free_bytes(Bytes *b) {
        free((uint8_t *) b->data);
}

static int usage(const Arguments *a) {
        return show_undecided(a->json,
                              "usage: sealwatch-verify azure --hcl FILE --vek FILE --chain FILE [--crl FILE] "
                              "[--quote FILE --signature FILE [--pcrs [ALG:]FILE]…] [--nonce HEX] "
                              "[--ak-cert FILE] [--at UNIXTIME] [--policy FILE] [--allow-simulated] [--json]");
}

static int parse_option(int c, Arguments *a) {
        int r = 0;

        if (c == 'h')
                a->hcl = optarg;
        else if (c == 'c')
                a->ak_certificate = optarg;
        else if (c != 'j' && !snp_option(&a->snp, c, optarg, a->json, &r) &&
                 !quote_option(&a->quote, c, optarg, a->json, &r))
                r = usage(a);
        return r;
}

static int parse_arguments(int argc, char **argv, Arguments *a) {
        static const struct option options[] = { SNP_OPTIONS,
                                                 QUOTE_OPTIONS,
                                                 { "hcl", required_argument, NULL, 'h' },
                                                 { "ak-cert", required_argument, NULL, 'c' },
                                                 { "json", no_argument, NULL, 'j' },
                                                 {} };
        uint64_t seen = 0;
        int c, r = 0;

        a->json = input_wants_json(argc, argv);
        while (r == 0 && (c = input_next_option(argc, argv, options, &seen)) >= 0)
                r = parse_option(c, a);
        if (r != 0)
                return r;
        if (optind != argc || !a->hcl || !a->snp.vek || !a->snp.chain)
                return usage(a);
        if (!a->quote.quote_file != !a->quote.signature_file || (a->quote.pcrs.banks != 0 && !a->quote.quote_file))
                return show_undecided(a->json, "--quote and --signature belong together, and --pcrs to them");
        return 0;
}

int verb_azure(int argc, char **argv) {
        Arguments a = {};
        _cleanup_(check_list_done) CheckList checks = {};
        _cleanup_(snp_inputs_done) SnpInputs in = {};
        _cleanup_(quote_inputs_done) QuoteInputs quote = {};
        _cleanup_(free_bytes) Bytes hcl = {}, ak_certificate = {};
        _cleanup_free_ char *subject = NULL;
        int r = parse_arguments(argc, argv, &a);

        if (r == 0)
                r = input_optional_file(a.hcl, HCL_MAX, a.json, &hcl);
        if (r == 0)
                r = input_optional_file(a.ak_certificate, AK_CERTIFICATES_MAX, a.json, &ak_certificate);
        if (r == 0)
                r = quote_inputs_read(&a.quote, a.json, &quote);
        if (r == 0)
                r = snp_inputs_read(&a.snp, a.json, &in);
        if (r != 0)
                return r;
        r = azure_appraise(
                &(AzureEvidence){
                        .hcl = hcl,
                        .snp = { .endorsements = in.endorsements,
                                 .requirements = &in.policy.snp,
                                 .at = in.at,
                                 .allow_simulated = a.snp.allow_simulated },
                        .requirements = &in.policy.tpm,
                        .has_quote = quote.quote.data != NULL,
                        .quote = quote.quote,
                        .signature = quote.signature,
                        .pcrs = &a.quote.pcrs,
                        .nonce = { a.quote.nonce, a.quote.nonce_size },
                        .ak_certificates = ak_certificate,
                },
                &checks);
        if (r < 0)
                return show_undecided(a.json, "cannot decide about %s: %s", a.hcl, strerror(-r));
        subject = snp_subject(a.hcl, in.endorsements);
        return show_checks(&checks, subject ? subject : a.hcl, a.json);
}
