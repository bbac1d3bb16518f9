/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Configuration files with drop-in directories. */

#include "lib/io/confdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/io/fd.h"
#include "lib/io/file.h"

enum { CONFIG_FILE_MAX = 1024 * 1024, PIECE_SIZE = 64 * 1024 };

const char *const config_dirs_default[] = { "/etc/sealwatch", "/run/sealwatch", "/usr/lib/sealwatch", NULL };

/* Names found so far; each once, with the directory that wins. */
typedef struct Found {
        char *name, *path;
} Found;

typedef struct FoundList {
        Found *items;
        size_t size, allocated;
} FoundList;

static void found_done(Found *f) {
        free(f->name);
        free(f->path);
}

static void found_list_done(FoundList *l) {
        for (size_t i = 0; i < l->size; i++)
                found_done(&l->items[i]);
        free(l->items);
}

DEFINE_CLEANUP(DIR *, closedir)

static bool has_suffix(const char *name, const char *suffix) {
        size_t n = strlen(name), m = strlen(suffix);

        return n > m && streq(name + n - m, suffix) && name[0] != '.';
}

static int add_found(FoundList *l, const char *directory, const char *name) {
        Found f = {};

        for (size_t i = 0; i < l->size; i++)
                if (streq(l->items[i].name, name))
                        return 0; /* replaced by one of higher precedence */
        if (GREEDY_REALLOC(l->items, l->allocated, l->size + 1) < 0)
                return -ENOMEM;
        f.name = strdup(name);
        if (!f.name || asprintf(&f.path, "%s/%s", directory, name) < 0) {
                free(f.name);
                return -ENOMEM;
        }
        l->items[l->size++] = f;
        return 0;
}

static int scan_directory(FoundList *l, const char *directory, const char *suffix) {
        _cleanup_(closedirp) DIR *d = opendir(directory);
        const struct dirent *entry;

        if (!d)
                return errno == ENOENT ? 0 : -errno;
        while ((errno = 0, entry = readdir(d))) { /* a policy that is not seen whole must not pass for one */
                int r = has_suffix(entry->d_name, suffix) ? add_found(l, directory, entry->d_name) : 0;

                if (r < 0)
                        return r;
        }
        return -errno;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(((const Found *) a)->name, ((const Found *) b)->name);
}

/* 1 for a file that masks: /dev/null, or nothing in it. */
static int is_mask(const char *path) {
        struct stat st;

        if (stat(path, &st) < 0)
                return -errno;
        return S_ISCHR(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size == 0);
}

static int read_found(const Found *f, int (*file)(void *, const char *, const char *, size_t), void *userdata) {
        _cleanup_free_ char *text = NULL;
        size_t n;
        int r = is_mask(f->path);

        if (r != 0)
                return r < 0 ? r : 0;
        r = file_read(AT_FDCWD, f->path, CONFIG_FILE_MAX, &text, &n);
        return r < 0 ? r : file(userdata, f->path, text, n);
}

int config_each(ConfigDirs dirs, const char *subdir, const char *suffix,
                int (*file)(void *userdata, const char *path, const char *text, size_t n), void *userdata,
                char **reterr_path) {
        _cleanup_(found_list_done) FoundList l = {};
        int r = 0;

        *reterr_path = NULL;
        for (; *dirs && r >= 0; dirs++) {
                _cleanup_free_ char *directory = NULL;

                if (asprintf(&directory, "%s/%s", *dirs, subdir) < 0)
                        return -ENOMEM;
                r = scan_directory(&l, directory, suffix);
                if (r < 0)
                        *reterr_path = TAKE_PTR(directory);
        }
        if (l.size > 0)
                qsort(l.items, l.size, sizeof(Found), compare_names);
        for (size_t i = 0; i < l.size && r >= 0; i++) {
                r = read_found(&l.items[i], file, userdata);
                if (r < 0)
                        *reterr_path = TAKE_PTR(l.items[i].path);
        }
        return r;
}

int config_find(ConfigDirs dirs, const char *name, char **ret) {
        for (; *dirs; dirs++) {
                _cleanup_free_ char *path = NULL;
                int r;

                if (asprintf(&path, "%s/%s", *dirs, name) < 0)
                        return -ENOMEM;
                r = is_mask(path);
                if (r == -ENOENT)
                        continue;
                if (r == 0)
                        *ret = TAKE_PTR(path);
                return r == 1 ? -ENOENT : r;
        }
        return -ENOENT;
}

int config_each_daemon_file(ConfigDirs dirs, int (*file)(void *userdata, const char *path, const char *text, size_t n),
                            void *userdata, char **reterr_path) {
        _cleanup_(found_done) Found main_file = {};
        int r = config_find(dirs, "sealwatchd.conf", &main_file.path);

        *reterr_path = NULL;
        if (r >= 0)
                r = read_found(&main_file, file, userdata);
        if (r < 0 && r != -ENOENT) {
                *reterr_path = TAKE_PTR(main_file.path);
                return r;
        }
        return config_each(dirs, "sealwatchd.conf.d", ".conf", file, userdata, reterr_path);
}

int config_policies(void *dirs, int (*file)(void *sink, const char *name, const char *text, size_t n), void *sink,
                    char **reterr_path) {
        return config_each(dirs, "policy.d", ".policy", file, sink, reterr_path);
}

static int read_pieces(const char *path, int (*piece)(void *, const char *, const char *, size_t), void *sink) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        _cleanup_free_ char *buffer = malloc(PIECE_SIZE);
        struct stat st;
        ssize_t n;

        if (!buffer)
                return -ENOMEM;
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        do {
                int r;

                n = read_up_to(fd, buffer, PIECE_SIZE);
                if (n < 0)
                        return (int) n;
                r = piece(sink, path, buffer, (size_t) n);
                if (r < 0)
                        return r;
        } while (n > 0);
        return 0;
}

int config_reference(void *dirs, const char *pattern,
                     int (*piece)(void *sink, const char *file, const char *text, size_t n), void *sink) {
        _cleanup_(globfree) glob_t matches = {};
        _cleanup_free_ char *path = NULL;
        int r;

        if (*pattern != '/') {
                _cleanup_free_ char *name = NULL;

                if (asprintf(&name, "reference.d/%s", pattern) < 0)
                        return -ENOMEM;
                r = config_find(dirs, name, &path);
                return r < 0 ? r : read_pieces(path, piece, sink);
        }
        r = glob(pattern, 0, NULL, &matches);
        if (r != 0)
                return r == GLOB_NOMATCH ? -ENOENT : r == GLOB_NOSPACE ? -ENOMEM : -EIO;
        for (size_t i = 0; i < matches.gl_pathc && r >= 0; i++)
                r = read_pieces(matches.gl_pathv[i], piece, sink);
        return r;
}

int config_user(void *dirs _unused_, const char *name, uint32_t *ret) {
        _cleanup_(fclosep) FILE *f = fopen("/etc/passwd", "re");
        char buffer[4096];
        struct passwd entry, *found;
        int r;

        if (!f)
                return -errno;
        while ((r = fgetpwent_r(f, &entry, buffer, sizeof(buffer), &found)) == 0)
                if (streq(found->pw_name, name)) {
                        *ret = found->pw_uid;
                        return 0;
                }
        return -r; /* ENOENT at the end */
}
