/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "lib/sim/quote.h"
#include "lib/tpm/certificate.h"
#include "tests/test.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

enum { START = 1000000000, END = 2000000000, NOW = 1500000000 };

/* Who issues, and whether it may. */
typedef struct Issuer {
        EVP_PKEY *pkey;
        X509 *x;
} Issuer;

static void add_extension(X509 *x, int nid, const char *value) {
        X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

        assert_non_null(e);
        assert_int_equal(X509_add_ext(x, e, -1), 1);
        X509_EXTENSION_free(e);
}

static X509 *issue(const char *name, EVP_PKEY *pkey, const Issuer *by, const char *constraints, const EVP_MD *md) {
        static long serial;
        X509 *x = X509_new();
        X509_NAME *subject = X509_get_subject_name(x);

        assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
        ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *) name, -1, -1, 0);
        X509_set_issuer_name(x, by ? X509_get_subject_name(by->x) : subject);
        ASN1_TIME_set(X509_getm_notBefore(x), START);
        ASN1_TIME_set(X509_getm_notAfter(x), END);
        X509_set_pubkey(x, pkey);
        add_extension(x, NID_basic_constraints, constraints);
        assert_true(X509_sign(x, by ? by->pkey : pkey, md) > 0);
        return x;
}

static Issuer new_issuer(const char *name, const Issuer *by, const char *constraints, const EVP_MD *md) {
        Issuer i = { .pkey = EVP_EC_gen("P-256") };

        i.x = issue(name, i.pkey, by, constraints, md);
        return i;
}

static void put(Buffer *b, X509 *x) {
        unsigned char *der = NULL;
        int n = i2d_X509(x, &der);

        assert_true(n > 0);
        buffer_bytes(b, der, (size_t) n);
        OPENSSL_free(der);
}

typedef struct Bench {
        SimKey sim;
        TpmKey key;
        Issuer root, middle;
        X509 *leaf;
        TpmRequirements q;
        Buffer file;
        char pin[2 * SHA256_SIZE + 1];
} Bench;

static void pin(Bench *b, const X509 *x) {
        uint8_t digest[SHA256_SIZE];

        assert_int_equal(X509_digest(x, EVP_sha256(), digest, NULL), 1);
        hex_encode(digest, sizeof(digest), b->pin);
        b->q.ak_roots = b->pin;
}

static int bench_open(void **state) {
        static Bench b;
        const char *why;

        b = (Bench){};
        assert_int_equal(sim_key_new(TPM_ID_ECDSA, TPM_CURVE_P256, HASH_SHA256, SIM_AK_ATTRIBUTES, &b.sim), 0);
        assert_int_equal(tpm_key_from_public(&b.sim.public, &b.key, &why), 0);
        b.root = new_issuer("root", NULL, "critical,CA:TRUE", EVP_sha256());
        b.middle = new_issuer("middle", &b.root, "critical,CA:TRUE", EVP_sha256());
        b.leaf = issue("ak", b.sim.pkey, &b.middle, "critical,CA:FALSE", EVP_sha256());
        pin(&b, b.root.x);
        *state = &b;
        return 0;
}

static void issuer_done(Issuer *i) {
        EVP_PKEY_free(i->pkey);
        X509_free(i->x);
}

static int bench_close(void **state) {
        Bench *b = *state;

        sim_key_done(&b->sim);
        tpm_key_done(&b->key);
        issuer_done(&b->root);
        issuer_done(&b->middle);
        X509_free(b->leaf);
        buffer_done(&b->file);
        return 0;
}

/* Judges the bench's file at a time; `why` is part of the reason. */
static void expect(Bench *b, int64_t at, CheckResult expected, const char *why) {
        _cleanup_(check_list_done) CheckList checks = {};
        CheckResult result;

        assert_int_equal(
                ak_certificate_appraise((Bytes){ b->file.data, b->file.size }, &b->key, &b->q, at, &checks, &result),
                0);
        assert_int_equal(checks.size, 1);
        assert_string_equal(checks.items[0].name, "ak-certificate");
        if (!strstr(checks.items[0].detail, why))
                fail_msg("%s", checks.items[0].detail);
        assert_int_equal(result, expected);
        assert_int_equal(checks.items[0].result, expected);
}

static void put_chain(Bench *b) {
        put(&b->file, b->root.x);
        put(&b->file, b->leaf);
        put(&b->file, b->middle.x);
}

