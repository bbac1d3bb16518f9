/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatch-verify report: is this SNP report genuine, and of the guest that was meant? */

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "tools/verify/evidence.h"
#include "tools/verify/input.h"
#include "tools/verify/show.h"
#include "tools/verify/verbs.h"

enum {
        OPTION_REPORT = 'r',
        OPTION_PRODUCT = 'p',
        OPTION_REPORT_DATA = 'd',
        OPTION_JSON = 'j',
        REPORT_FILE_MAX = 65536
};

typedef struct Arguments {
        SnpArguments snp;
        const char *report;
        SnpProduct product; /* _SNP_PRODUCT_INVALID: any */
        uint8_t report_data[SNP_REPORT_DATA_SIZE];
        bool has_report_data, json;
} Arguments;

static int parse_product(const char *value, Arguments *a) {
        a->product = snp_product_from_name(value, strlen(value));
        return a->product != _SNP_PRODUCT_INVALID ? 0
                                                  : show_undecided(a->json, "--product expects Milan, Genoa or Turin");
}

static int parse_report_data(const char *value, Arguments *a) {
        size_t n;
        int r = input_hex("--report-data", value, sizeof(a->report_data), a->json, a->report_data, &n);

        if (r == 0 && n != sizeof(a->report_data))
                r = show_undecided(a->json, "--report-data expects all 64 bytes");
        a->has_report_data = r == 0;
        return r;
}

static int parse_arguments(int argc, char **argv, Arguments *a) {
        static const struct option options[] = { SNP_OPTIONS,
                                                 { "report", required_argument, NULL, OPTION_REPORT },
                                                 { "product", required_argument, NULL, OPTION_PRODUCT },
                                                 { "report-data", required_argument, NULL, OPTION_REPORT_DATA },
                                                 { "json", no_argument, NULL, OPTION_JSON },
                                                 {} };
        uint64_t seen = 0;
        int c = 0, r = 0;

        a->json = input_wants_json(argc, argv);
        while (r == 0 && (c = input_next_option(argc, argv, options, &seen)) >= 0)
                if (c == OPTION_REPORT)
                        a->report = optarg;
                else if (c == OPTION_PRODUCT)
                        r = parse_product(optarg, a);
                else if (c == OPTION_REPORT_DATA)
                        r = parse_report_data(optarg, a);
                else if (c != OPTION_JSON && !snp_option(&a->snp, c, optarg, a->json, &r))
                        r = EXIT_UNDECIDED;
        if (r == EXIT_UNDECIDED && c == '?')
                r = show_undecided(a->json, "usage: sealwatch-verify report --report FILE --vek FILE --chain FILE "
                                            "[--crl FILE] [--product NAME] [--report-data HEX] [--at UNIXTIME] "
                                            "[--policy FILE] [--allow-simulated] [--json]");
        if (r == 0 && (optind != argc || !a->report || !a->snp.vek || !a->snp.chain))
                r = show_undecided(a->json, "report expects --report, --vek and --chain, and no other argument");
        return r;
}

int verb_report(int argc, char **argv) {
        Arguments a = { .product = _SNP_PRODUCT_INVALID };
        _cleanup_(check_list_done) CheckList checks = {};
        _cleanup_(snp_inputs_done) SnpInputs in = {};
        _cleanup_free_ char *report = NULL, *subject = NULL;
        size_t n;
        int r = parse_arguments(argc, argv, &a);

        if (r == 0)
                r = input_file(a.report, REPORT_FILE_MAX, a.json, &report, &n);
        if (r == 0)
                r = snp_inputs_read(&a.snp, a.json, &in);
        if (r != 0)
                return r;
        if (a.product != _SNP_PRODUCT_INVALID)
                in.policy.snp.products &= UINT64_C(1) << a.product;
        snp_appraise(
                &(SnpAppraisal){
                        .report = report,
                        .report_size = n,
                        .endorsements = in.endorsements,
                        .requirements = &in.policy.snp,
                        .report_data = a.has_report_data ? a.report_data : NULL,
                        .report_data_meaning = "what was asked for",
                        .at = in.at,
                        .allow_simulated = a.snp.allow_simulated,
                },
                &checks);
        subject = snp_subject(a.report, in.endorsements);
        return show_checks(&checks, strempty(subject), a.json);
}
