/* SPDX-License-Identifier: GPL-2.0-only */

/* Whether the daemon is there. The programs outlive it, by their pins; then nobody reads what they tell, no gate holds anything,
 * and what only the daemon may do is done by its successor. */

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/abi.h"
#include "bpf/event.h"
#include "bpf/kernel.h"

/* Run by hand (BPF_PROG_RUN) by the daemon: its first thread is the owner. */
SEC("syscall")
int adopt(void *context) {
        struct task_struct *task = bpf_get_current_task_btf();

        state.owner = (__u64) BPF_CORE_READ(task, group_leader);
        state.head.unattended = 0;
        return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task) {
        if (state.owner == 0 || state.owner != (__u64) task)
                return 0;
        state.owner = 0;
        state.head.unattended = 1;
        return 0;
}
