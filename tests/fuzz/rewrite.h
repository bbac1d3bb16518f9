/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Records written again, and made right again after a change. */

#include "lib/record.h"

/* Appends what the project's own writers make of the record. */
void rewrite_record(Buffer *b, const RecordView *view);

/* Puts the digests right of every record, those inside batches first, until the bytes are no records any more. */
void repair_records(uint8_t *data, size_t size);
