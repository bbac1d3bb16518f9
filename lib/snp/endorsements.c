/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From files to a verified chain. */

#include "lib/snp/endorsements.h"

#include <errno.h>
#include <stdio.h>

#include "lib/base/alloc.h"
#include "lib/snp/pool.h"

static const uint8_t pinned[]
                           [SHA256_SIZE] = {
                                   [SNP_MILAN] = { 0x69, 0xd0, 0x63, 0xb4, 0x53, 0x44, 0xd2, 0x6a, 0x2e, 0x94, 0xe1,
                                                   0xf4, 0x21, 0x0d, 0xe4, 0x9e, 0xf5, 0x55, 0x30, 0x82, 0x87, 0xd4,
                                                   0xc1, 0x74, 0x44, 0x5c, 0x95, 0x63, 0x9a, 0x54, 0x0b, 0xcd },
                                   [SNP_GENOA] = { 0x4c, 0x65, 0x98, 0xd1, 0x9c, 0x18, 0x71, 0x9c, 0x5d, 0xfd, 0x4a,
                                                   0x7d, 0x33, 0x5f, 0x67, 0x4e, 0x5b, 0xfe, 0x1d, 0x8f, 0x80, 0x0c,
                                                   0xea, 0x2c, 0xf2, 0x70, 0xc1, 0x0d, 0x10, 0x3d, 0xb2, 0xf1 },
                                   [SNP_TURIN] = { 0x1f, 0x08, 0x41, 0x61, 0xa4, 0x4b, 0xb6, 0xd9, 0x37, 0x78, 0xa9,
                                                   0x04, 0x87, 0x7d, 0x48, 0x19, 0xca, 0xfa, 0x5d, 0x05, 0xef, 0x41,
                                                   0x93, 0xb2, 0xde, 0xd9, 0xdd, 0x9c, 0x73, 0xdd, 0x3f, 0x6a },
                           };
static_assert(ELEMENTSOF(pinned) == _SNP_PRODUCT_MAX, "a root per product");

bool snp_root_is_pinned(SnpProduct product, const uint8_t digest[SHA256_SIZE]) {
        return memcmp(pinned[product], digest, SHA256_SIZE) == 0;
}

SnpEndorsements *snp_endorsements_free(SnpEndorsements *e) {
        if (!e)
                return NULL;
        X509_free(e->vek);
        X509_free(e->intermediate);
        X509_free(e->root);
        for (size_t i = 0; i < e->n_crls; i++)
                X509_CRL_free(e->crls[i]);
        free(e);
        return NULL;
}

static X509 *reference(X509 *x) {
        return X509_up_ref(x) == 1 ? x : NULL;
}

static int root_digest(X509 *root, uint8_t ret[SHA256_SIZE]) {
        unsigned char *der = NULL;
        int n = i2d_X509(root, &der), r;

        if (n < 0)
                return -ENOMEM;
        r = sha256(der, (size_t) n, ret);
        OPENSSL_free(der);
        return r;
}

static int add_file(SnpPool *pool, const char *what, const void *data, size_t n, char problem[SNP_WHY_MAX]) {
        const char *why = NULL;
        size_t offset = 0;
        int r = snp_pool_add(pool, data, n, &offset, &why);

        if (r == -EINVAL)
                snprintf(problem, SNP_WHY_MAX, "%s, at byte %zu: %s", what, offset, why);
        return r == -EINVAL ? 0 : r;
}

static int judge_roots(SnpEndorsements *e, const SnpPool *pool) {
        for (size_t i = 0; i < pool->size; i++) {
                const SnpAuthority *a = &pool->items[i];
                uint8_t digest[SHA256_SIZE];
                int r;

                e->has_simulated = e->has_simulated || a->name.simulated;
                if (a->name.role != SNP_ARK)
                        continue;
                r = root_digest(a->certificate, digest);
                if (r < 0)
                        return r;
                if (a->certificate == e->root)
                        memcpy(e->root_digest, digest, sizeof(digest));
                if (!a->name.simulated && !snp_root_is_pinned(a->name.product, digest))
                        e->has_foreign_root = true;
                else if (a->certificate == e->root)
                        e->root_is_pinned = !a->name.simulated;
        }
        return 0;
}

