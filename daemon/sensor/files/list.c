/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The files that patterns stand for. */

#include "daemon/sensor/files/list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/io/file.h"

DEFINE_CLEANUP(DIR *, closedir)

static void watched_file_done(WatchedFile *f) {
        free(f->path);
}

void file_list_done(FileList *l) {
        for (size_t i = 0; i < l->size; i++)
                watched_file_done(&l->files[i]);
        free(l->files);
        *l = (FileList){};
}

static int compare_paths(const void *a, const void *b) {
        return strcmp(((const WatchedFile *) a)->path, ((const WatchedFile *) b)->path);
}

static const WatchedFile *find(const FileList *l, const char *path) {
        const WatchedFile key = { .path = (char *) path };

        return l->size == 0 ? NULL : bsearch(&key, l->files, l->size, sizeof(key), compare_paths);
}

/* The state of one file_list_make(). */
typedef struct Making {
        const FileList *before;
        const FileListOps *ops;
        FileList *list;
        int error;
} Making;

static bool looks_as_before(const WatchedFile *a, const WatchedFile *b) {
        return a->device == b->device && a->inode == b->inode && a->changed == b->changed && a->size == b->size;
}

static void hash(WatchedFile *f) {
        _cleanup_free_ char *content = NULL;
        size_t n;

        f->has_digest =
                file_read(AT_FDCWD, f->path, FILES_SIZE_MAX, &content, &n) >= 0 && sha256(content, n, f->digest) >= 0;
}

static void fill(Making *m, WatchedFile *f, const struct stat *st) {
        const WatchedFile *before = find(m->before, f->path);
        const char *slash = strrchr(f->path, '/');

        f->device = st->st_dev;
        f->inode = st->st_ino;
        f->size = (uint64_t) st->st_size;
        f->changed = (uint64_t) st->st_ctim.tv_sec * 1000000000 + (uint64_t) st->st_ctim.tv_nsec;
        if (before && looks_as_before(before, f) &&
            !m->ops->is_suspect(m->ops->userdata, slash ? slash + 1 : f->path)) {
                f->has_digest = before->has_digest;
                memcpy(f->digest, before->digest, SHA256_SIZE);
        } else if (S_ISREG(st->st_mode))
                hash(f);
}

static void add(Making *m, const char *path, const struct stat *st) {
        FileList *l = m->list;
        WatchedFile f = {};

        if (l->size == FILES_MAX) {
                l->full = true;
                return;
        }
        if (GREEDY_REALLOC(l->files, l->allocated, l->size + 1) < 0 || free_and_strdup(&f.path, path) < 0) {
                m->error = -ENOMEM;
                return;
        }
        fill(m, &f, st);
        l->files[l->size++] = f;
}

static void add_tree(Making *m, const char *path, unsigned depth);

static void add_directory(Making *m, const char *path, unsigned depth) {
        _cleanup_(closedirp) DIR *d = opendir(path);
        const struct dirent *entry;

        m->ops->directory(m->ops->userdata, path);
        while (d && m->error == 0 && (entry = readdir(d))) {
                char child[PATH_MAX];

                if (streq(entry->d_name, ".") || streq(entry->d_name, "..") ||
                    snprintf(child, sizeof(child), "%s/%s", path, entry->d_name) >= (int) sizeof(child))
                        continue;
                add_tree(m, child, depth + 1);
        }
}

/* Links to files are followed, since what they lead to is what is read; links to directories are not. */
static void add_tree(Making *m, const char *path, unsigned depth) {
        struct stat st, link;

        if (lstat(path, &link) < 0 || stat(path, &st) < 0)
                return;
        if (!S_ISDIR(st.st_mode))
                add(m, path, &st);
        else if (depth <= FILES_DEPTH_MAX && (depth == 0 || !S_ISLNK(link.st_mode)))
                add_directory(m, path, depth);
}

/* The directories in which names that match can come to be. */
static void watch_parents(Making *m, const char *pattern) {
        char parent[PATH_MAX];
        glob_t found = {};

        if (snprintf(parent, sizeof(parent), "%s", pattern) >= (int) sizeof(parent))
                return;
        if (glob(dirname(parent), GLOB_NOSORT, NULL, &found) == 0)
                for (size_t i = 0; i < found.gl_pathc; i++)
                        m->ops->directory(m->ops->userdata, found.gl_pathv[i]);
        globfree(&found);
}

static void add_pattern(Making *m, const char *pattern) {
        glob_t found = {};

        watch_parents(m, pattern);
        if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0)
                for (size_t i = 0; i < found.gl_pathc && m->error == 0; i++)
                        add_tree(m, found.gl_pathv[i], 0);
        globfree(&found);
}

static void remove_doubles(FileList *l) {
        size_t n = 0;

        for (size_t i = 0; i < l->size; i++)
                if (n > 0 && streq(l->files[n - 1].path, l->files[i].path))
                        watched_file_done(&l->files[i]);
                else
                        l->files[n++] = l->files[i];
        l->size = n;
}

int file_list_make(const char *const *patterns, const FileList *before, const FileListOps *ops, FileList *ret) {
        FileList l = {};
        Making m = { .before = before, .ops = ops, .list = &l };

        for (; *patterns && m.error == 0; patterns++)
                add_pattern(&m, *patterns);
        if (m.error < 0) {
                file_list_done(&l);
                return m.error;
        }
        if (l.size > 0)
                qsort(l.files, l.size, sizeof(l.files[0]), compare_paths);
        remove_doubles(&l);
        *ret = l;
        return 0;
}

static bool same_content(const WatchedFile *a, const WatchedFile *b) {
        if (a->has_digest != b->has_digest)
                return false;
        return a->has_digest ? memcmp(a->digest, b->digest, SHA256_SIZE) == 0 : looks_as_before(a, b);
}

void file_list_compare(const FileList *before, const FileList *now,
                       void (*told)(void *userdata, const WatchedFile *before, const WatchedFile *now),
                       void *userdata) {
        for (size_t i = 0, j = 0; i < before->size || j < now->size;) {
                const WatchedFile *a = i < before->size ? &before->files[i] : NULL;
                const WatchedFile *b = j < now->size ? &now->files[j] : NULL;
                int order = !a ? 1 : !b ? -1 : strcmp(a->path, b->path);

                if (order < 0)
                        told(userdata, a, NULL);
                else if (order > 0)
                        told(userdata, NULL, b);
                else if (!same_content(a, b))
                        told(userdata, a, b);
                i += order <= 0;
                j += order >= 0;
        }
}