static void genuine(void **state) {
        Bench *b = *state;

        put_chain(b);
        expect(b, NOW, CHECK_PASS, "issued for this key");
        for (unsigned i = 0; i < 100; i++) /* as NV indexes are filled up */
                buffer_u8(&b->file, 0);
        expect(b, NOW, CHECK_PASS, "issued for this key");
        pin(b, b->middle.x);
        expect(b, NOW, CHECK_PASS, "issued for this key");
        expect(b, START - 1, CHECK_FAIL, "not yet valid");
        expect(b, END + 1, CHECK_FAIL, "expired");
        b->q.ak_roots = NULL;
        expect(b, NOW, CHECK_NA, "nobody is pinned");
}

static void pins(void **state) {
        Bench *b = *state;

        put(&b->file, b->leaf);
        put(&b->file, b->middle.x);
        expect(b, NOW, CHECK_FAIL, "none of its issuers is pinned"); /* the root is not in the file */
        put(&b->file, b->root.x);
        pin(b, b->leaf); /* the key does not vouch for itself */
        expect(b, NOW, CHECK_FAIL, "none of its issuers is pinned");
        b->q.ak_roots = b->pin;
        memset(b->pin, '0', sizeof(b->pin) - 1);
        expect(b, NOW, CHECK_FAIL, "none of its issuers is pinned");
}

static void broken_chains(void **state) {
        Bench *b = *state;
        Issuer stranger = new_issuer("middle", NULL, "critical,CA:TRUE", EVP_sha256());

        put(&b->file, b->root.x);
        put(&b->file, b->leaf);
        expect(b, NOW, CHECK_FAIL, "unable to get"); /* without the one between */
        put(&b->file, stranger.x);                   /* another one of the same name */
        expect(b, NOW, CHECK_FAIL, "");
        b->file.size = 0;
        put(&b->file, b->root.x);
        put(&b->file, stranger.x);
        expect(b, NOW, CHECK_FAIL, "of another key");
        issuer_done(&stranger);
}

static void issuers_that_may_not(void **state) {
        Bench *b = *state;
        Issuer leaf = new_issuer("not an authority", &b->middle, "critical,CA:FALSE", EVP_sha256());
        Issuer weak = new_issuer("weak", &b->middle, "critical,CA:TRUE", EVP_sha256());
        X509 *by_leaf = issue("ak", b->sim.pkey, &leaf, "critical,CA:FALSE", EVP_sha256());
        X509 *by_weak = issue("ak", b->sim.pkey, &weak, "critical,CA:FALSE", EVP_sha1());

        put_chain(b);
        put(&b->file, leaf.x);
        put(&b->file, by_leaf); /* the last certificate of the key is the one that counts */
        expect(b, NOW, CHECK_FAIL, "invalid CA certificate");
        b->file.size = 0;
        put(&b->file, b->root.x);
        put(&b->file, b->middle.x);
        put(&b->file, weak.x);
        put(&b->file, by_weak);
        expect(b, NOW, CHECK_FAIL, "too weak");
        X509_free(by_leaf);
        X509_free(by_weak);
        issuer_done(&leaf);
        issuer_done(&weak);
}

/* One bit of every byte, of the key's certificate and of all above it. */
static void every_byte_counts(void **state) {
        Bench *b = *state;

        put_chain(b);
        for (size_t at = 0; at < b->file.size; at++) {
                _cleanup_(check_list_done) CheckList checks = {};
                CheckResult result;

                b->file.data[at] ^= (uint8_t) (1U << at % 8);
                assert_int_equal(ak_certificate_appraise((Bytes){ b->file.data, b->file.size }, &b->key, &b->q, NOW,
                                                         &checks, &result),
                                 0);
                if (result != CHECK_FAIL)
                        fail_msg("byte %zu may be %02x", at, b->file.data[at]);
                b->file.data[at] ^= (uint8_t) (1U << at % 8);
        }
}

static void garbage(void **state) {
        Bench *b = *state;

        buffer_string(&b->file, "no certificate");
        expect(b, NOW, CHECK_FAIL, "neither DER nor PEM");
        b->file.size = 0;
        put(&b->file, b->leaf);
        buffer_string(&b->file, "x");
        expect(b, NOW, CHECK_FAIL, "not a whole DER object");
        b->file.size = 0;
        buffer_bytes(&b->file, "\x30\x03\x02\x01\x00", 5);
        expect(b, NOW, CHECK_FAIL, "cannot be read");
}

#define BENCH(function) cmocka_unit_test_setup_teardown(function, bench_open, bench_close)

int main(void) {
        const struct CMUnitTest tests[] = {
                BENCH(genuine),           BENCH(pins),    BENCH(broken_chains), BENCH(issuers_that_may_not),
                BENCH(every_byte_counts), BENCH(garbage),
        };

        return RUN(tests);
}
