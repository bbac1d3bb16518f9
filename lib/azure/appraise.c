/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Appraisal of an Azure confidential VM. */

#include "lib/azure/appraise.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/azure/claims.h"
#include "lib/azure/hcl.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/tpm/origin.h"
#include "lib/tpm/quote.h"
#include "lib/tpm/reportdata.h"

/* What is found out on the way. */
typedef struct Context {
        const AzureEvidence *in;
        CheckList *checks;
        HclBlob blob;     /* all zero: not readable */
        bool bound;       /* the report binds the claims */
        HclClaims claims; /* all zero: not readable */
        TpmKey ak;        /* all zero: none */
        Buffer ak_public; /* TPMT_PUBLIC of the paravisor's template with that modulus */
        TpmName ak_name;
        Attest attest; /* all zero: no quote */
} Context;

static void context_done(Context *c) {
        hcl_claims_done(&c->claims);
        tpm_key_done(&c->ak);
        buffer_done(&c->ak_public);
}

static void judge_blob(Context *c) {
        const char *why, *odd = "";
        size_t offset;

        if (hcl_parse(c->in->hcl.data, c->in->hcl.size, &c->blob, &offset, &why) < 0) {
                c->blob = (HclBlob){};
                check_add(c->checks, "hcl-structure", CHECK_FAIL, "at byte %zu: %s", offset, why);
                return;
        }
        if (c->blob.stated_size != HCL_CLAIMS_OFFSET + c->blob.claims.size && c->blob.stated_size != SNP_REPORT_SIZE)
                odd = ", which it is not (nothing signs that number, and nothing depends on it)";
        check_add(c->checks, "hcl-structure", CHECK_PASS,
                  "version %u, %zu bytes of claims bound by %s, report said to have %u bytes%s",
                  (unsigned) c->blob.version, c->blob.claims.size, hash_name(c->blob.hash),
                  (unsigned) c->blob.stated_size, odd);
}

/* The report's own checks; its report data must be the digest of the claims. */
static int judge_report(Context *c) {
        SnpAppraisal a = c->in->snp;
        uint8_t expected[SNP_REPORT_DATA_SIZE];
        const SnpReport *report = snp_report_view(c->blob.report.data, c->blob.report.size);

        a.report = c->blob.report.data;
        a.report_size = c->blob.report.size;
        if (report) {
                int r = hcl_report_data(&c->blob, expected);

                if (r < 0)
                        return r;
                a.report_data = expected;
                a.report_data_meaning = "the digest of the claims";
                c->bound = memcmp(report->report_data, expected, sizeof(expected)) == 0;
        }
        snp_appraise(&a, c->checks);
        return 0;
}

/* Any guest of any owner, on any machine with SEV-SNP, gets a report that binds claims of its own making. That the paravisor
 * made this one is known from the guest's launch alone, so it takes a reference value of that. */
static void judge_paravisor(const Context *c) {
        static const char *const values[] = { "measurement", "id-key", "author-key" };

        for (size_t i = 0; i < ELEMENTSOF(values); i++)
                if (check_list_passed(c->checks, values[i])) {
                        check_add(c->checks, "paravisor", CHECK_PASS, "known by its reference value: %s", values[i]);
                        return;
                }
        check_add(c->checks, "paravisor", CHECK_NA,
                  "no reference value says that a paravisor made these claims, and not a guest of somebody else "
                  "(IdKeyDigest=, AuthorKeyDigest= or Measurement=)");
}

static int judge_claims(Context *c) {
        const char *why = "there is no readable blob";
        int r = c->blob.claims.data ? hcl_claims_parse(c->blob.claims.data, c->blob.claims.size, &c->claims, &why)
                                    : -EINVAL;

        if (r < 0 && r != -EINVAL)
                return r;
        check_add(c->checks, "runtime-claims", r < 0 ? CHECK_FAIL : CHECK_PASS, "%s",
                  r < 0 ? why : "JSON, no name twice");
        return 0;
}

