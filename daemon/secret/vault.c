/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The secrets that are held. */

#include "daemon/secret/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/secret/keep.h"
#include "lib/base/alloc.h"
#include "lib/io/fd.h"
#include "lib/sealed.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

typedef struct Held {
        char *name;
        SecretMem secret;
        SecretMem kept; /* what the service manager keeps of it; empty: nothing */
} Held;

struct Vault {
        Held held[VAULT_MAX];
        size_t size;
};

int vault_new(Vault **ret) {
        *ret = new0(Vault, 1);
        return *ret ? 0 : -ENOMEM;
}

Vault *vault_free(Vault *v) {
        if (!v)
                return NULL;
        for (size_t i = 0; i < v->size; i++)
                secret_mem_unmap(&v->held[i].kept); /* for the next one */
        (void) vault_wipe(v);
        free(v);
        return NULL;
}

static Held *find(const Vault *v, const char *name) {
        for (size_t i = 0; i < v->size; i++)
                if (streq(v->held[i].name, name))
                        return (Held *) &v->held[i];
        return NULL;
}

int vault_put(Vault *v, const char *name, SecretMem *secret) {
        Held *h = find(v, name);

        if (!h) {
                if (v->size == VAULT_MAX)
                        return -ENOSPC;
                if (free_and_strdup(&v->held[v->size].name, name) < 0)
                        return -ENOMEM;
                h = &v->held[v->size++];
        }
        secret_mem_done(&h->secret);
        secret_mem_done(&h->kept); /* that is an older one now */
        h->secret = TAKE_STRUCT(*secret);
        return 0;
}

int vault_keep(Vault *v, const char *name, const char *life, int *ret_fd) {
        Held *h = find(v, name);
        SecretMem kept = {};
        int r = h ? keep_pack(name, life, &h->secret, &kept, ret_fd) : -ENOENT;

        if (r < 0)
                return r;
        secret_mem_done(&h->kept);
        h->kept = kept;
        return 0;
}

int vault_take_back(Vault *v, int fd, const char *life, bool (*is_ours)(void *userdata, const char *name),
                    void *userdata) {
        _cleanup_(secret_mem_done) SecretMem kept = {}, secret = {};
        _cleanup_free_ char *name = NULL;
        int r = keep_unpack(fd, life, &kept, &name, &secret);

        if (r >= 0 && (find(v, name) || !is_ours(userdata, name)))
                r = -EBADMSG;
        if (r >= 0)
                r = vault_put(v, name, &secret);
        if (r < 0)
                return r;
        find(v, name)->kept = TAKE_STRUCT(kept);
        return 0;
}

void vault_wipe_file(int fd) {
        SecretMem kept = {};

        if (secret_mem_from_file(fd, SIZE_MAX, &kept) >= 0)
                secret_mem_done(&kept);
}

const SecretMem *vault_get(const Vault *v, const char *name) {
        const Held *h = find(v, name);

        return h ? &h->secret : NULL;
}

const char *vault_name(const Vault *v, size_t i) {
        return i < v->size ? v->held[i].name : NULL;
}

size_t vault_wipe(Vault *v) {
        size_t n = v->size;

        /* First all contents: names and memory maps can wait. */
        for (size_t i = 0; i < n; i++) {
                secret_mem_wipe(&v->held[i].secret);
                secret_mem_wipe(&v->held[i].kept);
        }
        for (size_t i = 0; i < n; i++) {
                secret_mem_done(&v->held[i].secret);
                secret_mem_done(&v->held[i].kept);
                free(v->held[i].name);
                v->held[i] = (Held){};
        }
        v->size = 0;
        return n;
}

int secret_to_memfd(const SecretMem *secret, const char *name) {
        _cleanup_close_ int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
        int r;

        if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
                fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0)
                return -errno;
        r = pwrite_all(fd, secret->data, secret->size, 0);
        if (r < 0)
                return r;
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
                return -errno;
        return TAKE_FD(fd);
}

int secret_from_memfd(int fd, SecretMem *ret) {
        const int wanted = F_SEAL_WRITE | F_SEAL_SHRINK;
        SecretMem secret = {};
        struct stat st;
        int seals, r;

        seals = fcntl(fd, F_GET_SEALS);
        if (seals < 0 || (seals & wanted) != wanted)
                return -EPERM;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_size > SECRET_SIZE_MAX)
                return -EFBIG;
        if (st.st_size == 0)
                return -ENODATA;
        r = secret_mem_new((size_t) st.st_size, &secret);
        if (r < 0)
                return r;
        if (pread(fd, secret.data, secret.size, 0) != (ssize_t) secret.size) {
                secret_mem_done(&secret);
                return -EIO;
        }
        *ret = secret;
        return 0;
}
