/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Secrets in files of memory. */

#include "daemon/secret/keep.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/macro.h"
#include "lib/digest.h"
#include "lib/io/fd.h"
#include "lib/sealed.h"

#define MAGIC "sealwatch-kept-1"
enum { LIFE_MAX = 63, NAME_MAX_SIZE = 255 };

/* The secret follows. */
typedef struct Header {
        char magic[sizeof(MAGIC)];
        char life[LIFE_MAX + 1];
        char name[NAME_MAX_SIZE + 1];
        uint64_t size;
        uint8_t digest[SHA256_SIZE]; /* of the header with zeros here, and the secret */
} Header;

static int digest_of(const Header *h, const void *file, uint8_t ret[SHA256_SIZE]) {
        _cleanup_(secret_mem_done) SecretMem all = {};
        Header head = *h;
        int r = secret_mem_new(sizeof(head) + h->size, &all);

        if (r < 0)
                return r;
        memset(head.digest, 0, sizeof(head.digest));
        memcpy(all.data, &head, sizeof(head));
        memcpy((uint8_t *) all.data + sizeof(head), (const uint8_t *) file + sizeof(head), h->size);
        return sha256(all.data, all.size, ret);
}

int keep_pack(const char *name, const char *life, const SecretMem *secret, SecretMem *ret, int *ret_fd) {
        _cleanup_(secret_mem_done) SecretMem kept = {};
        _cleanup_close_ int fd = -1;
        Header h = { .magic = MAGIC, .size = secret->size };
        int r;

        if (strlen(name) > NAME_MAX_SIZE || strlen(life) > LIFE_MAX)
                return -EINVAL;
        memcpy(h.name, name, strlen(name));
        memcpy(h.life, life, strlen(life));
        r = secret_mem_new_file(sizeof(h) + secret->size, &kept, &fd);
        if (r < 0)
                return r;
        memcpy((uint8_t *) kept.data + sizeof(h), secret->data, secret->size);
        r = digest_of(&h, kept.data, h.digest);
        if (r < 0)
                return r;
        memcpy(kept.data, &h, sizeof(h));
        *ret = TAKE_STRUCT(kept);
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int check_header(const Header *h, const SecretMem *kept, const char *life) {
        uint8_t digest[SHA256_SIZE];
        int r;

        if (memcmp(h->magic, MAGIC, sizeof(MAGIC)) != 0 || h->life[LIFE_MAX] != '\0' || !streq(h->life, life) ||
            h->name[NAME_MAX_SIZE] != '\0' || !secret_name_is_valid(h->name, strlen(h->name)) || h->size == 0 ||
            h->size > kept->mapped - sizeof(*h))
                return -EBADMSG;
        r = digest_of(h, kept->data, digest);
        if (r < 0)
                return r;
        return CRYPTO_memcmp(digest, h->digest, sizeof(digest)) == 0 ? 0 : -EBADMSG;
}

int keep_unpack(int fd, const char *life, SecretMem *ret_kept, char **ret_name, SecretMem *ret_secret) {
        _cleanup_(secret_mem_done) SecretMem secret = {};
        _cleanup_free_ char *name = NULL;
        Header h;
        int r = secret_mem_from_file(fd, sizeof(h) + 2 * SECRET_SIZE_MAX, ret_kept);

        if (r < 0)
                return r;
        if (ret_kept->mapped < sizeof(h))
                return -EBADMSG;
        memcpy(&h, ret_kept->data, sizeof(h));
        r = check_header(&h, ret_kept, life);
        if (r >= 0)
                r = secret_mem_new(h.size, &secret);
        if (r < 0)
                return r;
        memcpy(secret.data, (const uint8_t *) ret_kept->data + sizeof(h), h.size);
        name = strdup(h.name);
        if (!name)
                return -ENOMEM;
        *ret_name = TAKE_PTR(name);
        *ret_secret = TAKE_STRUCT(secret);
        return 0;
}
