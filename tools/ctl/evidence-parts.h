/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "lib/evidence/evidence.h"

/* Writes the parts of a document, and the n bytes of itself, to files in a directory that is made where there is none: see
 * PARTS in sealwatchctl(1). 0, -ENOMEM or what the file system says; files that are there already are replaced. */
int evidence_parts_write(const char *directory, const Evidence *e, const char *document, size_t n);
