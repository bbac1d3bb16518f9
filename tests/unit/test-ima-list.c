/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading and replaying the kernel's IMA list, in binary and in text. */

#include "lib/base/cleanup.h"
#include "lib/ima/ascii.h"
#include "lib/ima/list.h"
#include "lib/sim/ima.h"
#include "tests/test.h"

DEFINE_CLEANUP(ImaList *, ima_list_free)

static const BankSet two = 1U << HASH_SHA1 | 1U << HASH_SHA256;

static LogResult read_all(ImaList *l) {
        LogResult result;
        ImaEntry e;

        while ((result = ima_list_next(l, &e)) == LOG_ENTRY)
                ;
        assert_int_equal(ima_list_next(l, &e), result);
        return result;
}

static ImaList *read_list(const void *data, size_t n, LogResult expected) {
        ImaList *l;

        assert_int_equal(ima_list_new(two, false, &l), 0);
        ima_list_more(l, data, n);
        if (read_all(l) != expected)
                fail_msg("entry %u: %s", (unsigned) ima_list_entries(l), ima_list_why(l));
        return l;
}

static void expect_bad(const void *data, size_t n, uint64_t entries, const char *why) {
        _cleanup_(ima_list_freep) ImaList *l = read_list(data, n, LOG_BAD);

        assert_string_equal(ima_list_why(l), why);
        assert_int_equal(ima_list_entries(l), entries);
}

static void known_templates(void **state _unused_) {
        static const struct {
                const char *name;
                size_t n;
        } good[] = { { "ima", 2 },       { "ima-ng", 2 },  { "ima-ngv2", 2 },   { "ima-sig", 3 },
                     { "ima-sigv2", 3 }, { "ima-buf", 3 }, { "ima-modsig", 5 }, { "evm-sig", 9 },
                     { "d-ng|n-ng", 2 }, { "n", 1 },       { "d|n|sig", 3 } };
        static const char *const bad[] = { "", "ima-", "ima-ng ", "|", "d-ng|", "|n-ng", "d-ng||n-ng", "D-NG" };
        ImaTemplate t;

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                assert_true(ima_template_find(good[i].name, strlen(good[i].name), &t));
                assert_int_equal(t.n, good[i].n);
                assert_int_equal(t.legacy, i == 0);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_false(ima_template_find(bad[i], strlen(bad[i]), &t));
        assert_false(ima_template_find("n|n|n|n|n|n|n|n|n|n|n|n|n|n|n|n|n", 33, &t)); /* 17 fields */
        assert_int_equal(ima_digest_size("sha256"), 32);
        assert_int_equal(ima_digest_size("sha257"), 0);
}

/* A list with every template: what it replays to is what was hashed. */
static void all_templates(void **state _unused_) {
        for (HashAlg digests = 0; digests < _HASH_MAX; digests++) {
                SimIma s = { .digests = digests, .pcr = 11, .entries = 40, .violate_every = 7 };
                _cleanup_(ima_list_freep) ImaList *l = NULL;
                _cleanup_(buffer_done) Buffer list = {};
                BankDigests value = bank_digests_zero(two);
                Reader r;
                ImaEntry e;
                const char *why;
                unsigned violations = 0;

                assert_int_equal(sim_ima_list(&s, &list), 0);
                l = read_list(list.data, list.size, LOG_END);
                assert_int_equal(ima_list_entries(l), 41);
                assert_int_equal(ima_list_digest(l), digests);
                assert_int_equal(ima_list_extended(l), 1U << 11);
                assert_int_equal(ima_list_offset(l), list.size);
                assert_false(ima_list_is_text(l));
                r = reader_new(list.data, list.size);
                while (ima_entry_parse(&r, digests, &e, &why) == LOG_ENTRY) {
                        BankDigests d = bank_digests_violation(two);

                        violations += e.violation;
                        if (!e.violation && !e.template.legacy)
                                assert_int_equal(bank_digests_hash(two, e.data, e.data_size, &d), 0);
                        else if (!e.violation)
                                assert_int_equal(ima_entry_extended(&e, two, false, &d), 0);
                        assert_int_equal(bank_digests_extend(&value, &d), 0);
                }
                assert_true(reader_done(&r));
                assert_true(violations > 2);
                for (HashAlg alg = 0; alg <= HASH_SHA256; alg++)
                        assert_memory_equal(value.values[alg], ima_list_values(l)->values[alg][11], hash_size(alg));
        }
}

