/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The edge on a real (software) TPM, with tpm2-tools beside it. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmocka-all.h"
#include "lib/base/hex.h"
#include "swtpm-rig.h"

/* The register, in every bank that the TPM has, is what tpm2_pcrread sees. */
static void judge_register(const Swtpm *s, const BankDigests *value, uint32_t pcr) {
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++) {
                char ours[2 * DIGEST_MAX + 1], theirs[2 * DIGEST_MAX + 1];

                if (!(value->banks & bank(alg)))
                        continue;
                hex_encode(value->values[alg], hash_size(alg), ours);
                judge_pcr(s, alg, pcr, theirs);
                assert_string_equal(ours, theirs);
        }
}

static void test_state(void **state _unused_) {
        _swtpm_ Swtpm s = swtpm_new();
        _tpm_ Tpm *t = tpm_on(&s);
        TpmState found;
        uint8_t name[128];

        assert_int_equal(shell(&s, "tpm2_pcrextend 10:sha1=$(printf %%040d 1),sha256=$(printf %%064d 2)"), 0);
        found = state_of(t);
        assert_int_equal(found.pcrs.banks & bank(HASH_SHA256), bank(HASH_SHA256));
        for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr += 5) {
                BankDigests value = pcr_values_get(&found.pcrs, pcr);

                judge_register(&s, &value, pcr);
        }
        assert_int_equal(shell(&s,
                               "tpm2_readclock > clock && grep -q 'reset_count: %u$' clock && "
                               "grep -q 'restart_count: %u$' clock",
                               found.counters.reset, found.counters.restart),
                         0);
        assert_true(found.clock > 0);

        /* The key that others make of the same template. */
        assert_int_equal(shell(&s,
                               "tpm2_createprimary -Q -C o -g sha256 -G ecc256:aes128cfb -c p.ctx -a "
                               "'restricted|decrypt|fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda' && "
                               "tpm2_readpublic -Q -c p.ctx -n name && tpm2_flushcontext -t"),
                         0);
        assert_int_equal(slurp(&s, "name", name, sizeof(name)), found.srk_name.size);
        assert_memory_equal(name, found.srk_name.bytes, found.srk_name.size);
}

/* Others reach the TPM while we are alive but have nothing to do. */
static void test_extend_in_all_banks(void **state _unused_) {
        _swtpm_ Swtpm s = swtpm_new();
        _tpm_ Tpm *t = tpm_on(&s);
        BankSet banks = state_of(t).pcrs.banks;
        BankDigests expected = bank_digests_zero(banks);

        for (int i = 0; i < 3; i++) {
                _cleanup_(tpm_result_freep) TpmResult *result = NULL;
                TpmExtend e = extend_of(banks, 13, i % 2 ? "odd" : "even");

                result = call(t, extend_job(TPM_CLASS_EXTEND, &e));
                assert_int_equal(result->outcome, TPM_OK);
                assert_int_equal(bank_digests_extend(&expected, &e.digest), 0);
                judge_register(&s, &expected, 13);
        }
}

static void test_refused_locality(void **state _unused_) {
        _swtpm_ Swtpm s = swtpm_new();
        _tpm_ Tpm *t = tpm_on(&s);
        _cleanup_(tpm_result_freep) TpmResult *result = NULL;
        TpmExtend e = extend_of(bank(HASH_SHA256), 17, "a");

        result = call(t, extend_job(TPM_CLASS_EXTEND, &e));
        assert_int_equal(result->outcome, TPM_REFUSED);
        assert_int_equal(result->rc, 0x907);
}

static void test_killed_while_idle(void **state _unused_) {
        _swtpm_ Swtpm s = swtpm_new();
        _tpm_ Tpm *t = tpm_on(&s);
        _cleanup_(tpm_result_freep) TpmResult *lost = NULL, *notice = NULL, *reset = NULL;
        BankSet banks = state_of(t).pcrs.banks;
        TpmExtend e = extend_of(banks, 13, "a"), cap = extend_of(banks, 12, "cap");
        BankDigests capped = bank_digests_zero(banks), zero = capped;
        TpmJob *job;

        swtpm_kill(&s);
        lost = call(t, extend_job(TPM_CLASS_EXTEND, &e));
        assert_int_equal(lost->outcome, TPM_LOST);
        assert_false(lost->extend.uncertain);

        swtpm_restart(&s);
        job = extend_job(TPM_CLASS_EXTEND, &e);
        assert_int_equal(tpm_job_cap_if_reset(job, &cap), 0);
        assert_int_equal(tpm_submit(t, job, NULL), 0);
        notice = next_result(t);
        assert_int_equal(notice->type, TPM_JOB_NONE);
        assert_int_equal(notice->outcome, TPM_RESET);
        reset = next_result(t);
        assert_int_equal(reset->outcome, TPM_RESET);
        assert_int_equal(reset->extend.done, 0);
        assert_int_equal(bank_digests_extend(&capped, &cap.digest), 0);
        judge_register(&s, &capped, 12);
        judge_register(&s, &zero, 13);
}

