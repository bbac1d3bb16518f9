/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What outlives a boot. */

#include "daemon/eventlog/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/io/fd.h"

int life_read(const char *state_directory, Life *ret) {
        _cleanup_free_ char *path = NULL, *text = NULL;
        size_t n;
        int r;

        if (asprintf(&path, "%s/life", state_directory) < 0)
                return -ENOMEM;
        r = file_read(AT_FDCWD, path, LIFE_TEXT_MAX, &text, &n);
        if (r == -EFBIG)
                return -EBADMSG;
        if (r < 0)
                return r;
        return life_parse(text, n, ret) < 0 ? -EBADMSG : 0;
}

int life_write(const char *state_directory, const Life *life) {
        _cleanup_free_ char *path = NULL;
        char text[LIFE_TEXT_MAX];

        if (asprintf(&path, "%s/life", state_directory) < 0)
                return -ENOMEM;
        return file_write_atomic(AT_FDCWD, path, 0600, text, life_format(life, text));
}

static int archive_path(const char *log_directory, const char *life, const char *name, char **ret) {
        return asprintf(ret, "%s/%s/%s", log_directory, life, name) < 0 ? -ENOMEM : 0;
}

int archive_map(const char *log_directory, const char *life, FileMap *ret) {
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int fd = -1;
        int r = archive_path(log_directory, life, "measurements", &path);

        if (r < 0)
                return r;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        return fd < 0 ? -errno : file_map(fd, ret);
}

static int open_archive(const char *log_directory, const char *life, const char *name, int flags) {
        _cleanup_free_ char *directory = NULL, *path = NULL;
        int fd, r;

        r = archive_path(log_directory, life, "", &directory);
        if (r >= 0)
                r = archive_path(log_directory, life, name, &path);
        if (r < 0)
                return r;
        directory[strlen(directory) - 1] = '\0'; /* the slash at the end */
        r = make_directories(directory, 0700);
        if (r < 0)
                return r;
        fd = open(path, flags | O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        return fd < 0 ? -errno : fd;
}

int archive_copy(int log_fd, uint64_t size, const char *log_directory, const char *life) {
        _cleanup_close_ int fd = open_archive(log_directory, life, "measurements", 0);
        struct stat st;
        off_t at;

        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        at = (uint64_t) st.st_size <= size ? st.st_size : 0; /* a longer one is not of this log */
        if (lseek(fd, at, SEEK_SET) < 0 || ftruncate(fd, at) < 0)
                return -errno;
        while ((uint64_t) at < size) {
                char piece[65536];
                ssize_t n = pread(log_fd, piece, MIN(sizeof(piece), (size_t) (size - (uint64_t) at)), at);
                int r;

                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                r = write_all(fd, piece, (size_t) n);
                if (r < 0)
                        return r;
                at += n;
        }
        return fdatasync(fd) < 0 ? -errno : 0;
}

int archive_retire(const char *log_directory, const char *life, uint64_t now) {
        _cleanup_free_ char *path = NULL, *retired = NULL;
        char name[64];
        int r;

        snprintf(name, sizeof(name), "set-aside-%" PRIu64 "-archive", now);
        r = archive_path(log_directory, life, "measurements", &path);
        if (r >= 0)
                r = archive_path(log_directory, life, name, &retired);
        if (r < 0)
                return r;
        return rename(path, retired) < 0 && errno != ENOENT ? -errno : 0;
}

int archive_set_aside(const FileMap *file, const char *log_directory, const char *life, const char *what,
                      uint64_t now) {
        _cleanup_close_ int fd = -1;
        char name[64];
        int r;

        snprintf(name, sizeof(name), "set-aside-%" PRIu64 "-%s", now, what);
        fd = open_archive(log_directory, life, name, O_EXCL);
        if (fd < 0)
                return fd;
        r = write_all(fd, file->data, file->size);
        return r < 0 ? r : fdatasync(fd) < 0 ? -errno : 0;
}