/* The old template hashes a name padded to 256 bytes. */
static void old_template(void **state _unused_) {
        _cleanup_(buffer_done) Buffer data = {}, list = {}, hashed = {};
        _cleanup_(ima_list_freep) ImaList *l = NULL;
        uint8_t zeros[256] = {};
        BankDigests d;
        ImaEntry e;

        buffer_bytes(&data, zeros, SHA1_SIZE);
        buffer_u32le(&data, 14);
        buffer_string(&data, "boot_aggregate");
        assert_int_equal(sim_ima_entry(&list, HASH_SHA1, 10, "ima", &data, false), 0);
        assert_int_equal(ima_list_new(two, false, &l), 0);
        ima_list_more(l, list.data, list.size);
        assert_int_equal(ima_list_next(l, &e), LOG_ENTRY);
        assert_int_equal(e.name_size, 14);
        assert_memory_equal(e.name, "boot_aggregate", 14);
        buffer_bytes(&hashed, zeros, SHA1_SIZE);
        buffer_string(&hashed, "boot_aggregate");
        buffer_bytes(&hashed, zeros, 256 - 14);
        assert_int_equal(bank_digests_hash(two, hashed.data, hashed.size, &d), 0);
        assert_memory_equal(e.template_digest, d.values[HASH_SHA1], SHA1_SIZE);
}

static void text_is_the_same(void **state _unused_) {
        for (HashAlg digests = 0; digests < _HASH_MAX; digests++) {
                SimIma s = { .digests = digests, .pcr = digests == 0 ? 9 : 10, .entries = 33, .violate_every = 5 };
                _cleanup_(buffer_done) Buffer list = {}, text = {}, again = {};
                _cleanup_(ima_list_freep) ImaList *a = NULL, *b = NULL;

                assert_int_equal(sim_ima_list(&s, &list), 0);
                assert_int_equal(sim_ima_text(&list, digests, &text), 0);
                a = read_list(list.data, list.size, LOG_END);
                b = read_list(text.data, text.size, LOG_END);
                assert_true(ima_list_is_text(b));
                assert_int_equal(ima_list_digest(b), digests);
                assert_int_equal(ima_list_entries(b), ima_list_entries(a));
                assert_memory_equal(ima_list_values(b), ima_list_values(a), sizeof(PcrValues));
                for (const char *p = (const char *) text.data, *end = p + text.size; p < end;) {
                        const char *stop = memchr(p, '\n', (size_t) (end - p)), *why;
                        HashAlg alg;

                        assert_int_equal(ima_ascii_parse(p, (size_t) (stop - p), &again, &alg, &why), 0);
                        p = stop + 1;
                }
                assert_int_equal(again.size, list.size);
                assert_memory_equal(again.data, list.data, list.size);
        }
}

static void pieces(void **state _unused_) {
        SimIma s = { .digests = HASH_SHA1, .pcr = 10, .entries = 30, .violate_every = 4 };
        _cleanup_(buffer_done) Buffer list = {}, text = {};
        Random random = random_new(5);

        assert_int_equal(sim_ima_list(&s, &list), 0);
        assert_int_equal(sim_ima_text(&list, HASH_SHA1, &text), 0);
        for (int form = 0; form < 2; form++)
                for (size_t most = 1; most < 1000; most = most * 3 + 1) {
                        const Buffer *b = form == 0 ? &list : &text;
                        _cleanup_(ima_list_freep) ImaList *whole = read_list(b->data, b->size, LOG_END), *l = NULL;
                        LogResult result = LOG_END;

                        assert_int_equal(ima_list_new(two, false, &l), 0);
                        for (size_t end = 0; end < b->size;) {
                                size_t start = (size_t) ima_list_offset(l);

                                end += 1 + random_below(&random, most);
                                end = MIN(b->size, end);
                                ima_list_more(l, b->data + start, end - start);
                                result = read_all(l);
                                assert_true(result == LOG_TRUNCATED || result == LOG_END);
                        }
                        assert_int_equal(result, LOG_END);
                        assert_memory_equal(ima_list_values(l), ima_list_values(whole), sizeof(PcrValues));
                }
}

