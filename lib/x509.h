/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Certificates and revocation lists (RFC 5280), read strictly: the object's own DER and nothing else, times as numbers. */

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/cleanup.h"

DEFINE_CLEANUP(X509 *, X509_free)
DEFINE_CLEANUP(X509_CRL *, X509_CRL_free)

/* NULL when n bytes are not one certificate (one list) that is written again as exactly these bytes, or when out of
 * memory. The caller frees it. */
X509 *x509_parse(const void *der, size_t n);
X509_CRL *x509_crl_parse(const void *der, size_t n);

/* Seconds since 1970; false when the text is no time. */
bool x509_time(const ASN1_TIME *t, int64_t *ret);

/* Seconds since 1970 as "2025-12-10 22:14:21 UTC"; returns ret. */
enum { X509_TIME_TEXT_MAX = 40 };
const char *x509_time_format(int64_t t, char ret[X509_TIME_TEXT_MAX]);

/* True when two extensions have the same identifier (RFC 5280, 4.2: "MUST NOT"): readers differ in which one they take. */
bool x509_has_double_extension(const X509 *x);

/* True when a signature is RSASSA-PSS with SHA-384, MGF1 with SHA-384 and a salt of 48 bytes: the only one that AMD's
 * certificates carry. */
bool x509_algor_is_pss_sha384(const X509_ALGOR *algor);
