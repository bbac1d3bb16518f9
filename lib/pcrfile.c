/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Text files with PCR values. */

#include "lib/pcrfile.h"

#include <stdio.h>

#include "lib/base/alloc.h"
#include "lib/base/hex.h"

/* Reads "PCR-NN:" or "NN", moves *p behind it. Returns the PCR or -EINVAL. */
static int parse_index(const char **p, const char *end) {
        const char *s = *p;
        int index = -EINVAL;

        if (end - s >= 4 && memcmp(s, "PCR-", 4) == 0)
                s += 4;
        for (int digits = 0; s < end && *s >= '0' && *s <= '9' && digits < 2; s++, digits++)
                index = (digits > 0 ? index * 10 : 0) + (*s - '0');
        if (s < end && *s == ':')
                s++;
        if (index >= PCR_COUNT || s == end || *s != ' ')
                return -EINVAL;
        *p = s;
        return index;
}

static const char *parse_line(const char *p, const char *end, HashAlg alg, PcrFile *f) {
        char digits[2 * DIGEST_MAX];
        size_t n = 0;
        int index = parse_index(&p, end);

        if (index < 0)
                return "expected \"PCR-NN: <hex>\" or \"NN <hex>\" with a PCR from 0 to 23";
        for (; p < end; p++) {
                if (*p == ' ')
                        continue;
                if (n == 2 * hash_size(alg))
                        return "there are more digits than the bank's digest has";
                digits[n++] = *p;
        }
        if (n != 2 * hash_size(alg))
                return "there are fewer digits than the bank's digest has";
        if (f->present & (1U << index))
                return "the PCR is given twice";
        f->present |= 1U << index;
        return hex_decode(digits, hash_size(alg), f->values[index]) < 0 ? "not a hexadecimal digit" : NULL;
}

int pcrfile_parse(const char *text, size_t n, HashAlg alg, PcrFile *ret, unsigned *reterr_line,
                  const char **reterr_why) {
        const char *end = text + n;
        PcrFile f = {};

        *reterr_line = 0;
        for (const char *p = text; p < end;) {
                const char *newline = memchr(p, '\n', (size_t) (end - p)), *stop = newline ? newline : end;

                (*reterr_line)++;
                if (stop > p && stop[-1] == '\r')
                        stop--;
                if (p < stop && *p != '#') {
                        *reterr_why = parse_line(p, stop, alg, &f);
                        if (*reterr_why)
                                return -EINVAL;
                }
                p = newline ? newline + 1 : end;
        }
        *ret = f;
        return 0;
}

char *pcrfile_format(const PcrValues *values, HashAlg alg) {
        enum { LINE = sizeof("PCR-00: ") + 2 * DIGEST_MAX };
        char *text = malloc(PCR_COUNT * LINE + 1), *p = text;

        if (!text)
                return NULL;
        for (unsigned i = 0; i < PCR_COUNT; i++) {
                char hex[2 * DIGEST_MAX + 1];
                p += sprintf(p, "PCR-%02u: %s\n", i, hex_encode(values->values[alg][i], hash_size(alg), hex));
        }
        return text;
}
