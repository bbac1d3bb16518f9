/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/deathnote.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/kind.h"
#include "lib/record.h"
#include "tests/test.h"

#define LOCK "{\"boottime\":4,\"poison\":[7,11],\"reason\":\"death\",\"time\":5,\"trigger\":1}"
#define UNCAPPED "0000000000000000000000000000000000000000000000000000000000000001"
#define NOTED(BEFORE, CAP, LOCK, TPM, UNCAPPED)                                                                       \
        "{\"bank\":\"sha256\",\"before\":" BEFORE ",\"cap\":" CAP ",\"lock\":" LOCK                                   \
        ",\"measurement\":13,\"tpm\":\"" TPM "\",\"uncapped\":\"" UNCAPPED "\"}"
#define NOTE(...) NOTED("{\"11\":\"" UNCAPPED "\",\"7\":\"" UNCAPPED "\"}", __VA_ARGS__)

static const char good[] = NOTE("12", LOCK, "auto", UNCAPPED);

static void there_and_back(void **state _unused_) {
        _cleanup_(death_note_done) DeathNote n = {};
        _cleanup_free_ char *text = NULL;

        assert_int_equal(death_note_parse(good, strlen(good), &n), 0);
        assert_string_equal(n.tpm, "auto");
        assert_int_equal(n.cap_pcr, 12);
        assert_int_equal(n.measurement_pcr, 13);
        assert_int_equal(n.bank, HASH_SHA256);
        assert_int_equal(n.uncapped[31], 1);
        assert_int_equal(n.noted, 1U << 7 | 1U << 11);
        assert_int_equal(n.before[11][31], 1);
        text = death_note_format(&n);
        assert_string_equal(text, good);
}

/* What the registers get is what a verifier finds as the digest of the record. */
static void the_poison_is_the_records_digest(void **state _unused_) {
        _cleanup_(death_note_done) DeathNote n = {};
        _cleanup_(buffer_done) Buffer record = {};
        BankDigests poison, expected;
        RecordView view;
        const char *why;
        PcrSet pcrs;
        Reader r;

        assert_int_equal(death_note_parse(good, strlen(good), &n), 0);
        assert_int_equal(death_note_poison(&n, bank(HASH_SHA256) | bank(HASH_SHA384), &pcrs, &poison), 0);
        assert_int_equal(pcrs, 1U << 7 | 1U << 11);
        assert_int_equal(record_put_event(&record, 13, "sealwatch:lock", LOCK, strlen(LOCK)), 0);
        r = reader_new(record.data, record.size);
        assert_int_equal(record_parse(&r, &view, &why), RECORD_OK);
        assert_int_equal(record_extend_value(&view, bank(HASH_SHA256) | bank(HASH_SHA384), &expected), 0);
        assert_true(bank_digests_equal(&poison, &expected));
}

/* What is in a register is seen by what it held before, whatever that was; and by that alone. */
static void what_a_register_has(void **state _unused_) {
        _cleanup_(death_note_done) DeathNote n = {};
        PcrValues now = { .banks = bank(HASH_SHA256) | bank(HASH_SHA384) };
        const PcrValues other_bank = { .banks = bank(HASH_SHA384) };
        BankDigests poison, value = bank_digests_zero(bank(HASH_SHA256));
        PcrSet pcrs;

        assert_int_equal(death_note_parse(good, strlen(good), &n), 0);
        assert_int_equal(death_note_poison(&n, now.banks, &pcrs, &poison), 0);
        value.values[HASH_SHA256][31] = 1;
        assert_int_equal(bank_digests_extend(&value, &poison), 0);
        assert_false(death_note_is_poisoned(&n, 7, &poison, &now));
        memcpy(now.values[HASH_SHA256][7], value.values[HASH_SHA256], SHA256_SIZE);
        assert_true(death_note_is_poisoned(&n, 7, &poison, &now));
        assert_false(death_note_is_poisoned(&n, 11, &poison, &now));
        assert_false(death_note_is_poisoned(&n, 8, &poison, &now)); /* nothing is known of it */
        assert_false(death_note_is_poisoned(&n, 7, &poison, &other_bank));
        assert_false(death_note_before(&n, 7, &other_bank));
        assert_true(death_note_before(&n, 7, &now));
        assert_false(death_note_is_poisoned(&n, 7, &poison, &now)); /* it is to be extended once more */
}

