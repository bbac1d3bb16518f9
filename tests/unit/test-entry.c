/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "lib/batch.h"
#include "lib/entry.h"
#include "tests/sample.h"
#include "tests/test.h"

#include <errno.h>

static RecordView parse(const Buffer *b) {
        Reader r = reader_new(b->data, b->size);
        RecordView v;
        const char *why;

        assert_int_equal(record_parse(&r, &v, &why), RECORD_OK);
        return v;
}

static void expect(const Buffer *b, const char *expected_kind, const char *expected_json) {
        _cleanup_free_ char *json = NULL;
        RecordView v = parse(b);
        const char *kind;

        assert_int_equal(entry_describe(&v, &kind, &json), 0);
        assert_string_equal(kind, expected_kind);
        assert_string_equal(json, expected_json);
}

static void as_people_see_them(void **state _unused_) {
        static const uint8_t digest[SHA256_SIZE] = { 0xab };
        Buffer b = {};

        assert_int_equal(record_put_file(&b, 13, digest, "/x\"y"), 0);
        expect(&b, "file",
               "{\"digest\":\"ab00000000000000000000000000000000000000000000000000000000000000\","
               "\"path\":\"/x\\\"y\"}");
        b.size = 0;
        assert_int_equal(record_put_violation(&b, 13, "/x"), 0);
        expect(&b, "file", "{\"path\":\"/x\",\"violation\":true}");
        b.size = 0;
        assert_int_equal(record_put_event(&b, 13, "sealwatch:stop", "{\"a\":1}", 7), 0);
        expect(&b, "stop", "{\"a\":1}");
        b.size = 0;
        assert_int_equal(record_put_event(&b, 13, "foreign", "{}", 2), 0);
        expect(&b, "foreign", "{}");
        buffer_done(&b);
}

static void expect_refused(Buffer *b) {
        _cleanup_free_ char *json = NULL;
        RecordView v = parse(b);
        const char *kind;

        assert_int_equal(entry_describe(&v, &kind, &json), -EBADMSG);
        b->size = 0;
}

/* What the record codec lets pass and the log reader does not: an answer, not a lack of memory. */
static void not_as_the_log_reader_wants_them(void **state _unused_) {
        static const uint8_t digest[SHA256_SIZE];
        Buffer b = {};

        assert_int_equal(record_put_file(&b, 13, digest, "/not\xffUTF-8"), 0);
        expect_refused(&b);
        assert_int_equal(record_put_violation(&b, 13, "/line\nfeed"), 0);
        expect_refused(&b);
        assert_int_equal(record_put_event(&b, 13, "sealwatch:stop", "{}\0x", 4), 0);
        expect_refused(&b);
        buffer_done(&b);
}

typedef struct Seen {
        uint64_t next;
        int fail_at;
} Seen;

static int take(void *userdata, uint64_t seq, const RecordView *entry) {
        Seen *s = userdata;

        assert_true(seq == s->next++);
        assert_int_equal(entry->template, TEMPLATE_NG);
        return s->fail_at-- == 0 ? -EPIPE : 0;
}

static void each_entry_once(void **state _unused_) {
        _cleanup_(buffer_done) Buffer inside = {}, batch = {};
        Seen s = { .next = 40, .fail_at = -1 };
        RecordView v;

        sample_put_file(&inside, 13, "/a");
        v = parse(&inside);
        assert_int_equal(entries_each(&v, 40, take, &s), 1);
        sample_put_file(&inside, 13, "/b");
        sample_put_file(&inside, 13, "/c");
        assert_int_equal(batch_put(&batch, 13, inside.data, inside.size), 0);
        v = parse(&batch);
        assert_int_equal(entries_each(&v, 41, take, &s), 3);
        assert_true(s.next == 44);
        s = (Seen){ .next = 41, .fail_at = 1 };
        assert_int_equal(entries_each(&v, 41, take, &s), -EPIPE);
        assert_true(s.next == 43);
        s = (Seen){ .next = 1, .fail_at = 0 };
        v = parse(&inside);
        assert_int_equal(entries_each(&v, 1, take, &s), -EPIPE);
}

static void a_batch_of_something_else_is_bad(void **state _unused_) {
        _cleanup_(buffer_done) Buffer batch = {};
        Seen s = { .fail_at = -1 };
        RecordView v;

        assert_int_equal(record_put_event(&batch, 13, "sealwatch:batch", "junk", 4), 0);
        v = parse(&batch);
        assert_int_equal(entries_each(&v, 0, take, &s), -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(as_people_see_them),
                TEST(not_as_the_log_reader_wants_them),
                TEST(each_entry_once),
                TEST(a_batch_of_something_else_is_bad),
        };

        return RUN(tests);
}
