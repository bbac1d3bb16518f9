/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/io/secretmem.h"
#include "tests/test.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void memory_as_asked_for(void **state _unused_) {
        static const size_t sizes[] = { 1, 4096, 4097, 1 << 20 };

        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                SecretMem m = {};

                assert_int_equal(secret_mem_new(sizes[i], &m), 0);
                assert_int_equal(m.size, sizes[i]);
                assert_true(m.mapped >= m.size && m.mapped % 4096 == 0);
                for (size_t k = 0; k < m.mapped; k++)
                        assert_int_equal(((uint8_t *) m.data)[k], 0);
                memset(m.data, 0x5a, m.size);
                secret_mem_wipe(&m);
                for (size_t k = 0; k < m.mapped; k++)
                        assert_int_equal(((uint8_t *) m.data)[k], 0);
                secret_mem_done(&m);
                assert_null(m.data);
                secret_mem_done(&m);
                secret_mem_wipe(&m);
        }
}

static void impossible_sizes(void **state _unused_) {
        SecretMem m = {};

        assert_int_equal(secret_mem_new(0, &m), -EINVAL);
        assert_int_equal(secret_mem_new(SIZE_MAX, &m), -EINVAL);
        assert_true(secret_mem_new(SIZE_MAX / 2, &m) < 0);
        assert_null(m.data);
}

/* A child either has zeros there or nothing at all. */
static void a_child_has_no_secrets(void **state _unused_) {
        SecretMem m = {};
        int status;
        pid_t child;

        assert_int_equal(secret_mem_new(100, &m), 0);
        memset(m.data, 0x5a, m.size);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
                const volatile uint8_t *p = m.data;

                signal(SIGSEGV, SIG_DFL); /* cmocka and sanitizers have their own ideas */
                for (size_t i = 0; i < m.size; i++)
                        if (p[i] != 0)
                                _exit(1);
                _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGSEGV : WEXITSTATUS(status) == 0);
        assert_int_equal(((uint8_t *) m.data)[99], 0x5a);
        secret_mem_done(&m);
}

static void a_process_that_keeps_secrets(void **state _unused_) {
        int status;
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0) { /* it is for the whole process */
                struct rlimit core;
                int r = secret_process();

                if (prctl(PR_GET_DUMPABLE) != 0 || getrlimit(RLIMIT_CORE, &core) < 0 || core.rlim_cur != 0 ||
                    core.rlim_max != 0)
                        _exit(1);
                _exit(r < 0 ? 2 : 0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(memory_as_asked_for),
                TEST(impossible_sizes),
                TEST(a_child_has_no_secrets),
                TEST(a_process_that_keeps_secrets),
        };

        return RUN(tests);
}
