/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "lib/sim/quote.h"
#include "lib/tpm/quote.h"
#include "tests/test.h"

static const uint8_t nonce[] = "a nonce of ours";

/* One genuine quote, and whatever a test changes of it before it is judged. */
typedef struct Bench {
        SimKey sim;
        TpmKey key;
        PcrInputs pcrs;
        Attest attest;
        Buffer quote, signature;
        QuoteEvidence evidence;
} Bench;

/* Quotes and signs anew what the bench says. */
static void requote(Bench *b) {
        b->quote.size = b->signature.size = 0;
        assert_int_equal(sim_quote(&b->sim, TPM_HANDLE_ENDORSEMENT, &b->attest, &b->pcrs, &b->quote), 0);
        assert_int_equal(sim_sign(&b->sim, true, b->quote.data, b->quote.size, &b->signature), 0);
        b->evidence.quote = (Bytes){ b->quote.data, b->quote.size };
        b->evidence.signature = (Bytes){ b->signature.data, b->signature.size };
}

static int bench_open(void **state) {
        static Bench b;
        const char *why;

        b = (Bench){ .pcrs = { .banks = bank(HASH_SHA1) | bank(HASH_SHA256) },
                     .attest = { .extra = { nonce, sizeof(nonce) },
                                 .safe = true,
                                 .n_selections = 2,
                                 .selections = { { 0x000b, HASH_SHA256, 0xff }, { 0x0004, HASH_SHA1, 0x2000 } } } };
        b.pcrs.files[HASH_SHA256].present = 0xff;
        b.pcrs.files[HASH_SHA1].present = 0x2000;
        memset(b.pcrs.files[HASH_SHA256].values[3], 3, 32);
        assert_int_equal(sim_key_new(TPM_ID_ECDSA, TPM_CURVE_P256, HASH_SHA256, SIM_AK_ATTRIBUTES, &b.sim), 0);
        assert_int_equal(tpm_key_from_public(&b.sim.public, &b.key, &why), 0);
        b.evidence = (QuoteEvidence){ .key = &b.key,
                                      .scheme = TPM_ID_NULL,
                                      .scheme_hash = _HASH_INVALID,
                                      .nonce = { nonce, sizeof(nonce) },
                                      .pcrs = &b.pcrs };
        requote(&b);
        *state = &b;
        return 0;
}

static int bench_close(void **state) {
        Bench *b = *state;

        sim_key_done(&b->sim);
        tpm_key_done(&b->key);
        buffer_done(&b->quote);
        buffer_done(&b->signature);
        return 0;
}

/* Judges; exactly these checks must fail ("" for none). */
static void expect(Bench *b, const char *failed) {
        _cleanup_(check_list_done) CheckList checks = {};
        char found[256] = "";
        Attest attest;

        assert_int_equal(quote_appraise(&b->evidence, &checks, &attest), 0);
        assert_int_equal(checks.size, 6);
        for (size_t i = 0; i < checks.size; i++)
                if (checks.items[i].result == CHECK_FAIL)
                        snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%s", found[0] ? " " : "",
                                 checks.items[i].name);
        assert_string_equal(found, failed);
        assert_int_equal(check_list_verdict(&checks), failed[0] ? CHECK_FAIL : CHECK_PASS);
}

static CheckResult result_of(Bench *b, const char *name) {
        _cleanup_(check_list_done) CheckList checks = {};
        Attest attest;

        assert_int_equal(quote_appraise(&b->evidence, &checks, &attest), 0);
        assert_non_null(check_list_find(&checks, name));
        return check_list_find(&checks, name)->result;
}

static void genuine(void **state) {
        Bench *b = *state;

        expect(b, "");
        b->evidence.scheme = TPM_ID_ECDSA;
        b->evidence.scheme_hash = HASH_SHA256;
        expect(b, "");
        b->evidence.nonce.size = 0;
        assert_int_equal(result_of(b, "quote-nonce"), CHECK_NA);
        b->attest.safe = false;
        requote(b);
        assert_int_equal(result_of(b, "quote-clock"), CHECK_NA);
        expect(b, "");
}

static void a_weak_bank_alone(void **state) {
        Bench *b = *state;

        b->evidence.require_strong_bank = true;
        expect(b, "");
        b->pcrs.banks = bank(HASH_SHA1);
        b->attest.n_selections = 1;
        b->attest.selections[0] = b->attest.selections[1];
        requote(b);
        expect(b, "quote-selection");
        b->evidence.require_strong_bank = false;
        expect(b, "");
}

static void nonces(void **state) {
        Bench *b = *state;

        b->evidence.nonce.size--; /* a prefix is not enough */
        expect(b, "quote-nonce");
        b->evidence.nonce = (Bytes){ (const uint8_t *) "another nonce...", sizeof(nonce) };
        expect(b, "quote-nonce");
        b->evidence.nonce = (Bytes){ nonce, sizeof(nonce) };
        b->attest.extra = (Bytes){};
        requote(b);
        expect(b, "quote-nonce");
}

