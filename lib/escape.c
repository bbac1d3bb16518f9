/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One reversible rule from bytes to printable text. */

#include "lib/escape.h"

#include "lib/base/alloc.h"
#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/digest.h"

static const char cut_mark[] = "\\x00sha256:";

size_t utf8_next(const char *data, size_t n, unsigned *ret_codepoint) {
        const unsigned char *p = (const unsigned char *) data;
        static const unsigned smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        unsigned c;
        size_t length;

        if (n == 0)
                return 0;
        length = p[0] < 0x80             ? 1
                 : (p[0] & 0xe0) == 0xc0 ? 2
                 : (p[0] & 0xf0) == 0xe0 ? 3
                 : (p[0] & 0xf8) == 0xf0 ? 4
                                         : 0;
        if (length == 0 || length > n)
                return 0;
        c = length == 1 ? p[0] : p[0] & (0xffU >> (length + 1));
        for (size_t i = 1; i < length; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (p[i] & 0x3f);
        }
        if (c < smallest[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return 0;
        *ret_codepoint = c;
        return length;
}

bool utf8_is_unprintable(unsigned c) {
        return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
               (c >= 0x2066 && c <= 0x2069) || c == 0xfeff || c == 0x061c;
}

static void put_escaped(Buffer *b, unsigned char byte) {
        char text[5] = "\\x";

        hex_encode(&byte, 1, text + 2);
        buffer_bytes(b, text, 4);
}

/* Appends the escaped text up to `limit` bytes; returns how many input bytes fitted. A character that must be
 * escaped is escaped whole. quoted: the limit is for the text inside a JSON string, where quotes and backslashes are
 * doubled. */
static size_t escape_up_to(Buffer *b, const char *data, size_t n, size_t limit, bool quoted) {
        size_t i = 0, used = 0;

        while (i < n) {
                unsigned c = 0;
                size_t length = utf8_next(data + i, n - i, &c), taken = length > 0 ? length : 1;
                bool plain = length > 0 && c != '\\' && !utf8_is_unprintable(c);
                size_t size = plain ? taken + (quoted && c == '"') : (quoted ? 5 : 4) * taken;

                if (size > limit - used)
                        break;
                used += size;
                if (plain)
                        buffer_bytes(b, data + i, taken);
                for (size_t k = 0; !plain && k < taken; k++)
                        put_escaped(b, (unsigned char) data[i + k]);
                i += taken;
        }
        return i;
}

static int escape(const char *data, size_t n, size_t limit, bool quoted, char **ret) {
        const size_t cut_size = ESCAPE_CUT_SIZE + quoted; /* its one backslash */
        _cleanup_(buffer_done) Buffer b = {};
        char hex[2 * SHA256_SIZE + 1];
        uint8_t whole[SHA256_SIZE];
        int r;

        if (limit < cut_size || memchr(data, 0, n))
                return -EINVAL;
        if (escape_up_to(&b, data, n, limit, quoted) < n) {
                b.size = 0;
                escape_up_to(&b, data, n, limit - cut_size, quoted);
                r = sha256(data, n, whole);
                if (r < 0)
                        return r;
                buffer_string(&b, cut_mark);
                buffer_string(&b, hex_encode(whole, sizeof(whole), hex));
        }
        buffer_u8(&b, 0);
        r = buffer_error(&b);
        if (r < 0)
                return r;
        *ret = (char *) TAKE_PTR(b.data);
        return 0;
}

int escape_text(const char *data, size_t n, size_t limit, char **ret) {
        return escape(data, n, limit, false, ret);
}

int escape_for_json(const char *text, size_t limit, char **ret) {
        return escape(text, strlen(text), limit, true, ret);
}

/* Undoes the escapes of n bytes, without looking at how they were chosen. */
static int unescape_bytes(const char *text, size_t n, Buffer *ret) {
        for (size_t i = 0; i < n;) {
                uint8_t byte;

                if (text[i] != '\\') {
                        buffer_u8(ret, (uint8_t) text[i++]);
                        continue;
                }
                if (n - i < 4 || text[i + 1] != 'x' || hex_decode(text + i + 2, 1, &byte) < 0)
                        return -EINVAL;
                buffer_u8(ret, byte);
                i += 4;
        }
        return buffer_error(ret);
}

/* The length of the part before the cut mark, or n when there is none. */
static size_t cut_position(const char *text, size_t n) {
        size_t at = n - ESCAPE_CUT_SIZE;
        uint8_t digest[SHA256_SIZE];

        if (n < ESCAPE_CUT_SIZE || memcmp(text + at, cut_mark, sizeof(cut_mark) - 1) != 0 ||
            hex_decode(text + at + sizeof(cut_mark) - 1, sizeof(digest), digest) < 0)
                return n;
        for (const char *p = text + at; p < text + n; p++)
                if (*p >= 'A' && *p <= 'F')
                        return n;
        return at;
}

/* Most text is this, and stands for itself. */
static bool is_plain(const char *text, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (text[i] < ' ' || text[i] > '~' || text[i] == '\\')
                        return false;
        return true;
}

bool escape_is_canonical(const char *text, size_t n) {
        _cleanup_(buffer_done) Buffer raw = {}, again = {};
        size_t kept;

        if (is_plain(text, n))
                return true;
        kept = cut_position(text, n);
        if (unescape_bytes(text, kept, &raw) < 0 || (raw.size > 0 && memchr(raw.data, 0, raw.size)))
                return false;
        escape_up_to(&again, (const char *) raw.data, raw.size, SIZE_MAX, false);
        if (buffer_error(&again) < 0)
                return false;
        return again.size == kept && (kept == 0 || memcmp(again.data, text, kept) == 0);
}

int unescape_text(const char *text, char **ret, size_t *ret_size) {
        _cleanup_(buffer_done) Buffer raw = {};
        size_t n = strlen(text);
        int r;

        if (!escape_is_canonical(text, n))
                return -EINVAL;
        if (cut_position(text, n) < n)
                return -ENODATA;
        r = unescape_bytes(text, n, &raw);
        if (r < 0)
                return r;
        buffer_u8(&raw, 0);
        r = buffer_error(&raw);
        if (r < 0)
                return r;
        *ret_size = raw.size - 1;
        *ret = (char *) TAKE_PTR(raw.data);
        return 0;
}
