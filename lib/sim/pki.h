/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A simulated AMD: roots, authorities, VCEKs, VLEKs and revocation lists of every generation, as AMD 57230 has them, for tests
 * and demonstrations. Names say that they are simulated, and verifiers refuse them unless told otherwise. What is made can be
 * as wrong as one likes: a verifier must be shown that, too. */

#include "lib/base/bytes.h"
#include "lib/snp/certificate.h"

/* When everything simulated is valid: 2026-01-01 00:00:00 UTC. */
#define SIM_TIME INT64_C(1767225600)

typedef struct evp_pkey_st *SimPkey;

/* The keys of all products: an authority's key serves each of them. No key outlives its process. */
typedef struct SimPki {
        SimPkey keys[_SNP_ROLE_MAX]; /* owned */
} SimPki;

/* New keys: RSA with 4096 bits for authorities, P-384 for VCEK and VLEK. 0, -ENOMEM or -EIO. */
int sim_pki_new(SimPki *ret);
void sim_pki_done(SimPki *p);

/* Another key for a VEK to have: on that curve, the curve written as that ("named_curve", "explicit"). NULL on failure. */
SimPkey sim_curve_key(const char *group, const char *encoding);
void sim_curve_key_free(SimPkey key);

/* How a certificate or list is signed. */
typedef struct SimSigning {
        SimPkey key;
        const char *digest; /* of OpenSSL's names */
        int salt;           /* bytes; -1: RSASSA-PKCS1-v1_5 instead of RSASSA-PSS */
} SimSigning;

typedef struct SimExtension {
        const char *oid;
        uint8_t value[96];
        size_t size;
        bool critical;
} SimExtension;

enum { SIM_EXTENSIONS_MAX = 24 };

/* Everything that a certificate says. */
typedef struct SimCertificate {
        SnpName subject, issuer;
        SimPkey key; /* borrowed */
        int64_t not_before, not_after;
        uint64_t serial;
        const char *constraints, *usage, *list; /* as in x509v3_config(5); NULL: without */
        SimExtension extensions[SIM_EXTENSIONS_MAX];
        size_t n_extensions;
        SimSigning signing;
} SimCertificate;

/* What AMD would say: an ARK, ASK or ASVK; a VCEK of a chip (64 bytes; Turin uses 8 of them) or a VLEK of a provider. */
SimCertificate sim_authority(const SimPki *p, SnpRole role, SnpProduct product);
SimCertificate sim_vek(const SimPki *p, SnpRole role, SnpProduct product, const SnpTcb *tcb,
                       const uint8_t chip_id[SNP_CHIP_ID_SIZE]);

/* The extension with that identifier; NULL when there is none. */
SimExtension *sim_extension(SimCertificate *c, const char *oid);

/* Adds one, with the bytes of its value. */
void sim_extension_add(SimCertificate *c, const char *oid, const void *value, size_t n);

/* Appends the certificate, in DER. 0, -ENOMEM or -EIO. */
int sim_certificate_write(const SimCertificate *c, Buffer *ret);

/* A revocation list. */
typedef struct SimCrl {
        SnpName issuer;
        int64_t last_update, next_update; /* next_update 0: without */
        uint64_t serials[8];
        size_t n_serials;
        const char *scope;                       /* issuingDistributionPoint as in x509v3_config(5); NULL: without */
        SimExtension extension, entry_extension; /* oid NULL: without; of the list, and of its first entry */
        SimSigning signing;
} SimCrl;

SimCrl sim_crl(const SimPki *p, SnpProduct product);
int sim_crl_write(const SimCrl *l, Buffer *ret);
