/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Text files with PCR values: evmctl's "PCR-13: <hex>" (one line for each of 24 PCRs, digits perhaps with blanks
 * between the bytes) and plain "13 <hex>". */

#include "lib/pcr.h"

/* Values of one bank as read from a file. */
typedef struct PcrFile {
        PcrSet present;
        uint8_t values[PCR_COUNT][DIGEST_MAX];
} PcrFile;

/* Values of several banks, each from its own file. All-zero is none. */
typedef struct PcrInputs {
        BankSet banks;
        PcrFile files[_HASH_MAX]; /* of those banks */
} PcrInputs;

/* Parses n bytes of text for a bank. 0; -EINVAL with the line number (from 1) and a static sentence: not a PCR line,
 * wrong number of digits, a PCR given twice. Empty lines and lines that start with # are skipped. */
int pcrfile_parse(const char *text, size_t n, HashAlg alg, PcrFile *ret, unsigned *reterr_line,
                  const char **reterr_why);

/* The text that evmctl wants for a bank; NULL when out of memory. The caller frees it. */
char *pcrfile_format(const PcrValues *values, HashAlg alg);
