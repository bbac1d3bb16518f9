/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The attestation key, quotes and NV memory, with tpm2-tools as the judge. */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "cmocka-all.h"
#include "lib/base/hex.h"
#include "sniffer.h"
#include "swtpm-rig.h"

enum { TRIES_MAX = 16 };
static const PcrSet pcrs = 0x7ff | 1 << 13 | 1 << 14;

static TpmResult *good(Tpm *t, TpmJob *job) {
        TpmResult *result = call(t, job);

        assert_string_equal(result->detail, "");
        assert_int_equal(result->outcome, TPM_OK);
        return result;
}

static void put(const Swtpm *s, const char *name, const void *data, size_t n) {
        char path[128];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", s->dir, name);
        f = fopen(path, "we");
        assert_non_null(f);
        assert_int_equal(fwrite(data, 1, n, f), n);
        assert_int_equal(fclose(f), 0);
}

static void assert_name_at(const Swtpm *s, const char *handle, const TpmName *name) {
        uint8_t theirs[128];

        assert_int_equal(shell(s, "tpm2_readpublic -Q -c %s -n name", handle), 0);
        assert_int_equal(slurp(s, "name", theirs, sizeof(theirs)), name->size);
        assert_memory_equal(theirs, name->bytes, name->size);
}

/* The file that tpm2_quote writes and tpm2_checkquote reads: the selection, the number of lists, lists of eight digests at
 * most, all of them as the C structures are. */
static void put_values(const Swtpm *s, const TpmQuote *q) {
        struct {
                TPML_PCR_SELECTION selection;
                uint32_t count;
                TPML_DIGEST digests[PCR_COUNT / 8];
        } file = { .selection = { .count = 1,
                                  .pcrSelections = { { TPM2_ALG_SHA256,
                                                       3,
                                                       { (uint8_t) q->pcrs, (uint8_t) (q->pcrs >> 8) } } } },
                   .count = 1 };

        assert_int_equal(q->values.banks, bank(HASH_SHA256));
        for (unsigned i = 0; i < PCR_COUNT; i++) {
                TPML_DIGEST *list = &file.digests[file.count - 1];

                if (!(q->pcrs & (1U << i)))
                        continue;
                if (list->count == 8)
                        list = &file.digests[file.count++];
                list->digests[list->count].size = SHA256_SIZE;
                memcpy(list->digests[list->count++].buffer, q->values.values[HASH_SHA256][i], SHA256_SIZE);
        }
        put(s, "values", &file, offsetof(__typeof__(file), digests) + file.count * sizeof(TPML_DIGEST));
}

/* tpm2_checkquote believes quote, nonce and values. */
static void judge_quote(const Swtpm *s, const TpmQuote *q, const char *key, const char *nonce) {
        char hex[2 * TPM_QUOTE_DATA_MAX + 1];

        put(s, "quote", q->attest.data, q->attest.size);
        put(s, "signature", q->signature.data, q->signature.size);
        put_values(s, q);
        assert_int_equal(shell(s,
                               "tpm2_readpublic -Q -c %s -f pem -o ak.pem && "
                               "tpm2_checkquote -Q -u ak.pem -m quote -s signature -f values -g sha256 -q %s",
                               key, hex_encode(nonce, strlen(nonce), hex)),
                         0);
        assert_name_at(s, key, &q->signer);
        assert_int_equal(shell(s, "tpm2_print -t TPMS_ATTEST quote > text && grep -q 'extraData: %s$' text", hex), 0);
}

