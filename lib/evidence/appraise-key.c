/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Report, attestation key and quote: is the hardware genuine, does it name the key, and what does the key sign? */

#include <errno.h>

#include "lib/azure/appraise.h"
#include "lib/azure/hcl.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/evidence/appraise-internal.h"
#include "lib/svsm/appraise.h"
#include "lib/tpm/origin.h"
#include "lib/tpm/quote.h"
#include "lib/tpm/reportdata.h"

int evidence_judge_key(EvidenceContext *c) {
        const Buffer *public = &c->e->parts[EVIDENCE_AK_PUBLIC];
        const char *why = "there is none";
        char text[2 * TPM_NAME_MAX + 1];
        int r = public->size == 0 ? -EINVAL : tpm_public_parse(public->data, public->size, &c->public, &why);

        if (r >= 0)
                r = tpm_key_from_public(&c->public, &c->key, &why);
        if (r == -EINVAL) {
                c->key_problem = "not looked at: see ak-public";
                check_add(c->checks, "ak-public", CHECK_FAIL, "%s", why);
                return 0;
        }
        if (r >= 0)
                r = tpm_public_name(&c->public, &c->found->ak_name);
        if (r >= 0)
                r = ak_report_data(c->in->nonce.data, c->in->nonce.size, &c->found->ak_name, c->report_data);
        if (r < 0)
                return r;
        hex_encode(c->found->ak_name.bytes, c->found->ak_name.size, text);
        check_add(c->checks, "ak-public", CHECK_PASS, "its Name is %s", text);
        return 0;
}

/* The certificates that the caller has read already, or that are read now. */
static int get_endorsements(const EvidenceContext *c, SnpEndorsements **ret_owned, const SnpEndorsements **ret) {
        const Buffer *p = c->e->parts;
        const SnpEndorsementFiles files = {
                .vek = p[EVIDENCE_VEK].data,
                .vek_size = p[EVIDENCE_VEK].size,
                .chain = p[EVIDENCE_CHAIN].data,
                .chain_size = p[EVIDENCE_CHAIN].size,
                .crl = p[EVIDENCE_CRL].data,
                .crl_size = p[EVIDENCE_CRL].size,
        };
        int r = c->in->endorsements ? 0 : snp_endorsements_new(&files, ret_owned);

        *ret = c->in->endorsements ? c->in->endorsements : *ret_owned;
        return r;
}

static SnpAppraisal how_to_appraise(const EvidenceContext *c, const SnpEndorsements *endorsements) {
        return (SnpAppraisal){
                .report = c->e->parts[EVIDENCE_REPORT].data,
                .report_size = c->e->parts[EVIDENCE_REPORT].size,
                .endorsements = endorsements,
                .requirements = c->in->snp,
                .report_data = c->key_problem ? NULL : c->report_data,
                .report_data_meaning = "of this nonce and this key",
                .at = c->in->at,
                .allow_simulated = c->in->allow_simulated,
        };
}

int evidence_judge_hardware(EvidenceContext *c) {
        _cleanup_(snp_endorsements_freep) SnpEndorsements *owned = NULL;
        const Buffer *report = &c->e->parts[EVIDENCE_REPORT];
        bool svsm = c->e->provider == EVIDENCE_PROVIDER_CONFIGFS && c->e->parts[EVIDENCE_MANIFEST].size > 0, bound;
        const SnpEndorsements *endorsements;
        int r;

        if (c->e->provider == EVIDENCE_PROVIDER_NONE) {
                check_add(c->checks, "ak-binding", CHECK_NA, "there is no report that could bind the key");
                return 0;
        }
        r = get_endorsements(c, &owned, &endorsements);
        if (r < 0)
                return r;
        if (svsm) {
                SvsmEvidence evidence = { .snp = how_to_appraise(c, endorsements),
                                          .manifest = evidence_bytes(c, EVIDENCE_MANIFEST) };

                memcpy(evidence.nonce, c->report_data, sizeof(evidence.nonce));
                r = svsm_appraise(&evidence, c->checks);
                if (r < 0)
                        return r;
        } else {
                const SnpAppraisal appraisal = how_to_appraise(c, endorsements);

                snp_appraise(&appraisal, c->checks);
        }
        c->found->report = snp_report_view(report->data, report->size);
        bound = !c->key_problem && check_list_passed(c->checks, "report-data") &&
                check_list_passed(c->checks, "signature");
        check_add(c->checks, "ak-binding", bound ? CHECK_PASS : CHECK_FAIL, "%s",
                  bound ? "the report was asked for with this nonce and this key"
                        : "the report does not bind this nonce and this key");
        return 0;
}

static int judge_attributes(const EvidenceContext *c) {
        const char *weakness = c->key_problem ? NULL : tpm_public_weakness(&c->public);

        if (c->key_problem)
                check_add(c->checks, "ak-attributes", CHECK_NA, "%s", c->key_problem);
        else
                check_add(c->checks, "ak-attributes", weakness ? CHECK_FAIL : CHECK_PASS, "%s",
                          weakness ? weakness : "it says: restricted, made by a TPM, and unable to leave it");
        return 0;
}

