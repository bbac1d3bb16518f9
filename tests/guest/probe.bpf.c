/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The ways to stand at one hook. Those whose answer the kernel takes refuse the open. */

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "tests/guest/probe.h"

char LICENSE[] SEC("license") = "GPL";

ProbeState state;

static __always_inline int see(int answer) {
        if (bpf_get_current_pid_tgid() >> 32 != state.pid)
                return 0;
        __sync_fetch_and_add(&state.fired, 1);
        return answer;
}

SEC("lsm/file_open")
int BPF_PROG(by_lsm) {
        return see(-1);
}

SEC("lsm.s/file_open")
int BPF_PROG(by_sleepable_lsm) {
        return see(-1);
}

SEC("fmod_ret/security_file_open")
int BPF_PROG(by_fmod_ret) {
        return see(-1);
}

SEC("fentry/security_file_open")
int BPF_PROG(by_fentry) {
        return see(0);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(by_tp_btf) {
        return see(0);
}
