/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Strict reading of X.509. */

#include "lib/x509.h"

#include <limits.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <time.h>

#include "lib/base/macro.h"

enum { SALT_SIZE = 48 };

DEFINE_CLEANUP(RSA_PSS_PARAMS *, RSA_PSS_PARAMS_free)
DEFINE_CLEANUP(X509_ALGOR *, X509_ALGOR_free)

/* OpenSSL reads more than DER; what it writes is DER. Of the signed part it keeps the bytes that it read. Takes what
 * was written over. */
static bool is_written_as(unsigned char *written, int size, const void *der, size_t n) {
        bool same = size >= 0 && (size_t) size == n && memcmp(written, der, n) == 0;

        OPENSSL_free(written);
        return same;
}

X509 *x509_parse(const void *der, size_t n) {
        const unsigned char *p = der;
        _cleanup_(X509_freep) X509 *x = n <= LONG_MAX ? d2i_X509(NULL, &p, (long) n) : NULL;
        unsigned char *written = NULL;
        int size;

        if (!x)
                return NULL;
        size = i2d_X509(x, &written);
        return is_written_as(written, size, der, n) ? TAKE_PTR(x) : NULL;
}

X509_CRL *x509_crl_parse(const void *der, size_t n) {
        const unsigned char *p = der;
        _cleanup_(X509_CRL_freep) X509_CRL *l = n <= LONG_MAX ? d2i_X509_CRL(NULL, &p, (long) n) : NULL;
        unsigned char *written = NULL;
        int size;

        if (!l)
                return NULL;
        size = i2d_X509_CRL(l, &written);
        return is_written_as(written, size, der, n) ? TAKE_PTR(l) : NULL;
}

bool x509_time(const ASN1_TIME *t, int64_t *ret) {
        struct tm tm = {};

        if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
                return false;
        *ret = timegm(&tm);
        return true;
}

const char *x509_time_format(int64_t t, char ret[X509_TIME_TEXT_MAX]) {
        time_t seconds = t;
        struct tm tm;

        if (!gmtime_r(&seconds, &tm) || strftime(ret, X509_TIME_TEXT_MAX, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
                snprintf(ret, X509_TIME_TEXT_MAX, "%lld", (long long) t);
        return ret;
}

bool x509_has_double_extension(const X509 *x) {
        for (int i = 0; i < X509_get_ext_count(x); i++)
                if (X509_get_ext_by_OBJ(x, X509_EXTENSION_get_object(X509_get_ext(x, i)), i) >= 0)
                        return true;
        return false;
}

/* Which algorithm, and its parameters where they are a SEQUENCE (else NULL; *ret_none: absent, or an ASN.1 NULL). */
static int algor_nid(const X509_ALGOR *algor, const ASN1_TYPE **ret_sequence, bool *ret_none) {
        const ASN1_OBJECT *object;
        const void *value;
        int type;

        X509_ALGOR_get0(&object, &type, &value, algor);
        *ret_sequence = type == V_ASN1_SEQUENCE ? algor->parameter : NULL;
        *ret_none = type == V_ASN1_UNDEF || type == V_ASN1_NULL;
        return OBJ_obj2nid(object);
}

static bool algor_is_sha384(const X509_ALGOR *algor) {
        const ASN1_TYPE *sequence;
        bool none;

        return algor && algor_nid(algor, &sequence, &none) == NID_sha384 && none;
}

static bool algor_is_mgf1_sha384(const X509_ALGOR *algor) {
        _cleanup_(X509_ALGOR_freep) X509_ALGOR *hash = NULL;
        const ASN1_TYPE *sequence;
        bool none;

        if (!algor || algor_nid(algor, &sequence, &none) != NID_mgf1 || !sequence)
                return false;
        hash = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(X509_ALGOR), sequence);
        return algor_is_sha384(hash);
}

bool x509_algor_is_pss_sha384(const X509_ALGOR *algor) {
        _cleanup_(RSA_PSS_PARAMS_freep) RSA_PSS_PARAMS *p = NULL;
        const ASN1_TYPE *sequence;
        bool none;

        if (algor_nid(algor, &sequence, &none) != EVP_PKEY_RSA_PSS || !sequence)
                return false;
        p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(RSA_PSS_PARAMS), sequence);
        return p && algor_is_sha384(p->hashAlgorithm) && algor_is_mgf1_sha384(p->maskGenAlgorithm) && p->saltLength &&
               ASN1_INTEGER_get(p->saltLength) == SALT_SIZE &&
               (!p->trailerField || ASN1_INTEGER_get(p->trailerField) == 1);
}