static void test_owed_over_a_restart(void **state _unused_) {
        _swtpm_ Swtpm s = swtpm_new();
        _tpm_ Tpm *t = tpm_on(&s);
        _cleanup_(tpm_result_freep) TpmResult *lost = NULL, *notice = NULL, *later = NULL;
        BankSet banks = state_of(t).pcrs.banks;
        TpmExtend e = extend_of(banks, 7, "poison");
        BankDigests poisoned = bank_digests_zero(banks);
        uint64_t id;

        swtpm_kill(&s);
        assert_int_equal(tpm_submit(t, extend_job(TPM_CLASS_LOCK, &e), &id), 0);
        lost = next_result(t);
        assert_int_equal(lost->id, id);
        assert_int_equal(lost->outcome, TPM_LOST);
        assert_true(lost->owed);

        swtpm_restart(&s);
        notice = next_result(t);
        assert_int_equal(notice->type, TPM_JOB_NONE);
        later = next_result(t);
        assert_int_equal(later->id, id);
        assert_int_equal(later->outcome, TPM_RESET);
        assert_int_equal(later->extend.done, 1);
        assert_false(later->owed);
        assert_int_equal(bank_digests_extend(&poisoned, &e.digest), 0);
        judge_register(&s, &poisoned, 7);
}

/* Three is all the room there is; sessions left open as well. */
static void test_leftover_objects(void **state _unused_) {
        _swtpm_ Swtpm s = swtpm_new();
        _tpm_ Tpm *t = tpm_on(&s);

        for (int i = 0; i < 3; i++) {
                assert_int_equal(shell(&s, "tpm2_createprimary -Q -C o -c p%d.ctx", i), 0);
                assert_int_equal(shell(&s, "tpm2_startauthsession -S s%d.ctx", i), 0);
        }
        assert_int_not_equal(shell(&s, "tpm2_createprimary -Q -C o"), 0);
        assert_true(state_of(t).srk_name.size > 0);

        /* And again while we know each other. */
        for (int i = 0; i < 3; i++)
                assert_int_equal(shell(&s, "tpm2_createprimary -Q -C o -c p%d.ctx", i), 0);
        assert_true(state_of(t).srk_name.size > 0);
        assert_int_equal(shell(&s, "tpm2_getcap handles-transient > handles && test ! -s handles"), 0);
}

static void test_two_users(void **state _unused_) {
        _swtpm_ Swtpm s = swtpm_new();
        _tpm_ Tpm *one = tpm_on(&s), *two = tpm_on(&s);
        BankSet banks = state_of(one).pcrs.banks;
        BankDigests expected = bank_digests_zero(banks);

        (void) state_of(two);
        for (int i = 0; i < 20; i++) {
                _cleanup_(tpm_result_freep) TpmResult *result = NULL;
                TpmExtend e = extend_of(banks, 13, i % 2 ? "one" : "two");

                result = call(i % 2 ? one : two, extend_job(TPM_CLASS_EXTEND, &e));
                assert_int_equal(result->outcome, TPM_OK);
                assert_int_equal(bank_digests_extend(&expected, &e.digest), 0);
        }
        judge_register(&s, &expected, 13);
}

/* Jobs from here while tpm2-tools hammers at it. */
static void test_beside_tools(void **state _unused_) {
        _swtpm_ Swtpm s = swtpm_new();
        _tpm_ Tpm *t = tpm_on(&s);
        BankSet banks = state_of(t).pcrs.banks;

        assert_int_equal(shell(&s, "(for i in 1 2 3 4 5 6 7 8 9 10; do tpm2_pcrread -Q sha256 || exit 1; done; "
                                   "touch done) & true"),
                         0);
        for (int i = 0; i < 20000 && shell(&s, "test -e done") != 0; i++) {
                _cleanup_(tpm_result_freep) TpmResult *result = NULL;
                TpmExtend e = extend_of(banks, 13, "a");

                result = call(t, extend_job(TPM_CLASS_EXTEND, &e));
                assert_int_equal(result->outcome, TPM_OK);
        }
        assert_int_equal(shell(&s, "test -e done"), 0);
}