/* A report binds whatever key it was asked for with, and whoever is root asks. So its binding is no reason to believe that
 * the key lives in a TPM. */
static int judge_origin(const EvidenceContext *c) {
        const AkOrigin origin = {
                .key = c->key_problem ? NULL : &c->key,
                .name = &c->found->ak_name,
                .problem = c->key_problem,
                .certificates = evidence_bytes(c, EVIDENCE_AK_CERTIFICATES),
                .requirements = c->in->tpm,
                .at = c->in->at,
                .unvouched = "nobody but the guest itself says that it lives in its TPM",
        };

        return ak_appraise_origin(&origin, c->checks);
}

/* A guest does not choose what it is quoted of: where the policy does not say, it is what the firmware, the kernel, the cap and
 * our log are in. */
static TpmRequirements asked_of_quote(const EvidenceContext *c) {
        TpmRequirements q = *c->in->tpm;

        if (q.pcrs == 0)
                q.pcrs = 0xff | 1U << 10 | 1U << 12 | 1U << c->in->log_pcr;
        q.require_strong_bank = true;
        return q;
}

int evidence_judge_quote(EvidenceContext *c) {
        static const char *const names[] = { "quote-signature", "quote-nonce", "quote-selection",
                                             "pcr-digest",      "quote-clock", "ak-name" };
        const TpmRequirements asked = asked_of_quote(c);
        const QuoteEvidence quote = {
                .quote = evidence_bytes(c, EVIDENCE_QUOTE),
                .signature = evidence_bytes(c, EVIDENCE_SIGNATURE),
                .key = &c->key,
                .scheme = c->public.scheme,
                .scheme_hash = c->public.scheme_hash,
                .nonce = c->in->nonce,
                .pcrs = &c->e->pcrs,
                .required = asked.pcrs,
                .require_strong_bank = asked.require_strong_bank,
        };
        int r = judge_attributes(c);

        if (r >= 0 && !c->key_problem) {
                r = quote_appraise(&quote, c->checks, &c->found->quote);
                if (r >= 0)
                        r = quote_appraise_signer(&c->found->quote, c->public.name_alg, &c->found->ak_name, true,
                                                  c->checks);
        } else if (r >= 0) {
                check_add(c->checks, "quote-structure", CHECK_FAIL, "without a key it is nobody's: see ak-public");
                for (size_t i = 0; i < ELEMENTSOF(names); i++)
                        check_add(c->checks, names[i], CHECK_NA, "%s", c->key_problem);
        }
        if (r >= 0)
                r = judge_origin(c);
        return r;
}

/* On Azure the claims name the key; the one in the document must be the same, since logs and state go by its Name. */
static int judge_azure_key(EvidenceContext *c) {
        TpmName qualified = {};
        const Attest *quote = &c->found->quote;
        bool same;
        int r = 0;

        if (!c->key_problem)
                r = tpm_qualified_name(TPM_HANDLE_ENDORSEMENT, c->public.name_alg, &c->found->ak_name, &qualified);
        if (r < 0)
                return r;
        same = !c->key_problem && quote->signer.size == qualified.size &&
               memcmp(quote->signer.data, qualified.bytes, qualified.size) == 0;
        check_add(c->checks, "ak-attributes", same ? CHECK_PASS : CHECK_FAIL, "%s",
                  same ? "the key in the document is the one that quotes"
                       : "the key in the document is not the one that quotes");
        return 0;
}

int evidence_judge_azure(EvidenceContext *c) {
        _cleanup_(snp_endorsements_freep) SnpEndorsements *owned = NULL;
        const SnpEndorsements *endorsements;
        TpmRequirements requirements = asked_of_quote(c);
        const char *why;
        size_t offset;
        HclBlob blob;
        int r = get_endorsements(c, &owned, &endorsements);

        if (r < 0)
                return r;
        requirements.require_fresh_report = true; /* who makes such documents asks the paravisor for a new one */
        const AzureEvidence evidence = {
                .hcl = evidence_bytes(c, EVIDENCE_HCL),
                .snp = how_to_appraise(c, endorsements),
                .requirements = &requirements,
                .has_quote = true,
                .quote = evidence_bytes(c, EVIDENCE_QUOTE),
                .signature = evidence_bytes(c, EVIDENCE_SIGNATURE),
                .pcrs = &c->e->pcrs,
                .nonce = c->in->nonce,
                .ak_certificates = evidence_bytes(c, EVIDENCE_AK_CERTIFICATES),
        };
        r = azure_appraise(&evidence, c->checks);
        if (r < 0)
                return r;
        if (hcl_parse(evidence.hcl.data, evidence.hcl.size, &blob, &offset, &why) >= 0)
                c->found->report = snp_report_view(blob.report.data, blob.report.size);
        if (attest_parse(evidence.quote.data, evidence.quote.size, &c->found->quote, &offset, &why) < 0)
                c->found->quote = (Attest){};
        return judge_azure_key(c);
}