static void truncated(void **state _unused_) {
        SimIma s = { .digests = HASH_SHA256, .pcr = 10, .template = "evm-sig", .entries = 1 };
        _cleanup_(buffer_done) Buffer list = {};

        assert_int_equal(sim_ima_list(&s, &list), 0);
        for (size_t n = 1; n < list.size; n++) {
                _cleanup_(ima_list_freep) ImaList *l = NULL;
                LogResult result;

                assert_int_equal(ima_list_new(two, false, &l), 0);
                ima_list_more(l, list.data, n);
                result = read_all(l);
                assert_true(result == (ima_list_offset(l) == n ? LOG_END : LOG_TRUNCATED));
                assert_true(ima_list_entries(l) <= 1);
        }
}

static void zeros_behind_the_list(void **state _unused_) {
        SimIma s = sim_ima_default();

        for (size_t n = 1; n < 100; n++) { /* evmctl accepts up to 40 of them */
                _cleanup_(buffer_done) Buffer list = {};
                _cleanup_(ima_list_freep) ImaList *l = NULL;
                LogResult result;

                assert_int_equal(sim_ima_list(&s, &list), 0);
                for (size_t i = 0; i < n; i++)
                        buffer_u8(&list, 0);
                assert_int_equal(ima_list_new(two, false, &l), 0);
                ima_list_more(l, list.data, list.size);
                result = read_all(l);
                assert_true(result == LOG_TRUNCATED || result == LOG_BAD);
        }
}

/* One entry with any template data, its digest right. */
static void one(const char *template, const char *data, size_t n, const char *why) {
        _cleanup_(buffer_done) Buffer list = {};
        Buffer raw = { .data = (uint8_t *) (uintptr_t) data, .size = n };

        assert_int_equal(sim_ima_entry(&list, HASH_SHA1, 10, template, &raw, false), 0);
        if (why)
                expect_bad(list.data, list.size, 0, why);
        else
                ima_list_free(read_list(list.data, list.size, LOG_END));
}
#define ONE(template, data, why) one(template, data, sizeof(data) - 1, why)
#define SHA1_TEXT "12345678901234567890"

