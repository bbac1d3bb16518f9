/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/answers.h"
#include "tests/test.h"

static const uint8_t seed[16] = { 3 };

static FileIdentity file(uint64_t n) {
        return (FileIdentity){ .inode_address = 0x1000 + n, .inode = n, .device = 8 << 20 };
}

static Answers *some(size_t max) {
        Answers *a;

        assert_int_equal(answers_new(max, seed, &a), 0);
        return a;
}

static bool consume(Answers *a, uint32_t pid, uint64_t n, usec_t started, size_t *ret_n) {
        UsedAnswer used[ANSWERS_PER_PROCESS];
        FileIdentity f = file(n);

        return answers_consume(a, pid, &f, started, USEC_INFINITY, used, ret_n);
}

static void add(Answers *a, uint32_t pid, uint64_t n, uint64_t token, usec_t when) {
        FileIdentity f = file(n);

        assert_int_equal(answers_add(a, pid, &f, token, true, when), 0);
}

static void one_answer_serves_one_exec(void **state _unused_) {
        Answers *a = some(16);
        size_t n;

        assert_false(consume(a, 5, 1, 0, &n));
        assert_int_equal(n, 0);
        add(a, 5, 1, 77, 100);
        assert_true(consume(a, 5, 1, 50, &n));
        assert_int_equal(n, 1);
        assert_false(consume(a, 5, 1, 50, &n));
        assert_int_equal(answers_size(a), 0);
        assert_null(answers_free(a));
        assert_null(answers_free(NULL));
}

static void only_for_its_own_process_and_file(void **state _unused_) {
        Answers *a = some(16);
        size_t n;

        add(a, 5, 1, 77, 100);
        assert_false(consume(a, 6, 1, 50, &n)); /* another process */
        assert_false(consume(a, 5, 2, 50, &n)); /* another file: and the answer is gone */
        assert_int_equal(n, 1);
        assert_false(consume(a, 5, 1, 50, &n));
        add(a, 5, 1, 78, 100);
        assert_false(consume(a, 5, 1, 101, &n)); /* born after the answer: the pid was used again */
        add(a, 5, 1, 79, 100);
        assert_true(consume(a, 5, 1, 100, &n));
        answers_free(a);
}

static void every_part_of_the_identity_counts(void **state _unused_) {
        FileIdentity other[] = { file(1), file(1), file(1) };
        UsedAnswer used[ANSWERS_PER_PROCESS];
        Answers *a = some(16);
        size_t n;

        other[0].inode_address++;
        other[1].inode++;
        other[2].device++;
        for (size_t i = 0; i < ELEMENTSOF(other); i++) {
                add(a, 5, 1, i, 100);
                assert_false(answers_consume(a, 5, &other[i], 0, USEC_INFINITY, used, &n));
        }
        answers_free(a);
}

/* Script, interpreter, loader: asked one by one, run as one. What came before the file that runs did not run. */
static void an_exec_ends_all_answers(void **state _unused_) {
        UsedAnswer used[ANSWERS_PER_PROCESS];
        FileIdentity interpreter = file(2);
        Answers *a = some(16);
        size_t n;

        add(a, 5, 1, 10, 100);
        add(a, 5, 2, 11, 101);
        add(a, 5, 3, 12, 102);
        assert_true(answers_consume(a, 5, &interpreter, 50, USEC_INFINITY, used, &n));
        assert_int_equal(n, 3);
        for (size_t i = 0; i < n; i++) {
                assert_int_equal(used[i].token, 10 + i);
                assert_int_equal(used[i].ran, i >= 1);
        }
        assert_int_equal(answers_size(a), 0);
        answers_free(a);
}

/* One program runs another, and is told of only when the other one has been let run. */
static void an_exec_that_is_told_late_leaves_later_answers(void **state _unused_) {
        const FileIdentity first = file(1), second = file(2);
        UsedAnswer used[ANSWERS_PER_PROCESS];
        Answers *a = some(16);
        size_t n;

        add(a, 5, 1, 10, 100);
        add(a, 5, 2, 11, 120);
        assert_true(answers_consume(a, 5, &first, 50, 119, used, &n));
        assert_int_equal(n, 1);
        assert_int_equal(used[0].token, 10);
        assert_true(used[0].ran);
        assert_true(answers_consume(a, 5, &second, 50, 120, used, &n));
        assert_int_equal(n, 1);
        assert_int_equal(used[0].token, 11);
        assert_int_equal(answers_size(a), 0);
        add(a, 5, 1, 12, 130);
        assert_false(answers_consume(a, 5, &first, 50, 129, used, &n)); /* ran before it was asked about */
        assert_int_equal(n, 0);
        answers_free(a);
}

static void too_many_for_one_process_forget_the_oldest(void **state _unused_) {
        UsedAnswer used[ANSWERS_PER_PROCESS];
        Answers *a = some(16);
        FileIdentity first = file(0);
        size_t n;

        for (uint64_t i = 0; i < ANSWERS_PER_PROCESS + 3; i++)
                add(a, 5, i, i, 100 + i);
        assert_false(answers_consume(a, 5, &first, 50, USEC_INFINITY, used, &n));
        assert_int_equal(n, ANSWERS_PER_PROCESS);
        for (size_t i = 0; i < n; i++)
                assert_int_equal(used[i].token, 3 + i);
        answers_free(a);
}

static void a_full_table_forgets_the_older_half(void **state _unused_) {
        enum { PROCESSES = 64 };
        Answers *a = some(PROCESSES);
        size_t n;

        for (uint32_t pid = 0; pid < PROCESSES; pid++)
                add(a, pid, pid, pid, 1000 + pid);
        add(a, 1000, 1, 1, 2000);
        assert_true(answers_size(a) <= PROCESSES / 2 + 1);
        assert_true(consume(a, 1000, 1, 0, &n));
        assert_true(consume(a, PROCESSES - 1, PROCESSES - 1, 0, &n));
        assert_false(consume(a, 0, 0, 0, &n));
        answers_free(a);
}

static void same_times_make_room_as_well(void **state _unused_) {
        enum { PROCESSES = 64 };
        Answers *a = some(PROCESSES);

        for (uint32_t pid = 0; pid < 10 * PROCESSES; pid++)
                add(a, pid, pid, pid, 1000);
        assert_true(answers_size(a) > 0 && answers_size(a) <= PROCESSES);
        answers_free(a);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(one_answer_serves_one_exec),
                TEST(only_for_its_own_process_and_file),
                TEST(every_part_of_the_identity_counts),
                TEST(an_exec_ends_all_answers),
                TEST(an_exec_that_is_told_late_leaves_later_answers),
                TEST(too_many_for_one_process_forget_the_oldest),
                TEST(a_full_table_forgets_the_older_half),
                TEST(same_times_make_room_as_well),
        };

        return RUN(tests);
}
