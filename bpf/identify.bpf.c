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

enum { ENTRY_EAGAIN = -11, ENTRY_EBADF = -9 };

/* The caller owns the descriptor, so its entry does not change; but another thread may grow the table meanwhile, and
 * the old one is freed. Whoever finds the same table before and after has read a live one. */
static __always_inline int file_of(struct files_struct *files, __u32 fd, struct file **ret) {
        struct fdtable *table = BPF_CORE_READ(files, fdt);
        struct file **entry;

        if (fd >= BPF_CORE_READ(table, max_fds))
                return ENTRY_EBADF;
        entry = BPF_CORE_READ(table, fd) + fd;
        if (bpf_probe_read_kernel(ret, sizeof(*ret), entry) < 0 || BPF_CORE_READ(files, fdt) != table)
                return ENTRY_EAGAIN;
        return *ret ? 0 : ENTRY_EBADF;
}

SEC("syscall")
int identify(IdentifyRequest *request) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct file *file = NULL;

        request->error = file_of(BPF_CORE_READ(task, files), request->fd, &file);
        if (request->error == 0) {
                KernelFile identity = {};

                file_identity(file, &identity);
                request->file = identity;
        }
        return 0;
}
