/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/io/background.h"
#include "tests/test.h"

#include <poll.h>

typedef struct Item {
        int number, result;
        bool worked, done, cancelled;
} Item;

static int order[8], finished;

static int work(void *item) {
        Item *i = item;

        i->worked = true;
        return i->number * 10;
}

static void done(void *item, int result, int cancelled) {
        Item *i = item;

        i->result = result;
        i->done = true;
        i->cancelled = cancelled;
        order[finished++] = i->number;
}

static void work_is_done_in_order(void **state _unused_) {
        Item items[5] = {};
        Background *b;

        finished = 0;
        assert_int_equal(background_new(&b), 0);
        for (int i = 0; i < 5; i++) {
                items[i].number = i;
                assert_int_equal(background_submit(b, work, done, &items[i]), 0);
        }
        while (finished < 5) {
                struct pollfd fd = { .fd = background_fd(b), .events = POLLIN };

                assert_int_equal(poll(&fd, 1, -1), 1);
                background_dispatch(b);
        }
        for (int i = 0; i < 5; i++) {
                assert_int_equal(order[i], i);
                assert_true(items[i].worked && items[i].done && !items[i].cancelled);
                assert_int_equal(items[i].result, 10 * i);
        }
        background_dispatch(b); /* nothing to do */
        assert_null(background_free(b));
}

/* Each item is handed back once, worked on or not. */
static void the_end_gives_all_back(void **state _unused_) {
        Item items[8] = {};
        Background *b;

        finished = 0;
        assert_int_equal(background_new(&b), 0);
        for (int i = 0; i < 8; i++) {
                items[i].number = i;
                assert_int_equal(background_submit(b, work, done, &items[i]), 0);
        }
        assert_null(background_free(b));
        assert_int_equal(finished, 8);
        for (int i = 0; i < 8; i++)
                assert_true(items[i].done && items[i].cancelled == !items[i].worked);
        assert_null(background_free(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = { TEST(work_is_done_in_order), TEST(the_end_gives_all_back) };

        return RUN(tests);
}
