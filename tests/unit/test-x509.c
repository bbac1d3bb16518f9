/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/bytes.h"
#include "lib/sim/report.h"
#include "tests/pki.h"
#include "tests/test.h"

static X509 *written(const SimCertificate *c, Buffer *ret) {
        X509 *x;

        assert_int_equal(sim_certificate_write(c, ret), 0);
        x = x509_parse(ret->data, ret->size);
        assert_non_null(x);
        return x;
}

/* The same certificate in other bytes: what only a signature over its inside would miss. */
static void only_its_own_bytes(void **state _unused_) {
        const SimCertificate c = sim_authority(&pki, SNP_ARK, SNP_MILAN);
        _cleanup_(buffer_done) Buffer der = {}, other = {};
        _cleanup_(X509_freep) X509 *x = written(&c, &der);

        assert_int_equal(der.data[1], 0x82); /* two bytes of length: take three */
        buffer_bytes(&other, (uint8_t[]){ 0x30, 0x83, 0x00, der.data[2], der.data[3] }, 5);
        buffer_bytes(&other, der.data + 4, der.size - 4);
        assert_null(x509_parse(other.data, other.size));
        other.size = 0;
        buffer_bytes(&other, (uint8_t[]){ 0x30, 0x80 }, 2); /* BER: until two zeros */
        buffer_bytes(&other, der.data + 4, der.size - 4);
        buffer_bytes(&other, (uint8_t[]){ 0, 0 }, 2);
        assert_null(x509_parse(other.data, other.size));
        buffer_u8(&der, 0);
        assert_null(x509_parse(der.data, der.size));
        assert_null(x509_parse(der.data, der.size - 2));
        assert_null(x509_parse(der.data, 0));
        assert_null(x509_crl_parse(der.data, der.size - 1));
}

static void lists(void **state _unused_) {
        const SimCrl l = sim_crl(&pki, SNP_MILAN);
        _cleanup_(buffer_done) Buffer der = {};
        _cleanup_(X509_CRL_freep) X509_CRL *crl = NULL;

        assert_int_equal(sim_crl_write(&l, &der), 0);
        crl = x509_crl_parse(der.data, der.size);
        assert_non_null(crl);
        assert_null(x509_crl_parse(der.data, der.size - 1));
        buffer_u8(&der, 0);
        assert_null(x509_crl_parse(der.data, der.size));
        assert_null(x509_parse(der.data, der.size - 1));
}

static void doubled_extensions(void **state _unused_) {
        SimCertificate c = sim_authority(&pki, SNP_ARK, SNP_MILAN);
        _cleanup_(buffer_done) Buffer one = {}, two = {};
        _cleanup_(X509_freep) X509 *single = NULL, *doubled = NULL;

        sim_extension_add(&c, "1.2.3.4", "\x05", 2);
        sim_extension_add(&c, "1.2.3.5", "\x05", 2);
        single = written(&c, &one);
        assert_false(x509_has_double_extension(single));
        sim_extension_add(&c, "1.2.3.4", "\x02\x01\x01", 3);
        doubled = written(&c, &two);
        assert_true(x509_has_double_extension(doubled));
}

static void signatures(void **state _unused_) {
        static const struct {
                const char *digest;
                int salt;
                bool right;
        } kinds[] = {
                { "SHA384", 48, true },  { "SHA384", 47, false }, { "SHA384", 0, false },
                { "SHA384", -1, false }, { "SHA256", 48, false }, { "SHA512", 48, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                SimCertificate c = sim_authority(&pki, SNP_ARK, SNP_MILAN);
                _cleanup_(buffer_done) Buffer der = {};
                _cleanup_(X509_freep) X509 *x = NULL;

                c.signing.digest = kinds[i].digest;
                c.signing.salt = kinds[i].salt;
                x = written(&c, &der);
                assert_int_equal(x509_algor_is_pss_sha384(X509_get0_tbs_sigalg(x)), kinds[i].right);
        }
}

static void times(void **state _unused_) {
        static const struct {
                int64_t seconds;
                const char *text;
        } known[] = {
                { 0, "1970-01-01 00:00:00 UTC" },          { SIM_TIME, "2026-01-01 00:00:00 UTC" },
                { 1765404861, "2025-12-10 22:14:21 UTC" }, { INT64_C(4102444799), "2099-12-31 23:59:59 UTC" },
                { INT64_MAX, "9223372036854775807" },
        };
        char text[X509_TIME_TEXT_MAX];
        SimCertificate c = sim_authority(&pki, SNP_ARK, SNP_MILAN);
        _cleanup_(buffer_done) Buffer der = {};
        _cleanup_(X509_freep) X509 *x = NULL;
        int64_t t;

        for (size_t i = 0; i < ELEMENTSOF(known); i++)
                assert_string_equal(x509_time_format(known[i].seconds, text), known[i].text);
        c.not_before = 0;
        c.not_after = INT64_C(4102444799); /* as GeneralizedTime */
        x = written(&c, &der);
        assert_true(x509_time(X509_get0_notBefore(x), &t) && t == c.not_before);
        assert_true(x509_time(X509_get0_notAfter(x), &t) && t == c.not_after);
        assert_false(x509_time(NULL, &t));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(only_its_own_bytes), TEST(lists), TEST(doubled_extensions), TEST(signatures), TEST(times),
        };

        return RUN_WITH_PKI(tests);
}