static void test_software_tpm(void **state _unused_) {
        _swtpm_ Swtpm s = swtpm_new();
        _cleanup_free_ char *again = NULL;
        char link[64], target[256];
        const char *why;
        struct stat st;
        pid_t pid = swtpm_pid(&s);

        assert_true(getsid(pid) != getsid(0));
        for (int fd = 0; fd < 3; fd++) {
                ssize_t n;

                snprintf(link, sizeof(link), "/proc/%d/fd/%d", pid, fd);
                n = readlink(link, target, sizeof(target) - 1);
                assert_true(n > 0);
                target[n] = '\0';
                assert_string_equal(target, "/dev/null");
        }
        /* Ours is used, not a second one started. */
        assert_int_equal(software_tpm_start(s.dir, &again, &why), 0);
        assert_string_equal(again, s.conf);
        assert_int_equal(swtpm_pid(&s), pid);
        assert_int_equal(stat(s.dir, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
}

static void test_software_tpm_inherits_nothing(void **state _unused_) {
        int fd = open("/dev/null", O_RDONLY), high = fcntl(fd, F_DUPFD, 200); /* neither is close-on-exec */
        _swtpm_ Swtpm s = swtpm_new();
        char path[64];

        assert_true(high >= 200);
        snprintf(path, sizeof(path), "/proc/%d/fd/%d", swtpm_pid(&s), high);
        assert_int_equal(access(path, F_OK), -1);
        close(fd);
        close(high);
}

static void test_software_tpm_errors(void **state _unused_) {
        static const char long_dir[] = "/tmp/sealwatch-tpm-long/0123456789012345678901234567890123456789"
                                       "0123456789012345678901234567890123456789";
        _cleanup_free_ char *path = strdup(getenv("PATH"));
        char dir[] = "/tmp/sealwatch-tpm-XXXXXX", *conf = NULL;
        const char *why = NULL;

        assert_int_equal(software_tpm_start("relative", &conf, &why), -EINVAL);
        assert_non_null(strstr(why, "absolute"));
        assert_int_equal(software_tpm_start("/tmp/a,b", &conf, &why), -EINVAL);
        assert_non_null(strstr(why, "comma"));
        assert_int_equal(software_tpm_start(long_dir, &conf, &why), -ENAMETOOLONG);
        assert_non_null(strstr(why, "91"));
        assert_non_null(mkdtemp(dir));
        assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
        assert_int_equal(software_tpm_start(dir, &conf, &why), -ENOENT);
        assert_string_equal(why, "swtpm is not installed");
        assert_int_equal(setenv("PATH", path, 1), 0);
        rmdir(dir);
        assert_int_equal(software_tpm_start("/proc/sealwatch", &conf, &why), -ENOENT);
        assert_non_null(strstr(why, "directory"));
        assert_null(conf);
}

static void test_conf_errors(void **state _unused_) {
        static const struct {
                const char *device;
                int error;
        } table[] = {
                { "", -EINVAL },
                { "tpm0", -EINVAL },
                { "device:", -EINVAL },
                { "device:tpm0", -EINVAL },
                { "swtpm:relative", -EINVAL },
                { "swtpm:/12345678901234567890123456789012345678901234567890123456789012345678901234567890"
                  "123456789012345678901234567",
                  -ENAMETOOLONG },
        };
        Tpm *t = NULL;

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const char *why = NULL;

                assert_int_equal(tpm_new(&(TpmOptions){ .device = table[i].device }, &t, &why), table[i].error);
                assert_non_null(why);
                assert_null(t);
        }
}

/* What cannot be opened is lost, and says why. */
static void test_unopenable(void **state _unused_) {
        static const struct {
                const char *device, *detail;
        } table[] = {
                { "device:/dev/sealwatch-no-such", "No such file or directory" },
                { "device:/tmp", "Is a directory" },
                { "device:/etc/passwd", "No such device" },
                { "swtpm:/tmp/sealwatch-no-such", "No such file or directory" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_(tpm_result_freep) TpmResult *result = NULL;
                const char *why;
                _tpm_ Tpm *t = NULL;

                assert_int_equal(tpm_new(&(TpmOptions){ .device = table[i].device }, &t, &why), 0);
                result = call(t, tpm_job_state());
                assert_int_equal(result->outcome, TPM_LOST);
                assert_non_null(strstr(result->detail, table[i].detail));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_state, swtpm_teardown),
                cmocka_unit_test_teardown(test_extend_in_all_banks, swtpm_teardown),
                cmocka_unit_test_teardown(test_refused_locality, swtpm_teardown),
                cmocka_unit_test_teardown(test_killed_while_idle, swtpm_teardown),
                cmocka_unit_test_teardown(test_owed_over_a_restart, swtpm_teardown),
                cmocka_unit_test_teardown(test_leftover_objects, swtpm_teardown),
                cmocka_unit_test_teardown(test_two_users, swtpm_teardown),
                cmocka_unit_test_teardown(test_beside_tools, swtpm_teardown),
                cmocka_unit_test_teardown(test_software_tpm, swtpm_teardown),
                cmocka_unit_test_teardown(test_software_tpm_inherits_nothing, swtpm_teardown),
                cmocka_unit_test_teardown(test_software_tpm_errors, swtpm_teardown),
                cmocka_unit_test_teardown(test_conf_errors, swtpm_teardown),
                cmocka_unit_test_teardown(test_unopenable, swtpm_teardown),
        };

        tpm_silence_library();
        return cmocka_run_group_tests_name("tpm-swtpm", tests, NULL, NULL);
}
