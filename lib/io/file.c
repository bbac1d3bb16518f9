/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whole files. */

#include "lib/io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/io/fd.h"

/* Reads to the end, whatever stat said of the size: files in /proc say 0, and any file can grow. */
static int read_to_end(int fd, size_t room, size_t limit, char **ret, size_t *ret_size) {
        _cleanup_free_ char *data = NULL;
        size_t done = 0;

        for (;;) {
                char *grown = realloc(data, room + 2); /* a byte more than fits, to notice it, and the NUL */
                ssize_t n;

                if (!grown)
                        return -ENOMEM;
                data = grown;
                n = read_up_to(fd, data + done, room + 1 - done);
                if (n < 0)
                        return (int) n;
                done += (size_t) n;
                if (done <= room)
                        break;
                if (room == limit)
                        return -EFBIG;
                room = room > limit / 2 ? limit : 2 * room;
        }
        data[done] = '\0';
        *ret_size = done;
        *ret = TAKE_PTR(data);
        return 0;
}

int file_read(int dir, const char *path, size_t limit, char **ret, size_t *ret_size) {
        _cleanup_close_ int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
        if ((uint64_t) st.st_size > limit)
                return -EFBIG;
        return read_to_end(fd, MIN(limit, MAX((size_t) st.st_size, (size_t) 4096)), limit, ret, ret_size);
}

/* Opens the directory that holds the path, for syncing. */
static int open_parent(int dir, const char *path) {
        _cleanup_free_ char *parent = strdup(path);
        char *slash;

        if (!parent)
                return -ENOMEM;
        slash = strrchr(parent, '/');
        if (!slash)
                memcpy(parent, ".", sizeof(".")); /* a path has at least one character */
        else
                slash[slash == parent] = '\0';
        int fd = openat(dir, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int file_write_atomic(int dir, const char *path, mode_t mode, const void *data, size_t n) {
        _cleanup_free_ char *temporary = NULL;
        _cleanup_close_ int fd = -1, parent = -1;
        int r;

        if (asprintf(&temporary, "%s.new", path) < 0)
                return -ENOMEM;
        parent = open_parent(dir, path);
        if (parent < 0)
                return parent;
        (void) unlinkat(dir, temporary, 0); /* left behind by a crash */
        fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        if (fd < 0)
                return -errno;
        r = write_all(fd, data, n);
        if (r >= 0 && (fsync(fd) < 0 || renameat(dir, temporary, dir, path) < 0 || fsync(parent) < 0))
                r = -errno;
        if (r < 0)
                (void) unlinkat(dir, temporary, 0);
        return r;
}

int make_directories(const char *path, mode_t mode) {
        _cleanup_free_ char *copy = strdup(path);

        if (!copy)
                return -ENOMEM;
        if (*copy == '\0')
                return -EINVAL;
        for (char *p = copy + 1; (p = strchr(p, '/')); p++) {
                *p = '\0';
                if (mkdir(copy, 0755) < 0 && errno != EEXIST)
                        return -errno;
                *p = '/';
        }
        if (mkdir(copy, mode) < 0 && errno != EEXIST)
                return -errno;
        return 0;
}

int file_map(int fd, FileMap *ret) {
        struct stat st;
        void *p;

        if (fstat(fd, &st) < 0)
                return -errno;
        *ret = (FileMap){ .size = (size_t) st.st_size };
        if (st.st_size == 0)
                return 0;
        p = mmap(NULL, ret->size, PROT_READ, MAP_SHARED, fd, 0);
        if (p == MAP_FAILED)
                return -errno;
        ret->data = p;
        return 0;
}

void file_unmap(FileMap *m) {
        if (m->data)
                munmap((void *) m->data, m->size);
        *m = (FileMap){};
}
