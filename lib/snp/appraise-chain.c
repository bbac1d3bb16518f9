/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Is the certificate behind a report AMD's, and still good? */

#include <stdio.h>

#include "lib/base/hex.h"
#include "lib/snp/appraise-internal.h"
#include "lib/snp/crl.h"

static const char *issuer_cn(const SnpEndorsements *e, SnpRole role, char ret[SNP_CN_MAX]) {
        return snp_name_cn(&(SnpName){ role, e->claims.product, e->claims.simulated }, ret);
}

static SnpRole intermediate_role(const SnpEndorsements *e) {
        return e->claims.role == SNP_VLEK ? SNP_ASVK : SNP_ASK;
}

bool snp_endorsements_are_simulated(const SnpEndorsements *e) {
        return !*e->vek_problem && e->claims.simulated;
}

CheckResult check_chain(const Context *c, char why[SNP_DETAIL_MAX]) {
        const SnpEndorsements *e = c->e;
        char intermediate[SNP_CN_MAX], root[SNP_CN_MAX];

        if (*e->vek_problem)
                say(why, "no chain without a certificate: %s", e->vek_problem);
        else if (*e->chain_problem)
                say(why, "%s", e->chain_problem);
        else
                say(why, "%s, signed by %s, signed by %s (RSASSA-PSS, SHA-384)", snp_role_name(e->claims.role),
                    issuer_cn(e, intermediate_role(e), intermediate), issuer_cn(e, SNP_ARK, root));
        return *e->vek_problem || *e->chain_problem ? CHECK_FAIL : CHECK_PASS;
}

CheckResult check_root(const Context *c, char why[SNP_DETAIL_MAX]) {
        const SnpEndorsements *e = c->e;
        char digest[2 * SHA256_SIZE + 1], cn[SNP_CN_MAX];

        hex_encode(e->root_digest, SHA256_SIZE, digest);
        issuer_cn(e, SNP_ARK, cn);
        if (e->has_foreign_root)
                say(why, "%s (SHA-256 %s): among the roots given is one that is not AMD's", cn, digest);
        else if (e->has_simulated && !c->in->allow_simulated)
                say(why, "%s (SHA-256 %s): among the certificates given are SIMULATED ones", cn, digest);
        else if (!e->root_is_pinned)
                say(why, "%s: SIMULATED, not AMD's; it proves nothing (SHA-256 %s)", cn, digest);
        else {
                say(why, "%s is AMD's (SHA-256 %s)", cn, digest);
                return CHECK_PASS;
        }
        return !e->has_foreign_root && !e->root_is_pinned && c->in->allow_simulated ? CHECK_PASS : CHECK_FAIL;
}

CheckResult check_validity(const Context *c, char why[SNP_DETAIL_MAX]) {
        const SnpEndorsements *e = c->e;
        const struct {
                X509 *certificate;
                SnpRole role;
        } links[] = { { e->vek, e->claims.role }, { e->intermediate, intermediate_role(e) }, { e->root, SNP_ARK } };
        char at[X509_TIME_TEXT_MAX], limit[X509_TIME_TEXT_MAX];
        int64_t until = INT64_MAX;

        x509_time_format(c->in->at, at);
        for (size_t i = 0; i < ELEMENTSOF(links); i++) {
                const char *name = snp_role_name(links[i].role);
                int64_t from, to;

                if (!x509_time(X509_get0_notBefore(links[i].certificate), &from) ||
                    !x509_time(X509_get0_notAfter(links[i].certificate), &to)) {
                        say(why, "the %s has no times of validity", name);
                        return CHECK_FAIL;
                }
                if (c->in->at < from || c->in->at > to) {
                        say(why, "at %s the %s %s %s", at, name,
                            c->in->at < from ? "is not valid yet: from" : "is not valid any more: until",
                            x509_time_format(c->in->at < from ? from : to, limit));
                        return CHECK_FAIL;
                }
                until = MIN(until, to);
        }
        say(why, "all three are valid at %s, together until %s", at, x509_time_format(until, limit));
        return CHECK_PASS;
}

CheckResult check_revocation(const Context *c, char why[SNP_DETAIL_MAX]) {
        const SnpEndorsements *e = c->e;
        char text[X509_TIME_TEXT_MAX];
        const char *misfit;
        int64_t until;

        if (*e->crl_problem) {
                say(why, "%s", e->crl_problem);
                return CHECK_FAIL;
        }
        if (e->n_crls == 0) {
                say(why, c->q->require_crl ? "a revocation list is required, and none was given"
                                           : "no revocation list was given");
                return c->q->require_crl ? CHECK_FAIL : CHECK_NA;
        }
        misfit = snp_crl_misfit(e, c->in->at, &until);
        if (misfit)
                say(why, "%s", misfit);
        else
                say(why, "no authority is revoked, says a list until %s", x509_time_format(until, text));
        return misfit ? CHECK_FAIL : CHECK_PASS;
}
