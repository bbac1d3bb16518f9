/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A quote from a command line. */

#include "tools/verify/quote-arguments.h"

#include <stdlib.h>

#include "lib/tpm/signature.h"
#include "tools/verify/input.h"

void quote_inputs_done(QuoteInputs *in) {
        free((uint8_t *) in->quote.data);
        free((uint8_t *) in->signature.data);
        *in = (QuoteInputs){};
}

bool quote_option(QuoteArguments *a, int option, const char *value, bool json, int *error) {
        *error = 0;
        switch (option) {
        case OPTION_QUOTE:
                a->quote_file = value;
                return true;
        case OPTION_SIGNATURE:
                a->signature_file = value;
                return true;
        case OPTION_PCRS:
                *error = input_pcrs(&a->pcrs, value, json);
                return true;
        case OPTION_NONCE:
                *error = input_hex("--nonce", value, sizeof(a->nonce), json, a->nonce, &a->nonce_size);
                return true;
        default:
                return false;
        }
}

int input_optional_file(const char *path, size_t max, bool json, Bytes *ret) {
        char *data = NULL;
        size_t n = 0;
        int r = path ? input_file(path, max, json, &data, &n) : 0;

        *ret = (Bytes){ (uint8_t *) data, n };
        return r;
}

int quote_inputs_read(const QuoteArguments *a, bool json, QuoteInputs *ret) {
        int r = input_optional_file(a->quote_file, ATTEST_MAX, json, &ret->quote);

        return r == 0 ? input_optional_file(a->signature_file, TPM_SIGNATURE_MAX, json, &ret->signature) : r;
}
