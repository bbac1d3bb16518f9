/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sealwatch-verify quote: did this TPM key sign these PCR values for this nonce? */

#include <errno.h>
#include <getopt.h>

#include "lib/base/cleanup.h"
#include "lib/tpm/quote.h"
#include "tools/verify/input.h"
#include "tools/verify/quote-arguments.h"
#include "tools/verify/show.h"
#include "tools/verify/verbs.h"

enum { PUBLIC_FILE_MAX = 16 * 1024 };

typedef struct Arguments {
        QuoteArguments quote;
        const char *public;
        bool json;
} Arguments;

/* The key, and what its public area says where there is one (a PEM file has none). */
typedef struct Signer {
        TpmKey key;
        bool has_public;
        TpmPublic public;
} Signer;

static void signer_done(Signer *s) {
        tpm_key_done(&s->key);
}

static int usage(const Arguments *a) {
        return show_undecided(a->json, "usage: sealwatch-verify quote --quote FILE --signature FILE --public FILE "
                                       "[--pcrs [ALG:]FILE]… [--nonce HEX] [--json]");
}

static int parse_arguments(int argc, char **argv, Arguments *a) {
        static const struct option options[] = {
                QUOTE_OPTIONS, { "public", required_argument, NULL, 'k' }, { "json", no_argument, NULL, 'j' }, {}
        };
        uint64_t seen = 0;
        int c, r = 0;

        a->json = input_wants_json(argc, argv);
        while (r == 0 && (c = input_next_option(argc, argv, options, &seen)) >= 0)
                if (c == 'k')
                        a->public = optarg;
                else if (c != 'j' && !quote_option(&a->quote, c, optarg, a->json, &r))
                        r = usage(a);
        if (r == 0 && (optind != argc || !a->quote.quote_file || !a->quote.signature_file || !a->public))
                r = usage(a);
        return r;
}

static int read_signer(const Arguments *a, const char *data, size_t n, Signer *ret) {
        const char *why = NULL;
        int r;

        if (memmem(data, n, "-----BEGIN ", strlen("-----BEGIN ")))
                r = tpm_key_from_pem(data, n, &ret->key, &why);
        else {
                r = tpm_public_parse(data, n, &ret->public, &why);
                if (r >= 0)
                        r = tpm_key_from_public(&ret->public, &ret->key, &why);
                ret->has_public = r >= 0;
        }
        return r < 0 ? show_undecided(a->json, "%s: %s", a->public, why ? why : strerror(-r)) : 0;
}

static int judge_key(const Signer *s, const Attest *attest, CheckList *checks) {
        const char *weakness;
        TpmName name;
        int r;

        if (!s->has_public) {
                check_add(checks, "ak-attributes", CHECK_NA, "a PEM file does not say whether the key lives in a TPM");
                check_add(checks, "ak-name", CHECK_NA, "a PEM file has no Name");
                return 0;
        }
        weakness = tpm_public_weakness(&s->public);
        check_add(checks, "ak-attributes", weakness ? CHECK_FAIL : CHECK_PASS, "%s",
                  weakness ? weakness : "it says: restricted, made by a TPM, and unable to leave it");
        r = tpm_public_name(&s->public, &name);
        if (r < 0)
                return r;
        return quote_appraise_signer(attest, s->public.name_alg, &name, true, checks);
}

static int judge(const Arguments *a, const Signer *s, const QuoteInputs *in, CheckList *checks) {
        QuoteEvidence evidence = {
                .quote = in->quote,
                .signature = in->signature,
                .key = &s->key,
                .scheme = s->has_public ? s->public.scheme : TPM_ID_NULL,
                .scheme_hash = s->has_public ? s->public.scheme_hash : _HASH_INVALID,
                .nonce = { a->quote.nonce, a->quote.nonce_size },
                .pcrs = &a->quote.pcrs,
        };
        Attest attest;
        int r = quote_appraise(&evidence, checks, &attest);

        if (r < 0)
                return r;
        r = judge_key(s, &attest, checks);
        if (r < 0)
                return r;
        check_add(checks, "ak-origin", CHECK_NA,
                  "the key was given by the caller, and is believed for that reason alone");
        return 0;
}

int verb_quote(int argc, char **argv) {
        Arguments a = {};
        _cleanup_(quote_inputs_done) QuoteInputs in = {};
        _cleanup_(check_list_done) CheckList checks = {};
        _cleanup_(signer_done) Signer signer = {};
        _cleanup_free_ char *public = NULL;
        size_t n = 0;
        int r = parse_arguments(argc, argv, &a);

        if (r == 0)
                r = quote_inputs_read(&a.quote, a.json, &in);
        if (r == 0)
                r = input_file(a.public, PUBLIC_FILE_MAX, a.json, &public, &n);
        if (r == 0)
                r = read_signer(&a, public, n, &signer);
        if (r != 0)
                return r;
        r = judge(&a, &signer, &in, &checks);
        if (r < 0)
                return show_undecided(a.json, "cannot decide about %s: %s", a.quote.quote_file, strerror(-r));
        return show_checks(&checks, a.quote.quote_file, a.json);
}
