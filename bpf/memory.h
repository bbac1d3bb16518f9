/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Memory that becomes executable and is no file's content: anonymous, or with private changes. What is a file's is judged by the
 * same programs (code.bpf.c, lower.bpf.c). */

#include "bpf/activity.h"

enum { MAPPING_PRIVATE = 0x2, PROT_WRITE = 0x2 }; /* MAP_PRIVATE */

static __always_inline int on_anonymous_mapping(unsigned long prot) {
        struct activity a = { .kind = ACTIVITY_MEMORY, .what = WHAT_MEMORY_ANONYMOUS, .number = prot };

        return prot & PROT_EXEC ? settle_activity(&a) : allow();
}

static __always_inline int on_private_mapping(struct file *file, unsigned long prot, unsigned long flags) {
        struct activity a = { .kind = ACTIVITY_MEMORY, .what = WHAT_MEMORY_MODIFIED, .number = prot };

        if (!(prot & PROT_EXEC && prot & PROT_WRITE && flags & MAPPING_PRIVATE))
                return allow();
        a.object = (__u64) file->f_inode;
        about_file(&a, file);
        return settle_activity(&a);
}

/* What was executable before is nothing new. The probe does that alone where its sandbox keeps it from more
 * (MemoryDenyWriteExecute=), and is to be seen. */
static __always_inline int on_protection(struct vm_area_struct *vma, unsigned long prot) {
        struct activity a = { .kind = ACTIVITY_MEMORY, .what = WHAT_MEMORY_ANONYMOUS, .number = prot };
        struct file *file = vma->vm_file;

        if (file) {
                if (!(prot & PROT_WRITE) && (vma->vm_flags & VM_EXEC || !vma->anon_vma) &&
                    !is_probe(bpf_get_current_task_btf()))
                        return allow();
                a.what = WHAT_MEMORY_MODIFIED;
                a.object = (__u64) file->f_inode;
                about_file(&a, file);
        } else if (vma->vm_flags & VM_EXEC)
                return allow();
        return settle_activity(&a);
}