static void fields(void **state _unused_) {
        ONE("ima-ng", "\x1a\0\0\0sha1:\0" SHA1_TEXT "\x3\0\0\0/a\0", NULL);
        ONE("ima-ng", "\x1a\0\0\0sha1:\0" SHA1_TEXT "\x3\0\0\0/a\0x", "there are bytes behind the last field");
        ONE("ima-ng", "\x1a\0\0\0sha1:\0" SHA1_TEXT "\x4\0\0\0/a\0", "a field is longer than the template data");
        ONE("ima-ng", "\x1a\0\0\0sha1:\0" SHA1_TEXT "\xff\xff\xff\xff/a\0",
            "a field is longer than the template data");
        ONE("ima-ng", "\x1a\0\0\0sha1:\0" SHA1_TEXT, "a field is longer than the template data");
        ONE("ima-ng", "\x1a\0\0\0sha1:\0" SHA1_TEXT "\x2\0\0\0/a", "a text field is not one terminated string");
        ONE("ima-ng", "\x1a\0\0\0sha1:\0" SHA1_TEXT "\x5\0\0\0/a\0b\0", "a text field is not one terminated string");
        ONE("ima-ng", "\x1a\0\0\0sha1:\0" SHA1_TEXT "\x1\0\0\0\0", "a name is empty");
        ONE("ima-ng", "\x1a\0\0\0sha1:\0" SHA1_TEXT "\0\0\0\0", "a text field is not one terminated string");
        ONE("ima-ng", "\x19\0\0\0sha1\0" SHA1_TEXT "\x3\0\0\0/a\0", "a digest does not say its algorithm");
        ONE("ima-ng", "\x1a\0\0\0sha2:\0" SHA1_TEXT "\x3\0\0\0/a\0", "a digest is of an unknown algorithm");
        ONE("ima-ng", "\x1b\0\0\0sha1:\0" SHA1_TEXT "1\x3\0\0\0/a\0",
            "a digest does not have the size of its algorithm");
        ONE("ima-ng", "\x1a\0\0\0sha1:!" SHA1_TEXT "\x3\0\0\0/a\0", "a digest does not say its algorithm");
        ONE("ima-ng", "\0\0\0\0\x3\0\0\0/a\0", "a digest does not say its algorithm");
        ONE("ima-ngv2", "\x1e\0\0\0ima:sha1:\0" SHA1_TEXT "\x3\0\0\0/a\0", NULL);
        ONE("ima-ngv2", "\x1a\0\0\0sha1:\0" SHA1_TEXT "\x3\0\0\0/a\0", "a digest says neither ima nor verity");
        ONE("ima-ngv2", "\x19\0\0\0ima:\0" SHA1_TEXT "\x3\0\0\0/a\0", "a digest is of an unknown algorithm");
        ONE("d|n", "\x13\0\0\0001234567890123456789\x3\0\0\0/a\0", "a field has a wrong length");
        ONE("n|iuid", "\x3\0\0\0/a\0\x3\0\0\0abc", "a field has a wrong length");
        ONE("n|imode", "\x3\0\0\0/a\0\x4\0\0\0abcd", "a field has a wrong length");
        ONE("n|sig", "\x3\0\0\0/a\0\0\0\0\0", NULL);
        ONE("ima-buf", "\x1a\0\0\0sha1:\0" SHA1_TEXT "\x3\0\0\0/a\0\x1\0\0\0b",
            "the digest is not that of the buffer");
        ONE("ima-own", SHA1_TEXT SHA1_TEXT SHA1_TEXT, "this is no IMA list: the first entry has no known template");
}

/* Changes in the head of the second entry. */
static void heads(void **state _unused_) {
        static const struct {
                size_t at;
                uint8_t value;
                const char *why;
        } changes[] = {
                { 0, 24, "the entry is of a PCR that does not exist" },
                { 3, 1, "the entry is of a PCR that does not exist" },
                { 4, 0xaa, "the template digest is not that of the template data" },
                { 24, 0, "the template's name is empty or too long" },
                { 25, 1, "the template's name is empty or too long" },
                { 28, 'I', "the template is unknown" },
                { 37, 0xff, "the template data are larger than 4 MiB" },
        };
        SimIma s = sim_ima_default();

        for (size_t i = 0; i < ELEMENTSOF(changes); i++) {
                _cleanup_(buffer_done) Buffer list = {};
                size_t first;

                s.entries = 0;
                assert_int_equal(sim_ima_list(&s, &list), 0);
                first = list.size;
                buffer_done(&list);
                s.entries = 1;
                assert_int_equal(sim_ima_list(&s, &list), 0);
                list.data[first + changes[i].at] = changes[i].value;
                expect_bad(list.data, list.size, 1, changes[i].why);
        }
}

static void violation_with_a_digest(void **state _unused_) {
        _cleanup_(buffer_done) Buffer data = {}, list = {};

        assert_int_equal(sim_ima_data(&data, "ima-ng", "/a", "x", false), 0);
        assert_int_equal(sim_ima_entry(&list, HASH_SHA1, 10, "ima-ng", &data, true), 0);
        expect_bad(list.data, list.size, 0, "the entry is a violation, yet it has a file digest");
}

