/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>

#include "core/commitq.h"
#include "lib/base/cleanup.h"
#include "lib/batch.h"
#include "tests/sample.h"
#include "tests/test.h"

enum { BANKS = 1U << HASH_SHA1 | 1U << HASH_SHA256 };

static CommitQueue *queue(uint64_t first) {
        BankDigests zero = bank_digests_zero(BANKS);
        CommitQueue *q;

        assert_int_equal(commit_queue_new(13, &zero, first, &q), 0);
        return q;
}

static void push_file(CommitQueue *q, const char *path, bool known, uint64_t expected) {
        Buffer b = {};
        uint64_t seq;

        sample_put_file(&b, 13, path);
        assert_int_equal(commit_queue_push(q, &b, known, &seq), 0);
        assert_null(b.data);
        assert_int_equal(seq, expected);
}

static void push_event(CommitQueue *q, uint64_t expected) {
        EventBuilder e = sample_event(KIND_STOP, "x", 1, true);
        Buffer b = {};
        uint64_t seq;

        sample_put(&b, 13, &e);
        assert_int_equal(commit_queue_push(q, &b, false, &seq), 0);
        assert_int_equal(seq, expected);
}

static RecordView parsed(const Commit *c) {
        Reader r = reader_new(c->bytes, c->size);
        RecordView view;
        const char *why;

        assert_int_equal(record_parse(&r, &view, &why), RECORD_OK);
        assert_true(reader_done(&r));
        return view;
}

/* Takes the next commit, which holds all entries up to `upto`, and is right in itself. */
static Commit take(CommitQueue *q, uint64_t upto, bool batch) {
        BankDigests digest;
        RecordView view;
        Commit c = {};

        assert_int_equal(commit_queue_next(q, &c), 1);
        view = parsed(&c);
        assert_int_equal(c.upto, upto);
        assert_int_equal(batch_is(&view), batch);
        assert_int_equal(record_extend_value(&view, BANKS, &digest), 0);
        assert_true(bank_digests_equal(&digest, &c.digest));
        assert_true(bank_digests_equal(&c.before, commit_queue_value(q)));
        return c;
}

static void done(CommitQueue *q, const Commit *c) {
        BankDigests after = c->before;
        BankDigests digest = c->digest;
        uint64_t upto = c->upto;

        assert_int_equal(bank_digests_extend(&after, &digest), 0);
        assert_int_equal(commit_queue_done(q), 0);
        assert_true(bank_digests_equal(&after, commit_queue_value(q)));
        assert_int_equal(commit_queue_anchored(q), upto + 1);
}

static void one_commit_at_a_time(void **state _unused_) {
        CommitQueue *q = queue(7);
        Commit c, other;

        assert_int_equal(commit_queue_next(q, &c), 0);
        assert_null(commit_queue_current(q));
        assert_int_equal(commit_queue_done(q), -EINVAL);
        push_event(q, 7);
        push_event(q, 8);
        c = take(q, 7, false);
        assert_int_equal(c.overhead, 0);
        assert_int_equal(c.known, 0);
        assert_int_equal(commit_queue_next(q, &other), 0);
        assert_memory_equal(commit_queue_current(q), &c, sizeof(c)); /* once more, the same */
        done(q, &c);
        assert_null(commit_queue_current(q));
        c = take(q, 8, false);
        done(q, &c);
        assert_int_equal(commit_queue_next(q, &c), 0);
        assert_int_equal(commit_queue_bytes(q), 0);
        assert_int_equal(commit_queue_next_seq(q), 9);
        assert_null(commit_queue_free(q));
        assert_null(commit_queue_free(NULL));
}

/* What gathers meanwhile goes together; what is not known goes alone, and in its place. */
static void known_files_are_folded(void **state _unused_) {
        static const struct {
                uint64_t upto;
                bool batch;
        } commits[] = { { 0, false }, { 2, true }, { 3, false }, { 4, false }, { 5, false }, { 9, true } };
        CommitQueue *q = queue(0);

        for (uint64_t i = 0; i < 10; i++)
                if (i == 3 || i == 5)
                        push_event(q, i);
                else
                        push_file(q, "/usr/bin/file", i != 0 && i != 4, i);
        for (size_t i = 0; i < ELEMENTSOF(commits); i++) {
                Commit c = take(q, commits[i].upto, commits[i].batch);

                assert_int_equal(c.overhead > 0, commits[i].batch);
                done(q, &c);
        }
        assert_int_equal(commit_queue_anchored(q), commit_queue_next_seq(q));
        commit_queue_free(q);
}

