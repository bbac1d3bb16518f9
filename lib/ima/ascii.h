/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A line of the IMA list as text (Linux ima_fs.c, ima_ascii_measurements_show()):
 *
 *   PCR in two columns, template digest in digits, template name, and the fields, one blank before each of them
 *
 * An empty field leaves its blank. Names have no blanks (the kernel writes _ for them), so a line can be read in one way
 * only; one with a line feed in a name cannot be read. */

#include "lib/base/bytes.h"
#include "lib/digest.h"

/* Appends the line's entry in binary. n: without the line feed. *ret_alg: by the size of the template digest. 0; -ENOMEM, or
 * -EINVAL with a static sentence. */
int ima_ascii_parse(const char *line, size_t n, Buffer *ret, HashAlg *ret_alg, const char **reterr_why);