static void lines(void **state _unused_) {
#define DIGITS "0000000000000000000000000000000000000000"
        static const struct {
                const char *text, *why;
        } cases[] = {
                { "10 " DIGITS " ima-ng sha256:" DIGITS "000000000000000000000000 /a\n", NULL },
                { " 9 " DIGITS " ima-sig sha1:" DIGITS " /a \n", NULL },
                { " 9 " DIGITS " ima-sig sha1:" DIGITS " /a\n", "the line has fewer fields than its template" },
                { " 9 " DIGITS " ima-sig sha1:" DIGITS " /a  \n", "the line has more fields than its template" },
                { "9 " DIGITS " ima-ng sha1:" DIGITS " /a\n", "the line does not start with a PCR from 0 to 23" },
                { " 10 " DIGITS " ima-ng sha1:" DIGITS " /a\n", "the line does not start with a PCR from 0 to 23" },
                { "24 " DIGITS " ima-ng sha1:" DIGITS " /a\n", "the line does not start with a PCR from 0 to 23" },
                { "07 " DIGITS " ima-ng sha1:" DIGITS " /a\n", "the line does not start with a PCR from 0 to 23" },
                { "10\n", "the line does not start with a PCR from 0 to 23" },
                { "10 00 ima-ng sha1:" DIGITS " /a\n", "the template digest has a wrong number of digits" },
                { "10 " DIGITS " ima-ng sha1:0 /a\n", "a field is not in its form" },
                { "10 " DIGITS " ima-ng sha1:0g /a\n", "a field is not in its form" },
                { "10 " DIGITS " ima-ng sha1 /a\n", "a field is not in its form" },
                { "10 " DIGITS " ima-ng  /a\n", "a digest does not say its algorithm" },
                { "10 " DIGITS " ima-xx sha1:" DIGITS " /a\n", "the template is unknown" },
                { "10 " DIGITS "\n", "the template is unknown" },
                { "10 " DIGITS " n|iuid /a 4294967296\n", "a field is not in its form" },
                { "10 " DIGITS " n|iuid /a 01\n", "a field is not in its form" },
                { "10 " DIGITS " n|imode /a 65536\n", "a field is not in its form" },
                { "10 " DIGITS " n|imode /a 65535\n", NULL },
                { "10 " DIGITS " ima " DIGITS " /a\n", NULL },
                { "10 " DIGITS " ima 00 /a\n", "the line is incomplete" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                if (cases[i].why)
                        expect_bad(cases[i].text, strlen(cases[i].text), 0, cases[i].why);
                else
                        ima_list_free(read_list(cases[i].text, strlen(cases[i].text), LOG_END));
        expect_bad("10 \0\n", 5, 0, "the line has a NUL");
}

static void lines_of_two_kinds(void **state _unused_) {
        static const char text[] = "10 " DIGITS " n /a\n10 " DIGITS "000000000000000000000000 n /a\n";

        expect_bad(text, strlen(text), 1, "the template digest has another size than the ones before");
}

/* What kernels before 5.8 extend into the other banks. */
static void padded(void **state _unused_) {
        SimIma s = sim_ima_default();
        _cleanup_(buffer_done) Buffer list = {};
        _cleanup_(ima_list_freep) ImaList *l = NULL;
        uint8_t value[SHA256_SIZE] = {};
        ImaEntry e;

        assert_int_equal(sim_ima_list(&s, &list), 0);
        assert_int_equal(ima_list_new(two, true, &l), 0);
        ima_list_more(l, list.data, list.size);
        while (ima_list_next(l, &e) == LOG_ENTRY) {
                uint8_t digest[SHA256_SIZE] = {};
                Digest d;

                memcpy(digest, e.template_digest, SHA1_SIZE);
                assert_int_equal(digest_pair(HASH_SHA256, value, sizeof(value), digest, sizeof(digest), &d), 0);
                memcpy(value, d.bytes, sizeof(value));
        }
        assert_memory_equal(ima_list_values(l)->values[HASH_SHA256][10], value, sizeof(value));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(known_templates),
                TEST(all_templates),
                TEST(old_template),
                TEST(pieces),
                TEST(text_is_the_same),
                TEST(truncated),
                TEST(fields),
                TEST(heads),
                TEST(zeros_behind_the_list),
                TEST(lines),
                TEST(lines_of_two_kinds),
                TEST(violation_with_a_digest),
                TEST(padded),
        };

        return RUN(tests);
}
