/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Revocation lists. What a list says about itself and is not understood makes it unusable: it could be about less than all. */

#include "lib/snp/crl.h"

#include <openssl/x509v3.h>

typedef STACK_OF(DIST_POINT) * DistributionPoints;

DEFINE_CLEANUP(ISSUING_DIST_POINT *, ISSUING_DIST_POINT_free)
DEFINE_CLEANUP(DistributionPoints, CRL_DIST_POINTS_free)

static const ASN1_IA5STRING *first_uri(const GENERAL_NAMES *names) {
        for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
                const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

                if (name->type == GEN_URI)
                        return name->d.uniformResourceIdentifier;
        }
        return NULL;
}

static const ASN1_IA5STRING *point_uri(const DIST_POINT_NAME *name) {
        return name && name->type == 0 ? first_uri(name->name.fullname) : NULL;
}

/* True when one of the places where the certificate says its list is found is the list's own. */
static bool names_point(X509 *x, const ASN1_IA5STRING *uri) {
        _cleanup_(CRL_DIST_POINTS_freep) DistributionPoints points =
                X509_get_ext_d2i(x, NID_crl_distribution_points, NULL, NULL);

        for (int i = 0; points && i < sk_DIST_POINT_num(points); i++) {
                const ASN1_IA5STRING *own = point_uri(sk_DIST_POINT_value(points, i)->distpoint);

                if (own && uri && ASN1_STRING_cmp(own, uri) == 0)
                        return true;
        }
        return false;
}

/* Is the list about this authority? NULL with the answer, or why the list cannot be used. */
static const char *scope(X509_CRL *crl, X509 *authority, bool *ret_covers) {
        _cleanup_(ISSUING_DIST_POINT_freep) ISSUING_DIST_POINT *point = NULL;
        int critical = -1;

        point = X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, &critical, NULL);
        if (!point && critical != -1)
                return "a revocation list's scope is malformed";
        if (point && (point->indirectCRL > 0 || point->onlyattr > 0 || point->onlysomereasons))
                return "a revocation list is about a part of what could be revoked";
        *ret_covers = !point || (point->onlyuser <= 0 &&
                                 (!point->distpoint || names_point(authority, point_uri(point->distpoint))));
        return NULL;
}

static const char *check_extensions(X509_CRL *crl) {
        for (int i = 0; i < X509_CRL_get_ext_count(crl); i++) {
                X509_EXTENSION *e = X509_CRL_get_ext(crl, i);

                if (X509_EXTENSION_get_critical(e) &&
                    OBJ_obj2nid(X509_EXTENSION_get_object(e)) != NID_issuing_distribution_point)
                        return "a revocation list has a critical extension that is not known";
        }
        return NULL;
}

static const char *check_time(X509_CRL *crl, int64_t at, int64_t *until) {
        int64_t from, to;

        if (!x509_time(X509_CRL_get0_lastUpdate(crl), &from) || !x509_time(X509_CRL_get0_nextUpdate(crl), &to))
                return "a revocation list does not say from when until when it holds";
        if (at < from)
                return "a revocation list is from later than the time of the check";
        if (at > to)
                return "a revocation list is out of date";
        if (to < *until)
                *until = to;
        return NULL;
}

/* Any entry counts, whatever its reason or date. */
static const char *look_up(X509_CRL *crl, const SnpEndorsements *e) {
        STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);

        for (int i = 0; i < sk_X509_REVOKED_num(entries); i++) {
                const X509_REVOKED *entry = sk_X509_REVOKED_value(entries, i);
                const ASN1_INTEGER *serial = X509_REVOKED_get0_serialNumber(entry);

                for (int k = 0; k < X509_REVOKED_get_ext_count(entry); k++)
                        if (X509_EXTENSION_get_critical(X509_REVOKED_get_ext(entry, k)))
                                return "an entry of a revocation list has a critical extension that is not known";
                if (ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(e->intermediate)) == 0)
                        return "the authority that signed the VCEK or VLEK is revoked";
                if (ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(e->root)) == 0)
                        return "the root is revoked";
        }
        return NULL;
}

const char *snp_crl_misfit(const SnpEndorsements *e, int64_t at, int64_t *ret_until) {
        bool covered = false;

        *ret_until = INT64_MAX;
        for (size_t i = 0; i < e->n_crls; i++) {
                bool covers = false;
                const char *why = check_extensions(e->crls[i]);

                if (!why)
                        why = scope(e->crls[i], e->intermediate, &covers);
                if (!why)
                        why = check_time(e->crls[i], at, ret_until);
                if (!why)
                        why = look_up(e->crls[i], e);
                if (why)
                        return why;
                covered = covered || covers;
        }
        return covered ? NULL : "no revocation list is about the authority that signed the VCEK or VLEK";
}
