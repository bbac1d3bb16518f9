/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Digests of the four algorithms that TPM PCR banks use. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum HashAlg {
        HASH_SHA1,
        HASH_SHA256,
        HASH_SHA384,
        HASH_SHA512,
        _HASH_MAX,
        _HASH_INVALID = -1,
} HashAlg;

enum { DIGEST_MAX = 64, SHA1_SIZE = 20, SHA256_SIZE = 32 };

/* size is that of alg; bytes behind it are zero, so digests of one alg compare with memcmp over the struct. */
typedef struct Digest {
        HashAlg alg;
        uint8_t bytes[DIGEST_MAX];
} Digest;

/* "sha1", "sha256", "sha384", "sha512"; as in IMA records and tpm2-tools. */
const char *hash_name(HashAlg alg);
HashAlg hash_from_name(const char *name); /* _HASH_INVALID when unknown */
size_t hash_size(HashAlg alg);            /* bytes */

/* TPM_ALG_ID (TCG Algorithm Registry 1.34, table 3). */
uint16_t hash_tpm_id(HashAlg alg);
HashAlg hash_from_tpm_id(uint16_t id); /* _HASH_INVALID when unknown */

/* Digest of n bytes. 0, or -ENOMEM / -EIO when the crypto library fails. */
int digest_data(HashAlg alg, const void *data, size_t n, Digest *ret);

/* Digest of two strings of bytes one after the other (an extend: old value, new digest). Same returns. */
int digest_pair(HashAlg alg, const void *a, size_t a_size, const void *b, size_t b_size, Digest *ret);

/* SHA-256 only, into 32 bytes. Same returns. */
int sha256(const void *data, size_t n, uint8_t ret[SHA256_SIZE]);

bool digest_equal(const Digest *a, const Digest *b);

/* Writes 2 * size digits and a NUL; returns ret. */
char *digest_hex(const Digest *d, char ret[2 * DIGEST_MAX + 1]);

/* A digest in pieces. */
typedef struct DigestStream DigestStream;
int digest_stream_new(HashAlg alg, DigestStream **ret);
DigestStream *digest_stream_free(DigestStream *s);
int digest_stream_add(DigestStream *s, const void *data, size_t n);
int digest_stream_end(DigestStream *s, Digest *ret); /* the stream starts anew */
