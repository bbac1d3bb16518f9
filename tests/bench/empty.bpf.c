/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The least that a program at the hook of an exec can cost. */

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

SEC("lsm/bprm_check_security")
int BPF_PROG(nothing) {
        return 0;
}