/* The template of the paravisor's AK: RSASSA with SHA-256, exponent 65537, attributes 0x00050472. */
static int name_ak(Context *c) {
        TpmPublic template = {
                .type = TPM_ID_RSA,
                .name_alg = HASH_SHA256,
                .attributes = TPM_ATTRIBUTE_FIXED_TPM | TPM_ATTRIBUTE_FIXED_PARENT |
                              TPM_ATTRIBUTE_SENSITIVE_DATA_ORIGIN | TPM_ATTRIBUTE_USER_WITH_AUTH |
                              TPM_ATTRIBUTE_NO_DA | TPM_ATTRIBUTE_RESTRICTED | TPM_ATTRIBUTE_SIGN,
                .scheme = TPM_ID_RSASSA,
                .scheme_hash = HASH_SHA256,
                .bits = (uint16_t) c->ak.bits,
                .exponent = 65537,
                .x = { c->claims.modulus.data, c->claims.modulus.size },
        };
        int r;

        tpm_public_write(&template, &c->ak_public);
        r = buffer_error(&c->ak_public);
        template.encoded = (Bytes){ c->ak_public.data, c->ak_public.size };
        return r < 0 ? r : tpm_public_name(&template, &c->ak_name);
}

static int judge_ak(Context *c) {
        static const uint8_t exponent[] = { 1, 0, 1 };
        const char *why = NULL;
        char kind[16];
        int r = 0;

        if (!c->claims.json) {
                check_add(c->checks, "ak-binding", CHECK_NA, "not looked at: see runtime-claims");
                return 0;
        }
        if (c->claims.exponent.size != sizeof(exponent) ||
            memcmp(c->claims.exponent.data, exponent, sizeof(exponent)) != 0)
                why = "the exponent is not 65537, as the paravisor's template has it";
        else
                r = tpm_key_from_rsa(c->claims.modulus.data, c->claims.modulus.size, exponent, sizeof(exponent),
                                     &c->ak, &why);
        if (r < 0 && r != -EINVAL)
                return r;
        if (!why && !c->bound)
                why = "the report does not bind the claims that name the key";
        check_add(c->checks, "ak-binding", why ? CHECK_FAIL : CHECK_PASS, "%s%s",
                  why ? why : "the report binds HCLAkPub, ", why ? "" : tpm_key_kind(&c->ak, kind));
        return c->ak.pkey ? name_ak(c) : 0;
}

static void judge_vm_id(const Context *c) {
        const char *wanted = c->in->requirements->vm_ids, *id = c->claims.vm_id;
        bool good = wanted && id && tpm_requirements_have(wanted, id);

        if (!c->claims.json)
                check_add(c->checks, "vm-id", CHECK_NA, "not looked at: see runtime-claims");
        else
                check_add(c->checks, "vm-id",
                          !wanted ? CHECK_NA
                          : good  ? CHECK_PASS
                                  : CHECK_FAIL,
                          "%s%s", id ? id : "the claims do not name the machine",
                          !wanted ? "; no reference value"
                          : good  ? ", as asked for"
                                  : ", which is not the one asked for");
}

/* The nonce is in the user data as it is, or with the AK's Name as sealwatch binds both. */
static int is_answer(const Context *c, bool *ret) {
        uint8_t padded[HCL_USER_DATA_SIZE] = {}, bound[AK_REPORT_DATA_SIZE];
        int r;

        memcpy(padded, c->in->nonce.data, MIN(c->in->nonce.size, sizeof(padded)));
        *ret = c->in->nonce.size <= sizeof(padded) && memcmp(padded, c->claims.user_data, sizeof(padded)) == 0;
        if (*ret || c->ak_name.size == 0)
                return 0;
        r = ak_report_data(c->in->nonce.data, c->in->nonce.size, &c->ak_name, bound);
        if (r >= 0)
                *ret = memcmp(bound, c->claims.user_data, sizeof(bound)) == 0;
        return r;
}

