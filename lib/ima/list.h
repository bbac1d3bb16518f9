/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads the kernel's IMA measurement list (binary_runtime_measurements or ascii_runtime_measurements of
 * /sys/kernel/security/ima, of any bank), and replays it. Whether it is text shows in its first byte. */

#include "lib/ima/entry.h"

enum {
        IMA_ENTRY_MAX = IMA_DATA_MAX + 4 + DIGEST_MAX + 4 + IMA_TEMPLATE_NAME_MAX + 4, /* in binary */
        IMA_LINE_MAX = 2 * IMA_ENTRY_MAX,
};

typedef struct ImaList ImaList;

/* banks: those to replay; padded: as kernels before 5.8 extended them. 0 or -ENOMEM. */
int ima_list_new(BankSet banks, bool padded, ImaList **ret);
ImaList *ima_list_free(ImaList *l);

/* Before the first entry: the bytes are those behind so many entries, which extended that PCR alone, to the value. */
void ima_list_resume(ImaList *l, uint64_t entries, unsigned pcr, const BankDigests *value);

/* The list's bytes from ima_list_offset() on (borrowed): at first, and after LOG_END or LOG_TRUNCATED more. */
void ima_list_more(ImaList *l, const void *data, size_t n);

/* The next entry, replayed. Once it returned anything but LOG_ENTRY it returns that again, until there is more. */
LogResult ima_list_next(ImaList *l, ImaEntry *ret);

const char *ima_list_why(const ImaList *l); /* why LOG_TRUNCATED or LOG_BAD: a static sentence */
uint64_t ima_list_offset(const ImaList *l); /* of the entry at fault, or behind the last good one */
uint64_t ima_list_entries(const ImaList *l);
bool ima_list_is_text(const ImaList *l);
HashAlg ima_list_digest(const ImaList *l); /* which template digests the list has */

/* What the PCRs must hold, from zero. */
const PcrValues *ima_list_values(const ImaList *l);
PcrSet ima_list_extended(const ImaList *l);
