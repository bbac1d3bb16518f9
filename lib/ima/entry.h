/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One entry of the kernel's IMA measurement list, in binary (Linux ima_fs.c, ima_measurements_show(); little endian):
 *
 *   u32 PCR | template digest | u32 length | template name | u32 length | template data
 *
 * The template digest has 20 bytes (SHA-1) in binary_runtime_measurements, and the size of its bank in
 * binary_runtime_measurements_sha256 and the like. Template data are fields, each u32 length and bytes. In the old template
 * "ima" they are 20 bytes of digest | u32 length | name, without a length around them.
 *
 * What is extended is H_bank(template data); of "ima" H_bank(digest | name and zeros to 256 bytes). A violation (a file that
 * was open for writing when it was measured) has a template digest and a file digest of zeros, and extends 0xff. */

#include "lib/base/bytes.h"
#include "lib/ima/template.h"
#include "lib/logresult.h"
#include "lib/pcr.h"

enum {
        IMA_DATA_MAX = 4 * 1024 * 1024, /* template data of one entry */
        IMA_NAME_OLD_MAX = 255,
        IMA_HASHED_OLD = SHA1_SIZE + IMA_NAME_OLD_MAX + 1,
        IMA_DIGEST_MAX = 64, /* of a file */
};

/* A parsed entry; pointers lead into the list's bytes. */
typedef struct ImaEntry {
        uint64_t number; /* from 0 */
        uint32_t pcr;
        ImaTemplate template;
        bool violation;
        const uint8_t *template_digest; /* of the list's digest size */
        const uint8_t *data;            /* template data */
        size_t data_size;

        HashAlg alg; /* of the digest; _HASH_INVALID when this project cannot compute it */
        const uint8_t *digest;
        size_t digest_size;
        const char *name; /* not NUL-terminated in the template "ima" */
        size_t name_size; /* without the NUL */
        const uint8_t *buf;
        size_t buf_size; /* buf is NULL in templates without */
} ImaEntry;

/* Parses the entry at the reader's position; moves it past the entry when the result is LOG_ENTRY. list_alg says which
 * digests the list has. Checks all that an entry can say about itself: lengths, the form of each field, template digest,
 * digest of the buffer. *reterr_why is a static sentence. */
LogResult ima_entry_parse(Reader *r, HashAlg list_alg, ImaEntry *ret, const char **reterr_why);

/* Which digests a list has: that of its first entry. LOG_ENTRY, LOG_TRUNCATED when there are too few bytes to say, LOG_BAD. */
LogResult ima_list_digests(const void *data, size_t n, HashAlg *ret);

/* What an entry extends. padded: as kernels before 5.8 did, SHA-1 and zeros in the other banks. 0 or a negative errno. */
int ima_entry_extended(const ImaEntry *e, BankSet banks, bool padded, BankDigests *ret);