/* Where a quote answers the nonce the report may be older; where nothing else does, it must answer itself. */
static int judge_user_data(const Context *c) {
        static const char name[] = "user-data";
        bool needed = c->in->requirements->require_fresh_report || !c->in->has_quote, answers = false;
        bool empty = snp_is_zero(c->claims.user_data, sizeof(c->claims.user_data));
        char text[2 * HCL_USER_DATA_SIZE + 1];
        int r;

        if (!c->claims.json) {
                check_add(c->checks, name, CHECK_NA, "not looked at: see runtime-claims");
                return 0;
        }
        hex_encode(c->claims.user_data, sizeof(c->claims.user_data), text);
        if (c->in->nonce.size == 0) {
                check_add(c->checks, name, c->in->requirements->require_fresh_report ? CHECK_FAIL : CHECK_NA,
                          "no nonce was given to compare with; there is %s", c->claims.has_user_data ? text : "none");
                return 0;
        }
        r = is_answer(c, &answers);
        if (r < 0)
                return r;
        answers = answers && c->claims.has_user_data && !empty;
        check_add(c->checks, name,
                  answers  ? CHECK_PASS
                  : needed ? CHECK_FAIL
                           : CHECK_NA,
                  "%s%s",
                  !c->claims.has_user_data ? "there is none"
                  : empty                  ? "it is empty"
                                           : text,
                  answers  ? ", which answers the nonce"
                  : needed ? ": the nonce is not answered, the report could be an old one"
                           : ": the report could be older than the nonce, which only the quote answers");
        return 0;
}

static int judge_quote(Context *c) {
        static const char *const names[] = { "quote-structure", "quote-signature", "quote-nonce",
                                             "quote-selection", "pcr-digest",      "quote-clock" };
        QuoteEvidence quote = {
                .quote = c->in->quote,
                .signature = c->in->signature,
                .key = &c->ak,
                .scheme = TPM_ID_RSASSA,
                .scheme_hash = HASH_SHA256,
                .nonce = c->in->nonce,
                .pcrs = c->in->pcrs,
                .required = c->in->requirements->pcrs,
                .require_strong_bank = c->in->requirements->require_strong_bank,
        };
        bool wanted = c->in->requirements->pcrs != 0 && !c->in->has_quote;

        if (c->in->has_quote && c->ak.pkey)
                return quote_appraise(&quote, c->checks, &c->attest);
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                check_add(c->checks, names[i], i == 0 && wanted ? CHECK_FAIL : CHECK_NA, "%s",
                          c->in->has_quote ? "not looked at: see ak-binding" : "no quote was given");
        return 0;
}

/* Whoever is root can put another key in its place before a reboot, and the paravisor binds what it finds. */
static int judge_ak_origin(const Context *c) {
        const AkOrigin origin = {
                .key = c->ak.pkey ? &c->ak : NULL,
                .name = &c->ak_name,
                .problem = "not looked at: see ak-binding",
                .certificates = c->in->ak_certificates,
                .requirements = c->in->requirements,
                .at = c->in->snp.at,
                .unvouched =
                        "only the claims name it, and they name whatever key root has left for the paravisor to find",
        };

        return ak_appraise_origin(&origin, c->checks);
}

int azure_appraise(const AzureEvidence *evidence, CheckList *checks) {
        _cleanup_(context_done) Context c = { .in = evidence, .checks = checks };
        int r;

        judge_blob(&c);
        r = judge_report(&c);
        if (r < 0)
                return r;
        judge_paravisor(&c);
        r = judge_claims(&c);
        if (r >= 0)
                r = judge_ak(&c);
        if (r < 0)
                return r;
        judge_vm_id(&c);
        r = judge_user_data(&c);
        if (r >= 0)
                r = judge_quote(&c);
        if (r >= 0)
                r = quote_appraise_signer(&c.attest, HASH_SHA256, &c.ak_name, false, checks);
        if (r >= 0)
                r = judge_ak_origin(&c);
        return r;
}
