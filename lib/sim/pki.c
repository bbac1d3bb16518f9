/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A simulated AMD. */

#include "lib/sim/pki.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

enum { RSA_BITS = 4096, RSA_PRIMES = 4, SALT_SIZE = 48 };

#define DAY INT64_C(86400)

DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)
DEFINE_CLEANUP(X509_NAME *, X509_NAME_free)
DEFINE_CLEANUP(X509_EXTENSION *, X509_EXTENSION_free)
DEFINE_CLEANUP(X509_REVOKED *, X509_REVOKED_free)
DEFINE_CLEANUP(ASN1_OBJECT *, ASN1_OBJECT_free)
DEFINE_CLEANUP(ASN1_OCTET_STRING *, ASN1_OCTET_STRING_free)
DEFINE_CLEANUP(ASN1_INTEGER *, ASN1_INTEGER_free)
DEFINE_CLEANUP(ASN1_TIME *, ASN1_TIME_free)

/* Four primes instead of two: nobody sees it in the public key, and they are found in a tenth of the time. */
static EVP_PKEY *new_rsa(void) {
        _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
        EVP_PKEY *key = NULL;

        if (!context || EVP_PKEY_keygen_init(context) != 1 ||
            EVP_PKEY_CTX_set_rsa_keygen_bits(context, RSA_BITS) != 1 ||
            EVP_PKEY_CTX_set_rsa_keygen_primes(context, RSA_PRIMES) != 1 || EVP_PKEY_generate(context, &key) != 1)
                return NULL;
        return key;
}

int sim_pki_new(SimPki *ret) {
        SimPki p = {};

        for (SnpRole role = 0; role < _SNP_ROLE_MAX; role++) {
                p.keys[role] = role <= SNP_VLEK ? EVP_EC_gen("P-384") : new_rsa();
                if (!p.keys[role]) {
                        sim_pki_done(&p);
                        return -EIO;
                }
        }
        *ret = p;
        return 0;
}

void sim_pki_done(SimPki *p) {
        for (SnpRole role = 0; role < _SNP_ROLE_MAX; role++)
                EVP_PKEY_free(p->keys[role]);
        *p = (SimPki){};
}

SimPkey sim_curve_key(const char *group, const char *encoding) {
        _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
        OSSL_PARAM params[] = {
                OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *) (uintptr_t) group, 0),
                OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_EC_ENCODING, (char *) (uintptr_t) encoding, 0),
                OSSL_PARAM_construct_end(),
        };
        EVP_PKEY *key = NULL;

        if (!context || EVP_PKEY_keygen_init(context) != 1 || EVP_PKEY_CTX_set_params(context, params) != 1 ||
            EVP_PKEY_generate(context, &key) != 1)
                return NULL;
        return key;
}

void sim_curve_key_free(SimPkey key) {
        EVP_PKEY_free(key);
}

static SimSigning signed_by(const SimPki *p, SnpRole role) {
        return (SimSigning){ p->keys[role], "SHA384", SALT_SIZE };
}

static const char *list_of(SnpRole role, SnpProduct product) {
        static const char *const lists[2][_SNP_PRODUCT_MAX] = {
                { "URI:simulated:/vcek/v1/Milan/crl", "URI:simulated:/vcek/v1/Genoa/crl",
                  "URI:simulated:/vcek/v1/Turin/crl" },
                { "URI:simulated:/vlek/v1/Milan/crl", "URI:simulated:/vlek/v1/Genoa/crl",
                  "URI:simulated:/vlek/v1/Turin/crl" },
        };

        return lists[role == SNP_ASVK][product];
}

SimCertificate sim_authority(const SimPki *p, SnpRole role, SnpProduct product) {
        return (SimCertificate){
                .subject = { role, product, true },
                .issuer = { SNP_ARK, product, true },
                .key = p->keys[role],
                .not_before = SIM_TIME - 5 * 365 * DAY,
                .not_after = SIM_TIME + 20 * 365 * DAY,
                .serial = (uint64_t) (product + 1) << 16 | (role == SNP_ARK   ? 0
                                                            : role == SNP_ASK ? 1
                                                                              : 0x101),
                .constraints = role == SNP_ARK ? "critical,CA:TRUE" : "critical,CA:TRUE,pathlen:0",
                .usage = role == SNP_ARK ? "critical,keyCertSign,cRLSign" : "critical,keyCertSign",
                .list = list_of(role, product),
                .signing = signed_by(p, SNP_ARK),
        };
}

