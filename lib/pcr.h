/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* PCR values and the extend operation (TCG TPM 2.0 Library, part 1, section 17). */

#include <stdbool.h>
#include <stdint.h>

#include "lib/digest.h"

enum { PCR_COUNT = 24 }; /* PCRs of a PC client TPM */

/* A set of PCR banks: bit 1 << HashAlg. */
typedef uint8_t BankSet;

static inline BankSet bank(HashAlg alg) {
        return (BankSet) (1U << alg);
}

/* A set of PCRs: bit 1 << index. */
typedef uint32_t PcrSet;

enum { PCR_SET_TEXT_MAX = 64, BANK_SET_TEXT_MAX = 40 };

/* The PCRs that an event log can be of. Whoever is root can reset 16 and 23, and extend into them what a forged log says; 17
 * to 22 belong to dynamic launch, 10 to the kernel's IMA. */
enum { PCRS_OF_LOGS = 0xffff & ~(1 << 10) };

/* "0-7, 9, 14" and "sha1, sha256" for people; "none" of an empty set. Return ret. */
char *pcr_set_text(PcrSet set, char ret[PCR_SET_TEXT_MAX]);
char *bank_set_text(BankSet set, char ret[BANK_SET_TEXT_MAX]);

/* One digest per bank: the value of one PCR, or what is extended into one. Only members of `banks` count. */
typedef struct BankDigests {
        BankSet banks;
        uint8_t values[_HASH_MAX][DIGEST_MAX];
} BankDigests;

/* Every PCR in every allocated bank, as read from a TPM. */
typedef struct PcrValues {
        BankSet banks;
        uint8_t values[_HASH_MAX][PCR_COUNT][DIGEST_MAX];
} PcrValues;

/* All zero (what PCRs 0 to 15 hold after a TPM reset) in the given banks. */
BankDigests bank_digests_zero(BankSet banks);

/* H_bank(data) in each of the banks. 0 or a negative errno from the crypto library. */
int bank_digests_hash(BankSet banks, const void *data, size_t n, BankDigests *ret);

/* 0xff bytes in each of the banks: what IMA extends for a violation record (Linux ima_queue.c). */
BankDigests bank_digests_violation(BankSet banks);

/* value = H_bank(value || digest) in every bank of value; the digest must have all of them, or -EINVAL. All banks or,
 * on failure, none. */
int bank_digests_extend(BankDigests *value, const BankDigests *digest);

bool bank_digests_equal(const BankDigests *a, const BankDigests *b);
bool bank_digests_is_zero(const BankDigests *value);

/* Extends one PCR in the banks that both have. 0, or a negative errno with some banks extended. */
int pcr_values_extend(PcrValues *values, unsigned pcr, const BankDigests *digest);

/* One PCR out of all. */
BankDigests pcr_values_get(const PcrValues *values, unsigned pcr);

/* The bank that sealing policies and the human-facing output use: SHA-256 where it is allocated, else the next
 * stronger one; _HASH_INVALID when there is SHA-1 only or nothing. */
HashAlg bank_preferred(BankSet banks);
