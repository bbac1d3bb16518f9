/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From a line of text to the bytes that the kernel hashed. */

#include "lib/ima/ascii.h"

#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/base/macro.h"
#include "lib/ima/template.h"
#include "lib/pcr.h"

/* The line's next word: up to a blank or the end. Moves behind the blank. */
typedef struct Words {
        const char *p, *end;
        bool over; /* no blank was left to start another word */
} Words;

static const char *next_token(Words *w, size_t *ret_size) {
        const char *start = w->p, *blank;

        if (w->over)
                return NULL;
        blank = memchr(start, ' ', (size_t) (w->end - start));
        w->over = !blank;
        *ret_size = (size_t) ((blank ? blank : w->end) - start);
        w->p = blank ? blank + 1 : w->end;
        return start;
}

/* Decimal, at most 10 digits, no zero in front. */
static bool parse_number(const char *s, size_t n, uint64_t max, uint64_t *ret) {
        uint64_t v = 0;

        if (n == 0 || n > 10 || (n > 1 && s[0] == '0'))
                return false;
        for (size_t i = 0; i < n; i++) {
                if (s[i] < '0' || s[i] > '9')
                        return false;
                v = v * 10 + (uint64_t) (s[i] - '0');
        }
        *ret = v;
        return v <= max;
}

/* In lower case, as the kernel writes them: one entry has one text. */
static bool put_digits(Buffer *b, const char *s, size_t n) {
        for (size_t i = 0; i < n; i += 2) {
                uint8_t byte;

                if (n - i < 2 || s[i] < '0' || s[i + 1] < '0' || (s[i] > '9' && s[i] < 'a') ||
                    (s[i + 1] > '9' && s[i + 1] < 'a') || hex_decode(s + i, 1, &byte) < 0)
                        return false;
                buffer_u8(b, byte);
        }
        return true;
}

/* "alg:" or "type:alg:", digits: the last colon ends the words. */
static bool put_digest(Buffer *b, const char *s, size_t n) {
        const char *colon = memrchr(s, ':', n);

        if (!colon)
                return false;
        buffer_bytes(b, s, (size_t) (colon + 1 - s));
        buffer_u8(b, 0);
        return put_digits(b, colon + 1, (size_t) (s + n - colon - 1));
}

static bool put_value(Buffer *b, ImaForm form, const char *s, size_t n) {
        uint64_t v;

        switch (form) {
        case IMA_FORM_DIGEST:
        case IMA_FORM_BYTES:
                return put_digits(b, s, n);
        case IMA_FORM_DIGEST_ALG:
        case IMA_FORM_DIGEST_TYPE:
                return put_digest(b, s, n);
        case IMA_FORM_TEXT:
                buffer_bytes(b, s, n);
                buffer_u8(b, 0);
                return true;
        case IMA_FORM_U32:
                if (!parse_number(s, n, UINT32_MAX, &v))
                        return false;
                buffer_u32le(b, (uint32_t) v);
                return true;
        default:
                if (!parse_number(s, n, UINT16_MAX, &v))
                        return false;
                buffer_u16le(b, (uint16_t) v);
                return true;
        }
}

static const char *put_field(Buffer *b, const ImaTemplate *t, ImaField f, const char *s, size_t n) {
        _cleanup_(buffer_done) Buffer value = {};
        const ImaFieldType *type = &ima_fields[f];

        if (n > 0 && !put_value(&value, type->form, s, n))
                return "a field is not in its form";
        if (t->legacy && f == IMA_N)
                value.size = n;
        if (!t->legacy || f == IMA_N)
                buffer_u32le(b, (uint32_t) value.size);
        buffer_bytes(b, value.data, value.size);
        b->failed |= value.failed;
        return NULL;
}

static const char *put_fields(Words *w, const ImaTemplate *t, Buffer *b) {
        for (size_t i = 0; i < t->n; i++) {
                size_t n;
                const char *s = next_token(w, &n), *why;

                if (!s)
                        return "the line has fewer fields than its template";
                why = put_field(b, t, t->fields[i], s, n);
                if (why)
                        return why;
        }
        return w->over ? NULL : "the line has more fields than its template";
}

/* "%2d": one blank in front of a single digit. */
static bool parse_pcr(Words *w, uint64_t *ret) {
        bool padded = w->p < w->end && *w->p == ' ';
        const char *s;
        size_t n;

        w->p += padded;
        s = next_token(w, &n);
        return s && !w->over && n == (padded ? 1 : 2) && parse_number(s, n, PCR_COUNT - 1, ret);
}

static const char *parse(const char *line, size_t n, Buffer *ret, Buffer *data, HashAlg *ret_alg) {
        Words w = { line, line + n, false };
        const char *digest, *name, *why;
        size_t digits = 0, name_size = 0;
        ImaTemplate t;
        uint64_t pcr;

        if (memchr(line, 0, n))
                return "the line has a NUL";
        if (!parse_pcr(&w, &pcr))
                return "the line does not start with a PCR from 0 to 23";
        digest = next_token(&w, &digits);
        *ret_alg = 0;
        while (*ret_alg < _HASH_MAX && digits != 2 * hash_size(*ret_alg))
                (*ret_alg)++;
        if (!digest || *ret_alg == _HASH_MAX)
                return "the template digest has a wrong number of digits";
        name = next_token(&w, &name_size);
        if (!name || !ima_template_find(name, name_size, &t))
                return "the template is unknown";
        why = put_fields(&w, &t, data);
        if (why)
                return why;
        buffer_u32le(ret, (uint32_t) pcr);
        if (!put_digits(ret, digest, digits))
                return "the template digest is not hexadecimal";
        buffer_u32le(ret, (uint32_t) name_size);
        buffer_bytes(ret, name, name_size);
        if (!t.legacy)
                buffer_u32le(ret, (uint32_t) data->size);
        buffer_bytes(ret, data->data, data->size);
        return NULL;
}

int ima_ascii_parse(const char *line, size_t n, Buffer *ret, HashAlg *ret_alg, const char **reterr_why) {
        _cleanup_(buffer_done) Buffer data = {};

        *reterr_why = parse(line, n, ret, &data, ret_alg);
        if (*reterr_why)
                return -EINVAL;
        return data.failed ? -ENOMEM : buffer_error(ret);
}
