/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Endorsements on disk: vcek-PRODUCT-CHIP-TCB, chain-ROLE-PRODUCT, crl-ROLE-PRODUCT. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/attest/endorse-internal.h"
#include "lib/base/hex.h"
#include "lib/io/fd.h"
#include "lib/io/file.h"

enum { NAME_SIZE = 256 };

static const char vek_prefix[] = "vcek-";

DEFINE_CLEANUP(DIR *, closedir)

static void file_name(const Signer *s, FetchPart part, char ret[NAME_SIZE]) {
        char chip[2 * SNP_CHIP_ID_SIZE + 1], tcb[2 * SNP_TCB_SIZE + 1];
        const char *product = snp_product_name(s->product), *role = s->role == SNP_VLEK ? "vlek" : "vcek";

        if (part == FETCH_VEK)
                snprintf(ret, NAME_SIZE, "%s%s-%s-%s", vek_prefix, product,
                         hex_encode(s->chip_id, SNP_CHIP_ID_SIZE, chip), hex_encode(s->tcb, SNP_TCB_SIZE, tcb));
        else
                snprintf(ret, NAME_SIZE, "%s-%s-%s", part == FETCH_CHAIN ? "chain" : "crl", role, product);
}

static int open_cache(const char *path) {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

void cache_read(const char *path, const Signer *s, FetchPart part, Parts *ret) {
        _cleanup_close_ int dir = open_cache(path);
        _cleanup_free_ char *data = NULL;
        char name[NAME_SIZE];
        size_t n;

        file_name(s, part, name);
        if (dir >= 0 && file_read(dir, name, fetch_part_max[part], &data, &n) >= 0)
                (void) part_set(ret, part, data, n);
}

int64_t cache_age(const char *path, const Signer *s, FetchPart part) {
        _cleanup_close_ int dir = open_cache(path);
        char name[NAME_SIZE];
        struct stat st;
        int64_t age;

        file_name(s, part, name);
        if (dir < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return INT64_MAX;
        age = (int64_t) time(NULL) - st.st_mtime;
        return age < 0 ? INT64_MAX : age; /* of the future: the clock was set back */
}

/* The processor has moved on, or the guest has moved to another one. */
static void remove_others(int dir, const char *name) {
        _cleanup_(closedirp) DIR *d = NULL;
        int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        d = copy < 0 ? NULL : fdopendir(copy);
        if (!d) {
                safe_close(copy);
                return;
        }
        for (struct dirent *e; (e = readdir(d));)
                if (startswith(e->d_name, vek_prefix) && !streq(e->d_name, name))
                        (void) unlinkat(dir, e->d_name, 0);
}

void cache_write(const char *path, const Signer *s, FetchPart part, const Parts *parts) {
        const Buffer *b = &parts->parts[part];
        _cleanup_close_ int dir = -1;
        char name[NAME_SIZE];

        if (b->size == 0 || (part == FETCH_VEK && s->role != SNP_VCEK) || make_directories(path, 0700) < 0)
                return;
        dir = open_cache(path);
        file_name(s, part, name);
        if (dir < 0 || file_write_atomic(dir, name, 0600, b->data, b->size) < 0)
                return;
        if (part == FETCH_VEK)
                remove_others(dir, name);
}
