/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which gate answers still wait for their exec. An exec must use up an answer that was given to its own process for
 * its own file; whatever runs without one ran past the gate.
 *
 * The process is known by its pid and by being born before the answer (a reused pid was not). The file is known by
 * the kernel's own identity of the inode. One answer serves one exec, and an exec ends all answers of its process:
 * script, interpreter and dynamic loader are answered one by one and run as one. */

#include "lib/base/macro.h"
#include "policy/event.h"

typedef struct Answers Answers;

enum { ANSWERS_PER_PROCESS = 8 }; /* a script, four nested interpreters, a loader, and some room */

/* max: processes at once. 0 or -ENOMEM. */
int answers_new(size_t max, const uint8_t seed[16], Answers **ret);
Answers *answers_free(Answers *a);

/* Notes an answer given at `now`. When the table is full, the older half of it makes room: what waits that long was
 * never run. 0 or -ENOMEM. */
int answers_add(Answers *a, uint32_t pid, const FileIdentity *file, uint64_t token, usec_t now);

/* An exec: returns true when there was an answer for it. The tokens of all answers of the process, used up now, go to
 * tokens[ANSWERS_PER_PROCESS]; *ret_n says how many. */
bool answers_consume(Answers *a, uint32_t pid, const FileIdentity *file, usec_t started, uint64_t *tokens,
                     size_t *ret_n);

size_t answers_size(const Answers *a); /* processes with answers */
