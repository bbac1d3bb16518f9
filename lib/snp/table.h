/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The certificate table that a host hands out beside reports (AMD 56421, GHCB 4.1.8.1). Nothing in it is signed as a whole.
 *
 * for each certificate: GUID, 16 bytes in the order of its text | offset u32 from the start of the table | size u32
 * an entry of zeros, then the certificates, in DER. Integers are little endian. */

#include "lib/pem.h"

enum { SNP_TABLE_MAX = 1024 * 1024, SNP_TABLE_ENTRIES_MAX = 64 };

/* Parts are borrowed; size 0: not there. What they hold is not looked at. */
typedef struct SnpTable {
        DerObject vcek, vlek;
        DerObject ask, ark; /* ask: the ASVK, where there is a VLEK */
        DerObject crl;
        size_t size; /* of the table without what may follow it */
} SnpTable;

/* Parses a table in n bytes; none, or zeros, are an empty one. Entries of others are skipped. 0; -EINVAL with a static
 * sentence and an offset: it has no end or too many entries, a part is outside of it or is there twice. */
int snp_table_parse(const void *data, size_t n, SnpTable *ret, size_t *reterr_offset, const char **reterr_why);