SimExtension *sim_extension(SimCertificate *c, const char *oid) {
        for (size_t i = 0; i < c->n_extensions; i++)
                if (streq(c->extensions[i].oid, oid))
                        return &c->extensions[i];
        return NULL;
}

void sim_extension_add(SimCertificate *c, const char *oid, const void *value, size_t n) {
        SimExtension *e = &c->extensions[c->n_extensions++];

        assert(c->n_extensions <= SIM_EXTENSIONS_MAX && n <= sizeof(e->value));
        *e = (SimExtension){ .oid = oid, .size = n };
        memcpy(e->value, value, n);
}

static void add_number(SimCertificate *c, const char *oid, uint8_t n) {
        const uint8_t one[] = { 2, 1, n }, two[] = { 2, 2, 0, n };

        sim_extension_add(c, oid, n < 0x80 ? one : two, n < 0x80 ? sizeof(one) : sizeof(two));
}

static void add_text(SimCertificate *c, const char *oid, const char *text) {
        uint8_t value[64] = { 0x16, (uint8_t) strlen(text) };

        memcpy(value + 2, text, strlen(text));
        sim_extension_add(c, oid, value, 2 + strlen(text));
}

static void add_versions(SimCertificate *c, SnpProduct product, const SnpTcb *tcb) {
        static const struct {
                const char *oid;
                int part;
        } versions[] = {
                { SNP_OID_SPL_PREFIX "1", TCB_BOOTLOADER },
                { SNP_OID_SPL_PREFIX "2", TCB_TEE },
                { SNP_OID_SPL_PREFIX "4", -1 },
                { SNP_OID_SPL_PREFIX "5", -1 },
                { SNP_OID_SPL_PREFIX "6", -1 },
                { SNP_OID_SPL_PREFIX "7", -1 },
                { SNP_OID_SPL_PREFIX "3", TCB_SNP },
                { SNP_OID_SPL_PREFIX "8", TCB_MICROCODE },
        };
        bool has_fmc = snp_product_has_part(product, TCB_FMC);

        if (has_fmc)
                add_number(c, SNP_OID_SPL_PREFIX "9", tcb->parts[TCB_FMC]);
        for (size_t i = 0; i < ELEMENTSOF(versions); i++)
                if (!has_fmc || !streq(versions[i].oid, SNP_OID_SPL_PREFIX "4"))
                        add_number(c, versions[i].oid, versions[i].part < 0 ? 0 : tcb->parts[versions[i].part]);
}

SimCertificate sim_vek(const SimPki *p, SnpRole role, SnpProduct product, const SnpTcb *tcb,
                       const uint8_t chip_id[SNP_CHIP_ID_SIZE]) {
        static const char *const names[_SNP_PRODUCT_MAX] = { "Milan-B0", "Genoa", "Turin" };
        SnpRole issuer = role == SNP_VCEK ? SNP_ASK : SNP_ASVK;
        int64_t days = role == SNP_VCEK ? 7 * 365 : 365;
        SimCertificate c = {
                .subject = { role, _SNP_PRODUCT_INVALID, true },
                .issuer = { issuer, product, true },
                .key = p->keys[role],
                .not_before = SIM_TIME - days * DAY / 2,
                .not_after = SIM_TIME + days * DAY / 2,
                .signing = signed_by(p, issuer),
        };

        add_number(&c, SNP_OID_STRUCT_VERSION, product == SNP_TURIN);
        add_text(&c, SNP_OID_PRODUCT_NAME, role == SNP_VCEK ? names[product] : snp_product_name(product));
        add_versions(&c, product, tcb);
        if (role == SNP_VLEK)
                add_text(&c, SNP_OID_CSP_ID, "CN=simulated.example");
        else
                sim_extension_add(&c, SNP_OID_HWID, chip_id,
                                  product == SNP_TURIN ? SNP_CHIP_ID_SHORT_SIZE : SNP_CHIP_ID_SIZE);
        return c;
}