static void one_form_only(void **state _unused_) {
        static const char *const wrong[] = {
                "",
                "{}",
                "[]",
                LOCK,
                NOTE("24", LOCK, "auto", UNCAPPED),
                NOTE("-1", LOCK, "auto", UNCAPPED),
                NOTE("\"12\"", LOCK, "auto", UNCAPPED),
                NOTE("12", "{}", "auto", UNCAPPED),
                NOTE("12", "7", "auto", UNCAPPED),
                NOTE("12", "{\"boottime\":4,\"poison\":[24],\"reason\":\"death\",\"time\":5,\"trigger\":1}", "auto",
                     UNCAPPED),
                NOTE("12", "{\"boottime\":4,\"poison\":7,\"reason\":\"death\",\"time\":5,\"trigger\":1}", "auto",
                     UNCAPPED),
                NOTE("12", "{\"boottime\":4,\"reason\":\"death\",\"time\":5,\"trigger\":1}", "auto", UNCAPPED),
                NOTE("12", "{\"boottime\":4,\"poison\":[],\"reason\":\"death\",\"time\":5,\"trigger\":1}", "auto",
                     UNCAPPED),
                NOTED("[]", "12", LOCK, "auto", UNCAPPED),
                NOTED("{\"24\":\"" UNCAPPED "\"}", "12", LOCK, "auto", UNCAPPED),
                NOTED("{\"07\":\"" UNCAPPED "\"}", "12", LOCK, "auto", UNCAPPED),
                NOTED("{\"\":\"" UNCAPPED "\"}", "12", LOCK, "auto", UNCAPPED),
                NOTED("{\"99999999999999999999\":\"" UNCAPPED "\"}", "12", LOCK, "auto", UNCAPPED),
                NOTED("{\"7x\":\"" UNCAPPED "\"}", "12", LOCK, "auto", UNCAPPED),
                NOTED("{\"7\":\"00\"}", "12", LOCK, "auto", UNCAPPED),
                NOTED("{\"7\":0}", "12", LOCK, "auto", UNCAPPED),
                NOTE("12", LOCK, "auto", UNCAPPED "00"),
                NOTE("12", LOCK, "auto", "xx"),
                NOTE("12", LOCK, "auto", UNCAPPED) "\n",
                " " NOTE("12", LOCK, "auto", UNCAPPED),
        };
        _cleanup_free_ char *huge = malloc(DEATH_NOTE_MAX + 1);
        DeathNote n;

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                assert_int_equal(death_note_parse(wrong[i], strlen(wrong[i]), &n), -EBADMSG);
        for (size_t i = 0; i < strlen(good); i++)
                assert_int_equal(death_note_parse(good, i, &n), -EBADMSG);
        assert_non_null(huge);
        memset(huge, ' ', DEATH_NOTE_MAX + 1);
        assert_int_equal(death_note_parse(huge, DEATH_NOTE_MAX + 1, &n), -EBADMSG);
}

static void a_tpm_without_an_end(void **state _unused_) {
        char tpm[DEATH_TPM_MAX + 1], text[1024];
        DeathNote n;

        memset(tpm, 'x', DEATH_TPM_MAX);
        tpm[DEATH_TPM_MAX] = '\0';
        snprintf(text, sizeof(text), NOTE("12", LOCK, "%s", UNCAPPED), tpm);
        assert_int_equal(death_note_parse(text, strlen(text), &n), -EBADMSG);
        tpm[DEATH_TPM_MAX - 1] = '\0';
        snprintf(text, sizeof(text), NOTE("12", LOCK, "%s", UNCAPPED), tpm);
        assert_int_equal(death_note_parse(text, strlen(text), &n), 0);
        death_note_done(&n);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(there_and_back),       TEST(the_poison_is_the_records_digest),
                TEST(what_a_register_has),  TEST(one_form_only),
                TEST(a_tpm_without_an_end),
        };

        return RUN(tests);
}
