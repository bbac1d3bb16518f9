/* SPDX-License-Identifier: GPL-2.0-only */

/* Every program that comes to run, whatever let it: sched_process_exec is raised by the kernel itself once an exec can
 * no longer fail, with the new credentials in place. */

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/abi.h"
#include "bpf/event.h"
#include "bpf/file.h"
#include "bpf/kernel.h"

char LICENSE[] SEC("license") = "GPL";

const volatile SensorSettings settings;
SensorState state;
struct ring ring SEC(".maps");
struct checked checked SEC(".maps");
const ExecEvent *type_of_events __attribute__((unused)); /* so that the object's BTF has it */

static __always_inline void fill_filename(ExecEvent *e, const char *filename) {
        long n = bpf_probe_read_kernel_str(e->filename, sizeof(e->filename), filename);

        if (n <= 0)
                e->filename[0] = '\0';
        if (n == sizeof(e->filename))
                e->head.flags |= EVENT_TRUNCATED; /* or just as long */
}

/* Whether there was a hook that could leave no mark: each such makes up for one program. */
static __always_inline bool was_unmarked(void) {
        __u32 n = __sync_fetch_and_add(&state.unmarked, 0);

        return n > 0 && __sync_val_compare_and_swap(&state.unmarked, n, n - 1) == n;
}

/* Where there is no memory, or (6.1) the processor is at another task's storage, nothing can be said: only a mark that can be
 * made and is not there is one that nobody left. */
static __always_inline bool was_checked(struct task_struct *task) {
        __u64 *mark = bpf_task_storage_get(&checked, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

        return !mark || *mark == exec_of(task->mm) || was_unmarked();
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm) {
        struct file *file = bprm->file;
        struct inode *inode = file->f_inode;
        __u64 sequence;
        bool was_empty;
        ExecEvent *e;

        if ((!in_scope() && (state.probe == 0 || state.probe != (__u64) inode)) || is_let_go(inode))
                return 0;
        e = reserve_event(EVENT_TYPE_EXEC, sizeof(*e), &sequence, &was_empty);
        if (!e)
                return 0;
        fill_head(&e->head, EVENT_TYPE_EXEC, sequence, task);
        if (settings.rung != RUNG_NONE && !was_checked(task))
                e->head.flags |= EVENT_UNCHECKED;
        file_identity(file, &e->file);
        fill_filename(e, BPF_CORE_READ(bprm, filename));
        bpf_ringbuf_submit(e, wake_flag(was_empty));
        return 0;
}