static X509_NAME *new_name(const SnpName *name) {
        _cleanup_(X509_NAME_freep) X509_NAME *n = X509_NAME_new();
        char cn[SNP_CN_MAX];

        for (size_t i = 0; n && i < SNP_NAME_ATTRIBUTES; i++) {
                const SnpNameAttribute *a = &snp_name_attributes[i];
                const char *value = name->simulated ? a->simulated : a->value;

                if (X509_NAME_add_entry_by_NID(n, a->nid, MBSTRING_ASC, (const unsigned char *) value, -1, -1, 0) != 1)
                        return NULL;
        }
        snp_name_cn(name, cn);
        if (!n || X509_NAME_add_entry_by_NID(n, NID_commonName, MBSTRING_ASC, (unsigned char *) cn, -1, -1, 0) != 1)
                return NULL;
        return TAKE_PTR(n);
}

static X509_EXTENSION *new_extension(const SimExtension *e) {
        _cleanup_(ASN1_OBJECT_freep) ASN1_OBJECT *object = OBJ_txt2obj(e->oid, 1);
        _cleanup_(ASN1_OCTET_STRING_freep) ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();

        if (!object || !value || ASN1_OCTET_STRING_set(value, e->value, (int) e->size) != 1)
                return NULL;
        return X509_EXTENSION_create_by_OBJ(NULL, object, e->critical, value);
}

/* 1 on success, as OpenSSL has it. */
static int add_standard(X509 *x, int nid, const char *value) {
        _cleanup_(X509_EXTENSION_freep) X509_EXTENSION *e = NULL;
        X509V3_CTX context;

        if (!value)
                return 1;
        X509V3_set_ctx_nodb(&context);
        X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
        e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
        return e ? X509_add_ext(x, e, -1) : 0;
}

static int add_extensions(X509 *x, const SimCertificate *c) {
        if (add_standard(x, NID_basic_constraints, c->constraints) != 1 ||
            add_standard(x, NID_key_usage, c->usage) != 1 ||
            add_standard(x, NID_crl_distribution_points, c->list) != 1)
                return 0;
        for (size_t i = 0; i < c->n_extensions; i++) {
                _cleanup_(X509_EXTENSION_freep) X509_EXTENSION *e = new_extension(&c->extensions[i]);

                if (!e || X509_add_ext(x, e, -1) != 1)
                        return 0;
        }
        return 1;
}

static EVP_MD_CTX *new_signer(const SimSigning *s) {
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
        EVP_PKEY_CTX *key = NULL;

        if (!context || EVP_DigestSignInit_ex(context, &key, s->digest, NULL, NULL, s->key, NULL) != 1)
                return NULL;
        if (s->salt >= 0 && (EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PSS_PADDING) != 1 ||
                             EVP_PKEY_CTX_set_rsa_pss_saltlen(key, s->salt) != 1))
                return NULL;
        return TAKE_PTR(context);
}

static int append(unsigned char *der, int n, Buffer *ret) {
        if (n <= 0)
                return -EIO;
        buffer_bytes(ret, der, (size_t) n);
        OPENSSL_free(der);
        return buffer_error(ret);
}

int sim_certificate_write(const SimCertificate *c, Buffer *ret) {
        _cleanup_(X509_freep) X509 *x = X509_new();
        _cleanup_(X509_NAME_freep) X509_NAME *subject = new_name(&c->subject), *issuer = new_name(&c->issuer);
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *signer = new_signer(&c->signing);
        unsigned char *der = NULL;
        int size;

        if (!x || !subject || !issuer || !signer)
                return -ENOMEM;
        if (X509_set_version(x, X509_VERSION_3) != 1 ||
            ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), c->serial) != 1 ||
            X509_set_subject_name(x, subject) != 1 || X509_set_issuer_name(x, issuer) != 1 ||
            !ASN1_TIME_set(X509_getm_notBefore(x), c->not_before) ||
            !ASN1_TIME_set(X509_getm_notAfter(x), c->not_after) || X509_set_pubkey(x, c->key) != 1 ||
            add_extensions(x, c) != 1 || X509_sign_ctx(x, signer) <= 0)
                return -EIO;
        size = i2d_X509(x, &der);
        return append(der, size, ret);
}

