/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reference sets: the digests of code that is known, from sha256sum(1) files. 32 bytes per digest in memory; a
 * million lines load in well under a second (tests/bench). */

#include <stdbool.h>

#include "lib/digest.h"
#include "lib/problem.h"

typedef struct ReferenceSet ReferenceSet;

int reference_set_new(ReferenceSet **ret);
ReferenceSet *reference_set_free(ReferenceSet *s);

/* Feeds a piece of a file; call with n 0 at the file's end. Lines may be cut anywhere between pieces. What is wrong
 * is added to *problems with file, line and column. 0 or -ENOMEM. */
int reference_set_feed(ReferenceSet *s, const char *file, const char *text, size_t n, ProblemList *problems);

/* Sorts, drops doubles, and computes the digest over all digests. 0 or a negative errno. */
int reference_set_finish(ReferenceSet *s);

/* After reference_set_finish(). */
bool reference_set_contains(const ReferenceSet *s, const uint8_t digest[SHA256_SIZE]);
size_t reference_set_size(const ReferenceSet *s);
const uint8_t *reference_set_at(const ReferenceSet *s, size_t i); /* the i-th digest in ascending order */
const uint8_t *reference_set_digest(const ReferenceSet *s);       /* SHA256_SIZE bytes: the set's own name */
