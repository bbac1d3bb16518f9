/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Entries for people. */

#include "lib/entry.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/hex.h"
#include "lib/batch.h"
#include "lib/escape.h"
#include "lib/json.h"
#include "lib/kind.h"

static char *describe_file(const RecordView *record) {
        char hex[2 * SHA256_SIZE + 1];
        json_auto_t *object = json_object();
        int r;

        r = json_put(object, "path", json_string(record->name));
        if (record->violation)
                r = json_put(object, "violation", json_true()) < 0 ? -ENOMEM : r;
        else
                r = json_put(object, "digest", json_string(hex_encode(record->digest, SHA256_SIZE, hex))) < 0 ? -ENOMEM
                                                                                                              : r;
        return r < 0 ? NULL : json_canonical(object);
}

int entry_describe(const RecordView *record, const char **ret_kind, char **ret_json) {
        if (!(record->template == TEMPLATE_NG ? escape_is_canonical(record->name, record->name_size)
                                              : !memchr(record->buf, 0, record->buf_size)))
                return -EBADMSG;
        if (record->template == TEMPLATE_NG) {
                *ret_kind = "file";
                *ret_json = describe_file(record);
        } else {
                *ret_kind = startswith(record->name, KIND_PREFIX) ? record->name + strlen(KIND_PREFIX) : record->name;
                *ret_json = memdup_nul(record->buf, record->buf_size);
        }
        return *ret_json ? 0 : -ENOMEM;
}

int entries_each(const RecordView *record, uint64_t first,
                 int (*entry)(void *userdata, uint64_t seq, const RecordView *entry), void *userdata) {
        Reader inside;
        RecordView view;
        RecordResult result;
        const char *why;
        int n = 0, r;

        if (!batch_is(record)) {
                r = entry(userdata, first, record);
                return r < 0 ? r : 1;
        }
        inside = batch_reader(record);
        while ((result = batch_next(&inside, record, &view, &why)) == RECORD_OK) {
                r = entry(userdata, first + (uint64_t) n, &view);
                if (r < 0)
                        return r;
                n++;
        }
        return result == RECORD_END ? n : -EBADMSG;
}
