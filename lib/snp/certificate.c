/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names of the hierarchies' certificates, and what their authorities must look like. */

#include "lib/snp/certificate.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>

enum { RSA_BITS = 4096, RSA_EXPONENT = 65537 };

static const char simulated_prefix[] = "SIMULATED-";

/* Common names; those of authorities go on with the product. */
static const struct {
        const char *name, *cn;
        bool has_product;
} roles[] = {
        [SNP_VCEK] = { "VCEK", "SEV-VCEK", false }, [SNP_VLEK] = { "VLEK", "SEV-VLEK", false },
        [SNP_ASK] = { "ASK", "SEV-", true },        [SNP_ASVK] = { "ASVK", "SEV-VLEK-", true },
        [SNP_ARK] = { "ARK", "ARK-", true },
};
static_assert(ELEMENTSOF(roles) == _SNP_ROLE_MAX, "a row per role");

const SnpNameAttribute snp_name_attributes[] = {
        { NID_organizationalUnitName, "Engineering", "Simulator" },
        { NID_countryName, "US", "ZZ" },
        { NID_localityName, "Santa Clara", "Nowhere" },
        { NID_stateOrProvinceName, "CA", "Nowhere" },
        { NID_organizationName, "Advanced Micro Devices", "sealwatch, for tests and demonstrations only" },
};
static_assert(ELEMENTSOF(snp_name_attributes) == SNP_NAME_ATTRIBUTES, "all of them");

const char *snp_role_name(SnpRole role) {
        return roles[role].name;
}

const char *snp_name_cn(const SnpName *name, char ret[SNP_CN_MAX]) {
        snprintf(ret, SNP_CN_MAX, "%s%s%s", name->simulated ? simulated_prefix : "", roles[name->role].cn,
                 roles[name->role].has_product ? snp_product_name(name->product) : "");
        return ret;
}

/* The value of the one attribute of that kind, or NULL when there is none or a second one. */
static const ASN1_STRING *only_attribute(const X509_NAME *name, int nid) {
        int at = X509_NAME_get_index_by_NID(name, nid, -1);

        if (at < 0 || X509_NAME_get_index_by_NID(name, nid, at) >= 0)
                return NULL;
        return X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
}

static bool attribute_is(const X509_NAME *name, int nid, const char *value) {
        const ASN1_STRING *s = only_attribute(name, nid);

        return s && (size_t) ASN1_STRING_length(s) == strlen(value) &&
               memcmp(ASN1_STRING_get0_data(s), value, strlen(value)) == 0;
}

static bool attributes_are(const X509_NAME *name, bool simulated) {
        for (size_t i = 0; i < ELEMENTSOF(snp_name_attributes); i++)
                if (!attribute_is(name, snp_name_attributes[i].nid,
                                  simulated ? snp_name_attributes[i].simulated : snp_name_attributes[i].value))
                        return false;
        return X509_NAME_entry_count(name) == SNP_NAME_ATTRIBUTES + 1;
}

bool snp_name_parse(const X509_NAME *name, SnpName *ret) {
        for (int simulated = 0; simulated < 2; simulated++)
                for (SnpRole role = 0; role < _SNP_ROLE_MAX; role++)
                        for (SnpProduct p = 0; p < (roles[role].has_product ? _SNP_PRODUCT_MAX : 1); p++) {
                                SnpName n = { role, p, simulated != 0 };
                                char cn[SNP_CN_MAX];

                                if (!attribute_is(name, NID_commonName, snp_name_cn(&n, cn)))
                                        continue;
                                if (!roles[role].has_product)
                                        n.product = _SNP_PRODUCT_INVALID;
                                *ret = n;
                                return attributes_are(name, n.simulated);
                        }
        return false;
}

static const char *check_key(X509 *x) {
        EVP_PKEY *key = X509_get0_pubkey(x);
        BIGNUM *e = NULL;
        bool right;

        if (!key || !EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_bits(key) != RSA_BITS)
                return "its key is not RSA with 4096 bits";
        right = EVP_PKEY_get_bn_param(key, "e", &e) == 1 && BN_is_word(e, RSA_EXPONENT);
        BN_free(e);
        return right ? NULL : "its key's exponent is not 65537";
}

const char *snp_authority_check(X509 *x, const SnpName *name) {
        uint32_t flags = X509_get_extension_flags(x);
        uint32_t usage = X509_get_key_usage(x); /* all bits when the extension is missing */

        if (X509_get_version(x) != X509_VERSION_3)
                return "it is not of version 3";
        if (flags & (EXFLAG_INVALID | EXFLAG_CRITICAL))
                return "an extension is malformed, or critical and unknown";
        if (x509_has_double_extension(x))
                return "an extension is there twice";
        if (!(flags & EXFLAG_CA) || !(flags & EXFLAG_BCONS) || (flags & EXFLAG_V1))
                return "it is no certificate authority's";
        if (!(flags & EXFLAG_KUSAGE) || !(usage & KU_KEY_CERT_SIGN))
                return "it may not sign certificates";
        if (name->role != SNP_ARK && X509_get_pathlen(x) != 0)
                return "it may have other authorities below it";
        if (!x509_algor_is_pss_sha384(X509_get0_tbs_sigalg(x)))
                return "its signature is not RSASSA-PSS with SHA-384 and a salt of 48 bytes";
        return check_key(x);
}
