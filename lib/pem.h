/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files that hold DER objects (X.690), as they are or as PEM (RFC 7468). Strict: what comes out is each object's own
 * bytes and nothing behind them; text between PEM blocks is ignored, inside of a block nothing is. */

#include <stddef.h>

#include "lib/base/bytes.h"

enum { PEM_OBJECTS_MAX = 64 };

typedef struct DerObject {
        const uint8_t *data; /* into the list's bytes; a SEQUENCE, its length in the shortest form */
        size_t size;
} DerObject;

/* All-zero is empty. */
typedef struct DerList {
        DerObject items[PEM_OBJECTS_MAX];
        size_t size;
        Buffer bytes;
} DerList;

void der_list_done(DerList *l);

/* Reads one DER object or several, one after the other, or PEM blocks with that label ("CERTIFICATE"); blocks with other
 * labels are mistakes. 0 with at least one object; -EINVAL with a static sentence and an offset into data; -ENOMEM. */
int pem_read(const void *data, size_t n, const char *label, DerList *ret, size_t *reterr_offset,
             const char **reterr_why);
