/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Memory for secrets. */

#include "lib/io/secretmem.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/macro.h"
#include "lib/io/fd.h"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

static void *map_file(int fd, size_t size) {
        void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        if (p != MAP_FAILED && madvise(p, size, MADV_DONTFORK) < 0) {
                munmap(p, size);
                return MAP_FAILED;
        }
        return p;
}

static int new_file(size_t size) {
        _cleanup_close_ int fd = (int) syscall(SYS_memfd_secret, (unsigned) O_CLOEXEC);

        if (fd < 0 || ftruncate(fd, (off_t) size) < 0)
                return -errno;
        return TAKE_FD(fd);
}

static void *map_secret(size_t size) {
        _cleanup_close_ int fd = new_file(size);

        return fd < 0 ? MAP_FAILED : map_file(fd, size);
}

/* MAP_LOCKED would not fail when locking does. */
static void *map_locked(size_t size) {
        void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
                return p;
        if (mlock(p, size) < 0 || madvise(p, size, MADV_DONTDUMP) < 0 || madvise(p, size, MADV_WIPEONFORK) < 0) {
                int saved = errno;

                munmap(p, size);
                errno = saved;
                return MAP_FAILED;
        }
        return p;
}

static size_t whole_pages(size_t size) {
        size_t page = (size_t) sysconf(_SC_PAGESIZE);

        return (size + page - 1) / page * page;
}

int secret_mem_new(size_t size, SecretMem *ret) {
        size_t mapped = whole_pages(size);
        bool is_secret = true;
        void *p;

        if (size == 0 || mapped < size)
                return -EINVAL;
        p = map_secret(mapped);
        if (p == MAP_FAILED) {
                is_secret = false;
                p = map_locked(mapped);
        }
        if (p == MAP_FAILED)
                return -errno;
        *ret = (SecretMem){ .data = p, .size = size, .mapped = mapped, .is_secret = is_secret };
        return 0;
}

int secret_mem_new_file(size_t size, SecretMem *ret, int *ret_fd) {
        size_t mapped = whole_pages(size);
        _cleanup_close_ int fd = -1;
        void *p;

        if (size == 0 || mapped < size)
                return -EINVAL;
        fd = new_file(mapped);
        if (fd < 0)
                return fd;
        p = map_file(fd, mapped);
        if (p == MAP_FAILED)
                return -errno;
        *ret = (SecretMem){ .data = p, .size = size, .mapped = mapped, .is_secret = true };
        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* Any other file could shrink below its mapping, and would be somewhere where it can be read. */
static bool is_secret_file(int fd) {
        char link[32], name[32] = "";

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        return readlink(link, name, sizeof(name) - 1) > 0 && startswith(name, "/secretmem ");
}

int secret_mem_from_file(int fd, size_t max, SecretMem *ret) {
        struct stat st;
        void *p;

        if (!is_secret_file(fd))
                return -EBADF;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_size <= 0 || (uint64_t) st.st_size > max)
                return -EFBIG;
        p = map_file(fd, (size_t) st.st_size);
        if (p == MAP_FAILED)
                return -errno;
        *ret = (SecretMem){ .data = p, .size = (size_t) st.st_size, .mapped = (size_t) st.st_size, .is_secret = true };
        return 0;
}

void secret_mem_wipe(SecretMem *m) {
        if (m->data)
                OPENSSL_cleanse(m->data, m->mapped);
}

void secret_mem_unmap(SecretMem *m) {
        if (m->data)
                munmap(m->data, m->mapped);
        *m = (SecretMem){};
}

void secret_mem_done(SecretMem *m) {
        secret_mem_wipe(m);
        secret_mem_unmap(m);
}

int secret_process(void) {
        const struct rlimit none = {};
        int r = 0;

        if (prctl(PR_SET_DUMPABLE, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
                r = -errno;
        /* On fault, so that only what is touched is resident. */
        if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
                r = -errno;
        return r;
}