SimCrl sim_crl(const SimPki *p, SnpProduct product) {
        return (SimCrl){
                .issuer = { SNP_ARK, product, true },
                .last_update = SIM_TIME - DAY,
                .next_update = SIM_TIME + 30 * DAY,
                .signing = signed_by(p, SNP_ARK),
        };
}

static int add_revoked(X509_CRL *crl, uint64_t serial, int64_t time, const SimExtension *extension) {
        _cleanup_(X509_REVOKED_freep) X509_REVOKED *entry = X509_REVOKED_new();
        _cleanup_(ASN1_INTEGER_freep) ASN1_INTEGER *number = ASN1_INTEGER_new();
        _cleanup_(ASN1_TIME_freep) ASN1_TIME *date = ASN1_TIME_set(NULL, time);
        _cleanup_(X509_EXTENSION_freep) X509_EXTENSION *e = extension->oid ? new_extension(extension) : NULL;

        if (!entry || !number || !date || ASN1_INTEGER_set_uint64(number, serial) != 1 ||
            X509_REVOKED_set_serialNumber(entry, number) != 1 || X509_REVOKED_set_revocationDate(entry, date) != 1 ||
            (extension->oid && (!e || X509_REVOKED_add_ext(entry, e, -1) != 1)) ||
            X509_CRL_add0_revoked(crl, entry) != 1)
                return 0;
        (void) TAKE_PTR(entry);
        return 1;
}

static int fill_crl(X509_CRL *crl, const SimCrl *l) {
        _cleanup_(ASN1_TIME_freep) ASN1_TIME *last = ASN1_TIME_set(NULL, l->last_update),
                                             *next = ASN1_TIME_set(NULL, l->next_update);
        _cleanup_(X509_EXTENSION_freep)
                X509_EXTENSION *e = l->extension.oid ? new_extension(&l->extension) : NULL,
                               *scope = l->scope ? X509V3_EXT_conf_nid(NULL, NULL, NID_issuing_distribution_point,
                                                                       l->scope)
                                                 : NULL;

        if (!last || !next || X509_CRL_set1_lastUpdate(crl, last) != 1 ||
            (l->next_update != 0 && X509_CRL_set1_nextUpdate(crl, next) != 1) ||
            (l->extension.oid && (!e || X509_CRL_add_ext(crl, e, -1) != 1)) ||
            (l->scope && (!scope || X509_CRL_add_ext(crl, scope, -1) != 1)))
                return 0;
        for (size_t i = 0; i < l->n_serials; i++)
                if (add_revoked(crl, l->serials[i], l->last_update,
                                i == 0 ? &l->entry_extension : &(SimExtension){}) != 1)
                        return 0;
        return 1;
}

int sim_crl_write(const SimCrl *l, Buffer *ret) {
        _cleanup_(X509_CRL_freep) X509_CRL *crl = X509_CRL_new();
        _cleanup_(X509_NAME_freep) X509_NAME *issuer = new_name(&l->issuer);
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *signer = new_signer(&l->signing);
        unsigned char *der = NULL;
        int size;

        if (!crl || !issuer || !signer)
                return -ENOMEM;
        if (X509_CRL_set_version(crl, X509_CRL_VERSION_2) != 1 || X509_CRL_set_issuer_name(crl, issuer) != 1 ||
            fill_crl(crl, l) != 1 || X509_CRL_sign_ctx(crl, signer) <= 0)
                return -EIO;
        size = i2d_X509_CRL(crl, &der);
        return append(der, size, ret);
}
