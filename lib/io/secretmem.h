/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Memory for secrets: memfd_secret(2) where the kernel has it (the pages leave the kernel's direct map), else
 * anonymous memory that is locked and left out of core dumps. A forked child does not have what is in it. Wiped before it
 * is given back, in every case. */

#include <stdbool.h>
#include <stddef.h>

typedef struct SecretMem {
        void *data;     /* NULL: none */
        size_t size;    /* as asked for */
        size_t mapped;  /* whole pages */
        bool is_secret; /* memfd_secret */
} SecretMem;

/* 0 or a negative errno; -EPERM when the memory could not be locked. A size of 0 is -EINVAL. */
int secret_mem_new(size_t size, SecretMem *ret);

/* Memory that a descriptor leads to, too, so that somebody can keep it beyond this process: memfd_secret only. 0 or a negative
 * errno, -ENOSYS where the kernel has none. */
int secret_mem_new_file(size_t size, SecretMem *ret, int *ret_fd);

/* The same memory again, by its descriptor, which stays the caller's. -EBADF for another kind of file, -EFBIG when it is empty
 * or larger. */
int secret_mem_from_file(int fd, size_t max, SecretMem *ret);

/* Zeroes the content; the memory stays. */
void secret_mem_wipe(SecretMem *m);

/* Unmaps memory of secret_mem_new_file() or secret_mem_from_file(), whose content stays where its descriptor is. */
void secret_mem_unmap(SecretMem *m);

/* Wipes and unmaps. */
void secret_mem_done(SecretMem *m);

/* Makes this process one that keeps secrets: no core dumps, not ptraceable by others of its uid, nothing swapped.
 * 0 or a negative errno for what could not be had (the rest is done). */
int secret_process(void);
