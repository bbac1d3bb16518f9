/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The queue of entries on their way from the pending file to the PCR. One commit is on its way at a time; while it
 * is, entries gather, and what gathered goes together: known files as a batch, everything else one by one. */

#include "lib/pcr.h"
#include "lib/record.h"

typedef struct CommitQueue CommitQueue;

/* pcr, value: the measurement register and what the committed log replays to. first: the number of the next entry. */
int commit_queue_new(uint32_t pcr, const BankDigests *value, uint64_t first, CommitQueue **ret);
CommitQueue *commit_queue_free(CommitQueue *q);

/* Queues a full record (taken over on success). known: a known file. 0, -ENOMEM, or -EBADMSG for what no log can hold: a
 * record that cannot be committed would stop all that come behind it. */
int commit_queue_push(CommitQueue *q, Buffer *record, bool known, uint64_t *ret_seq);

/* Makes room for n entries: so many pushes then need no memory. 0 or -ENOMEM. */
int commit_queue_reserve(CommitQueue *q, size_t n);

/* The entry pushed last. Its bytes stay where they are until commit_queue_done(). */
const Buffer *commit_queue_last(const CommitQueue *q);

typedef struct Commit {
        const uint8_t *bytes; /* the queue's, until the commit is done */
        size_t size;
        size_t overhead; /* of them, bytes that are in none of its entries: a batch has its own head */
        size_t known;    /* entries of known files in it */
        uint64_t upto;   /* number of the last entry in it */
        BankDigests digest, before;
} Commit;

/* Takes the next commit. 1 with *ret, 0 when nothing waits or one is on its way, or a negative errno. */
int commit_queue_next(CommitQueue *q, Commit *ret);

/* The commit on its way again (after a failure); NULL when there is none. */
const Commit *commit_queue_current(const CommitQueue *q);

/* It is in the PCR: its entries leave the queue. */
int commit_queue_done(CommitQueue *q);

uint64_t commit_queue_next_seq(const CommitQueue *q); /* of the next entry pushed */
uint64_t commit_queue_anchored(const CommitQueue *q); /* entries in the PCR */
size_t commit_queue_bytes(const CommitQueue *q);      /* of all entries not in the PCR yet */
const BankDigests *commit_queue_value(
        const CommitQueue *q); /* what the register holds after the commits that are done */
