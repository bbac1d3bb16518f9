/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon/secret/keep.h"
#include "tests/test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/io/fd.h"
#include "lib/sealed.h"

#define LIFE "1-0123456789abcdef"

typedef struct Kept {
        SecretMem map;
        int fd;
} Kept;

/* A secret of that size, kept. False where the kernel has no memfd_secret. */
static bool keep(Kept *ret, size_t size) {
        SecretMem secret = {};
        int r;

        assert_int_equal(secret_mem_new(size, &secret), 0);
        memset(secret.data, 0x5a, size);
        r = keep_pack("token", LIFE, &secret, &ret->map, &ret->fd);
        secret_mem_done(&secret);
        if (r < 0)
                print_message("SKIP of a part: no memfd_secret here\n");
        return r == 0;
}

static int unpack(const Kept *k, const char *life) {
        SecretMem map = {}, secret = {};
        char *name = NULL;
        int r = keep_unpack(k->fd, life, &map, &name, &secret);

        if (r == 0) {
                assert_string_equal(name, "token");
                for (size_t i = 0; i < secret.size; i++)
                        assert_int_equal(((uint8_t *) secret.data)[i], 0x5a);
        } else
                assert_null(secret.data);
        secret_mem_unmap(&map);
        secret_mem_done(&secret);
        free(name);
        return r;
}

static void done(Kept *k) {
        secret_mem_done(&k->map);
        close(k->fd);
}

static void what_is_kept_comes_back(void **state _unused_) {
        static const size_t sizes[] = { 1, 4096, SECRET_SIZE_MAX };

        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                Kept k = {};

                if (!keep(&k, sizes[i]))
                        return;
                assert_int_equal(unpack(&k, LIFE), 0);
                secret_mem_unmap(&k.map); /* as when the daemon ends */
                assert_int_equal(unpack(&k, LIFE), 0);
                close(k.fd);
        }
}

static void another_life_gets_nothing(void **state _unused_) {
        Kept k = {};

        if (!keep(&k, 100))
                return;
        assert_int_equal(unpack(&k, "2-0123456789abcdef"), -EBADMSG);
        assert_int_equal(unpack(&k, ""), -EBADMSG);
        done(&k);
}

static void what_was_wiped_or_changed_does_not_come_back(void **state _unused_) {
        Kept k = {};
        uint8_t *bytes;

        if (!keep(&k, 100))
                return;
        bytes = k.map.data;
        for (size_t i = 0; i < k.map.size; i++) {
                bytes[i] ^= 1;
                assert_int_equal(unpack(&k, LIFE), -EBADMSG);
                bytes[i] ^= 1;
        }
        assert_int_equal(unpack(&k, LIFE), 0);
        secret_mem_wipe(&k.map);
        assert_int_equal(unpack(&k, LIFE), -EBADMSG);
        done(&k);
}

static void no_other_file_is_believed(void **state _unused_) {
        Kept k = { .fd = memfd_create("secretmem", MFD_CLOEXEC) };

        assert_int_equal(ftruncate(k.fd, 8192), 0);
        assert_int_equal(unpack(&k, LIFE), -EBADF);
        close(k.fd);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(what_is_kept_comes_back),
                TEST(another_life_gets_nothing),
                TEST(what_was_wiped_or_changed_does_not_come_back),
                TEST(no_other_file_is_believed),
        };

        return RUN(tests);
}
