/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bpf/abi.h as clang compiled it for BPF, out of the object's BTF, against what the compiler here makes of it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bpf/btf.h>

#include "bpf/abi.h"
#include "lib/base/macro.h"

static struct btf *btf;

typedef struct Field {
        const char *name;
        size_t offset;
} Field;

#define FIELD(type, member)                                                                                           \
        { #member, offsetof(type, member) }

/* Every member is named here, in order. */
static void check(const char *type, size_t size, const Field *fields, size_t n) {
        int id = btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT);
        const struct btf_type *t = id < 0 ? NULL : btf__type_by_id(btf, (unsigned) id);

        assert_non_null(t);
        assert_int_equal(t->size, size);
        assert_int_equal(btf_vlen(t), n);
        for (unsigned i = 0; i < n; i++) {
                assert_string_equal(btf__name_by_offset(btf, btf_members(t)[i].name_off), fields[i].name);
                assert_int_equal(btf_member_bit_offset(t, i), 8 * fields[i].offset);
        }
}

#define CHECK(type, ...)                                                                                              \
        do {                                                                                                          \
                static const Field fields[] = { __VA_ARGS__ };                                                        \
                check(#type, sizeof(type), fields, ELEMENTSOF(fields));                                               \
        } while (0)

static void layouts_are_the_same(void **state) {
        CHECK(KernelFile, FIELD(KernelFile, inode_address), FIELD(KernelFile, inode), FIELD(KernelFile, device),
              FIELD(KernelFile, link_count), FIELD(KernelFile, magic), FIELD(KernelFile, backing_inode),
              FIELD(KernelFile, backing_device), FIELD(KernelFile, zero));
        CHECK(EventHead, FIELD(EventHead, version), FIELD(EventHead, type), FIELD(EventHead, flags),
              FIELD(EventHead, sequence), FIELD(EventHead, time), FIELD(EventHead, started), FIELD(EventHead, cgroup),
              FIELD(EventHead, pid), FIELD(EventHead, host_pid), FIELD(EventHead, uid), FIELD(EventHead, euid),
              FIELD(EventHead, mount_namespace), FIELD(EventHead, zero), FIELD(EventHead, comm));
        CHECK(ExecEvent, FIELD(ExecEvent, head), FIELD(ExecEvent, file), FIELD(ExecEvent, filename));
        CHECK(CodeEvent, FIELD(CodeEvent, head), FIELD(CodeEvent, file), FIELD(CodeEvent, kind),
              FIELD(CodeEvent, verdict), FIELD(CodeEvent, error), FIELD(CodeEvent, writers),
              FIELD(CodeEvent, generation), FIELD(CodeEvent, zero), FIELD(CodeEvent, digest), FIELD(CodeEvent, path));
        CHECK(ActivityEvent, FIELD(ActivityEvent, head), FIELD(ActivityEvent, file), FIELD(ActivityEvent, kind),
              FIELD(ActivityEvent, what), FIELD(ActivityEvent, denied), FIELD(ActivityEvent, generation),
              FIELD(ActivityEvent, number), FIELD(ActivityEvent, other_pid), FIELD(ActivityEvent, other_host_pid),
              FIELD(ActivityEvent, name), FIELD(ActivityEvent, target), FIELD(ActivityEvent, program));
        CHECK(ActivityState, FIELD(ActivityState, probing), FIELD(ActivityState, tpm_major),
              FIELD(ActivityState, refuse_stop), FIELD(ActivityState, first_mounts), FIELD(ActivityState, mounts),
              FIELD(ActivityState, zero));
        CHECK(KernelRule, FIELD(KernelRule, kinds), FIELD(KernelRule, any), FIELD(KernelRule, none),
              FIELD(KernelRule, verdict), FIELD(KernelRule, maybe));
        CHECK(KernelPolicy, FIELD(KernelPolicy, generation), FIELD(KernelPolicy, enforce),
              FIELD(KernelPolicy, rules_size), FIELD(KernelPolicy, digests_size), FIELD(KernelPolicy, every_time),
              FIELD(KernelPolicy, allow_writers), FIELD(KernelPolicy, allow_remote),
              FIELD(KernelPolicy, allow_user_layers), FIELD(KernelPolicy, allow_stale),
              FIELD(KernelPolicy, allow_no_path), FIELD(KernelPolicy, activities_denied),
              FIELD(KernelPolicy, activities_ignored), FIELD(KernelPolicy, self_allowed), FIELD(KernelPolicy, rules));
        CHECK(KernelDigest, FIELD(KernelDigest, digest), FIELD(KernelDigest, sets), FIELD(KernelDigest, zero));
        CHECK(InodeState, FIELD(InodeState, digest), FIELD(InodeState, version), FIELD(InodeState, digest_version),
              FIELD(InodeState, policy), FIELD(InodeState, sets), FIELD(InodeState, flags),
              FIELD(InodeState, reported));
        CHECK(IdentifyRequest, FIELD(IdentifyRequest, fd), FIELD(IdentifyRequest, error),
              FIELD(IdentifyRequest, file));
        CHECK(Admission, FIELD(Admission, inode_address), FIELD(Admission, inode), FIELD(Admission, device),
              FIELD(Admission, pid));
        CHECK(AdmissionTerm, FIELD(AdmissionTerm, until));
        CHECK(LearnRequest, FIELD(LearnRequest, fd), FIELD(LearnRequest, error), FIELD(LearnRequest, digest));
        CHECK(SensorSettings, FIELD(SensorSettings, cgroup), FIELD(SensorSettings, pid_namespace),
              FIELD(SensorSettings, rung));
        CHECK(StateHead, FIELD(StateHead, version), FIELD(StateHead, events), FIELD(StateHead, sequence),
              FIELD(StateHead, lost), FIELD(StateHead, told), FIELD(StateHead, lost_told),
              FIELD(StateHead, missed_told), FIELD(StateHead, let_go), FIELD(StateHead, hooked),
              FIELD(StateHead, replaced), FIELD(StateHead, unattended), FIELD(StateHead, in_charge));
        CHECK(SensorState, FIELD(SensorState, head), FIELD(SensorState, owner), FIELD(SensorState, last_wake),
              FIELD(SensorState, probe), FIELD(SensorState, refused), FIELD(SensorState, policy),
              FIELD(SensorState, unmarked), FIELD(SensorState, untold));
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(layouts_are_the_same) };
        int failed;

        if (argc != 2)
                return 2;
        btf = btf__parse(argv[1], NULL);
        if (!btf)
                return 2;
        failed = cmocka_run_group_tests(tests, NULL, NULL);
        btf__free(btf);
        return failed;
}