static void test_own_key(void **state _unused_) {
        _swtpm_ Swtpm s = swtpm_new();
        _tpm_ Tpm *t = tpm_on(&s);
        _cleanup_(tpm_result_freep) TpmResult *first = good(t, tpm_job_ak(TPM_AK_GUEST)), *second = NULL,
                                              *quote = NULL;
        TpmPublic public;
        TpmName name;
        const char *why;

        assert_int_equal(first->ak->origin, TPM_AK_ORIGIN_OWN);
        assert_true(first->ak->persistent);
        assert_int_equal(first->ak->certificate.size, 0);
        assert_int_equal(tpm_public_parse(first->ak->public.data, first->ak->public.size, &public, &why), 0);
        assert_null(tpm_public_weakness(&public));
        assert_int_equal(tpm_public_name(&public, &name), 0);
        assert_int_equal(name.size, first->ak->name.size);
        assert_memory_equal(name.bytes, first->ak->name.bytes, name.size);
        assert_name_at(&s, "0x8101a77e", &first->ak->name);

        quote = good(t, tpm_job_quote(TPM_AK_GUEST, "a nonce of ours", 15, pcrs));
        judge_quote(&s, quote->quote, "0x8101a77e", "a nonce of ours");
        assert_int_equal(quote->quote->counters.reset, state_of(t).counters.reset);

        /* Whoever evicts it gets the same one again. */
        assert_int_equal(shell(&s, "tpm2_evictcontrol -Q -C o -c 0x8101a77e"), 0);
        second = good(t, tpm_job_ak(TPM_AK_GUEST));
        assert_memory_equal(second->ak->name.bytes, first->ak->name.bytes, first->ak->name.size);
        assert_name_at(&s, "0x8101a77e", &first->ak->name);
}

/* Another key under our handle is told as what it is. */
static void test_replaced_key(void **state _unused_) {
        _swtpm_ Swtpm s = swtpm_new();
        _tpm_ Tpm *t = tpm_on(&s);
        _cleanup_(tpm_result_freep) TpmResult *first = good(t, tpm_job_ak(TPM_AK_GUEST)), *second = NULL,
                                              *quote = NULL;

        assert_int_equal(
                shell(&s, "tpm2_evictcontrol -Q -C o -c 0x8101a77e && "
                          "tpm2_createprimary -Q -C e -G ecc:ecdsa-sha256 -c x.ctx -a 'sign|fixedtpm|fixedparent|"
                          "sensitivedataorigin|userwithauth|noda' && tpm2_evictcontrol -Q -C o -c x.ctx 0x8101a77e && "
                          "tpm2_flushcontext -t"),
                0);
        second = good(t, tpm_job_ak(TPM_AK_GUEST));
        quote = good(t, tpm_job_quote(TPM_AK_GUEST, "nonce", 5, pcrs));
        assert_memory_not_equal(second->ak->name.bytes, first->ak->name.bytes, first->ak->name.size);
        assert_memory_equal(second->ak->name.bytes, quote->quote->signer.bytes, second->ak->name.size);
}

/* An owner who has set an authorization: the key is made each time, and is the same. */
static void test_owner_authorization(void **state _unused_) {
        _swtpm_ Swtpm s = swtpm_new();
        _tpm_ Tpm *t = tpm_on(&s);
        _cleanup_(tpm_result_freep) TpmResult *before = good(t, tpm_job_ak(TPM_AK_GUEST)), *after = NULL,
                                              *quote = NULL;

        assert_int_equal(shell(&s, "tpm2_evictcontrol -Q -C o -c 0x8101a77e && tpm2_changeauth -Q -c o secret"), 0);
        after = good(t, tpm_job_ak(TPM_AK_GUEST));
        quote = good(t, tpm_job_quote(TPM_AK_GUEST, "nonce", 5, pcrs));
        assert_false(after->ak->persistent);
        assert_memory_equal(after->ak->name.bytes, before->ak->name.bytes, before->ak->name.size);
        assert_memory_equal(quote->quote->signer.bytes, before->ak->name.bytes, before->ak->name.size);
}

