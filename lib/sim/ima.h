/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* IMA lists of kernels that never ran, byte for byte the same each time, for tests and demonstrations. */

#include "lib/base/bytes.h"
#include "lib/pcrfile.h"

typedef struct SimIma {
        HashAlg digests; /* of the list: HASH_SHA1 as every kernel has it, or a bank's */
        uint32_t pcr;
        const char *template;   /* NULL: every template in turn */
        unsigned entries;       /* behind boot_aggregate */
        unsigned violate_every; /* each n-th entry is a violation; 0: none */
        const PcrInputs *boot;  /* what boot_aggregate is of; NULL: of zeros */
} SimIma;

/* SHA-1 template digests, PCR 10, ima-ng, 20 entries, no violations. */
SimIma sim_ima_default(void);

/* Appends an entry: template data as they are (of "ima": digest, length, name), the digest computed, or zeros for a
 * violation. Failures stick to the buffer; -EIO from the crypto library. */
int sim_ima_entry(Buffer *list, HashAlg digests, uint32_t pcr, const char *template, const Buffer *data,
                  bool violation);

/* Appends template data of a file whose contents are `measured`; of a violation, with a digest of zeros. Of ima-buf:
 * `measured` is the buffer. 0, -EINVAL for an unknown template, -ENOMEM or -EIO. */
int sim_ima_data(Buffer *data, const char *template, const char *name, const char *measured, bool violation);

/* Appends a whole list, in binary. 0 or a negative errno. */
int sim_ima_list(const SimIma *s, Buffer *list);

/* Appends a list that sim_ima_list() wrote as the kernel shows it in text. 0 or a negative errno. */
int sim_ima_text(const Buffer *list, HashAlg digests, Buffer *text);
