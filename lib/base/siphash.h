/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* SipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012). OpenSSL has it as an EVP_MAC, which
 * costs a context and three fetches per hash; a table lookup on the gate's path cannot. */

#include <stddef.h>
#include <stdint.h>

uint64_t siphash24(const void *data, size_t n, const uint8_t key[16]);
