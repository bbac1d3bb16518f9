/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/pcrwatch.h"

#include <errno.h>
#include <stdio.h>

#include "lib/base/hex.h"
#include "tests/test.h"

enum { MEASUREMENT = 13, CAP = 12 };

static const PcrSet ours = 1U << MEASUREMENT | 1U << CAP;

static void extend(PcrValues *values, unsigned pcr, const char *what) {
        BankDigests digest;

        assert_int_equal(bank_digests_hash(values->banks, what, strlen(what), &digest), 0);
        assert_int_equal(pcr_values_extend(values, pcr, &digest), 0);
}

/* As systemd would log it. */
static void append_record(char *log, size_t size, unsigned pcr, const char *what) {
        char hex[2 * SHA256_SIZE + 1];
        BankDigests digest;
        size_t n = strlen(log);

        assert_int_equal(bank_digests_hash(bank(HASH_SHA256), what, strlen(what), &digest), 0);
        hex_encode(digest.values[HASH_SHA256], SHA256_SIZE, hex);
        snprintf(log + n, size - n, "\x1e{\"pcr\":%u,\"digests\":[{\"hashAlg\":\"sha256\",\"digest\":\"%s\"}]}\n", pcr,
                 hex);
}

static PcrWatch watch_of(const PcrValues *values) {
        PcrWatch w;

        pcr_watch_init(&w, HASH_SHA256, 0xffffff, values->values[HASH_SHA256], ours);
        return w;
}

static PcrChanges look(PcrWatch *w, const PcrValues *values, const char *log) {
        PcrChanges changes;

        assert_int_equal(pcr_watch_look(w, values, log, log ? strlen(log) : 0, &changes), 0);
        return changes;
}

static void each_register_is_judged_by_its_own_rule(void **state _unused_) {
        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
                PcrValues values = { .banks = bank(HASH_SHA256) };
                PcrWatch w = watch_of(&values);
                PcrChanges changes;
                PcrSet living = 1U << 9 | 1U << 11 | 1U << 15, left_alone = 1U << 10 | ours | ~0xffffU,
                       one = 1U << pcr;

                extend(&values, pcr, "foreign");
                changes = look(&w, &values, NULL);
                assert_int_equal(changes.unexplained, one & living);
                assert_int_equal(changes.tampered, one & ~living & ~left_alone);
                assert_int_equal(changes.explained, 0);
                changes = look(&w, &values, NULL); /* once is enough */
                assert_int_equal(changes.unexplained | changes.tampered | changes.explained, 0);
        }
}

static void a_register_that_was_not_known_is_not_judged(void **state _unused_) {
        PcrValues values = { .banks = bank(HASH_SHA256) };
        PcrChanges changes;
        PcrWatch w;

        pcr_watch_init(&w, HASH_SHA256, 1U << 4, values.values[HASH_SHA256], 0);
        extend(&values, 7, "foreign");
        extend(&values, 4, "foreign");
        changes = look(&w, &values, NULL);
        assert_int_equal(changes.tampered, 1U << 4);
}

static void what_systemd_logged_is_explained(void **state _unused_) {
        PcrValues values = { .banks = bank(HASH_SHA256) };
        char log[4096] = "";
        PcrChanges changes;
        PcrWatch w;

        extend(&values, 11, "enter-initrd"); /* before the first look */
        append_record(log, sizeof(log), 11, "enter-initrd");
        w = watch_of(&values);
        extend(&values, 11, "sysinit");
        extend(&values, 11, "ready");
        extend(&values, 15, "machine-id");
        append_record(log, sizeof(log), 11, "sysinit");
        append_record(log, sizeof(log), 15, "machine-id");
        append_record(log, sizeof(log), 11, "ready");
        changes = look(&w, &values, log);
        assert_int_equal(changes.explained, 1U << 11 | 1U << 15);
        assert_int_equal(changes.unexplained | changes.tampered, 0);
}

static void the_log_must_lead_to_the_value(void **state _unused_) {
        PcrValues values = { .banks = bank(HASH_SHA256) };
        PcrWatch w = watch_of(&values);
        char log[4096] = "";
        PcrChanges changes;

        extend(&values, 11, "foreign");
        extend(&values, 11, "ready");
        append_record(log, sizeof(log), 11, "ready");
        changes = look(&w, &values, log);
        assert_int_equal(changes.unexplained, 1U << 11);
}

static void the_log_excuses_no_register_of_the_boot(void **state _unused_) {
        PcrValues values = { .banks = bank(HASH_SHA256) };
        PcrWatch w = watch_of(&values);
        char log[4096] = "";
        PcrChanges changes;

        extend(&values, 7, "secure-boot");
        append_record(log, sizeof(log), 7, "secure-boot");
        changes = look(&w, &values, log);
        assert_int_equal(changes.tampered, 1U << 7);
}

static void values_without_the_bank_are_no_answer(void **state _unused_) {
        PcrValues values = { .banks = bank(HASH_SHA256) };
        PcrWatch w = watch_of(&values);
        PcrChanges changes;

        values.banks = bank(HASH_SHA1);
        assert_int_equal(pcr_watch_look(&w, &values, NULL, 0, &changes), -ENODATA);
}

static void a_long_log_is_bounded(void **state _unused_) {
        PcrValues values = { .banks = bank(HASH_SHA256) };
        static char log[64 * 1024];
        PcrWatch w = watch_of(&values);
        PcrChanges changes;

        for (unsigned i = 0; i < 200; i++)
                append_record(log, sizeof(log), 11, "noise");
        extend(&values, 11, "ready");
        append_record(log, sizeof(log), 11, "ready");
        changes = look(&w, &values, log);
        assert_int_equal(changes.explained, 1U << 11);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_register_is_judged_by_its_own_rule),
                cmocka_unit_test(a_register_that_was_not_known_is_not_judged),
                cmocka_unit_test(what_systemd_logged_is_explained),
                cmocka_unit_test(the_log_must_lead_to_the_value),
                cmocka_unit_test(the_log_excuses_no_register_of_the_boot),
                cmocka_unit_test(values_without_the_bank_are_no_answer),
                cmocka_unit_test(a_long_log_is_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
