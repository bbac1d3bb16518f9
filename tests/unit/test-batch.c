/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "lib/batch.h"
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

static void holds_what_was_put(void **state _unused_) {
        _cleanup_(buffer_done) Buffer inside = {}, batch = {};
        const char *why = "";
        RecordView whole, v;
        Reader r;

        sample_put_file(&inside, 13, "/a");
        sample_put_file(&inside, 13, "/b");
        sample_put_file(&inside, 13, "/c");
        assert_int_equal(batch_put(&batch, 13, inside.data, inside.size), 0);
        whole = parse(&batch);
        assert_true(batch_is(&whole));
        assert_string_equal(whole.name, "sealwatch:batch");
        assert_memory_equal(whole.buf, inside.data, inside.size);
        r = batch_reader(&whole);
        for (const char *path = "a\0b\0c\0"; *path; path += 2) {
                assert_int_equal(batch_next(&r, &whole, &v, &why), RECORD_OK);
                assert_string_equal(v.name + 1, path);
        }
        assert_int_equal(batch_next(&r, &whole, &v, &why), RECORD_END);
}

static void only_batches_are_batches(void **state _unused_) {
        Buffer b = {};
        RecordView v;

        sample_put_file(&b, 13, "sealwatch:batch"); /* a file of that name */
        v = parse(&b);
        assert_false(batch_is(&v));
        buffer_done(&b);
        assert_int_equal(record_put_event(&b, 13, "sealwatch:batch2", "{}", 2), 0);
        v = parse(&b);
        assert_false(batch_is(&v));
        buffer_done(&b);
}

static void sizes_have_limits(void **state _unused_) {
        static const uint8_t bytes[BATCH_SIZE_MAX + 1];
        _cleanup_(buffer_done) Buffer b = {};
        RecordView v;

        assert_int_equal(BATCH_SIZE_MAX, 4028);
        assert_int_equal(batch_put(&b, 13, bytes, 0), -EINVAL);
        assert_int_equal(batch_put(&b, 13, bytes, BATCH_SIZE_MAX + 1), -EINVAL);
        assert_int_equal(b.size, 0);
        assert_int_equal(batch_put(&b, 13, bytes, BATCH_SIZE_MAX), 0);
        v = parse(&b);
        assert_int_equal(v.data_size, RECORD_DATA_MAX);
}

static void expect_bad(const Buffer *inside, unsigned good, const char *expected) {
        _cleanup_(buffer_done) Buffer batch = {};
        const char *why = "";
        RecordView whole, v;
        Reader r;

        assert_int_equal(record_put_event(&batch, 13, "sealwatch:batch", inside->data, inside->size), 0);
        whole = parse(&batch);
        r = batch_reader(&whole);
        while (good-- > 0)
                assert_int_equal(batch_next(&r, &whole, &v, &why), RECORD_OK);
        assert_int_equal(batch_next(&r, &whole, &v, &why), RECORD_BAD);
        assert_string_equal(why, expected);
}

static void files_of_its_pcr_only(void **state _unused_) {
        static const char foreign[] = "a batch may hold ima-ng records only, and no violation";
        _cleanup_(buffer_done) Buffer b = {}, inner = {};
        EventBuilder stop = sample_event(KIND_STOP, "x", 1, true);

        expect_bad(&b, 0, "the batch is empty");

        sample_put_file(&b, 12, "/a");
        expect_bad(&b, 0, "a record in the batch is not of the batch's PCR");

        b.size = 0;
        sample_put_file(&b, 13, "/a");
        sample_put(&b, 13, &stop);
        expect_bad(&b, 1, foreign);

        b.size = 0;
        assert_int_equal(record_put_violation(&b, 13, "/a"), 0);
        expect_bad(&b, 0, foreign);

        b.size = 0;
        sample_put_file(&inner, 13, "/a");
        assert_int_equal(batch_put(&b, 13, inner.data, inner.size), 0); /* a batch in a batch */
        expect_bad(&b, 0, foreign);

        b.size = 0;
        sample_put_file(&b, 13, "/a");
        buffer_u8(&b, 0);
        expect_bad(&b, 1, "the record is cut off");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(holds_what_was_put),
                TEST(only_batches_are_batches),
                TEST(sizes_have_limits),
                TEST(files_of_its_pcr_only),
        };

        return RUN(tests);
}
