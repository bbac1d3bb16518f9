/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading and replaying the IMA list. */

#include "lib/ima/list.h"

#include "lib/base/alloc.h"
#include "lib/ima/ascii.h"

typedef enum Form { FORM_UNKNOWN, FORM_BINARY, FORM_TEXT } Form;

struct ImaList {
        Reader reader;
        uint64_t base; /* where in the list the reader's bytes start */
        uint64_t offset, entries;
        Form form;
        HashAlg alg; /* of the template digests */
        bool padded;
        Buffer line; /* of a list in text: the current entry in binary */

        PcrValues values;
        PcrSet extended;
        LogResult last;
        const char *why;
};

int ima_list_new(BankSet banks, bool padded, ImaList **ret) {
        ImaList *l = new0(ImaList, 1);

        if (!l)
                return -ENOMEM;
        l->values.banks = banks;
        l->padded = padded;
        l->why = "";
        *ret = l;
        return 0;
}

ImaList *ima_list_free(ImaList *l) {
        if (!l)
                return NULL;
        buffer_done(&l->line);
        free(l);
        return NULL;
}

void ima_list_resume(ImaList *l, uint64_t entries, unsigned pcr, const BankDigests *value) {
        l->entries = entries;
        l->extended |= 1U << pcr;
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++)
                if (value->banks & bank(alg))
                        memcpy(l->values.values[alg][pcr], value->values[alg], hash_size(alg));
}

void ima_list_more(ImaList *l, const void *data, size_t n) {
        l->reader = reader_new(data, n);
        l->base = l->offset;
        l->last = LOG_ENTRY;
        l->why = "";
}

static LogResult stop(ImaList *l, LogResult result, const char *why) {
        l->last = result;
        l->why = why;
        return result;
}

/* A PCR below 24 in binary is no digit and no blank. */
static LogResult find_form(ImaList *l) {
        const uint8_t *data = l->reader.data + l->reader.pos;
        LogResult result;

        if (reader_left(&l->reader) == 0)
                return stop(l, LOG_END, "");
        if (data[0] == ' ' || (data[0] >= '0' && data[0] <= '9')) {
                l->form = FORM_TEXT;
                return LOG_ENTRY;
        }
        result = ima_list_digests(data, reader_left(&l->reader), &l->alg);
        if (result == LOG_TRUNCATED)
                return stop(l, result, "the list ends inside the entry");
        if (result == LOG_BAD)
                return stop(l, result, "this is no IMA list: the first entry has no known template");
        l->form = FORM_BINARY;
        return LOG_ENTRY;
}

static LogResult next_binary(ImaList *l, Reader *r, ImaEntry *e) {
        const char *why;
        LogResult result = ima_entry_parse(r, l->alg, e, &why);

        return result == LOG_ENTRY ? result : stop(l, result, why);
}

static LogResult next_line(ImaList *l, Reader *r, ImaEntry *e) {
        const char *start = (const char *) r->data + r->pos, *end, *why;
        HashAlg alg;
        Reader line;
        int error;

        if (reader_left(r) == 0)
                return stop(l, LOG_END, "");
        end = memchr(start, '\n', reader_left(r));
        if (!end)
                return reader_left(r) > IMA_LINE_MAX ? stop(l, LOG_BAD, "the line is too long")
                                                     : stop(l, LOG_TRUNCATED, "the list ends inside the line");
        l->line.size = 0;
        error = ima_ascii_parse(start, (size_t) (end - start), &l->line, &alg, &why);
        if (error < 0)
                return stop(l, error == -EINVAL ? LOG_BAD : LOG_FAILED, error == -EINVAL ? why : "out of memory");
        if (l->entries > 0 && alg != l->alg)
                return stop(l, LOG_BAD, "the template digest has another size than the ones before");
        l->alg = alg;
        line = reader_new(l->line.data, l->line.size);
        if (next_binary(l, &line, e) != LOG_ENTRY)
                return l->last == LOG_TRUNCATED ? stop(l, LOG_BAD, "the line is incomplete") : l->last;
        if (!reader_done(&line))
                return stop(l, LOG_BAD, "the line has more than its template");
        reader_bytes(r, (size_t) (end + 1 - start));
        return LOG_ENTRY;
}

static LogResult replay(ImaList *l, const ImaEntry *e) {
        BankDigests extended;

        l->extended |= 1U << e->pcr;
        if (ima_entry_extended(e, l->values.banks, l->padded, &extended) < 0 ||
            pcr_values_extend(&l->values, e->pcr, &extended) < 0)
                return stop(l, LOG_FAILED, "no crypto");
        return LOG_ENTRY;
}

LogResult ima_list_next(ImaList *l, ImaEntry *ret) {
        Reader r = l->reader;
        LogResult result;

        if (l->last != LOG_ENTRY)
                return l->last;
        if (l->form == FORM_UNKNOWN && find_form(l) != LOG_ENTRY)
                return l->last;
        result = l->form == FORM_TEXT ? next_line(l, &r, ret) : next_binary(l, &r, ret);
        if (result == LOG_ENTRY)
                result = replay(l, ret);
        if (result != LOG_ENTRY)
                return result;
        ret->number = l->entries++;
        l->reader = r;
        l->offset = l->base + r.pos;
        return LOG_ENTRY;
}

const char *ima_list_why(const ImaList *l) {
        return l->why;
}

uint64_t ima_list_offset(const ImaList *l) {
        return l->offset;
}

uint64_t ima_list_entries(const ImaList *l) {
        return l->entries;
}

bool ima_list_is_text(const ImaList *l) {
        return l->form == FORM_TEXT;
}

HashAlg ima_list_digest(const ImaList *l) {
        return l->alg;
}

const PcrValues *ima_list_values(const ImaList *l) {
        return &l->values;
}

PcrSet ima_list_extended(const ImaList *l) {
        return l->extended;
}
