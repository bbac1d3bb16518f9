/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How bytes of unknown origin (paths above all) become text in event-log records: one reversible rule.
 *
 * Printable UTF-8 stays as it is. A backslash, a control character (U+0000 to U+001F, U+007F to U+009F), the line
 * separators U+2028 and U+2029, the bidirectional controls, and every byte that is not part of well-formed UTF-8
 * become \xHH, byte by byte, in lower case. So nothing that a record says can move a terminal's cursor or break a
 * line, and unescaping gives the exact bytes back.
 *
 * A string whose escaped form is longer than its limit is cut between two characters, and ends in
 * \x00sha256: and the hexadecimal SHA-256 of the whole original. The original holds no NUL, so a cut string
 * cannot be mistaken for a whole one. */

#include <stdbool.h>
#include <stddef.h>

/* The bytes that a cut adds: "\x00sha256:" and 64 digits. */
#define ESCAPE_CUT_SIZE (sizeof("\\x00sha256:") - 1 + 64)

/* Escapes n bytes (which must hold no NUL); the result has at most `limit` bytes (at least ESCAPE_CUT_SIZE) and a
 * NUL. 0 with *ret owned by the caller; -ENOMEM, -EINVAL for a NUL or a limit too small, -EIO from the digest. */
int escape_text(const char *data, size_t n, size_t limit, char **ret);

/* As escape_text() for a string, but the limit (at least ESCAPE_CUT_SIZE + 1) is what the result takes between the quotes
 * of a JSON string, which doubles quotes and backslashes. */
int escape_for_json(const char *text, size_t limit, char **ret);

/* The exact bytes of an escaped string that was not cut, NUL-terminated. 0; -EINVAL when it is not in the form that
 * escape_text() writes (one string has one form); -ENODATA when it was cut. */
int unescape_text(const char *text, char **ret, size_t *ret_size);

/* True when the string is in the one form that escape_text() writes, cut or not. */
bool escape_is_canonical(const char *text, size_t n);

/* The first well-formed UTF-8 character of n bytes: its length (1 to 4) and code point, or 0 when there is none
 * (Unicode 15, table 3-7). */
size_t utf8_next(const char *data, size_t n, unsigned *ret_codepoint);

/* Characters that could make a reader see something else than what is written: controls, line separators, changes of
 * the writing direction. */
bool utf8_is_unprintable(unsigned codepoint);
