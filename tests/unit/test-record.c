/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/record.h"
#include "tests/test.h"

#include <errno.h>

static const uint8_t digest[SHA256_SIZE] = { 1, 2, 3 };

static RecordResult parse(const Buffer *b, RecordView *ret, const char **why) {
        Reader r = reader_new(b->data, b->size);
        RecordResult result;

        *why = NULL;
        result = record_parse(&r, ret, why);
        assert_int_equal(r.pos, result == RECORD_OK ? ret->size : 0); /* stays where it is otherwise */
        if (result == RECORD_BAD || result == RECORD_TRUNCATED)
                assert_true(*why && **why);
        return result;
}

/* Laid out by hand from Linux' ima_fs.c: nothing of lib/ is asked. */
static void bytes_are_those_of_the_kernel(void **state _unused_) {
        static const uint8_t head[] = { 10, 0, 0, 0 }, name[] = { 6, 0, 0, 0, 'i', 'm', 'a', '-', 'n', 'g' };
        static const uint8_t before[] = { 40, 0, 0, 0, 's', 'h', 'a', '2', '5', '6', ':', 0 };
        static const uint8_t behind[] = { 7, 0, 0, 0, '/', 'b', 'i', 'n', '/', 'x', 0 };
        enum { DATA = sizeof(before) + SHA256_SIZE + sizeof(behind) };
        uint8_t data[DATA];
        Buffer b = {};
        Digest sha1;

        memcpy(data, before, sizeof(before));
        memcpy(data + sizeof(before), digest, SHA256_SIZE);
        memcpy(data + sizeof(before) + SHA256_SIZE, behind, sizeof(behind));
        assert_int_equal(digest_data(HASH_SHA1, data, sizeof(data), &sha1), 0);

        assert_int_equal(record_put_file(&b, 10, digest, "/bin/x"), 0);
        assert_int_equal(b.size, 4 + 20 + 4 + 6 + 4 + DATA);
        assert_memory_equal(b.data, head, 4);
        assert_memory_equal(b.data + 4, sha1.bytes, 20);
        assert_memory_equal(b.data + 24, name, sizeof(name));
        assert_int_equal(b.data[34] | b.data[35] << 8 | b.data[36] << 16 | b.data[37] << 24, DATA);
        assert_memory_equal(b.data + 38, data, DATA);
        buffer_done(&b);
}

static void files_events_violations_and_back(void **state _unused_) {
        Buffer b = {};
        RecordView v[3];
        const char *why;
        Reader r;

        assert_int_equal(record_put_file(&b, 13, digest, "/usr/bin/true"), 0);
        assert_int_equal(record_put_event(&b, 13, "sealwatch:x", "{}", 2), 0);
        assert_int_equal(record_put_violation(&b, 13, "/tmp/x"), 0);
        r = reader_new(b.data, b.size);
        for (size_t i = 0; i < 3; i++)
                assert_int_equal(record_parse(&r, &v[i], &why), RECORD_OK);
        assert_int_equal(record_parse(&r, &v[0], &why), RECORD_END);
        r.pos = 0;
        assert_int_equal(record_parse(&r, &v[0], &why), RECORD_OK);

        assert_int_equal(v[0].template, TEMPLATE_NG);
        assert_false(v[0].violation);
        assert_string_equal(v[0].name, "/usr/bin/true");
        assert_int_equal(v[0].name_size, strlen("/usr/bin/true"));
        assert_memory_equal(v[0].digest, digest, SHA256_SIZE);
        assert_ptr_equal(v[0].bytes, b.data);

        assert_int_equal(v[1].template, TEMPLATE_BUF);
        assert_string_equal(v[1].name, "sealwatch:x");
        assert_int_equal(v[1].buf_size, 2);
        assert_memory_equal(v[1].buf, "{}", 2);
        assert_ptr_equal(v[1].bytes, v[0].bytes + v[0].size);

        assert_true(v[2].violation);
        assert_string_equal(v[2].name, "/tmp/x");
        assert_ptr_equal(v[2].bytes + v[2].size, b.data + b.size);
        buffer_done(&b);
}

