/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The least that programs at these hooks can cost. */

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

SEC("lsm/bprm_check_security")
int BPF_PROG(at_exec) {
        return 0;
}

SEC("lsm/mmap_file")
int BPF_PROG(at_mmap) {
        return 0;
}
