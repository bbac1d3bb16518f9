/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Events and logs to test with, made by the project's own code. Usable outside cmocka: what cannot be made aborts. */

#include "lib/event.h"
#include "lib/pcr.h"

/* Ends the program when a test cannot even be set up. */
#define REQUIRE(condition)                                                                                            \
        do {                                                                                                          \
                if (!(condition))                                                                                     \
                        sample_failed(#condition, __FILE__, __LINE__);                                                \
        } while (0)

_Noreturn void sample_failed(const char *condition, const char *file, int line);

/* An event with every key of its kind (but KIND_BATCH), or only those that must be there: every text is `text`, cut to
 * the limit of its key, every number `count`. */
EventBuilder sample_event(Kind kind, const char *text, uint64_t count, bool optional);

/* What a boot record says that others compare with. */
typedef struct SampleLife {
        const char *life;
        uint64_t reset, restart;
        uint32_t measurement, cap;
        const PcrValues *pcrs;
} SampleLife;

EventBuilder sample_boot(const SampleLife *life);

/* Appends the finished event to a log and destroys it. */
void sample_put(Buffer *log, uint32_t pcr, EventBuilder *event);

/* Appends an ima-ng record of a file whose digest is made from its path. */
void sample_put_file(Buffer *log, uint32_t pcr, const char *path);

/* Appends a violation record and the open-writers record that binds it. */
void sample_put_pair(Buffer *log, uint32_t pcr, const char *path);

/* Appends a log of `n` mixed records (a boot record first; events of every kind, files, batches, pairs), and what it
 * replays to. Fewer than n when a pair ends it: then n + 1. */
void sample_log(Buffer *log, uint32_t pcr, unsigned n, uint64_t seed, BankSet banks, BankDigests *ret_value);

/* What whole records extend, one after the other, from zero. */
BankDigests sample_replay(const void *log, size_t size, BankSet banks);
