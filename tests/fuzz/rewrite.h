/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Records and pending items written again, and made right again after a change. */

#include "lib/pending.h"

/* Appends what the project's own writers make of the record. */
void rewrite_record(Buffer *b, const RecordView *view);

/* Puts the digests right of every record, those inside batches first, until the bytes are no records any more. */
void repair_records(uint8_t *data, size_t size);

/* Puts the checks right of every item of a pending file, until the bytes are none any more. */
void repair_pending(uint8_t *data, size_t size);
