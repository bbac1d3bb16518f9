/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A secret in a memory file that outlives the daemon, kept by the service manager. The file says by itself whose secret it is,
 * in which TPM life it was opened, and that it is whole; one that was wiped is not. Native byte order: it never leaves the
 * machine. */

#include "lib/io/secretmem.h"

/* A copy of the secret: *ret maps it, *ret_fd leads to it. 0 or a negative errno, -ENOSYS where the kernel has no memfd_secret. */
int keep_pack(const char *name, const char *life, const SecretMem *secret, SecretMem *ret, int *ret_fd);

/* What is in such a file: *ret_kept maps it, *ret_name is the caller's to free, *ret_secret is a copy. -EBADMSG when it is not
 * whole or of another life; *ret_kept is there all the same if it could be mapped, to be wiped. */
int keep_unpack(int fd, const char *life, SecretMem *ret_kept, char **ret_name, SecretMem *ret_secret);
