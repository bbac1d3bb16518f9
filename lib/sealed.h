/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The blob of a sealed secret (sealwatch.sealed(5)). All integers little endian; TPM structures as the TPM marshals
 * them (big endian inside):
 *
 *   8 bytes "SWSEAL\0\1" | u16 name length | name
 *   u16 bank (TPM_ALG_ID) | u32 PCR set (bit n: PCR n) | 32 bytes policy digest
 *   u16 SRK Name length | SRK Name (TPM2B_NAME's content)
 *   u16 length | TPM2B_PUBLIC | u16 length | TPM2B_PRIVATE
 *   12 bytes nonce | u32 ciphertext length | ciphertext | 16 bytes tag
 *
 * AES-256-GCM; the key is what the TPM object unseals; everything before the nonce is its associated data, so that
 * nothing of the head (the name above all) can be changed. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/pcr.h"

enum {
        SECRET_SIZE_MAX = 1024 * 1024, /* as systemd credentials */
        SECRET_NAME_MAX = 255,
        SEALED_KEY_SIZE = 32,
        SEALED_NONCE_SIZE = 12,
        SEALED_TAG_SIZE = 16,
        SEALED_TPM_MAX = 1024, /* each TPM structure */
        SEALED_SIZE_MAX = SECRET_SIZE_MAX + 4096,
};

/* What a blob says; pointers are borrowed from whoever filled it. */
typedef struct Sealed {
        const char *name; /* not terminated in a parsed blob */
        size_t name_size;
        HashAlg bank;
        PcrSet pcrs;
        uint8_t policy[SHA256_SIZE];
        const uint8_t *srk_name, *public, *private;
        size_t srk_name_size, public_size, private_size;
        const uint8_t *associated; /* of a parsed blob: the authenticated head */
        size_t associated_size;
        const uint8_t *nonce, *ciphertext, *tag;
        size_t secret_size; /* of the ciphertext, and of the secret */
} Sealed;

/* As systemd credential names: a file name of at most 255 printable ASCII characters, no slash, not "." or ".."; and
 * no colon, which ends the name in LoadCredential=. */
bool secret_name_is_valid(const char *name, size_t n);

/* Parses a whole blob, borrowed. 0; -EINVAL with the offset and a static sentence. */
int sealed_parse(const void *data, size_t n, Sealed *ret, size_t *reterr_offset, const char **reterr_why);

/* Writes a blob: the head from *s (name to private), then the secret encrypted under key and nonce. 0; -EINVAL for
 * what sealed_parse() would not take, -ENOMEM, -EIO from the crypto library. */
int sealed_write(const Sealed *s, const uint8_t key[SEALED_KEY_SIZE], const uint8_t nonce[SEALED_NONCE_SIZE],
                 const void *secret, size_t secret_size, Buffer *ret);

/* Decrypts a parsed blob into secret_size bytes at ret. 0; -EBADMSG when key, head, ciphertext and tag do not belong
 * together (ret is wiped then), -EIO from the crypto library. */
int sealed_open(const Sealed *s, const uint8_t key[SEALED_KEY_SIZE], void *ret);
