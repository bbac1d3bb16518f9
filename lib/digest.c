/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Digests, over OpenSSL. Algorithms are fetched once per thread: an implicit fetch per digest costs more than
 * hashing a record does. */

#include "lib/digest.h"

#include <openssl/evp.h>
#include <pthread.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"

static const struct {
        const char *name, *openssl_name;
        uint16_t tpm_id;
        uint8_t size;
} algs[] = {
        [HASH_SHA1] = { "sha1", "SHA1", 0x0004, 20 },
        [HASH_SHA256] = { "sha256", "SHA2-256", 0x000b, 32 },
        [HASH_SHA384] = { "sha384", "SHA2-384", 0x000c, 48 },
        [HASH_SHA512] = { "sha512", "SHA2-512", 0x000d, 64 },
};
static_assert(ELEMENTSOF(algs) == _HASH_MAX, "a row per algorithm");

struct DigestStream {
        HashAlg alg;
        EVP_MD_CTX *context;
};

DEFINE_CLEANUP(DigestStream *, digest_stream_free)

const char *hash_name(HashAlg alg) {
        return algs[alg].name;
}

size_t hash_size(HashAlg alg) {
        return algs[alg].size;
}

uint16_t hash_tpm_id(HashAlg alg) {
        return algs[alg].tpm_id;
}

HashAlg hash_from_name(const char *name) {
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                if (streq(algs[alg].name, name))
                        return alg;
        return _HASH_INVALID;
}

HashAlg hash_from_tpm_id(uint16_t id) {
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                if (algs[alg].tpm_id == id)
                        return alg;
        return _HASH_INVALID;
}

static EVP_MD *algorithm(HashAlg alg) {
        static EVP_MD *fetched[_HASH_MAX]; /* for the life of the process */
        EVP_MD *md = __atomic_load_n(&fetched[alg], __ATOMIC_ACQUIRE), *none = NULL;

        if (md)
                return md;
        md = EVP_MD_fetch(NULL, algs[alg].openssl_name, NULL);
        if (md && !__atomic_compare_exchange_n(&fetched[alg], &none, md, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
                EVP_MD_free(md); /* another thread was first */
                md = none;
        }
        return md;
}

static int stream_begin(DigestStream *s) {
        EVP_MD *md = algorithm(s->alg);

        if (!md || EVP_DigestInit_ex(s->context, md, NULL) != 1)
                return -EIO;
        return 0;
}

int digest_stream_new(HashAlg alg, DigestStream **ret) {
        _cleanup_(digest_stream_freep) DigestStream *s = new0(DigestStream, 1);
        int r;

        if (!s)
                return -ENOMEM;
        s->alg = alg;
        s->context = EVP_MD_CTX_new();
        if (!s->context)
                return -ENOMEM;
        r = stream_begin(s);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

DigestStream *digest_stream_free(DigestStream *s) {
        if (!s)
                return NULL;
        EVP_MD_CTX_free(s->context);
        free(s);
        return NULL;
}

int digest_stream_add(DigestStream *s, const void *data, size_t n) {
        return EVP_DigestUpdate(s->context, data, n) == 1 ? 0 : -EIO;
}

int digest_stream_end(DigestStream *s, Digest *ret) {
        *ret = (Digest){ .alg = s->alg };
        if (EVP_DigestFinal_ex(s->context, ret->bytes, NULL) != 1)
                return -EIO;
        return stream_begin(s);
}

static pthread_key_t context_key; /* only for its destructor: thread-local variables have none in C */

static void free_context(void *context) {
        EVP_MD_CTX_free(context);
}

static void make_context_key(void) {
        (void) pthread_key_create(&context_key, free_context); /* without it a thread's context stays behind */
}

/* Contexts are reused per thread: making one costs as much as a short digest. */
static EVP_MD_CTX *thread_context(void) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        static _Thread_local EVP_MD_CTX *context;

        if (!context) {
                context = EVP_MD_CTX_new();
                (void) pthread_once(&once, make_context_key);
                (void) pthread_setspecific(context_key, context);
        }
        return context;
}

int digest_pair(HashAlg alg, const void *a, size_t a_size, const void *b, size_t b_size, Digest *ret) {
        EVP_MD_CTX *context = thread_context();
        EVP_MD *md = algorithm(alg);

        if (!context)
                return -ENOMEM;
        *ret = (Digest){ .alg = alg };
        if (!md || EVP_DigestInit_ex(context, md, NULL) != 1 || EVP_DigestUpdate(context, a, a_size) != 1 ||
            (b_size > 0 && EVP_DigestUpdate(context, b, b_size) != 1) ||
            EVP_DigestFinal_ex(context, ret->bytes, NULL) != 1)
                return -EIO;
        return 0;
}

int digest_data(HashAlg alg, const void *data, size_t n, Digest *ret) {
        return digest_pair(alg, data, n, "", 0, ret);
}

int sha256(const void *data, size_t n, uint8_t ret[SHA256_SIZE]) {
        Digest d;
        int r = digest_data(HASH_SHA256, data, n, &d);

        if (r < 0)
                return r;
        memcpy(ret, d.bytes, SHA256_SIZE);
        return 0;
}

bool digest_equal(const Digest *a, const Digest *b) {
        return a->alg == b->alg && memcmp(a->bytes, b->bytes, algs[a->alg].size) == 0;
}

char *digest_hex(const Digest *d, char ret[2 * DIGEST_MAX + 1]) {
        return hex_encode(d->bytes, algs[d->alg].size, ret);
}
