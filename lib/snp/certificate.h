/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The certificates of AMD's key hierarchies (AMD 57230): who they are by name, and what a VCEK or VLEK says of the
 * processor and its security versions. */

#include "lib/snp/report.h"
#include "lib/x509.h"

/* The values of VCEK and VLEK are those of SIGNING_KEY in a report's KEY_INFO. */
typedef enum SnpRole {
        SNP_VCEK, /* versioned chip endorsement key */
        SNP_VLEK, /* versioned loaded endorsement key, of a cloud provider */
        SNP_ASK,  /* signs VCEKs */
        SNP_ASVK, /* signs VLEKs */
        SNP_ARK,  /* the root */
        _SNP_ROLE_MAX,
} SnpRole;

const char *snp_role_name(SnpRole role); /* "VCEK", … */

/* The root's product; a VCEK or VLEK does not have it in its own name. */
typedef struct SnpName {
        SnpRole role;
        SnpProduct product; /* _SNP_PRODUCT_INVALID for VCEK and VLEK */
        bool simulated;     /* a name that only the simulator gives: "SIMULATED-…" */
} SnpName;

enum { SNP_CN_MAX = 40 };

/* The common name that such a certificate has; returns ret. */
const char *snp_name_cn(const SnpName *name, char ret[SNP_CN_MAX]);

/* Attributes beside the common name, and their one value. */
typedef struct SnpNameAttribute {
        int nid;
        const char *value, *simulated;
} SnpNameAttribute;
enum { SNP_NAME_ATTRIBUTES = 5 };
extern const SnpNameAttribute snp_name_attributes[SNP_NAME_ATTRIBUTES];

/* False when it is not, attribute by attribute, a name of these hierarchies. */
bool snp_name_parse(const X509_NAME *name, SnpName *ret);

/* Extensions below 1.3.6.1.4.1.3704.1; their values are not all ASN.1. */
#define SNP_OID_STRUCT_VERSION "1.3.6.1.4.1.3704.1.1"
#define SNP_OID_PRODUCT_NAME "1.3.6.1.4.1.3704.1.2"
#define SNP_OID_SPL_PREFIX "1.3.6.1.4.1.3704.1.3."
#define SNP_OID_HWID "1.3.6.1.4.1.3704.1.4"
#define SNP_OID_CSP_ID "1.3.6.1.4.1.3704.1.5"

enum { SNP_CSP_ID_MAX = 128, SNP_PRODUCT_NAME_MAX = 32 };

/* What a VCEK or VLEK says. */
typedef struct SnpVek {
        SnpRole role;
        SnpProduct product;
        bool simulated;
        SnpTcb tcb;
        char product_name[SNP_PRODUCT_NAME_MAX + 1];
        uint8_t chip_id[SNP_CHIP_ID_SIZE]; /* VCEK: zeros behind a short one */
        char csp_id[SNP_CSP_ID_MAX + 1];   /* VLEK: the provider */
} SnpVek;

/* NULL, or a static sentence about what is wrong; then *ret is not to be used. Looks at everything that the certificate's own
 * text can show: names, key, algorithm, extensions; not at the signature. */
const char *snp_vek_parse(X509 *x, SnpVek *ret);

/* As snp_vek_parse() for ARK, ASK and ASVK. */
const char *snp_authority_check(X509 *x, const SnpName *name);
