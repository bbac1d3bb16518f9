/* SPDX-License-Identifier: GPL-2.0-only */

/* The kernel's identity of an open file of the calling process. User space runs it by hand (BPF_PROG_RUN) for each
 * file that asks at the gate, so that answers and execs can be compared. */

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"
#include "bpf/file.h"
#include "bpf/kernel.h"

SEC("syscall")
int identify(IdentifyRequest *request) {
        struct task_struct *task = bpf_get_current_task_btf();
        IdentifyRequest answer = { .fd = request->fd };
        struct file *file = NULL;

        answer.error = file_of(BPF_CORE_READ(task, files), request->fd, &file);
        if (answer.error == 0)
                file_identity(file, &answer.file);
        /* At one place: of several, compilers make a pointer that the verifier refuses (clang 19). */
        *request = answer;
        return 0;
}