static void extends_the_data_or_all_ones(void **state _unused_) {
        const BankSet banks = bank(HASH_SHA1) | bank(HASH_SHA256) | bank(HASH_SHA384);
        BankDigests value, expected;
        Buffer b = {};
        RecordView v;
        const char *why;

        assert_int_equal(record_put_file(&b, 13, digest, "/x"), 0);
        assert_int_equal(parse(&b, &v, &why), RECORD_OK);
        assert_int_equal(record_extend_value(&v, banks, &value), 0);
        assert_int_equal(bank_digests_hash(banks, v.data, v.data_size, &expected), 0);
        assert_true(bank_digests_equal(&value, &expected));
        buffer_done(&b);

        assert_int_equal(record_put_violation(&b, 13, "/x"), 0);
        assert_int_equal(parse(&b, &v, &why), RECORD_OK);
        assert_int_equal(record_extend_value(&v, banks, &value), 0);
        for (size_t i = 0; i < 48; i++)
                assert_int_equal(value.values[HASH_SHA384][i], 0xff);
        assert_int_equal(value.values[HASH_SHA1][20], 0);
        buffer_done(&b);
}

static void every_prefix_is_cut_off(void **state _unused_) {
        Buffer b = {};
        RecordView v;
        const char *why;

        assert_int_equal(record_put_event(&b, 13, "sealwatch:x", "{\"a\":1}", 7), 0);
        for (size_t n = 0; n < b.size; n++) {
                uint8_t *copy = malloc(n + 1); /* its own bytes: a sanitizer sees a read behind them */
                Buffer cut = { .data = copy, .size = n };

                assert_non_null(copy);
                memcpy(copy, b.data, n);
                assert_int_equal(parse(&cut, &v, &why), n == 0 ? RECORD_END : RECORD_TRUNCATED);
                free(copy);
        }
        buffer_done(&b);
}

/* No byte but those of the PCR's number can change: the SHA-1, the lengths and the names hold all others. */
static void every_flip_is_seen(void **state _unused_) {
        for (int what = 0; what < 2; what++) {
                Buffer b = {};
                RecordView v;
                const char *why;

                if (what == 0)
                        assert_int_equal(record_put_file(&b, 13, digest, "/usr/bin/true"), 0);
                else
                        assert_int_equal(record_put_event(&b, 13, "sealwatch:x", "{\"a\":1}", 7), 0);
                for (size_t i = 4; i < b.size; i++)
                        for (unsigned bit = 0; bit < 8; bit++) {
                                b.data[i] ^= (uint8_t) (1U << bit);
                                assert_int_not_equal(parse(&b, &v, &why), RECORD_OK);
                                b.data[i] ^= (uint8_t) (1U << bit);
                        }
                assert_int_equal(parse(&b, &v, &why), RECORD_OK);
                buffer_done(&b);
        }
}

/* A record whose SHA-1 is right, so that only the rules about fields speak. */
static RecordResult parse_fields(const char *template, const void *data, size_t n, const char **why) {
        Buffer b = {};
        Digest sha1;
        RecordView v;
        RecordResult result;

        assert_int_equal(digest_data(HASH_SHA1, data, n, &sha1), 0);
        buffer_u32le(&b, 13);
        buffer_bytes(&b, sha1.bytes, SHA1_SIZE);
        buffer_u32le(&b, (uint32_t) strlen(template));
        buffer_string(&b, template);
        buffer_u32le(&b, (uint32_t) n);
        buffer_bytes(&b, data, n);
        result = parse(&b, &v, why);
        buffer_done(&b);
        return result;
}

static void put_fields(Buffer *b, uint32_t digest_size, const char *prefix, uint32_t name_size, const char *name) {
        buffer_u32le(b, digest_size);
        buffer_bytes(b, prefix, 8);
        buffer_bytes(b, digest, SHA256_SIZE);
        buffer_u32le(b, name_size);
        buffer_bytes(b, name, name_size < 64 ? name_size : 0);
}

