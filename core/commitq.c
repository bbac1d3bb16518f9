/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The queue of entries on their way to the PCR. */

#include "core/commitq.h"

#include "lib/base/alloc.h"
#include "lib/base/cleanup.h"
#include "lib/batch.h"

typedef struct Entry {
        Buffer record;
        bool known;
} Entry;

struct CommitQueue {
        uint32_t pcr;
        BankDigests value;
        Entry *entries; /* those of [head, size) wait */
        size_t head, size, allocated, bytes;
        uint64_t next_seq, anchored;
        size_t on_its_way; /* the first so many entries; 0: no commit is */
        Buffer committed;  /* their batch, if they are several */
        Commit current;
};

int commit_queue_new(uint32_t pcr, const BankDigests *value, uint64_t first, CommitQueue **ret) {
        CommitQueue *q = new0(CommitQueue, 1);

        if (!q)
                return -ENOMEM;
        q->pcr = pcr;
        q->value = *value;
        q->next_seq = q->anchored = first;
        *ret = q;
        return 0;
}

CommitQueue *commit_queue_free(CommitQueue *q) {
        if (!q)
                return NULL;
        for (size_t i = q->head; i < q->size; i++)
                buffer_done(&q->entries[i].record);
        free(q->entries);
        buffer_done(&q->committed);
        free(q);
        return NULL;
}

int commit_queue_reserve(CommitQueue *q, size_t n) {
        return GREEDY_REALLOC(q->entries, q->allocated, q->size + n);
}

/* True for one whole record that can be committed, alone or (a known file) in a batch. */
static bool is_entry(const CommitQueue *q, const Buffer *record, bool known) {
        Reader r = reader_new(record->data, record->size);
        RecordView view;
        const char *why;

        if (record_parse(&r, &view, &why) != RECORD_OK || !reader_done(&r) || view.pcr != q->pcr || batch_is(&view))
                return false;
        return !known || (view.template == TEMPLATE_NG && !view.violation);
}

int commit_queue_push(CommitQueue *q, Buffer *record, bool known, uint64_t *ret_seq) {
        if (!is_entry(q, record, known))
                return -EBADMSG;
        if (q->head > q->size / 2) { /* room at the front is most of it */
                memmove(q->entries, q->entries + q->head, (q->size - q->head) * sizeof(Entry));
                q->size -= q->head;
                q->head = 0;
        }
        if (GREEDY_REALLOC(q->entries, q->allocated, q->size + 1) < 0)
                return -ENOMEM;
        q->bytes += record->size;
        q->entries[q->size++] = (Entry){ .record = TAKE_STRUCT(*record), .known = known };
        *ret_seq = q->next_seq++;
        return 0;
}

const Buffer *commit_queue_last(const CommitQueue *q) {
        return &q->entries[q->size - 1].record;
}

/* How many entries go into the next commit. */
static size_t foldable(const CommitQueue *q) {
        size_t n = 0, bytes = 0;

        while (q->head + n < q->size && q->entries[q->head + n].known &&
               bytes + q->entries[q->head + n].record.size <= BATCH_SIZE_MAX)
                bytes += q->entries[q->head + n++].record.size;
        return MAX(n, (size_t) 1);
}

static int fold(CommitQueue *q, size_t n) {
        _cleanup_(buffer_done) Buffer inside = {};
        int r;

        for (size_t i = 0; i < n; i++)
                buffer_bytes(&inside, q->entries[q->head + i].record.data, q->entries[q->head + i].record.size);
        r = buffer_error(&inside);
        return r < 0 ? r : batch_put(&q->committed, q->pcr, inside.data, inside.size);
}

int commit_queue_next(CommitQueue *q, Commit *ret) {
        const Buffer *bytes = &q->committed;
        size_t n;
        RecordView view;
        const char *why;
        Reader reader;
        int r;

        if (q->on_its_way > 0 || q->head == q->size)
                return 0;
        n = foldable(q);
        if (n > 1) {
                r = fold(q, n);
                if (r < 0) {
                        buffer_done(&q->committed);
                        return r;
                }
        } else
                bytes = &q->entries[q->head].record;
        q->current = (Commit){ .bytes = bytes->data, .size = bytes->size, .before = q->value };
        reader = reader_new(bytes->data, bytes->size);
        if (record_parse(&reader, &view, &why) != RECORD_OK ||
            record_extend_value(&view, q->value.banks, &q->current.digest) < 0) {
                buffer_done(&q->committed);
                return -EIO;
        }
        q->current.upto = q->anchored + n - 1;
        q->current.overhead = bytes->size;
        for (size_t i = 0; i < n; i++) {
                q->current.overhead -= q->entries[q->head + i].record.size;
                q->current.known += q->entries[q->head + i].known;
        }
        q->on_its_way = n;
        *ret = q->current;
        return 1;
}

const Commit *commit_queue_current(const CommitQueue *q) {
        return q->on_its_way > 0 ? &q->current : NULL;
}

int commit_queue_done(CommitQueue *q) {
        int r;

        if (q->on_its_way == 0)
                return -EINVAL;
        r = bank_digests_extend(&q->value, &q->current.digest);
        if (r < 0)
                return r;
        q->anchored = q->current.upto + 1;
        for (; q->on_its_way > 0; q->on_its_way--) {
                q->bytes -= q->entries[q->head].record.size;
                buffer_done(&q->entries[q->head++].record);
        }
        buffer_done(&q->committed);
        return 0;
}

uint64_t commit_queue_next_seq(const CommitQueue *q) {
        return q->next_seq;
}

uint64_t commit_queue_anchored(const CommitQueue *q) {
        return q->anchored;
}

size_t commit_queue_bytes(const CommitQueue *q) {
        return q->bytes;
}

const BankDigests *commit_queue_value(const CommitQueue *q) {
        return &q->value;
}