/* Up from the VEK, over signatures that were verified. */
static void build_chain(SnpEndorsements *e, const SnpPool *pool) {
        SnpName issuer = { e->claims.role == SNP_VLEK ? SNP_ASVK : SNP_ASK, e->claims.product, e->claims.simulated };
        const SnpAuthority *a;
        char cn[SNP_CN_MAX];
        bool named;

        a = snp_pool_issuer(pool, e->vek, &issuer, &named);
        if (a) {
                e->intermediate = reference(a->certificate);
                e->root = reference(a->issuer->certificate);
        } else if (!*e->chain_problem)
                snprintf(e->chain_problem, SNP_WHY_MAX,
                         named ? "%s did not sign the %s" : "%s, which signed the %s, is not there",
                         snp_name_cn(&issuer, cn), snp_role_name(e->claims.role));
}

static int read_certificates(SnpEndorsements *e, const SnpEndorsementFiles *files) {
        _cleanup_(snp_pool_freep) SnpPool *pool = new0(SnpPool, 1);
        SnpName name = {};
        const char *why;
        char cn[SNP_CN_MAX];
        int r;

        if (!pool)
                return -ENOMEM;
        r = add_file(pool, "the certificate", files->vek, files->vek_size, e->vek_problem);
        if (r == 0 && !*e->vek_problem && !pool->vek)
                snprintf(e->vek_problem, SNP_WHY_MAX, "there is no VCEK or VLEK in the file");
        if (r == 0 && pool->vek) {
                e->vek = reference(pool->vek);
                why = snp_vek_parse(e->vek, &e->claims);
                if (why && !*e->vek_problem)
                        snprintf(e->vek_problem, SNP_WHY_MAX, "%s", why);
        }
        if (r == 0 && files->chain_size > 0)
                r = add_file(pool, "the chain", files->chain, files->chain_size, e->chain_problem);
        why = snp_pool_verify(pool, &name);
        if (why && !*e->chain_problem)
                snprintf(e->chain_problem, SNP_WHY_MAX, "%s: %s", snp_name_cn(&name, cn), why);
        if (r == 0 && !*e->vek_problem)
                build_chain(e, pool);
        return r == 0 ? judge_roots(e, pool) : r;
}

static const char *read_crl(SnpEndorsements *e, const DerObject *object) {
        _cleanup_(X509_CRL_freep) X509_CRL *crl = x509_crl_parse(object->data, object->size);
        const X509_ALGOR *algor;

        if (!crl)
                return "not a revocation list in DER";
        if (e->n_crls >= SNP_CRLS_MAX)
                return "there are too many of them";
        if (!e->root)
                return "there is no chain to check its signature with";
        X509_CRL_get0_signature(crl, NULL, &algor);
        if (!x509_algor_is_pss_sha384(algor))
                return "its signature is not RSASSA-PSS with SHA-384 and a salt of 48 bytes";
        if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(e->root)) != 0)
                return "its issuer is not the chain's root";
        if (X509_CRL_verify(crl, X509_get0_pubkey(e->root)) != 1)
                return "the chain's root did not sign it";
        e->crls[e->n_crls++] = TAKE_PTR(crl);
        return NULL;
}

static int read_crls(SnpEndorsements *e, const SnpEndorsementFiles *files) {
        _cleanup_(der_list_done) DerList list = {};
        const char *why = NULL;
        size_t offset = 0;
        int r = pem_read(files->crl, files->crl_size, "X509 CRL", &list, &offset, &why);

        for (size_t i = 0; r == 0 && !why && i < list.size; i++) {
                offset = (size_t) (list.items[i].data - list.bytes.data);
                why = read_crl(e, &list.items[i]);
        }
        if (why)
                snprintf(e->crl_problem, SNP_WHY_MAX, "the list at byte %zu: %s", offset, why);
        return r == -EINVAL ? 0 : r;
}

int snp_endorsements_new(const SnpEndorsementFiles *files, SnpEndorsements **ret) {
        _cleanup_(snp_endorsements_freep) SnpEndorsements *e = new0(SnpEndorsements, 1);
        int r;

        if (!e)
                return -ENOMEM;
        r = read_certificates(e, files);
        if (r == 0 && files->crl_size > 0)
                r = read_crls(e, files);
        if (r == 0)
                *ret = TAKE_PTR(e);
        return r;
}
