/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The secrets that are held: by name, in wiped memory. */

#include <stdint.h>

#include "lib/io/secretmem.h"

enum { VAULT_MAX = 256 };

typedef struct Vault Vault;

int vault_new(Vault **ret);
/* Wipes all, but not what is kept for the next daemon. */
Vault *vault_free(Vault *v);

/* Holds a secret under a name; replaces one that is there. The memory is taken over on success. 0, -ENOMEM, or -ENOSPC
 * beyond VAULT_MAX. */
int vault_put(Vault *v, const char *name, SecretMem *secret);

/* NULL when it is not held. Valid until the next change. */
const SecretMem *vault_get(const Vault *v, const char *name);

/* The i-th name, NULL past the end. */
const char *vault_name(const Vault *v, size_t i);

/* A copy of a held secret in a file that outlives the daemon (keep.h), as long as somebody keeps *ret_fd, which is the caller's. It
 * is wiped with the secret. 0 or a negative errno, -ENOSYS where the kernel has no such files. */
int vault_keep(Vault *v, const char *name, const char *life, int *ret_fd);

/* Holds what an earlier daemon left in such a file. 0, or -EBADMSG when it is not whole, of another life, held already, or when
 * is_ours() says so; it is wiped then, if it is such a file at all. Other errnos: could not be held, and was wiped. */
int vault_take_back(Vault *v, int fd, const char *life, bool (*is_ours)(void *userdata, const char *name),
                    void *userdata);

/* Wipes what is in such a file. */
void vault_wipe_file(int fd);

/* Wipes and forgets all of them, also what is kept. Returns how many there were. */
size_t vault_wipe(Vault *v);

/* A copy for somebody else: a memory file that is sealed against every change. The copy cannot be taken back, and
 * unlike the vault's own memory it can be swapped. A descriptor, or a negative errno. */
int secret_to_memfd(const SecretMem *secret, const char *name);

/* Takes a secret out of a memory file that its sender has sealed against writing and shrinking (so that reading never
 * waits and what is read stays). -EPERM when it is not sealed, -EFBIG above SECRET_SIZE_MAX, -ENODATA when empty. */
int secret_from_memfd(int fd, SecretMem *ret);
