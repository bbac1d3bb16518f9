/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Authorities. Whatever is in a file is verified, whether a chain needs it or not: nothing that was given goes unread. */

#include "lib/snp/pool.h"

#include <errno.h>
#include <openssl/x509v3.h>

SnpPool *snp_pool_free(SnpPool *p) {
        if (!p)
                return NULL;
        for (size_t i = 0; i < p->size; i++)
                X509_free(p->items[i].certificate);
        X509_free(p->vek);
        free(p);
        return NULL;
}

static bool is_there(const SnpPool *p, const X509 *x) {
        for (size_t i = 0; i < p->size; i++)
                if (X509_cmp(p->items[i].certificate, x) == 0)
                        return true;
        return false;
}

static const char *add(SnpPool *p, const DerObject *object) {
        _cleanup_(X509_freep) X509 *x = x509_parse(object->data, object->size);
        SnpName name;

        if (!x)
                return "not a certificate in DER";
        if (!snp_name_parse(X509_get_subject_name(x), &name))
                return "a certificate whose subject is none of AMD's";
        if (name.role <= SNP_VLEK) {
                if (p->vek && X509_cmp(p->vek, x) != 0)
                        return "a second VCEK or VLEK";
                if (!p->vek)
                        p->vek = TAKE_PTR(x);
                return NULL;
        }
        if (is_there(p, x))
                return NULL;
        p->items[p->size++] = (SnpAuthority){ .certificate = TAKE_PTR(x), .name = name };
        return NULL;
}

int snp_pool_add(SnpPool *p, const void *data, size_t n, size_t *reterr_offset, const char **reterr_why) {
        _cleanup_(der_list_done) DerList list = {};
        int r = pem_read(data, n, "CERTIFICATE", &list, reterr_offset, reterr_why);

        for (size_t i = 0; r == 0 && i < list.size; i++) {
                const char *why =
                        p->size < ELEMENTSOF(p->items) ? add(p, &list.items[i]) : "there are too many certificates";

                if (why) {
                        *reterr_why = why;
                        *reterr_offset = (size_t) (list.items[i].data - list.bytes.data);
                        r = -EINVAL;
                }
        }
        return r;
}

static bool signed_by(X509 *x, X509 *issuer) {
        return X509_check_issued(issuer, x) == X509_V_OK && X509_verify(x, X509_get0_pubkey(issuer)) == 1;
}

static const SnpAuthority *find_root(const SnpPool *p, const SnpAuthority *a) {
        SnpName name = { SNP_ARK, a->name.product, a->name.simulated }, issuer;
        bool named;

        if (!snp_name_parse(X509_get_issuer_name(a->certificate), &issuer) || issuer.role != SNP_ARK ||
            issuer.product != name.product || issuer.simulated != name.simulated)
                return NULL;
        if (a->name.role == SNP_ARK)
                return signed_by(a->certificate, a->certificate) ? a : NULL;
        return snp_pool_issuer(p, a->certificate, &name, &named);
}

const char *snp_pool_verify(SnpPool *p, SnpName *reterr_name) {
        static const SnpRole order[] = { SNP_ARK, SNP_ASK, SNP_ASVK };

        for (size_t o = 0; o < ELEMENTSOF(order); o++)
                for (size_t i = 0; i < p->size; i++) {
                        SnpAuthority *a = &p->items[i];
                        const char *why;

                        if (a->name.role != order[o])
                                continue;
                        *reterr_name = a->name;
                        why = snp_authority_check(a->certificate, &a->name);
                        if (why)
                                return why;
                        a->issuer = find_root(p, a);
                        if (!a->issuer)
                                return "its root did not sign it, or is not there";
                }
        return NULL;
}

const SnpAuthority *snp_pool_issuer(const SnpPool *p, X509 *certificate, const SnpName *issuer, bool *ret_named) {
        *ret_named = false;
        for (size_t i = 0; i < p->size; i++) {
                const SnpAuthority *a = &p->items[i];

                if (a->name.role != issuer->role || a->name.product != issuer->product ||
                    a->name.simulated != issuer->simulated)
                        continue;
                *ret_named = true;
                if (a->issuer && signed_by(certificate, a->certificate))
                        return a;
        }
        return NULL;
}
