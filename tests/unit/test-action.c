/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/action.h"
#include "tests/test.h"

static void actions_keep_their_order_and_own_their_text(void **state _unused_) {
        ActionList l = {};

        for (unsigned i = 0; i < 100; i++) {
                ActionType type = i % _ACTION_MAX;
                Action *a = action_add(&l, type);

                assert_non_null(a);
                assert_int_equal(a->type, type);
                if (type == ACTION_ALERT)
                        a->alert.json = strdup("{}");
                else if (type == ACTION_RELEASE || type == ACTION_REFUSE)
                        a->release.name = strdup("name");
        }
        assert_int_equal(l.size, 100);
        for (unsigned i = 0; i < 100; i++)
                assert_int_equal(l.items[i].type, i % _ACTION_MAX);
        action_list_done(&l);
        assert_int_equal(l.size, 0);
        assert_null(l.items);
        action_list_done(&l);
}

static void room_that_was_made_is_there(void **state _unused_) {
        ActionList l = {};
        Action *items;

        assert_int_equal(action_reserve(&l, 7), 0);
        items = l.items;
        for (unsigned i = 0; i < 7; i++)
                assert_non_null(action_add(&l, ACTION_ANSWER));
        assert_ptr_equal(l.items, items);
        action_list_done(&l);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(actions_keep_their_order_and_own_their_text),
                TEST(room_that_was_made_is_there),
        };

        return RUN(tests);
}
