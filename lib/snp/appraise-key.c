/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Did this processor sign the report, with the key that the certificate is about? */

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "lib/snp/appraise-internal.h"

enum { SCALAR_SIZE = 48, KEY_NONE = 7 };

DEFINE_CLEANUP(ECDSA_SIG *, ECDSA_SIG_free)
DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(BIGNUM *, BN_free)

static uint32_t signing_key(const SnpReport *r) {
        return snp_u32(r->key_info) >> SNP_KEY_SIGNING_SHIFT & SNP_KEY_SIGNING_MASK;
}

CheckResult check_signing_key(const Context *c, char why[SNP_DETAIL_MAX]) {
        const SnpEndorsements *e = c->e;
        uint32_t key = signing_key(c->report);

        if (snp_u32(c->report->key_info) & SNP_KEY_MASKED)
                say(why, "the host masks the chip's keys: the report is not signed");
        else if (key == KEY_NONE)
                say(why, "the report says that no key signed it");
        else if (key > SNP_VLEK)
                say(why, "the report names a reserved kind of key, %u", (unsigned) key);
        else if (*e->vek_problem)
                say(why, "the certificate for the report's %s cannot be used: %s", snp_role_name((SnpRole) key),
                    e->vek_problem);
        else if (key != e->claims.role)
                say(why, "the report is signed by a %s, the certificate is a %s's", snp_role_name((SnpRole) key),
                    snp_role_name(e->claims.role));
        else if (!snp_bit(c->q->roles, key))
                say(why, "signed by a %s, which is not allowed", snp_role_name((SnpRole) key));
        else {
                say(why, "a %s, as its certificate says", snp_role_name((SnpRole) key));
                return CHECK_PASS;
        }
        return CHECK_FAIL;
}

static ECDSA_SIG *signature_of(const SnpReport *report) {
        _cleanup_(ECDSA_SIG_freep) ECDSA_SIG *s = ECDSA_SIG_new();
        _cleanup_(BN_freep) BIGNUM *r = BN_lebin2bn(report->signature_r, SCALAR_SIZE, NULL);
        _cleanup_(BN_freep) BIGNUM *v = BN_lebin2bn(report->signature_s, SCALAR_SIZE, NULL);

        if (!s || !r || !v || ECDSA_SIG_set0(s, r, v) != 1)
                return NULL;
        (void) TAKE_PTR(r);
        (void) TAKE_PTR(v);
        return TAKE_PTR(s);
}

/* 1: good, 0: bad, negative: could not be decided. */
static int verify(const SnpReport *report, X509 *vek) {
        _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(X509_get0_pubkey(vek), NULL);
        _cleanup_(ECDSA_SIG_freep) ECDSA_SIG *s = signature_of(report);
        uint8_t der[2 * SCALAR_SIZE + 16], *p = der;
        Digest digest;
        int size = s ? i2d_ECDSA_SIG(s, NULL) : -1;

        if (!context || size <= 0 || (size_t) size > sizeof(der) || i2d_ECDSA_SIG(s, &p) != size ||
            digest_data(HASH_SHA384, report, SNP_REPORT_SIGNED_SIZE, &digest) < 0 ||
            EVP_PKEY_verify_init(context) != 1)
                return -1;
        return EVP_PKEY_verify(context, der, (size_t) size, digest.bytes, hash_size(HASH_SHA384)) == 1;
}

CheckResult check_signature(const Context *c, char why[SNP_DETAIL_MAX]) {
        int r;

        if (snp_u32(c->report->key_info) & SNP_KEY_MASKED) {
                say(why, "there is none: the host masks the chip's keys");
                return CHECK_FAIL;
        }
        r = verify(c->report, c->e->vek);
        say(why,
            r < 0    ? "the crypto library failed"
            : r == 0 ? "the certificate's key did not sign this report"
                     : "ECDSA P-384 with SHA-384 over %d bytes",
            SNP_REPORT_SIGNED_SIZE);
        return r < 0 ? CHECK_UNDECIDED : r == 0 ? CHECK_FAIL : CHECK_PASS;
}

CheckResult check_provider(const Context *c, char why[SNP_DETAIL_MAX]) {
        const SnpVek *v = &c->e->claims;
        const char *p = c->q->csp_ids;

        if (v->role != SNP_VLEK) {
                say(why, "a VCEK belongs to a chip, not to a cloud provider");
                return p ? CHECK_FAIL : CHECK_NA;
        }
        if (!p) {
                say(why, "any will do; it is \"%s\"", v->csp_id);
                return CHECK_NA;
        }
        while (*p) {
                size_t n = strcspn(p, " \t");

                if (n == strlen(v->csp_id) && memcmp(p, v->csp_id, n) == 0) {
                        say(why, "\"%s\" is allowed", v->csp_id);
                        return CHECK_PASS;
                }
                p += n + strspn(p + n, " \t");
        }
        say(why, "\"%s\" is not allowed", v->csp_id);
        return CHECK_FAIL;
}

CheckResult check_product(const Context *c, char why[SNP_DETAIL_MAX]) {
        const SnpReport *r = c->report;
        SnpProduct claimed = c->e->claims.product, found = claimed;
        bool has_cpuid = snp_u32(r->version) >= 3;
        const char *name = snp_product_name(claimed);

        if (has_cpuid)
                found = snp_product_from_cpuid(r->cpuid_family, r->cpuid_model);
        if (found == _SNP_PRODUCT_INVALID)
                say(why, "CPUID family 0x%02x, model 0x%02x is of no known generation", r->cpuid_family,
                    r->cpuid_model);
        else if (found != claimed)
                say(why, "the report is of %s (CPUID family 0x%02x, model 0x%02x), the certificate of %s",
                    snp_product_name(found), r->cpuid_family, r->cpuid_model, name);
        else if (!snp_bit(c->q->products, (unsigned) claimed))
                say(why, "%s is not what was asked for", name);
        else {
                if (has_cpuid)
                        say(why, "%s, by certificate and CPUID (family 0x%02x, model 0x%02x, stepping %u)", name,
                            r->cpuid_family, r->cpuid_model, r->cpuid_stepping);
                else
                        say(why, "%s, by certificate (reports of version 2 do not say it)", name);
                return CHECK_PASS;
        }
        return CHECK_FAIL;
}

CheckResult check_chip_id(const Context *c, char why[SNP_DETAIL_MAX]) {
        const SnpVek *v = &c->e->claims;
        const uint8_t *id = c->report->chip_id;
        bool masked = snp_is_zero(id, SNP_CHIP_ID_SIZE);

        if (v->role == SNP_VLEK) {
                say(why, "a VLEK names no chip%s", masked ? ", and the report none" : "");
                return CHECK_NA;
        }
        if (masked) {
                say(why, "the host masks the chip's id%s",
                    c->q->allow_masked_chip_id ? "; the certificate still names it" : "");
                return c->q->allow_masked_chip_id ? CHECK_NA : CHECK_FAIL;
        }
        if (memcmp(id, v->chip_id, SNP_CHIP_ID_SIZE) != 0) {
                say(why, "the report is of another chip than the certificate");
                return CHECK_FAIL;
        }
        say(why, "the report's chip is the certificate's");
        return CHECK_PASS;
}