static void selections(void **state) {
        Bench *b = *state;

        b->pcrs.files[HASH_SHA256].present |= 0x100; /* a value that nobody quoted */
        expect(b, "quote-selection");
        b->pcrs.files[HASH_SHA256].present = 0x7f;
        expect(b, "quote-selection pcr-digest");
        b->pcrs.files[HASH_SHA256].present = 0xff;
        b->pcrs.banks = bank(HASH_SHA256);
        expect(b, "quote-selection pcr-digest");
        b->pcrs.banks = 0;
        expect(b, "");
        assert_int_equal(result_of(b, "quote-selection"), CHECK_NA);
        assert_int_equal(result_of(b, "pcr-digest"), CHECK_NA);
        b->evidence.required = 1;
        expect(b, "quote-selection"); /* not in the SHA-1 bank */
        b->evidence.required = 0x2001;
        expect(b, "quote-selection");
}

static void odd_selections(void **state) {
        Bench *b = *state;

        b->attest.selections[1] = (TpmSelection){ 0x000b, HASH_SHA256, 0x01 };
        b->pcrs.banks = bank(HASH_SHA256);
        requote(b);
        expect(b, "quote-selection"); /* twice */
        b->attest.selections[1] = (TpmSelection){ 0x0012, _HASH_INVALID, 0 };
        requote(b);
        expect(b, ""); /* a bank that says nothing */
        b->attest.n_selections = 0;
        requote(b);
        expect(b, "quote-selection");
        b->attest.n_selections = 1;
        b->attest.selections[0].pcrs = 0;
        requote(b);
        expect(b, "quote-selection");
        b->pcrs.banks = 0;
        expect(b, "quote-selection"); /* even if nothing was asked */
}

static void values(void **state) {
        Bench *b = *state;

        b->pcrs.files[HASH_SHA256].values[3][31] ^= 1;
        expect(b, "pcr-digest");
        b->pcrs.files[HASH_SHA256].values[3][31] ^= 1;
        b->pcrs.files[HASH_SHA1].values[13][19] ^= 1;
        expect(b, "pcr-digest");
        b->pcrs.files[HASH_SHA1].values[13][19] ^= 1;
        b->pcrs.files[HASH_SHA1].values[13][20] ^= 1; /* behind the digest */
        expect(b, "");
}

static void signatures(void **state) {
        Bench *b = *state;

        b->evidence.scheme = TPM_ID_RSASSA; /* what the key's public area says counts */
        expect(b, "quote-signature");
        b->evidence.scheme = TPM_ID_ECDSA;
        b->evidence.scheme_hash = HASH_SHA384;
        expect(b, "quote-signature");
        b->evidence.scheme_hash = HASH_SHA256;
        b->evidence.signature.size--;
        expect(b, "quote-signature");
        b->evidence.signature.size = 0;
        expect(b, "quote-signature");
        b->sim.public.scheme_hash = b->evidence.scheme_hash = HASH_SHA1;
        requote(b);
        expect(b, "quote-signature");
}

static void structure(void **state) {
        Bench *b = *state;

        b->evidence.quote.size--;
        expect(b, "quote-structure");
        b->evidence.quote.size = 0;
        expect(b, "quote-structure");
}

static void signers(void **state) {
        Bench *b = *state;
        CheckResult results[2][2];
        Attest attest;

        for (int child = 0; child < 2; child++)
                for (int any = 0; any < 2; any++) {
                        _cleanup_(check_list_done) CheckList checks = {};
                        TpmName name;

                        assert_int_equal(quote_appraise(&b->evidence, &checks, &attest), 0);
                        assert_int_equal(tpm_public_name(&b->sim.public, &name), 0);
                        name.bytes[10] ^= (uint8_t) child;
                        assert_int_equal(quote_appraise_signer(&attest, HASH_SHA256, &name, any, &checks), 0);
                        results[child][any] = check_list_find(&checks, "ak-name")->result;
                }
        assert_int_equal(results[0][0], CHECK_PASS);
        assert_int_equal(results[0][1], CHECK_PASS);
        assert_int_equal(results[1][0], CHECK_FAIL);
        assert_int_equal(results[1][1], CHECK_NA);
}

/* Every byte of the quote and of its frame is covered: all 255 other values of each are refused. Of the signature one bit
 * of each byte. */
static void every_byte_counts(void **state) {
        Bench *b = *state;

        for (size_t at = 0; at < b->quote.size; at++)
                for (unsigned value = 1; value < 256; value++) {
                        b->quote.data[at] ^= (uint8_t) value;
                        assert_true(result_of(b, "quote-signature") == CHECK_FAIL ||
                                    result_of(b, "quote-structure") == CHECK_FAIL);
                        b->quote.data[at] ^= (uint8_t) value;
                }
        for (size_t at = 0; at < b->signature.size; at++) {
                b->signature.data[at] ^= (uint8_t) (1U << at % 8);
                assert_int_equal(result_of(b, "quote-signature"), CHECK_FAIL);
                b->signature.data[at] ^= (uint8_t) (1U << at % 8);
        }
        expect(b, "");
}

#define BENCH(function) cmocka_unit_test_setup_teardown(function, bench_open, bench_close)

int main(void) {
        const struct CMUnitTest tests[] = {
                BENCH(genuine),        BENCH(a_weak_bank_alone),
                BENCH(selections),     BENCH(odd_selections),
                BENCH(values),         BENCH(genuine),
                BENCH(nonces),         BENCH(selections),
                BENCH(odd_selections), BENCH(values),
                BENCH(signatures),     BENCH(structure),
                BENCH(signers),        BENCH(every_byte_counts),
        };

        return RUN(tests);
}
