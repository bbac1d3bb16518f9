/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/systemdlog.h"
#include "tests/test.h"

#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define GOOD "{\"pcr\":11,\"digests\":[{\"hashAlg\":\"sha256\",\"digest\":\"" DIGEST "\"}]}"

static LogResult next(const char *text, size_t *at, SystemdRecord *ret, const char **why) {
        return systemd_record_next(text, strlen(text), at, ret, why);
}

static void records_of_registers_and_others(void **state _unused_) {
        static const char text[] =
                "\x1e" GOOD "\n"
                "\x1e{\"nv_index\":30474752,\"digests\":[{\"hashAlg\":\"sm3\",\"digest\":\"00\"}]}\n";
        uint8_t expected[SHA256_SIZE];
        SystemdRecord record;
        const char *why;
        size_t at = 0;

        from_hex(DIGEST, SHA256_SIZE, expected);
        assert_int_equal(next(text, &at, &record, &why), LOG_ENTRY);
        assert_int_equal(record.pcr, 11);
        assert_int_equal(record.digests.banks, bank(HASH_SHA256));
        assert_memory_equal(record.digests.values[HASH_SHA256], expected, SHA256_SIZE);
        assert_int_equal(next(text, &at, &record, &why), LOG_ENTRY);
        assert_int_equal(record.pcr, -1);
        assert_int_equal(record.digests.banks, 0);
        assert_int_equal(at, strlen(text));
        assert_int_equal(next(text, &at, &record, &why), LOG_END);
}

static void mistakes(void **state _unused_) {
        static const struct {
                const char *text, *why;
                LogResult result;
        } cases[] = {
                { GOOD "\n", "no record begins here", LOG_BAD },
                { "\x1e" GOOD, "the end is missing", LOG_TRUNCATED },
                { "\x1e[]\n", "a record that is no JSON object", LOG_BAD },
                { "\x1e{\"pcr\":1,\"pcr\":1}\n", "a record that is no JSON object", LOG_BAD },
                { "\x1e{\"pcr\":24,\"digests\":[]}\n", "a register that a TPM has not", LOG_BAD },
                { "\x1e{\"pcr\":-1,\"digests\":[]}\n", "a register that a TPM has not", LOG_BAD },
                { "\x1e{\"digests\":[]}\n", "a record of no register", LOG_BAD },
                { "\x1e{\"pcr\":1}\n", "a record without digests", LOG_BAD },
                { "\x1e{\"pcr\":1,\"digests\":[{}]}\n", "a digest without hashAlg and digest", LOG_BAD },
                { "\x1e{\"pcr\":1,\"digests\":[{\"hashAlg\":\"sha256\",\"digest\":\"00\"}]}\n",
                  "a digest that is not as long as its algorithm's", LOG_BAD },
                { "\x1e{\"pcr\":1,\"digests\":[{\"hashAlg\":\"sha256\",\"digest\":\"" DIGEST
                  "\"},{\"hashAlg\":\"sha256\",\"digest\":\"" DIGEST "\"}]}\n",
                  "two digests of one algorithm", LOG_BAD },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                SystemdRecord record;
                const char *why;
                size_t at = 0;

                assert_int_equal(next(cases[i].text, &at, &record, &why), cases[i].result);
                assert_string_equal(why, cases[i].why);
                assert_int_equal(at, 0);
        }
}

static void a_record_has_a_longest_size(void **state _unused_) {
        static char text[SYSTEMD_RECORD_MAX];
        SystemdRecord record;
        const char *why;
        size_t at = 0;

        memset(text, ' ', sizeof(text));
        text[0] = 0x1e;
        assert_int_equal(systemd_record_next(text, sizeof(text) - 1, &at, &record, &why), LOG_TRUNCATED);
        assert_int_equal(systemd_record_next(text, sizeof(text), &at, &record, &why), LOG_BAD);
        assert_string_equal(why, "a record that is too long");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(records_of_registers_and_others),
                cmocka_unit_test(mistakes),
                cmocka_unit_test(a_record_has_a_longest_size),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
