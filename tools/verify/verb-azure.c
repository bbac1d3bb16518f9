/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatch-verify azure: is this a genuine confidential VM of Azure, and does its vTPM say what it is said to say? */

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "lib/azure/appraise.h"
#include "lib/azure/hcl.h"
#include "lib/tpm/attest.h"
#include "lib/tpm/certificate.h"
#include "lib/tpm/signature.h"
#include "tools/verify/evidence.h"
#include "tools/verify/input.h"
#include "tools/verify/show.h"
#include "tools/verify/verbs.h"

typedef struct Arguments {
        SnpArguments snp;
        const char *hcl, *quote, *signature, *ak_certificate;
        bool json;
        PcrInputs pcrs;
        size_t nonce_size;
        uint8_t nonce[SNP_REPORT_DATA_SIZE];
} Arguments;

/* The files' bytes. */
typedef struct Files {
        char *hcl, *quote, *signature, *ak_certificate; /* owned */
        size_t hcl_size, quote_size, signature_size, ak_certificate_size;
} Files;

static void files_done(Files *f) {
        free(f->hcl);
        free(f->quote);
        free(f->signature);
        free(f->ak_certificate);
}

static int usage(const Arguments *a) {
        return show_undecided(a->json,
                              "usage: sealwatch-verify azure --hcl FILE --vek FILE --chain FILE [--crl FILE] "
                              "[--quote FILE --signature FILE [--pcrs [ALG:]FILE]…] [--nonce HEX] "
                              "[--ak-cert FILE] [--at UNIXTIME] [--policy FILE] [--allow-simulated] [--json]");
}

static int parse_option(int c, Arguments *a) {
        int r;

        switch (c) {
        case 'h':
                a->hcl = optarg;
                return 0;
        case 'q':
                a->quote = optarg;
                return 0;
        case 's':
                a->signature = optarg;
                return 0;
        case 'c':
                a->ak_certificate = optarg;
                return 0;
        case 'p':
                return input_pcrs(&a->pcrs, optarg, a->json);
        case 'n':
                return input_hex("--nonce", optarg, sizeof(a->nonce), a->json, a->nonce, &a->nonce_size);
        case 'j':
                return 0;
        default:
                return snp_option(&a->snp, c, optarg, a->json, &r) ? r : usage(a);
        }
}

static int parse_arguments(int argc, char **argv, Arguments *a) {
        static const struct option options[] = { SNP_OPTIONS,
                                                 { "hcl", required_argument, NULL, 'h' },
                                                 { "quote", required_argument, NULL, 'q' },
                                                 { "signature", required_argument, NULL, 's' },
                                                 { "pcrs", required_argument, NULL, 'p' },
                                                 { "nonce", required_argument, NULL, 'n' },
                                                 { "ak-cert", required_argument, NULL, 'c' },
                                                 { "json", no_argument, NULL, 'j' },
                                                 {} };
        int c, r = 0;

        a->json = input_wants_json(argc, argv);
        while (r == 0 && (c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                r = parse_option(c, a);
        if (r != 0)
                return r;
        if (optind != argc || !a->hcl || !a->snp.vek || !a->snp.chain)
                return usage(a);
        if (!a->quote != !a->signature || (a->pcrs.banks != 0 && !a->quote))
                return show_undecided(a->json, "--quote and --signature belong together, and --pcrs to them");
        return 0;
}

/* A file that was not named has no bytes. */
static int read_file(const char *path, size_t max, bool json, char **ret, size_t *ret_size) {
        return path ? input_file(path, max, json, ret, ret_size) : 0;
}

static int read_files(const Arguments *a, Files *f) {
        int r = read_file(a->hcl, HCL_MAX, a->json, &f->hcl, &f->hcl_size);

        if (r == 0)
                r = read_file(a->quote, ATTEST_MAX, a->json, &f->quote, &f->quote_size);
        if (r == 0)
                r = read_file(a->signature, TPM_SIGNATURE_MAX, a->json, &f->signature, &f->signature_size);
        if (r == 0)
                r = read_file(a->ak_certificate, AK_CERTIFICATES_MAX, a->json, &f->ak_certificate,
                              &f->ak_certificate_size);
        return r;
}

static Bytes bytes(const char *data, size_t n) {
        return (Bytes){ (const uint8_t *) data, n };
}

int verb_azure(int argc, char **argv) {
        Arguments a = {};
        _cleanup_(check_list_done) CheckList checks = {};
        _cleanup_(snp_inputs_done) SnpInputs in = {};
        _cleanup_(files_done) Files f = {};
        _cleanup_free_ char *subject = NULL;
        int r = parse_arguments(argc, argv, &a);

        if (r == 0)
                r = read_files(&a, &f);
        if (r == 0)
                r = snp_inputs_read(&a.snp, a.json, &in);
        if (r != 0)
                return r;
        r = azure_appraise(
                &(AzureEvidence){
                        .hcl = bytes(f.hcl, f.hcl_size),
                        .snp = { .endorsements = in.endorsements,
                                 .requirements = &in.policy.snp,
                                 .at = in.at,
                                 .allow_simulated = a.snp.allow_simulated },
                        .requirements = &in.policy.tpm,
                        .has_quote = f.quote != NULL,
                        .quote = bytes(f.quote, f.quote_size),
                        .signature = bytes(f.signature, f.signature_size),
                        .pcrs = &a.pcrs,
                        .nonce = { a.nonce, a.nonce_size },
                        .ak_certificates = bytes(f.ak_certificate, f.ak_certificate_size),
                },
                &checks);
        if (r < 0)
                return show_undecided(a.json, "cannot decide about %s: %s", a.hcl, strerror(-r));
        subject = snp_subject(a.hcl, in.endorsements);
        return show_checks(&checks, subject ? subject : a.hcl, a.json);
}
