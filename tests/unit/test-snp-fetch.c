/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "lib/snp/fetch.h"
#include "tests/test.h"

#include <errno.h>

static FetchRequest request(void) {
        FetchRequest r = { .source = FETCH_AMD,
                           .parts = 1 << FETCH_VEK | 1 << FETCH_CRL,
                           .role = SNP_VCEK,
                           .product = SNP_MILAN,
                           .tcb = { 4, 0, 0, 0, 0, 0, 24, 219 } };

        for (unsigned i = 0; i < sizeof(r.chip_id); i++)
                r.chip_id[i] = (uint8_t) (i + 1);
        return r;
}

static void requests_come_back(void **state _unused_) {
        _cleanup_(buffer_done) Buffer b = {};
        FetchRequest r = request(), again;

        fetch_request_write(&r, &b);
        assert_int_equal(b.size, FETCH_REQUEST_SIZE);
        assert_int_equal(fetch_request_parse(b.data, b.size, &again), 0);
        assert_int_equal(again.source, r.source);
        assert_int_equal(again.parts, r.parts);
        assert_int_equal(again.role, r.role);
        assert_int_equal(again.product, r.product);
        assert_memory_equal(again.tcb, r.tcb, sizeof(r.tcb));
        assert_memory_equal(again.chip_id, r.chip_id, sizeof(r.chip_id));
        for (size_t n = 0; n < b.size; n++)
                assert_int_equal(fetch_request_parse(b.data, n, &again), -EINVAL);
        for (size_t i = 0; i < 12; i++) { /* magic, version, enumerations, zeros */
                b.data[i] ^= 0x80;
                assert_int_equal(fetch_request_parse(b.data, b.size, &again), -EINVAL);
                b.data[i] ^= 0x80;
        }
        b.data[6] = 0; /* asks for nothing */
        assert_int_equal(fetch_request_parse(b.data, b.size, &again), -EINVAL);
}

static void answers_come_back(void **state _unused_) {
        const FetchAnswer a = { .status = FETCH_BAD,
                                .parts = { { (const uint8_t *) "vek", 3 }, {}, { (const uint8_t *) "list", 4 } },
                                .text = "a reason" };
        _cleanup_(buffer_done) Buffer b = {};
        FetchAnswer again;

        fetch_answer_write(&a, &b);
        assert_int_equal(fetch_answer_size(b.data), b.size);
        assert_int_equal(fetch_answer_parse(b.data, b.size, &again), 0);
        assert_int_equal(again.status, FETCH_BAD);
        assert_string_equal(again.text, "a reason");
        assert_int_equal(again.parts[FETCH_CHAIN].size, 0);
        assert_int_equal(again.parts[FETCH_CRL].size, 4);
        assert_memory_equal(again.parts[FETCH_CRL].data, "list", 4);
        for (size_t n = 0; n < b.size; n++)
                assert_int_equal(fetch_answer_parse(b.data, n, &again), -EINVAL);
        b.data[b.size - 1] = '\n';
        assert_int_equal(fetch_answer_parse(b.data, b.size, &again), -EINVAL);
        b.data[10] = 1; /* a VEK above the limit */
        assert_int_equal(fetch_answer_size(b.data), 0);
}

/* As AMD 57230 has them. */
static void paths_of_the_key_service(void **state _unused_) {
        static const struct {
                SnpProduct product;
                SnpRole role;
                FetchPart part;
                uint8_t tcb[SNP_TCB_SIZE];
                const char *path;
        } table[] = {
                { SNP_MILAN,
                  SNP_VCEK,
                  FETCH_VEK,
                  { 4, 0, 0, 0, 0, 0, 24, 219 },
                  "/vcek/v1/Milan/0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
                  "2122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f40"
                  "?blSPL=04&teeSPL=00&snpSPL=24&ucodeSPL=219" },
                { SNP_TURIN,
                  SNP_VCEK,
                  FETCH_VEK,
                  { 1, 2, 3, 4, 0, 0, 0, 81 },
                  "/vcek/v1/Turin/0102030405060708?fmcSPL=01&blSPL=02&teeSPL=03&snpSPL=04&ucodeSPL=81" },
                { SNP_GENOA, SNP_VCEK, FETCH_CHAIN, {}, "/vcek/v1/Genoa/cert_chain" },
                { SNP_GENOA, SNP_VLEK, FETCH_CHAIN, {}, "/vlek/v1/Genoa/cert_chain" },
                { SNP_TURIN, SNP_VCEK, FETCH_CRL, {}, "/vcek/v1/Turin/crl" },
                { SNP_MILAN, SNP_VLEK, FETCH_CRL, {}, "/vlek/v1/Milan/crl" },
                { SNP_MILAN, SNP_VLEK, FETCH_VEK, {}, NULL },
                { SNP_MILAN, SNP_VCEK, FETCH_VEK, { 4, 0, 1, 0, 0, 0, 24, 219 }, NULL },
        };
        char path[FETCH_PATH_MAX];
        FetchRequest r;

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                r = request();
                r.product = table[i].product;
                r.role = table[i].role;
                memcpy(r.tcb, table[i].tcb, sizeof(r.tcb));
                assert_int_equal(fetch_amd_path(&r, table[i].part, path), table[i].path ? 0 : -EINVAL);
                if (table[i].path)
                        assert_string_equal(path, table[i].path);
        }
        r = request();
        memset(r.chip_id, 0, sizeof(r.chip_id));
        assert_int_equal(fetch_amd_path(&r, FETCH_VEK, path), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(requests_come_back),
                TEST(answers_come_back),
                TEST(paths_of_the_key_service),
        };

        return RUN(tests);
}
