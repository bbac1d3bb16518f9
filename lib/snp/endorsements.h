/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What stands behind the signature of reports: the VCEK or VLEK, the chain from it to a root, and revocation lists. All that
 * does not depend on the time or on a policy is found out once; after that they are only read, by any thread. */

#include "lib/digest.h"
#include "lib/snp/certificate.h"

enum { SNP_WHY_MAX = 160, SNP_CRLS_MAX = 8, SNP_FILE_MAX = 16 * 1024 * 1024 };

/* Files as they came, PEM or DER; size 0: none. `vek` holds one VCEK or VLEK; authorities may be in either, in any
 * order, of several products. */
typedef struct SnpEndorsementFiles {
        const void *vek, *chain, *crl;
        size_t vek_size, chain_size, crl_size;
} SnpEndorsementFiles;

typedef struct SnpEndorsements {
        X509 *vek, *intermediate, *root; /* NULL: not there, or not verified */
        SnpVek claims;                   /* of the VEK */
        char vek_problem[SNP_WHY_MAX];   /* "": the VEK is well formed; else claims are not to be used */
        char chain_problem[SNP_WHY_MAX]; /* "": every signature up to the root, and of every other certificate given */
        uint8_t root_digest[SHA256_SIZE];
        bool root_is_pinned;
        bool has_foreign_root; /* some root in the files is neither AMD's nor the simulator's */
        bool has_simulated;    /* some authority in them is the simulator's */
        X509_CRL *crls[SNP_CRLS_MAX];
        size_t n_crls;
        char crl_problem[SNP_WHY_MAX]; /* "": every list is signed by the root */
} SnpEndorsements;

/* Reads and verifies the files. What is wrong with them is in the problems. 0 with *ret owned by the caller; -ENOMEM. */
int snp_endorsements_new(const SnpEndorsementFiles *files, SnpEndorsements **ret);
SnpEndorsements *snp_endorsements_free(SnpEndorsements *e);

DEFINE_CLEANUP(SnpEndorsements *, snp_endorsements_free)

/* SHA-256 of the DER of AMD's roots, as everybody pins them. */
bool snp_root_is_pinned(SnpProduct product, const uint8_t digest[SHA256_SIZE]);
