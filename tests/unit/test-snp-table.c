/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/snp/table.h"
#include "tests/test.h"

#include <errno.h>

static const char vcek[] = "63da758de6644564adc5f4b93be8accd", vlek[] = "a8074bc2a25a483eaae639c045a0b8a1",
                  ask[] = "4ab7b379bbac4fe4a02f05aef327c782", ark[] = "c0b406a4a803495297433fb6014cd0ae",
                  crl[] = "92f81bc358114d3d97ffd19f88dc67ea", gce[] = "9f4116cdc5034f5a8f6ffb68882f4ce2";

static void entry(Buffer *b, const char *guid, uint32_t offset, uint32_t size) {
        for (const char *p = guid; *p;) {
                unsigned byte;

                assert_int_equal(sscanf(p, "%2x", &byte), 1);
                buffer_u8(b, (uint8_t) byte);
                p += 2;
        }
        buffer_u32le(b, offset);
        buffer_u32le(b, size);
}

static void end(Buffer *b) {
        for (int i = 0; i < 6; i++)
                buffer_u32le(b, 0);
}

static void assert_part(const DerObject *part, const char *text) {
        assert_int_equal(part->size, strlen(text));
        assert_memory_equal(part->data, text, part->size);
}

static void finds_every_part(void **state _unused_) {
        _cleanup_(buffer_done) Buffer b = {};
        const uint32_t header = 7 * 24;
        const char *why;
        size_t offset;
        SnpTable t;

        entry(&b, vcek, header, 4);
        entry(&b, gce, header + 4, 5);
        entry(&b, ask, header + 9, 3);
        entry(&b, ark, header + 12, 3);
        entry(&b, vlek, header + 15, 4);
        entry(&b, crl, header + 19, 3);
        end(&b);
        buffer_string(&b, "vcekotheraskarkvlekcrl and zeros behind");
        assert_int_equal(snp_table_parse(b.data, b.size, &t, &offset, &why), 0);
        assert_part(&t.vcek, "vcek");
        assert_part(&t.vlek, "vlek");
        assert_part(&t.ask, "ask");
        assert_part(&t.ark, "ark");
        assert_part(&t.crl, "crl");
        assert_int_equal(t.size, header + 22);
}

static void nothing_is_an_empty_table(void **state _unused_) {
        static const uint8_t zeros[4096];
        const char *why;
        size_t offset;
        SnpTable t;

        assert_int_equal(snp_table_parse(NULL, 0, &t, &offset, &why), 0);
        assert_int_equal(t.size, 0);
        assert_int_equal(snp_table_parse(zeros, sizeof(zeros), &t, &offset, &why), 0);
        assert_int_equal(t.size, 24);
        assert_null(t.vcek.data);
}

/* With one thing wrong each. */
static void refuses_what_is_no_table(void **state _unused_) {
        static const struct {
                const char *guid, *second;
                uint32_t at, size;
                const char *why;
        } table[] = {
                { vcek, NULL, 47, 1, "not in the table" },
                { vcek, NULL, 0, 1, "not in the table" },
                { gce, NULL, 48, 5, "not in the table" },
                { vcek, NULL, 53, 0, "not in the table" },
                { vcek, NULL, UINT32_MAX, UINT32_MAX, "not in the table" },
                { vcek, NULL, 49, UINT32_MAX, "not in the table" },
                { vcek, vcek, 72, 1, "twice" },
        };
        const char *why;
        size_t offset;
        SnpTable t;

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_(buffer_done) Buffer b = {};

                entry(&b, table[i].guid, table[i].at, table[i].size);
                if (table[i].second)
                        entry(&b, table[i].second, table[i].at, table[i].size);
                end(&b);
                buffer_string(&b, "four");
                assert_int_equal(snp_table_parse(b.data, b.size, &t, &offset, &why), -EINVAL);
                assert_non_null(strstr(why, table[i].why));
                assert_int_equal(offset, table[i].second ? 24 : 0);
        }
        for (size_t n = 1; n < 24; n++) /* no room for an end */
                assert_int_equal(snp_table_parse((uint8_t[24]){}, n, &t, &offset, &why), -EINVAL);
}

static void refuses_too_many_entries(void **state _unused_) {
        for (unsigned n = SNP_TABLE_ENTRIES_MAX; n <= SNP_TABLE_ENTRIES_MAX + 1; n++) {
                _cleanup_(buffer_done) Buffer b = {};
                const char *why;
                size_t offset;
                SnpTable t;

                for (unsigned i = 0; i < n; i++)
                        entry(&b, gce, (n + 1) * 24, 0);
                end(&b);
                assert_int_equal(snp_table_parse(b.data, b.size, &t, &offset, &why),
                                 n == SNP_TABLE_ENTRIES_MAX ? 0 : -EINVAL);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(finds_every_part),
                TEST(nothing_is_an_empty_table),
                TEST(refuses_what_is_no_table),
                TEST(refuses_too_many_entries),
        };

        return RUN(tests);
}
