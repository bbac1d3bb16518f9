/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Resuming from a log. */

#include "core/resume.h"

#include <errno.h>

#include "lib/base/cleanup.h"
#include "lib/pending.h"

DEFINE_CLEANUP(LogReader *, log_reader_free)

static bool is_promised(const PendingItem *item, const Reconciliation *found) {
        return item->type == PENDING_ENTRY && item->seq >= found->entries && item->seq < found->promised;
}

/* The promised entries that are not in the log yet, one after the other. */
static int collect_promised(const Findings *f, const Reconciliation *found, Buffer *ret) {
        Reader reader = reader_new(f->pending, f->pending_size);
        PendingItem item;

        while (pending_next(&reader, &item) == RECORD_OK)
                if (is_promised(&item, found))
                        buffer_bytes(ret, item.record, item.record_size);
        return buffer_error(ret);
}

static int queue_promised(Engine *e, const Findings *f, const Reconciliation *found) {
        Reader reader = reader_new(f->pending, f->pending_size);
        PendingItem item;
        int r = 0;

        while (r >= 0 && pending_next(&reader, &item) == RECORD_OK)
                if (is_promised(&item, found))
                        r = engine_restore_pending(e, item.record, item.record_size, item.flags & PENDING_KNOWN);
        return r;
}

static int restore_entries(Engine *e, LogReader *reader) {
        LogResult result;
        LogEntry entry;

        while ((result = log_reader_next(reader, &entry)) == LOG_ENTRY) {
                int r = engine_restore(e, &entry);

                if (r < 0)
                        return r;
        }
        return result == LOG_FAILED ? -ENOMEM : 0;
}

int engine_resume(Engine *e, const Findings *f, const Reconciliation *found) {
        _cleanup_(log_reader_freep) LogReader *reader = NULL;
        _cleanup_(buffer_done) Buffer promised = {};
        int r;

        if (found->new_log)
                return 0;
        r = log_reader_new(f->log, found->keep, 0, &reader);
        if (r >= 0)
                r = restore_entries(e, reader);
        if (r >= 0)
                r = collect_promised(f, found, &promised);
        if (r >= 0) {
                log_reader_continue(reader, promised.data, promised.size);
                r = restore_entries(e, reader);
        }
        if (r >= 0)
                r = engine_restored(e, found->entries, found->keep, &found->value);
        if (r >= 0)
                r = queue_promised(e, f, found);
        if (found->verdict != RECONCILE_CONTINUE)
                engine_distrust(e);
        return r;
}
