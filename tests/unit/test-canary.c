/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The canary is a program that runs, and another one for each nonce. */

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/canary.h"
#include "tests/test.h"

static void each_nonce_has_its_own(void **state _unused_) {
        uint8_t a[SHA256_SIZE], b[SHA256_SIZE], c[SHA256_SIZE], nonce[CANARY_NONCE_MAX + 1] = { 1 };

        assert_int_equal(canary_digest(nonce, 32, a), 0);
        assert_int_equal(canary_digest(nonce, 32, b), 0);
        assert_memory_equal(a, b, sizeof(a));
        assert_int_equal(canary_digest(nonce, 33, b), 0);
        nonce[31] ^= 1;
        assert_int_equal(canary_digest(nonce, 32, c), 0);
        assert_memory_not_equal(a, b, sizeof(a));
        assert_memory_not_equal(a, c, sizeof(a));
        assert_int_equal(canary_digest(nonce, CANARY_NONCE_MAX, a), 0);
        assert_int_equal(canary_digest(nonce, CANARY_NONCE_MAX + 1, a), -EINVAL);
}

static void it_runs(void **state _unused_) {
        _cleanup_(buffer_done) Buffer program = {};
        char path[] = "/tmp/canary-XXXXXX";
        char *const arguments[] = { path, NULL };
        int fd = mkstemp(path), status = -1;
        pid_t pid;

        assert_int_equal(canary_program("nonce", 5, &program), 0);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, program.data, program.size), program.size);
        assert_int_equal(fchmod(fd, 0700), 0);
        close(fd);
#ifdef __x86_64__
        assert_int_equal(posix_spawn(&pid, path, NULL, NULL, arguments, NULL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
#endif
        unlink(path);
}

int main(void) {
        const struct CMUnitTest tests[] = { TEST(each_nonce_has_its_own), TEST(it_runs) };

        return RUN(tests);
}
