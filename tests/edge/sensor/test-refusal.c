/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What libbpf prints of programs that a kernel refuses, as it was seen. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "daemon/sensor/bpf/refusal.h"

static const char failed[] = "libbpf: prog 'identify': BPF program load failed: Permission denied\n";
static const char verifier[] = "libbpf: prog 'identify': -- BEGIN PROG LOAD LOG --\n"
                               "0: R1=ctx() R10=fp0\n"
                               "216: (63) *(u32 *)(r1 +0) = r2\n"
                               "dereference of modified ctx ptr R1 off=52 disallowed\n"
                               "processed 210 insns (limit 1000000) max_states_per_insn 0 total_states 13\n"
                               "-- END PROG LOAD LOG --\n";

static void a_refusal_names_program_and_reason(void **state) {
        Refusal r = {};
        char text[REFUSAL_SIZE];

        refusal_take(&r, "libbpf: loading kernel BTF\n");
        refusal_take(&r, failed);
        refusal_take(&r, verifier);
        refusal_take(&r, "libbpf: prog 'identify': failed to load: -13\n");
        refusal_take(&r, "libbpf: failed to load object 'sensors'\n");
        assert_true(refusal_format(&r, -EACCES, text));
        assert_string_equal(text, "the kernel refuses the program 'identify': Permission denied: "
                                  "dereference of modified ctx ptr R1 off=52 disallowed");
}

static void the_first_one_counts(void **state) {
        Refusal r = {};
        char text[REFUSAL_SIZE];

        refusal_take(&r, failed);
        refusal_take(&r, "libbpf: prog 'other': BPF program load failed: Permission denied\n");
        assert_true(refusal_format(&r, -EPERM, text));
        assert_string_equal(text, "the kernel refuses the program 'identify': Operation not permitted");
}

static void where_no_program_is_named_nothing_is_said(void **state) {
        static const char *const messages[] = {
                "",
                "libbpf: prog '",
                "libbpf: prog 'x",
                "libbpf: prog 'x': failed to load: -13\n",
                "libbpf: Error in bpf_object__probe_loading(): Operation not permitted(1).\n",
                verifier,
        };
        char text[REFUSAL_SIZE];

        for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
                Refusal r = {};

                refusal_take(&r, messages[i]);
                assert_false(refusal_format(&r, -EPERM, text));
        }
}

static void logs_that_are_cut_are_read_as_far_as_they_go(void **state) {
        char message[sizeof(failed) + sizeof(verifier)];

        for (size_t n = 0; n < sizeof(verifier); n++) {
                Refusal r = {};
                char text[REFUSAL_SIZE];

                refusal_take(&r, failed);
                memcpy(message, verifier, n);
                message[n] = '\0';
                refusal_take(&r, message);
                assert_true(refusal_format(&r, -EACCES, text));
                assert_null(strchr(text, '\n'));
        }
}

static void long_lines_are_cut(void **state) {
        char message[4096], text[REFUSAL_SIZE];
        Refusal r = {};

        memset(message, 'x', sizeof(message));
        memcpy(message, "libbpf: prog '", 14);
        memcpy(message + 1000, "': BPF program load failed", 27);
        refusal_take(&r, message);
        memset(message, 'y', sizeof(message));
        memcpy(message, "-- BEGIN PROG LOAD LOG --\n", 26);
        message[sizeof(message) - 1] = '\0';
        refusal_take(&r, message);
        assert_true(refusal_format(&r, -EACCES, text));
        assert_int_equal(strlen(r.program), sizeof(r.program) - 1);
        assert_int_equal(strlen(r.verifier), sizeof(r.verifier) - 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_refusal_names_program_and_reason),
                cmocka_unit_test(the_first_one_counts),
                cmocka_unit_test(where_no_program_is_named_nothing_is_said),
                cmocka_unit_test(logs_that_are_cut_are_read_as_far_as_they_go),
                cmocka_unit_test(long_lines_are_cut),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
