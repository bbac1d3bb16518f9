/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The authorities among the certificates of some files. */

#include "lib/pem.h"
#include "lib/snp/certificate.h"

typedef struct SnpAuthority {
        X509 *certificate; /* owned */
        SnpName name;
        const struct SnpAuthority *issuer; /* who signed it, verified; itself for a root */
} SnpAuthority;

/* All-zero is empty. Large: keep it on the heap. */
typedef struct SnpPool {
        SnpAuthority items[2 * PEM_OBJECTS_MAX];
        size_t size;
        X509 *vek; /* the one VCEK or VLEK; owned */
} SnpPool;

SnpPool *snp_pool_free(SnpPool *p);

DEFINE_CLEANUP(SnpPool *, snp_pool_free)

/* Adds the certificates of a file; the same one may come again. 0 (*reterr_why is untouched), -ENOMEM, or -EINVAL with
 * what is wrong, an offset in the file, and a static sentence. */
int snp_pool_add(SnpPool *p, const void *data, size_t n, size_t *reterr_offset, const char **reterr_why);

/* Verifies every authority: its own form, and the signature on it by a root that is there, too. NULL, or a static sentence
 * and the name of the first one that does not hold. */
const char *snp_pool_verify(SnpPool *p, SnpName *reterr_name);

/* The verified authority of that name that signed the certificate; NULL: none did, *ret_named says whether one of that
 * name is there. */
const SnpAuthority *snp_pool_issuer(const SnpPool *p, X509 *certificate, const SnpName *issuer, bool *ret_named);
