/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The program by which a round of attestation shows that the sensors are alive: nobody can know it before its nonce is
 * known, so it is in no reference set, and its digest in the log says that it was stopped, or measured, after that. */

#include "lib/base/bytes.h"
#include "lib/digest.h"

enum { CANARY_NONCE_MAX = 64 };

/* Appends an ELF program for x86-64 that ends at once, with the nonce in it. Whoever has the nonce makes the same bytes. 0,
 * -EINVAL for a nonce that is too long, -ENOMEM. */
int canary_program(const void *nonce, size_t n, Buffer *ret);

/* Its SHA-256. Returns as above, or -EIO. */
int canary_digest(const void *nonce, size_t n, uint8_t ret[SHA256_SIZE]);
