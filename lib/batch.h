/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Group commit: many records of known files in one ima-buf record "sealwatch:batch", whose buffer is the
 * concatenation of the full records. One extend for all; evmctl checks the chain, looking inside is for our own
 * tools. Batches hold ima-ng records only, are never nested and never hold a violation. */

#include "lib/record.h"

enum {
        /* What is left of RECORD_DATA_MAX beside d-ng and n-ng (evmctl 1.5 refuses template data above 4096). */
        BATCH_SIZE_MAX = RECORD_DATA_MAX - (4 + 8 + SHA256_SIZE) - (4 + sizeof("sealwatch:batch")) - 4,
};

/* Appends a batch record around `size` bytes of full records, at most BATCH_SIZE_MAX. As record_put_event(). */
int batch_put(Buffer *b, uint32_t pcr, const void *records, size_t size);

/* True for a record that batch_put() wrote (by its name; its content is for batch_next() to check). */
bool batch_is(const RecordView *record);

/* A reader over the records in a batch, and the next of them: RECORD_END after the last, RECORD_BAD where the
 * content is not what a batch may hold. */
Reader batch_reader(const RecordView *batch);
RecordResult batch_next(Reader *r, const RecordView *batch, RecordView *ret, const char **reterr_why);
