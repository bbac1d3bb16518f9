/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/base/cleanup.h"
#include "lib/check.h"
#include "tests/test.h"

static CheckResult verdict(const CheckResult *results, size_t n) {
        _cleanup_(check_list_done) CheckList l = {};

        for (size_t i = 0; i < n; i++)
                check_add(&l, "name", results[i], "%s", "why");
        return check_list_verdict(&l);
}

static void test_verdict(void **state _unused_) {
        static const struct {
                CheckResult results[3];
                size_t n;
                CheckResult expected;
        } table[] = {
                { {}, 0, CHECK_UNDECIDED },
                { { CHECK_PASS }, 1, CHECK_PASS },
                { { CHECK_NA }, 1, CHECK_PASS },
                { { CHECK_PASS, CHECK_NA }, 2, CHECK_PASS },
                { { CHECK_PASS, CHECK_UNDECIDED }, 2, CHECK_UNDECIDED },
                { { CHECK_UNDECIDED, CHECK_FAIL, CHECK_PASS }, 3, CHECK_FAIL },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                assert_int_equal(verdict(table[i].results, table[i].n), table[i].expected);
}

/* Out of memory once: the list can never again say that everything passed. */
static void test_incomplete(void **state _unused_) {
        _cleanup_(check_list_done) CheckList l = {};

        check_add(&l, "name", CHECK_PASS, "fine");
        l.incomplete = true;
        assert_int_equal(check_list_verdict(&l), CHECK_UNDECIDED);
        assert_null(check_list_json(&l));
}

static void test_json(void **state _unused_) {
        _cleanup_(check_list_done) CheckList l = {};
        _cleanup_free_ char *text = NULL;
        json_auto_t *object = NULL;

        check_add(&l, "chain", CHECK_PASS, "%d links", 2);
        check_add(&l, "root", CHECK_FAIL, "CN is \"%s\"", "evil\033[2J\xff");
        check_add(&l, "crl", CHECK_NA, "none given");
        object = check_list_json(&l);
        text = json_dumps(object, JSON_COMPACT);
        assert_string_equal(
                text, "{\"result\":\"fail\",\"checks\":["
                      "{\"name\":\"chain\",\"result\":\"pass\",\"detail\":\"2 links\"},"
                      "{\"name\":\"root\",\"result\":\"fail\",\"detail\":\"CN is \\\"evil\\\\x1b[2J\\\\xff\\\"\"},"
                      "{\"name\":\"crl\",\"result\":\"na\",\"detail\":\"none given\"}]}");
        assert_string_equal(check_list_find(&l, "root")->detail, "CN is \"evil\\x1b[2J\\xff\"");
        assert_null(check_list_find(&l, "other"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_verdict),
                cmocka_unit_test(test_incomplete),
                cmocka_unit_test(test_json),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
