/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Folding records into batches, and looking inside. */

#include "lib/batch.h"

#include <errno.h>
#include <string.h>

#include "lib/base/macro.h"

static const char batch_name[] = "sealwatch:batch";
static_assert(BATCH_SIZE_MAX == 4028, "what sealwatch.eventlog(5) promises");

int batch_put(Buffer *b, uint32_t pcr, const void *records, size_t size) {
        if (size == 0 || size > BATCH_SIZE_MAX)
                return -EINVAL;
        return record_put_event(b, pcr, batch_name, records, size);
}

bool batch_is(const RecordView *record) {
        return record->template == TEMPLATE_BUF && streq(record->name, batch_name);
}

Reader batch_reader(const RecordView *batch) {
        return reader_new(batch->buf, batch->buf_size);
}

RecordResult batch_next(Reader *r, const RecordView *batch, RecordView *ret, const char **reterr_why) {
        RecordResult result = record_parse(r, ret, reterr_why);

        if (result == RECORD_END && r->size == 0) {
                *reterr_why = "the batch is empty";
                return RECORD_BAD;
        }
        if (result == RECORD_TRUNCATED)
                return RECORD_BAD;
        if (result != RECORD_OK)
                return result;
        *reterr_why = "a record in the batch is not of the batch's PCR";
        if (ret->pcr != batch->pcr)
                return RECORD_BAD;
        *reterr_why = "a batch may hold ima-ng records only, and no violation";
        if (ret->template != TEMPLATE_NG || ret->violation)
                return RECORD_BAD;
        return RECORD_OK;
}
