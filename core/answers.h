/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which gate answers still wait for their exec. An exec must use up an answer that was given to its own process for
 * its own file; whatever runs without one ran past the gate.
 *
 * The process is known by its pid and by being born before the answer (a reused pid was not). The file is known by
 * the kernel's own identity of the inode. One answer serves one exec, and an exec ends all answers of its process:
 * script, interpreter and dynamic loader are answered one by one and run as one. What was answered before the file that
 * runs was a script, or an exec that failed; what was answered after it is its loader, and runs as well. */

#include "lib/base/macro.h"
#include "policy/event.h"

typedef struct Answers Answers;

/* A script, four nested interpreters and a loader; and programs that run one another while who tells of them stands still. */
enum { ANSWERS_PER_PROCESS = 16 };

/* max: processes at once. 0 or -ENOMEM. */
int answers_new(size_t max, const uint8_t seed[16], Answers **ret);
Answers *answers_free(Answers *a);

/* Notes an answer given at `now`; held: the file's content was judged, and the gate keeps it from being written. When the
 * table is full, the older half of it makes room: what waits that long was never run. 0 or -ENOMEM. */
int answers_add(Answers *a, uint32_t pid, const FileIdentity *file, uint64_t token, bool held, usec_t now);

typedef struct UsedAnswer {
        uint64_t token;
        bool ran; /* the file runs now, and was held */
} UsedAnswer;

/* An exec at `when`: returns true when there was an answer for it. All answers that the process had got by then, used up now, go to
 * used[ANSWERS_PER_PROCESS], the oldest first; *ret_n says how many. A later one is the next exec's: who tells of execs may be late. */
bool answers_consume(Answers *a, uint32_t pid, const FileIdentity *file, usec_t started, usec_t when, UsedAnswer *used,
                     size_t *ret_n);

/* An answer that no exec will use: the gate holds its file no more. One that is not there is fine. */
void answers_forget(Answers *a, uint32_t pid, uint64_t token);

size_t answers_size(const Answers *a); /* processes with answers */