static void test_platform_keys(void **state _unused_) {
        static const char certificate[] = "not really a certificate";
        const TPMT_PUBLIC template = {
                .type = TPM2_ALG_RSA,
                .nameAlg = TPM2_ALG_SHA256,
                .objectAttributes = 0x50472,
                .parameters.rsaDetail = { .symmetric.algorithm = TPM2_ALG_NULL,
                                          .scheme = { .scheme = TPM2_ALG_RSASSA,
                                                      .details.rsassa.hashAlg = TPM2_ALG_SHA256 },
                                          .keyBits = 2048 },
        };
        uint8_t bytes[sizeof(template)];
        size_t size = 0;
        _swtpm_ Swtpm s = swtpm_new();
        _tpm_ Tpm *t = tpm_on(&s);
        _cleanup_(tpm_result_freep) TpmResult *none = call(t, tpm_job_ak(TPM_AK_AZURE)), *gce = NULL, *azure = NULL,
                                              *quote = NULL;

        assert_int_equal(none->outcome, TPM_REFUSED);
        assert_int_equal(none->rc & 0xbf, 0x8b); /* TPM_RC_HANDLE */

        assert_int_equal(Tss2_MU_TPMT_PUBLIC_Marshal(&template, bytes, sizeof(bytes), &size), 0);
        put(&s, "template", bytes, size);
        put(&s, "certificate", certificate, strlen(certificate));
        assert_int_equal(
                shell(&s,
                      "tpm2_nvdefine -Q 0x1c10001 -C o -s %zu && tpm2_nvwrite -Q 0x1c10001 -C o -i template && "
                      "tpm2_nvdefine -Q 0x1c10000 -C o -s %zu && tpm2_nvwrite -Q 0x1c10000 -C o -i certificate",
                      size, strlen(certificate)),
                0);
        gce = good(t, tpm_job_ak(TPM_AK_GUEST));
        assert_int_equal(gce->ak->origin, TPM_AK_ORIGIN_TEMPLATE);
        assert_int_equal(gce->ak->certificate.size, strlen(certificate));
        assert_memory_equal(gce->ak->certificate.data, certificate, strlen(certificate));
        assert_name_at(&s, "0x8101a77f", &gce->ak->name);
        quote = good(t, tpm_job_quote(TPM_AK_GUEST, "nonce", 5, pcrs));
        judge_quote(&s, quote->quote, "0x8101a77f", "nonce");

        assert_int_equal(shell(&s, "tpm2_readpublic -Q -c 0x8101a77f -o public && tpm2_createprimary -Q -C e -G "
                                   "rsa2048:rsassa-sha256:null -c x.ctx -a 0x50472 && "
                                   "tpm2_evictcontrol -Q -C o -c x.ctx 0x81000003 && tpm2_flushcontext -t"),
                         0);
        azure = good(t, tpm_job_ak(TPM_AK_AZURE));
        assert_int_equal(azure->ak->origin, TPM_AK_ORIGIN_AZURE);
        assert_name_at(&s, "0x81000003", &azure->ak->name);
}

/* Registers that move between quote and reads, seldom and all the time. */
static void test_moving_registers(void **state _unused_) {
        static const struct {
                unsigned meddlings;
                TpmOutcome outcome;
        } table[] = { { 0, TPM_OK }, { 1, TPM_OK }, { 5, TPM_OK }, { 1000, TPM_BUSY } };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _swtpm_ Swtpm s = swtpm_new();
                _cleanup_(sniffer_done) Sniffer sniffer;
                _cleanup_(tpm_result_freep) TpmResult *result = NULL;
                _tpm_ Tpm *t = NULL;
                const char *why;
                unsigned quotes = 0;

                sniffer_init(&sniffer, s.conf);
                sniffer.meddle_at = TPM2_CC_PCR_Read;
                assert_int_equal(tpm_new(&(TpmOptions){ .transport = &sniffer.outer }, &t, &why), 0);
                tpm_result_free(good(t, tpm_job_ak(TPM_AK_GUEST)));
                sniffer.meddlings = table[i].meddlings;
                sniffer.n_codes = 0;
                result = call(t, tpm_job_quote(TPM_AK_GUEST, "nonce", 5, pcrs));
                assert_int_equal(result->outcome, table[i].outcome);
                for (size_t k = 0; k < sniffer.n_codes; k++)
                        quotes += sniffer.codes[k] == TPM2_CC_Quote;
                assert_true(table[i].meddlings == 0 ? quotes == 1 : quotes > 1 && quotes <= TRIES_MAX);
                if (result->outcome == TPM_OK) {
                        t = tpm_free(t);
                        judge_quote(&s, result->quote, "0x8101a77e", "nonce");
                }
        }
}

