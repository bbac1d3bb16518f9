/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Numbers of the TPM 2.0 Library (part 2, revision 1.59) that the parsers of TPM structures share. All integers on the wire
 * are big endian; a TPM2B is a u16 size and so many bytes. */

#include "lib/base/bytes.h"

/* TPM_ALG_ID (table 9); digests: lib/digest.h. */
enum {
        TPM_ID_RSA = 0x0001,
        TPM_ID_NULL = 0x0010,
        TPM_ID_RSASSA = 0x0014,
        TPM_ID_RSAPSS = 0x0016,
        TPM_ID_ECDSA = 0x0018,
        TPM_ID_ECDAA = 0x001a,
        TPM_ID_ECC = 0x0023,
};

/* TPM_ECC_CURVE (table 10). */
enum {
        TPM_CURVE_P256 = 0x0003,
        TPM_CURVE_P384 = 0x0004,
        TPM_CURVE_P521 = 0x0005,
};

/* TPM_HANDLE of the hierarchies (table 28). */
enum {
        TPM_HANDLE_OWNER = 0x40000001,
        TPM_HANDLE_NULL = 0x40000007,
        TPM_HANDLE_ENDORSEMENT = 0x4000000b,
        TPM_HANDLE_PLATFORM = 0x4000000c,
};

/* Bytes of somebody else. */
typedef struct Bytes {
        const uint8_t *data;
        size_t size;
} Bytes;

/* A TPM2B of at most max bytes, in place. A longer one fails the reader. */
static inline Bytes reader_tpm2b(Reader *r, size_t max) {
        Bytes b = { .size = reader_u16be(r) };

        if (b.size > max)
                r->failed = true;
        b.data = reader_bytes(r, b.size);
        return b.data ? b : (Bytes){};
}

static inline void buffer_tpm2b(Buffer *b, const void *data, size_t size) {
        buffer_u16be(b, (uint16_t) size);
        buffer_bytes(b, data, size);
}
