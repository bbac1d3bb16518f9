/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the verbs that appraise a quote have in common: the quote, its signature, PCR values, the nonce. Every function
 * returns 0, or EXIT_UNDECIDED after it said what is wrong. */

#include "lib/tpm/attest.h"

/* All-zero is none. */
typedef struct QuoteArguments {
        const char *quote_file, *signature_file; /* paths */
        PcrInputs pcrs;
        size_t nonce_size;
        uint8_t nonce[ATTEST_EXTRA_MAX];
} QuoteArguments;

/* The files' bytes; those of a file that was not named have no data. */
typedef struct QuoteInputs {
        Bytes quote, signature; /* owned */
} QuoteInputs;

void quote_inputs_done(QuoteInputs *in);

/* --quote, --signature, --pcrs and --nonce; true when `option` was one of them. *error is what went wrong with its value. */
enum { OPTION_QUOTE = 0x200, OPTION_SIGNATURE, OPTION_PCRS, OPTION_NONCE };
#define QUOTE_OPTIONS                                                                                                 \
        { "quote", required_argument, NULL, OPTION_QUOTE },                                                           \
                { "signature", required_argument, NULL, OPTION_SIGNATURE },                                           \
                { "pcrs", required_argument, NULL, OPTION_PCRS }, {                                                   \
                "nonce", required_argument, NULL, OPTION_NONCE                                                        \
        }
bool quote_option(QuoteArguments *a, int option, const char *value, bool json, int *error);

/* Reads the files that were named. */
int quote_inputs_read(const QuoteArguments *a, bool json, QuoteInputs *ret);

/* A file that may be left out: a NULL path gives no bytes. The caller frees ret->data. */
int input_optional_file(const char *path, size_t max, bool json, Bytes *ret);