static void a_batch_holds_its_entries_and_no_more_than_fit(void **state _unused_) {
        CommitQueue *q = queue(0);
        uint64_t next = 0;

        for (uint64_t i = 0; i < 100; i++) {
                char path[32];

                snprintf(path, sizeof(path), "/usr/bin/%llu", (unsigned long long) i);
                push_file(q, path, true, i);
        }
        while (next < 100) {
                RecordView view, entry;
                const char *why;
                Commit c = {};
                Reader r;

                assert_int_equal(commit_queue_next(q, &c), 1);
                view = parsed(&c);
                assert_true(batch_is(&view));
                assert_true(view.buf_size <= BATCH_SIZE_MAX);
                assert_int_equal(c.size, c.overhead + view.buf_size);
                r = batch_reader(&view);
                while (batch_next(&r, &view, &entry, &why) == RECORD_OK) {
                        char path[32];

                        snprintf(path, sizeof(path), "/usr/bin/%llu", (unsigned long long) next++);
                        assert_string_equal(entry.name, path);
                }
                assert_int_equal(c.upto + 1, next);
                done(q, &c);
        }
        assert_int_equal(next, 100);
        commit_queue_free(q);
}

static void one_that_fills_a_batch_goes_alone(void **state _unused_) {
        _cleanup_free_ char *path = repeat('p', RECORD_PATH_MAX - 1);
        CommitQueue *q = queue(0);
        Commit c;

        path[0] = '/';
        push_file(q, path, true, 0);
        push_file(q, "/a", true, 1);
        push_file(q, "/b", true, 2);
        c = take(q, 0, false);
        assert_int_equal(c.known, 1);
        done(q, &c);
        c = take(q, 2, true);
        assert_int_equal(c.known, 2);
        done(q, &c);
        commit_queue_free(q);
}

static void refuse(CommitQueue *q, Buffer *b, bool known) {
        uint64_t seq = 99;

        assert_int_equal(commit_queue_push(q, b, known, &seq), -EBADMSG);
        assert_non_null(b->data); /* still the caller's */
        assert_int_equal(seq, 99);
        buffer_done(b);
        *b = (Buffer){};
}

static void what_no_log_can_hold_is_refused(void **state _unused_) {
        EventBuilder e = sample_event(KIND_STOP, "x", 1, true);
        CommitQueue *q = queue(0);
        Buffer b = {}, inside = {};

        sample_put_file(&b, 14, "/another/register");
        refuse(q, &b, false);
        sample_put_file(&b, 13, "/and/more");
        buffer_u8(&b, 0);
        refuse(q, &b, false);
        sample_put_file(&b, 13, "/cut");
        b.size--;
        refuse(q, &b, false);
        sample_put_file(&inside, 13, "/inside");
        assert_int_equal(batch_put(&b, 13, inside.data, inside.size), 0);
        refuse(q, &b, false);
        sample_put(&b, 13, &e);
        refuse(q, &b, true); /* an event is no known file */
        assert_int_equal(record_put_violation(&b, 13, "/violation"), 0);
        refuse(q, &b, true);
        assert_int_equal(commit_queue_next_seq(q), 0);
        buffer_done(&inside);
        commit_queue_free(q);
}

/* Entries stay where they are while the array behind them moves. */
static void bytes_stay_until_they_are_done(void **state _unused_) {
        CommitQueue *q = queue(0);
        const uint8_t *first;
        uint64_t n = 0;

        assert_int_equal(commit_queue_reserve(q, 3), 0);
        for (unsigned round = 0; round < 50; round++) {
                Commit c;

                push_event(q, n++);
                first = commit_queue_last(q)->data;
                push_event(q, n++);
                push_event(q, n++);
                c = take(q, n - 3, false);
                assert_ptr_equal(c.bytes, first);
                for (unsigned i = 0; i < 3; i++) {
                        done(q, &c);
                        if (i < 2)
                                c = take(q, n - 2 + i, false);
                }
        }
        assert_int_equal(commit_queue_bytes(q), 0);
        commit_queue_free(q);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(one_commit_at_a_time),
                TEST(known_files_are_folded),
                TEST(a_batch_holds_its_entries_and_no_more_than_fit),
                TEST(one_that_fills_a_batch_goes_alone),
                TEST(what_no_log_can_hold_is_refused),
                TEST(bytes_stay_until_they_are_done),
        };

        return RUN(tests);
}