static void test_nv(void **state _unused_) {
        _swtpm_ Swtpm s = swtpm_new();
        _tpm_ Tpm *t = tpm_on(&s);
        uint8_t data[2900], again[64];
        _cleanup_(tpm_result_freep) TpmResult *none = call(t, tpm_job_nv_read(0x1400001)), *blank = NULL,
                                              *large = NULL, *written = NULL, *resized = NULL;

        assert_int_equal(none->outcome, TPM_REFUSED);
        assert_int_equal(none->rc & 0xbf, 0x8b);

        for (size_t i = 0; i < sizeof(data); i++)
                data[i] = (uint8_t) (i * 7);
        put(&s, "data", data, 2000);
        put(&s, "more", data + 2000, sizeof(data) - 2000);
        assert_int_equal(
                shell(&s, "tpm2_nvdefine -Q 0x1400001 -C p -s 2048 -a 'platformcreate|authread|authwrite|ownerread|"
                          "ppwrite|no_da' && tpm2_nvwrite -Q 0x1400001 -C p -i data"),
                0);
        large = good(t, tpm_job_nv_read(0x1400001));
        assert_int_equal(large->nv.size, 2048); /* in more than one command */
        assert_memory_equal(large->nv.data, data, 2000);

        blank = good(t, tpm_job_nv_write(0x1400002, data, 64));
        assert_int_equal(shell(&s, "tpm2_nvread -Q 0x1400002 -C o -o again"), 0);
        assert_int_equal(slurp(&s, "again", again, sizeof(again)), 64);
        assert_memory_equal(again, data, 64);
        assert_int_equal(shell(&s, "tpm2_nvundefine -Q 0x1400002 -C o && tpm2_nvdefine -Q 0x1400002 -C o -s 48"), 0);
        resized = good(t, tpm_job_nv_write(0x1400002, data + 64, 64));
        written = good(t, tpm_job_nv_read(0x1400002));
        assert_int_equal(written->nv.size, 64);
        assert_memory_equal(written->nv.data, data + 64, 64);
}

/* Results of another thread's calls show nowhere else, and a stop ends its waiting. */
static void *call_aside(void *userdata) {
        Tpm *t = userdata;
        TpmResult *result = NULL;

        for (int i = 0; i < 20; i++) {
                if (tpm_call_aside(t, tpm_job_read(), &result) < 0 || result->type != TPM_JOB_READ ||
                    result->outcome != TPM_OK)
                        return NULL;
                tpm_result_free(result);
        }
        return t;
}

static void test_aside(void **state _unused_) {
        _swtpm_ Swtpm s = swtpm_new();
        _tpm_ Tpm *t = tpm_on(&s);
        pthread_t thread;
        void *end;

        (void) state_of(t);
        assert_int_equal(pthread_create(&thread, NULL, call_aside, t), 0);
        for (int i = 0; i < 20; i++) {
                _cleanup_(tpm_result_freep) TpmResult *result = NULL;
                uint64_t id;

                assert_int_equal(tpm_submit(t, tpm_job_state(), &id), 0);
                result = next_result(t);
                assert_int_equal(result->id, id);
                assert_int_equal(result->type, TPM_JOB_STATE);
        }
        assert_int_equal(pthread_join(thread, &end), 0);
        assert_ptr_equal(end, t);
        assert_null(tpm_next_result(t));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_own_key, swtpm_teardown),
                cmocka_unit_test_teardown(test_replaced_key, swtpm_teardown),
                cmocka_unit_test_teardown(test_owner_authorization, swtpm_teardown),
                cmocka_unit_test_teardown(test_platform_keys, swtpm_teardown),
                cmocka_unit_test_teardown(test_moving_registers, swtpm_teardown),
                cmocka_unit_test_teardown(test_nv, swtpm_teardown),
                cmocka_unit_test_teardown(test_aside, swtpm_teardown),
        };

        tpm_silence_library();
        return cmocka_run_group_tests_name("tpm-attest", tests, NULL, NULL);
}
