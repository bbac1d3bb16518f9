/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DER objects in files. */

#include "lib/pem.h"

#include <errno.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/macro.h"

static const char begin_mark[] = "-----BEGIN ", end_mark[] = "-----END ", dashes[] = "-----";

typedef struct Cursor {
        const char *data;
        size_t size, pos;
        const char *line; /* the last one read, without its end and the blanks before that */
        size_t line_size, line_start;
} Cursor;

void der_list_done(DerList *l) {
        buffer_done(&l->bytes);
        *l = (DerList){};
}

static bool next_line(Cursor *c) {
        const char *newline;
        size_t n;

        if (c->pos >= c->size)
                return false;
        c->line = c->data + c->pos;
        c->line_start = c->pos;
        newline = memchr(c->line, '\n', c->size - c->pos);
        n = newline ? (size_t) (newline - c->line) : c->size - c->pos;
        c->pos += n + (newline ? 1 : 0);
        while (n > 0 && (c->line[n - 1] == '\r' || c->line[n - 1] == ' ' || c->line[n - 1] == '\t'))
                n--;
        c->line_size = n;
        return true;
}

static bool line_begins(const Cursor *c, const char *mark) {
        return c->line_size >= strlen(mark) && memcmp(c->line, mark, strlen(mark)) == 0;
}

/* "-----BEGIN LABEL-----" and nothing else. */
static bool line_is(const Cursor *c, const char *mark, const char *label) {
        size_t m = strlen(mark), l = strlen(label);

        return c->line_size == m + l + strlen(dashes) && line_begins(c, mark) && memcmp(c->line + m, label, l) == 0 &&
               memcmp(c->line + m + l, dashes, strlen(dashes)) == 0;
}

/* The size of the SEQUENCE at the start of n bytes, or 0 when it is none, is not all there, or its length could be
 * written shorter. */
static size_t sequence_size(const uint8_t *data, size_t n) {
        size_t length = 0, octets;

        if (n < 2 || data[0] != 0x30)
                return 0;
        if (data[1] < 0x80)
                return data[1] + (size_t) 2 <= n ? data[1] + (size_t) 2 : 0;
        octets = data[1] & 0x7f;
        if (octets == 0 || octets > 4 || n < 2 + octets || data[2] == 0)
                return 0;
        for (size_t i = 0; i < octets; i++)
                length = length << 8 | data[2 + i];
        return length >= 0x80 && length <= n - 2 - octets ? length + 2 + octets : 0;
}

/* Notes an object whose bytes are the last `size` of l->bytes. The address is set at the end: the bytes still move. */
static const char *add_object(DerList *l, size_t size) {
        if (l->size >= PEM_OBJECTS_MAX)
                return "there are more than 64 objects in the file";
        l->items[l->size++].size = size;
        return NULL;
}

static int read_block(Cursor *c, const char *label, DerList *l, const char **reterr_why) {
        _cleanup_(buffer_done) Buffer text = {};
        size_t before = l->bytes.size, size;
        int r;

        while (next_line(c) && !line_begins(c, end_mark))
                buffer_bytes(&text, c->line, c->line_size);
        if (!line_is(c, end_mark, label)) {
                *reterr_why = "a PEM block is without its end";
                return -EINVAL;
        }
        r = buffer_error(&text);
        if (r == 0)
                r = base64_decode(BASE64_STANDARD, (const char *) text.data, text.size, &l->bytes);
        size = l->bytes.size - before;
        if (r == -EINVAL || (r == 0 && size == 0))
                *reterr_why = "a PEM block does not hold base64";
        else if (r == 0 && sequence_size(l->bytes.data + before, size) != size)
                *reterr_why = "a PEM block does not hold one DER object";
        else if (r == 0)
                *reterr_why = add_object(l, size);
        return *reterr_why ? -EINVAL : r;
}

static int read_pem(Cursor *c, const char *label, DerList *l, const char **reterr_why) {
        int r = 0;

        while (r == 0 && next_line(c)) {
                if (line_is(c, begin_mark, label))
                        r = read_block(c, label, l, reterr_why);
                else if (line_begins(c, begin_mark))
                        *reterr_why = "a PEM block is of another kind";
                else if (line_begins(c, end_mark))
                        *reterr_why = "a PEM block is without its beginning";
                if (*reterr_why)
                        return -EINVAL;
        }
        return r;
}

static int read_der(Cursor *c, DerList *l, const char **reterr_why) {
        while (c->pos < c->size) {
                const uint8_t *p = (const uint8_t *) c->data + c->pos;
                size_t size = sequence_size(p, c->size - c->pos);

                c->line_start = c->pos;
                *reterr_why = size > 0 ? add_object(l, size) : "not a whole DER object";
                if (*reterr_why)
                        return -EINVAL;
                buffer_bytes(&l->bytes, p, size);
                c->pos += size;
        }
        return buffer_error(&l->bytes);
}

int pem_read(const void *data, size_t n, const char *label, DerList *ret, size_t *reterr_offset,
             const char **reterr_why) {
        _cleanup_(der_list_done) DerList l = {};
        Cursor c = { .data = data, .size = n };
        size_t at = 0;
        int r;

        *reterr_why = NULL;
        r = n > 0 && c.data[0] == 0x30 && sequence_size(data, n) > 0 ? read_der(&c, &l, reterr_why)
                                                                     : read_pem(&c, label, &l, reterr_why);
        if (r == 0 && l.size == 0) {
                *reterr_why = "neither DER nor PEM of that kind";
                r = -EINVAL;
        }
        *reterr_offset = c.line_start;
        if (r < 0)
                return r;
        for (size_t i = 0; i < l.size; i++) {
                l.items[i].data = l.bytes.data + at;
                at += l.items[i].size;
        }
        *ret = TAKE_STRUCT(l);
        return 0;
}
