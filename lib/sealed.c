/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The blob of a sealed secret. */

#include "lib/sealed.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"

static const char magic[8] = "SWSEAL\0\1";

DEFINE_CLEANUP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)

bool secret_name_is_valid(const char *name, size_t n) {
        if (n == 0 || n > SECRET_NAME_MAX || (n <= 2 && memcmp(name, "..", n) == 0))
                return false;
        for (size_t i = 0; i < n; i++)
                if (name[i] <= ' ' || name[i] >= 0x7f || name[i] == '/' || name[i] == ':')
                        return false;
        return true;
}

static bool pcrs_are_valid(HashAlg bank, PcrSet pcrs) {
        return bank != _HASH_INVALID && pcrs != 0 && pcrs < 1U << PCR_COUNT;
}

static bool size_is_valid(size_t size, size_t max) {
        return size > 0 && size <= max;
}

static const uint8_t *sized_bytes(Reader *r, size_t max, size_t *ret_size) {
        size_t size = reader_u16le(r);

        if (!size_is_valid(size, max))
                r->failed = true;
        *ret_size = size;
        return reader_bytes(r, size);
}

static const char *parse_head(Reader *r, Sealed *s) {
        const uint8_t *start = reader_bytes(r, sizeof(magic)), *policy;

        if (r->failed || memcmp(start, magic, sizeof(magic)) != 0)
                return "not a sealed secret, or of another version";
        s->name = (const char *) sized_bytes(r, SECRET_NAME_MAX, &s->name_size);
        if (r->failed || !secret_name_is_valid(s->name, s->name_size))
                return "the name is not a credential name";
        s->bank = hash_from_tpm_id(reader_u16le(r));
        s->pcrs = reader_u32le(r);
        if (r->failed || !pcrs_are_valid(s->bank, s->pcrs))
                return "the bank or the PCR set is wrong";
        policy = reader_bytes(r, SHA256_SIZE);
        s->srk_name = sized_bytes(r, 2 + DIGEST_MAX, &s->srk_name_size);
        s->public = sized_bytes(r, SEALED_TPM_MAX, &s->public_size);
        s->private = sized_bytes(r, SEALED_TPM_MAX, &s->private_size);
        if (r->failed)
                return "a TPM structure has a wrong length";
        memcpy(s->policy, policy, SHA256_SIZE);
        s->associated = r->data;
        s->associated_size = r->pos;
        return NULL;
}

int sealed_parse(const void *data, size_t n, Sealed *ret, size_t *reterr_offset, const char **reterr_why) {
        Reader r = reader_new(data, n);
        Sealed s = {};

        *reterr_why = parse_head(&r, &s);
        *reterr_offset = r.pos;
        if (*reterr_why)
                return -EINVAL;
        s.nonce = reader_bytes(&r, SEALED_NONCE_SIZE);
        s.secret_size = reader_u32le(&r);
        if (s.secret_size > SECRET_SIZE_MAX)
                r.failed = true;
        s.ciphertext = reader_bytes(&r, s.secret_size);
        s.tag = reader_bytes(&r, SEALED_TAG_SIZE);
        *reterr_offset = r.pos;
        *reterr_why =
                r.failed ? "the blob is cut off, or a length in it is wrong" : "there is something behind the blob";
        if (!reader_done(&r))
                return -EINVAL;
        *ret = s;
        return 0;
}

static int put_head(Buffer *b, const Sealed *s) {
        if (!secret_name_is_valid(s->name, s->name_size) || !pcrs_are_valid(s->bank, s->pcrs) ||
            !size_is_valid(s->srk_name_size, 2 + DIGEST_MAX) || !size_is_valid(s->public_size, SEALED_TPM_MAX) ||
            !size_is_valid(s->private_size, SEALED_TPM_MAX))
                return -EINVAL;
        buffer_bytes(b, magic, sizeof(magic));
        buffer_u16le(b, (uint16_t) s->name_size);
        buffer_bytes(b, s->name, s->name_size);
        buffer_u16le(b, hash_tpm_id(s->bank));
        buffer_u32le(b, s->pcrs);
        buffer_bytes(b, s->policy, SHA256_SIZE);
        buffer_u16le(b, (uint16_t) s->srk_name_size);
        buffer_bytes(b, s->srk_name, s->srk_name_size);
        buffer_u16le(b, (uint16_t) s->public_size);
        buffer_bytes(b, s->public, s->public_size);
        buffer_u16le(b, (uint16_t) s->private_size);
        buffer_bytes(b, s->private, s->private_size);
        return buffer_error(b);
}

static int encrypt(const uint8_t *key, const uint8_t *nonce, const Buffer *head, const void *secret, size_t n,
                   uint8_t *ciphertext, uint8_t tag[SEALED_TAG_SIZE]) {
        _cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
        int length;

        if (!context)
                return -ENOMEM;
        if (EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) != 1 ||
            EVP_EncryptUpdate(context, NULL, &length, head->data, (int) head->size) != 1 ||
            EVP_EncryptUpdate(context, ciphertext, &length, secret, (int) n) != 1 ||
            EVP_EncryptFinal_ex(context, ciphertext + n, &length) != 1 ||
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, SEALED_TAG_SIZE, tag) != 1)
                return -EIO;
        return 0;
}

int sealed_write(const Sealed *s, const uint8_t key[SEALED_KEY_SIZE], const uint8_t nonce[SEALED_NONCE_SIZE],
                 const void *secret, size_t secret_size, Buffer *ret) {
        _cleanup_(buffer_done) Buffer b = {};
        _cleanup_free_ uint8_t *ciphertext = NULL;
        uint8_t tag[SEALED_TAG_SIZE];
        int r;

        if (secret_size > SECRET_SIZE_MAX)
                return -EINVAL;
        r = put_head(&b, s);
        if (r < 0)
                return r;
        ciphertext = malloc(secret_size + 1);
        if (!ciphertext)
                return -ENOMEM;
        r = encrypt(key, nonce, &b, secret, secret_size, ciphertext, tag);
        if (r < 0)
                return r;
        buffer_bytes(&b, nonce, SEALED_NONCE_SIZE);
        buffer_u32le(&b, (uint32_t) secret_size);
        buffer_bytes(&b, ciphertext, secret_size);
        buffer_bytes(&b, tag, SEALED_TAG_SIZE);
        r = buffer_error(&b);
        if (r < 0)
                return r;
        *ret = TAKE_STRUCT(b);
        return 0;
}

int sealed_open(const Sealed *s, const uint8_t key[SEALED_KEY_SIZE], void *ret) {
        _cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
        uint8_t tag[SEALED_TAG_SIZE];
        int length;

        if (!context)
                return -ENOMEM;
        memcpy(tag, s->tag, sizeof(tag));
        if (EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, s->nonce) != 1 ||
            EVP_DecryptUpdate(context, NULL, &length, s->associated, (int) s->associated_size) != 1 ||
            EVP_DecryptUpdate(context, ret, &length, s->ciphertext, (int) s->secret_size) != 1 ||
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, SEALED_TAG_SIZE, tag) != 1) {
                OPENSSL_cleanse(ret, s->secret_size);
                return -EIO;
        }
        if (EVP_DecryptFinal_ex(context, (uint8_t *) ret + s->secret_size, &length) != 1) {
                OPENSSL_cleanse(ret, s->secret_size);
                return -EBADMSG;
        }
        return 0;
}