static void other_fields_are_refused(void **state _unused_) {
        static const struct {
                const char *template, *prefix, *name, *why;
                uint32_t digest_size, name_size, more;
        } cases[] = {
                { "ima-ng", "sha256:", "/x", NULL, 40, 3, 0 },
                { "ima-sig", "sha256:", "/x", "the template is neither ima-ng nor ima-buf", 40, 3, 0 },
                { "ima-n", "sha256:", "/x", "the template is neither ima-ng nor ima-buf", 40, 3, 0 },
                { "ima-ng-and-much-more", "sha256:", "/x", "the template name is too long", 40, 3, 0 },
                { "ima-ng", "sha1:..", "/x", "the digest field does not say sha256", 40, 3, 0 },
                { "ima-ng", "sha256: ", "/x", "the digest field does not say sha256", 40, 3, 0 },
                { "ima-ng", "sha256:", "/x", "the digest field has a wrong length", 39, 3, 0 },
                { "ima-ng", "sha256:", "/x", "the digest field has a wrong length", UINT32_MAX, 3, 0 },
                { "ima-ng", "sha256:", "/x", "the name field has a wrong length", 40, 0, 0 },
                { "ima-ng", "sha256:", "/x", "the name field has a wrong length", 40, UINT32_MAX, 0 },
                { "ima-ng", "sha256:", "", "the name field is not one terminated string", 40, 1, 0 },
                { "ima-ng", "sha256:", "/x", "the name field is not one terminated string", 40, 2, 0 },
                { "ima-ng", "sha256:", "/\0x", "the name field is not one terminated string", 40, 4, 0 },
                { "ima-ng", "sha256:", "/x", "the template fields do not fill the template data", 40, 3, 1 },
                { "ima-buf", "sha256:", "/x", "the template fields do not fill the template data", 40, 3, 0 },
                { "ima-buf", "sha256:", "/x", "the buffer does not match its digest", 40, 3, 4 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *why = NULL;
                Buffer data = {};
                RecordResult result;

                put_fields(&data, cases[i].digest_size, cases[i].prefix, cases[i].name_size, cases[i].name);
                for (uint32_t k = 0; k < cases[i].more; k++)
                        buffer_u8(&data, 0); /* of four: an empty buffer */
                result = parse_fields(cases[i].template, data.data, data.size, &why);
                assert_int_equal(result, cases[i].why ? RECORD_BAD : RECORD_OK);
                if (cases[i].why)
                        assert_string_equal(why, cases[i].why);
                buffer_done(&data);
        }
}

static void violations_are_files_without_a_digest(void **state _unused_) {
        static const uint8_t no_digest[SHA256_SIZE];
        Buffer b = {};
        RecordView v;
        const char *why;

        assert_int_equal(record_put_file(&b, 13, digest, "/x"), 0);
        memset(b.data + 4, 0, SHA1_SIZE); /* a file digest under a zero SHA-1 */
        assert_int_equal(parse(&b, &v, &why), RECORD_BAD);
        buffer_done(&b);
        assert_int_equal(record_put_event(&b, 13, "sealwatch:x", "{}", 2), 0);
        memset(b.data + 4, 0, SHA1_SIZE);
        assert_int_equal(parse(&b, &v, &why), RECORD_BAD);
        buffer_done(&b);
        assert_int_equal(record_put_file(&b, 13, no_digest, "/x"), 0); /* a file that claims zeros is no violation */
        assert_int_equal(parse(&b, &v, &why), RECORD_OK);
        assert_false(v.violation);
        buffer_done(&b);
}

static void limits_hold(void **state _unused_) {
        char *longest = repeat('p', RECORD_PATH_MAX), *longer = repeat('p', RECORD_PATH_MAX + 1);
        static const uint8_t big[RECORD_DATA_MAX];
        Buffer b = {};
        RecordView v;
        const char *why;

        assert_int_equal(record_put_file(&b, 13, digest, longer), -EINVAL);
        assert_int_equal(record_put_violation(&b, 13, longer), -EINVAL);
        assert_int_equal(record_put_event(&b, 13, "sealwatch:x", big, sizeof(big)), -EINVAL);
        assert_int_equal(record_put_file(&b, 13, digest, ""), -EINVAL);
        assert_int_equal(record_put_violation(&b, 13, ""), -EINVAL);
        assert_int_equal(record_put_event(&b, 13, "", "{}", 2), -EINVAL);
        assert_int_equal(b.size, 0);
        assert_int_equal(record_put_file(&b, 13, digest, longest), 0);
        assert_int_equal(parse(&b, &v, &why), RECORD_OK);
        assert_int_equal(v.data_size, RECORD_DATA_MAX);
        assert_true(v.size <= RECORD_SIZE_MAX);
        buffer_u32le(&b, 0); /* room to claim more data */
        b.data[35] = 0x10;
        b.data[34] = 1;
        assert_int_equal(parse(&b, &v, &why), RECORD_BAD);
        assert_string_equal(why, "the template data is longer than 4096 bytes");
        buffer_done(&b);
        free(longest);
        free(longer);
}

static void an_empty_buffer_is_a_buffer(void **state _unused_) {
        Buffer b = {};
        RecordView v;
        const char *why;

        assert_int_equal(record_put_event(&b, 13, "sealwatch:x", "", 0), 0);
        assert_int_equal(parse(&b, &v, &why), RECORD_OK);
        assert_int_equal(v.buf_size, 0);
        buffer_done(&b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(bytes_are_those_of_the_kernel),
                TEST(files_events_violations_and_back),
                TEST(extends_the_data_or_all_ones),
                TEST(every_prefix_is_cut_off),
                TEST(every_flip_is_seen),
                TEST(other_fields_are_refused),
                TEST(violations_are_files_without_a_digest),
                TEST(limits_hold),
                TEST(an_empty_buffer_is_a_buffer),
        };

        return RUN(tests);
}
