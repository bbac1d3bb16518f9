/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Memory for secrets. */

#include "lib/io/secretmem.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/io/fd.h"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

static void *map_secret(size_t size) {
        _cleanup_close_ int fd = (int) syscall(SYS_memfd_secret, (unsigned) O_CLOEXEC);
        void *p;

        if (fd < 0 || ftruncate(fd, (off_t) size) < 0)
                return MAP_FAILED;
        p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (p != MAP_FAILED && madvise(p, size, MADV_DONTFORK) < 0) {
                munmap(p, size);
                return MAP_FAILED;
        }
        return p;
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

int secret_mem_new(size_t size, SecretMem *ret) {
        size_t page = (size_t) sysconf(_SC_PAGESIZE), mapped = (size + page - 1) / page * page;
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

void secret_mem_wipe(SecretMem *m) {
        if (m->data)
                OPENSSL_cleanse(m->data, m->mapped);
}

void secret_mem_done(SecretMem *m) {
        secret_mem_wipe(m);
        if (m->data)
                munmap(m->data, m->mapped);
        *m = (SecretMem){};
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
