/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The sealed secrets on disk. */

#include "daemon/secret/blobs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/secret/vault.h"
#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/io/fd.h"
#include "lib/io/file.h"

static const char suffix[] = ".sealed";

DEFINE_CLEANUP(DIR *, closedir)

void blob_list_done(BlobList *l) {
        for (size_t i = 0; i < l->size; i++) {
                free(l->items[i].name);
                free(l->items[i].data);
        }
        free(l->items);
        *l = (BlobList){};
}

static int compare_blobs(const void *a, const void *b) {
        return strcmp(((const Blob *) a)->name, ((const Blob *) b)->name);
}

bool blob_list_has(const BlobList *l, const char *name) {
        for (size_t i = 0; i < l->size; i++)
                if (streq(l->items[i].name, name))
                        return true;
        return false;
}

int blob_list_add(BlobList *l, const char *name) {
        Blob b = {};

        if (blob_list_has(l, name))
                return 0;
        if (GREEDY_REALLOC(l->items, l->allocated, l->size + 1) < 0 || free_and_strdup(&b.name, name) < 0)
                return -ENOMEM;
        l->items[l->size++] = b;
        return 0;
}

static int add_name(BlobList *l, const char *file_name) {
        size_t n = strlen(file_name), m = strlen(suffix);
        _cleanup_free_ char *name = NULL;

        if (n <= m || !streq(file_name + n - m, suffix) || !secret_name_is_valid(file_name, n - m))
                return 0;
        if (l->size >= VAULT_MAX) {
                l->left_out++;
                return 0;
        }
        name = memdup_nul(file_name, n - m);
        return name ? blob_list_add(l, name) : -ENOMEM;
}

static int open_directory(const char *state_directory) {
        _cleanup_free_ char *path = NULL;
        int fd;

        if (asprintf(&path, "%s/secrets", state_directory) < 0)
                return -ENOMEM;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int blobs_names(const char *state_directory, BlobList *ret) {
        _cleanup_close_ int fd = open_directory(state_directory);
        _cleanup_(closedirp) DIR *d = NULL;
        _cleanup_(blob_list_done) BlobList l = {};
        const struct dirent *entry;
        int r = 0;

        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        d = fdopendir(fd);
        if (!d)
                return -errno;
        TAKE_FD(fd);
        while (r >= 0 && (errno = 0, entry = readdir(d)))
                r = add_name(&l, entry->d_name);
        if (r >= 0 && errno != 0)
                r = -errno;
        if (r < 0)
                return r;
        if (l.size > 0)
                qsort(l.items, l.size, sizeof(Blob), compare_blobs);
        *ret = TAKE_STRUCT(l);
        return 0;
}

static void load_blob(int directory, Blob *b) {
        char file_name[SECRET_NAME_MAX + sizeof(suffix)];
        size_t offset;
        int r;

        snprintf(file_name, sizeof(file_name), "%s%s", b->name, suffix);
        r = file_read(directory, file_name, SEALED_SIZE_MAX, &b->data, &b->size);
        if (r < 0)
                b->why = r == -EFBIG ? "the file is too large" : "the file cannot be read";
        else if (sealed_parse(b->data, b->size, &b->sealed, &offset, &b->why) >= 0)
                b->why = b->sealed.name_size == strlen(b->name) &&
                                         memcmp(b->sealed.name, b->name, b->sealed.name_size) == 0
                                 ? NULL
                                 : "the file was renamed: it holds a secret of another name";
}

int blobs_load(const char *state_directory, BlobList *ret) {
        _cleanup_close_ int fd = -1;
        int r = blobs_names(state_directory, ret);

        if (r < 0 || ret->size == 0)
                return r;
        fd = open_directory(state_directory);
        if (fd < 0)
                return fd;
        for (size_t i = 0; i < ret->size; i++)
                load_blob(fd, &ret->items[i]);
        return 0;
}

int blob_write(const char *state_directory, const char *name, const void *data, size_t n) {
        _cleanup_free_ char *directory = NULL, *path = NULL;
        int r;

        if (asprintf(&directory, "%s/secrets", state_directory) < 0 ||
            asprintf(&path, "%s/%s%s", directory, name, suffix) < 0)
                return -ENOMEM;
        r = make_directories(directory, 0700);
        return r < 0 ? r : file_write_atomic(AT_FDCWD, path, 0600, data, n);
}
