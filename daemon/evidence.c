/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Documents. The appraisal of a round goes on in the log where the last one ended, so that it costs the same however long
 * the log is; a document begins where its reader wants it to. */

#include "daemon/evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

#include "lib/base/hex.h"
#include "lib/ima/list.h"
#include "lib/io/fd.h"
#include "lib/io/file.h"

#define IMA_LIST "/sys/kernel/security/ima/binary_runtime_measurements"
enum { TPMS_MAX = 4 };

DEFINE_CLEANUP(LogReader *, log_reader_free)
DEFINE_CLEANUP(ImaList *, ima_list_free)

static void texts_done(EvidenceTexts *l) {
        for (size_t i = 0; i < l->size; i++) {
                free(l->items[i].name);
                free(l->items[i].value);
        }
        free(l->items);
        *l = (EvidenceTexts){};
}

void log_facts_done(LogFacts *f) {
        free(f->mode);
        free(f->state);
        texts_done(&f->references);
        texts_done(&f->levels);
        *f = (LogFacts){};
}

EvidenceJob *evidence_job_free(EvidenceJob *j) {
        if (!j)
                return NULL;
        gathered_free(j->gathered);
        safe_close(j->log_fd);
        log_facts_done(&j->facts);
        evidence_done(&j->evidence);
        check_list_done(&j->checks);
        free(j);
        return NULL;
}

static int copy_texts(EvidenceTexts *to, const EvidenceTexts *from) {
        int r = 0;

        texts_done(to);
        for (size_t i = 0; r >= 0 && i < from->size; i++)
                r = evidence_texts_add(to, from->items[i].name, from->items[i].value);
        return r;
}

static int copy_text(char **to, const char *from) {
        char *copy = from ? strdup(from) : NULL;

        if (from && !copy)
                return -ENOMEM;
        free(*to);
        *to = copy;
        return 0;
}

static int log_facts_copy(LogFacts *to, const LogFacts *from) {
        int r = copy_texts(&to->references, &from->references);

        if (r >= 0)
                r = copy_texts(&to->levels, &from->levels);
        if (r >= 0)
                r = copy_text(&to->mode, from->mode);
        if (r >= 0)
                r = copy_text(&to->state, from->state);
        to->offset = from->offset;
        to->base = from->base;
        to->time = from->time;
        memcpy(to->policy, from->policy, sizeof(to->policy));
        return r;
}

/* While the log is read. */
typedef struct Reading {
        const LogFacts *before;
        LogFacts now;
} Reading;

static void reading_done(Reading *r) {
        log_facts_done(&r->now);
}

static int restart(void *userdata) {
        Reading *r = userdata;

        return log_facts_copy(&r->now, r->before);
}

static int take_map(EvidenceTexts *to, const json_t *map) {
        const char *name;
        json_t *value;
        int r = 0;

        texts_done(to);
        json_object_foreach((json_t *) map, name, value)
                if (r >= 0)
                        r = evidence_texts_add(to, name, json_string_value(value));
        return r;
}

static int take_level(EvidenceTexts *levels, const char *event, const char *to) {
        for (size_t i = 0; i < levels->size; i++)
                if (streq(levels->items[i].name, event))
                        return copy_text(&levels->items[i].value, to);
        return evidence_texts_add(levels, event, to);
}

static const char *text_of(const LogEntry *e, const char *key) {
        return strempty(json_string_value(json_object_get(e->json, key)));
}

static int take_entry(void *userdata, const LogEntry *e) {
        LogFacts *f = &((Reading *) userdata)->now;

        if (e->kind == _KIND_INVALID)
                return 0;
        f->time = (uint64_t) json_integer_value(json_object_get(e->json, "time"));
        if (e->kind == KIND_POLICY) {
                (void) hex_decode(text_of(e, "digest"), SHA256_SIZE, f->policy);
                return copy_text(&f->mode, text_of(e, "mode"))
                               ?: take_map(&f->references, json_object_get(e->json, "references"));
        }
        if (e->kind == KIND_STATE)
                return copy_text(&f->state, text_of(e, "to"));
        if (e->kind == KIND_START)
                return take_map(&f->levels, json_object_get(e->json, "levels"));
        return e->kind == KIND_LEVEL ? take_level(&f->levels, text_of(e, "event"), text_of(e, "to")) : 0;
}

/* From a place in a log (of n bytes behind it) to the one behind `records` records in all. -ERANGE: it has not so many. */
static int skip(const void *log, size_t n, const EvidenceBase *from, uint64_t records, size_t *ret_offset,
                uint64_t *ret_entries) {
        _cleanup_(log_reader_freep) LogReader *reader = NULL;
        BankDigests value = from->value;
        LogEntry entry;
        int r = log_reader_new(log, n, 0, &reader);

        *ret_offset = 0;
        *ret_entries = from->entries;
        if (r < 0 || records <= from->records)
                return r < 0 ? r : records == from->records ? 0 : -ERANGE;
        value.banks = 0;
        if (from->records > 0)
                log_reader_resume(reader, from->records, from->entries, from->pcr, &value);
        while (log_reader_next(reader, &entry) == LOG_ENTRY)
                if (log_reader_records(reader) == records && log_reader_at_boundary(reader)) {
                        *ret_offset = log_reader_offset(reader);
                        *ret_entries = log_reader_entries(reader);
                        return 0;
                }
        return -ERANGE;
}

static int map_log(const EvidenceJob *j, FileMap *ret) {
        int r = file_map(j->log_fd, ret);

        return r < 0 ? r : ret->size < j->log_size ? -EIO : 0;
}

static void file_unmapp(FileMap *m) {
        file_unmap(m);
}

/* A file that the kernel makes up; one that is not there is empty. */
static int read_part(const char *path, Buffer *ret) {
        _cleanup_free_ char *data = NULL;
        size_t n = 0;
        int r = file_read(AT_FDCWD, path, EVIDENCE_LOG_MAX, &data, &n);

        if (r == -ENOENT || r == -EACCES)
                return 0;
        buffer_done(ret);
        if (r >= 0)
                buffer_bytes(ret, data, n);
        return r < 0 ? r : buffer_error(ret);
}

static int read_logs(EvidenceJob *j) {
        _cleanup_(file_unmapp) FileMap log = {};
        Evidence *e = &j->evidence;
        int r = map_log(j, &log);

        if (r >= 0 && j->facts.offset > j->log_size)
                r = -EIO;
        if (r >= 0) {
                buffer_bytes(&e->parts[EVIDENCE_LOG], log.data + j->facts.offset, j->log_size - j->facts.offset);
                r = buffer_error(&e->parts[EVIDENCE_LOG]);
        }
        if (r >= 0)
                r = read_part(IMA_LIST, &e->parts[EVIDENCE_IMA_LIST]);
        for (unsigned i = 0; r >= 0 && i < TPMS_MAX && e->parts[EVIDENCE_FIRMWARE_LOG].size == 0; i++) {
                char path[80];

                snprintf(path, sizeof(path), "/sys/kernel/security/tpm%u/binary_bios_measurements", i);
                r = read_part(path, &e->parts[EVIDENCE_FIRMWARE_LOG]);
        }
        e->log_since = j->facts.base.records;
        e->log_first = j->facts.base.entries;
        return r;
}

static int add_taints(EvidenceJob *j) {
        int r = 0;

        texts_done(&j->evidence.taints);
        for (const char *const *taint = j->taints; r >= 0 && *taint; taint++)
                r = evidence_texts_add(&j->evidence.taints, NULL, *taint);
        return r;
}

static int put_facts(Evidence *e, const LogFacts *f, uint64_t entries) {
        int r = copy_texts(&e->references, &f->references);

        if (r >= 0)
                r = copy_texts(&e->levels, &f->levels);
        if (r >= 0)
                r = copy_text(&e->mode, f->mode);
        if (r >= 0)
                r = copy_text(&e->state, f->state);
        memcpy(e->policy, f->policy, sizeof(e->policy));
        e->heartbeat_sequence = entries;
        e->heartbeat_time = f->time;
        return r;
}

static int take_pins(EvidenceJob *j, const EvidenceFindings *found) {
        const Buffer *blob = &j->evidence.parts[EVIDENCE_HCL];

        if (found->report)
                pins_take_report(&j->pins, found->report);
        j->pins.ak = found->ak_name;
        j->pins.has_clock = found->quote.digest.size > 0;
        j->pins.resets = found->quote.resets;
        j->pins.restarts = found->quote.restarts;
        j->pins.clock = found->quote.clock;
        return pins_take_claims(&j->pins, (Bytes){ blob->data, blob->size });
}

/* Where the log was good, the next round goes on behind it. The kernel's list is judged as a whole each time. */
static int go_on(EvidenceJob *j, Reading *reading, const EvidenceFindings *found) {
        size_t offset;
        uint64_t entries;
        int r;

        if (!check_list_passed(&j->checks, "event-log-structure") ||
            !check_list_passed(&j->checks, "event-log-replay"))
                return 0;
        r = skip(j->evidence.parts[EVIDENCE_LOG].data, j->evidence.parts[EVIDENCE_LOG].size, &j->facts.base,
                 found->base.records, &offset, &entries);
        if (r < 0)
                return r;
        reading->now.offset = j->facts.offset + offset;
        reading->now.base = found->base;
        reading->now.base.ima_entries = 0;
        log_facts_done(&j->facts);
        j->facts = TAKE_STRUCT(reading->now);
        return 0;
}

/* Where nobody has a certificate for the key behind the report, nothing is wrong with the report: it cannot be decided about.
 * One that says itself that no such key signed it stays as it was judged. */
static void excuse_missing_endorsements(EvidenceJob *j) {
        static const char *const names[] = { "signing-key", "chain", "ak-binding" };
        const Buffer *part = &j->evidence.parts[EVIDENCE_REPORT];
        const SnpReport *report = snp_report_view(part->data, part->size);
        uint32_t info = report ? snp_u32(report->key_info) : 0;

        if (j->evidence.parts[EVIDENCE_VEK].size > 0 || info & SNP_KEY_MASKED ||
            (info >> SNP_KEY_SIGNING_SHIFT & SNP_KEY_SIGNING_MASK) > SNP_VLEK)
                return;
        for (size_t i = 0; i < j->checks.size; i++)
                for (size_t k = 0; k < ELEMENTSOF(names); k++)
                        if (streq(j->checks.items[i].name, names[k]) && j->checks.items[i].result == CHECK_FAIL)
                                j->checks.items[i].result = CHECK_UNDECIDED;
}

static int judge(EvidenceJob *j) {
        _cleanup_(reading_done) Reading reading = { .before = &j->facts };
        const EvidenceSink sink = { &reading, restart, take_entry };
        const EvidenceAppraisal a = {
                .evidence = &j->evidence,
                .nonce = { j->gathered->nonce.data, j->gathered->nonce.size },
                .snp = &j->policy->snp,
                .tpm = &j->policy->tpm,
                .firmware = &j->policy->firmware,
                .ima = &j->policy->log,
                .log_pcr = (uint32_t) j->policy->guest.log_pcr,
                .base = j->facts.base.records > 0 ? &j->facts.base : NULL,
                .sink = &sink,
                .at = (int64_t) (j->now / USEC_PER_SEC),
                .allow_simulated = *j->taints != NULL,
        };
        EvidenceFindings found;
        int r = restart(&reading);

        if (r >= 0)
                r = evidence_appraise(&a, &j->checks, &found);
        if (r >= 0)
                r = put_facts(&j->evidence, &reading.now, found.entries);
        excuse_missing_endorsements(j);
        if (r >= 0)
                r = take_pins(j, &found);
        return r < 0 ? r : go_on(j, &reading, &found);
}

void evidence_job_judge(EvidenceJob *j) {
        _cleanup_(buffer_done) Buffer nonce = {};
        int r;

        buffer_bytes(&nonce, j->gathered->nonce.data, j->gathered->nonce.size);
        r = buffer_error(&nonce);
        if (r >= 0)
                r = gathered_move(j->gathered, &j->evidence);
        if (r >= 0) {
                buffer_done(&j->gathered->nonce);
                j->gathered->nonce = TAKE_STRUCT(nonce);
                j->evidence.time = j->now;
                r = add_taints(j);
        }
        if (r >= 0)
                r = read_logs(j);
        if (r < 0)
                j->failure = "the logs could not be read";
        else if (judge(j) < 0)
                j->failure = "out of memory, or the crypto library failed";
}

/* Where the IMA list's entry `since` begins. */
static int skip_ima(const Buffer *list, uint64_t since, size_t *ret) {
        _cleanup_(ima_list_freep) ImaList *l = NULL;
        ImaEntry entry;
        int r = ima_list_new(0, false, &l);

        if (r < 0)
                return r;
        ima_list_more(l, list->data, list->size);
        while (ima_list_entries(l) < since)
                if (ima_list_next(l, &entry) != LOG_ENTRY)
                        return -ERANGE;
        *ret = (size_t) ima_list_offset(l);
        return 0;
}

static int cut(Buffer *b, size_t offset) {
        if (offset > b->size)
                return -ERANGE;
        if (offset > 0)
                memmove(b->data, b->data + offset, b->size - offset);
        b->size -= offset;
        return 0;
}

/* The log as its reader wants it, instead of the piece that was judged. */
static int put_log(EvidenceJob *j, uint64_t since) {
        _cleanup_(file_unmapp) FileMap log = {};
        const EvidenceBase start = {};
        Buffer *part = &j->evidence.parts[EVIDENCE_LOG];
        size_t offset;
        int r = map_log(j, &log);

        if (r >= 0)
                r = skip(log.data, (size_t) j->log_size, &start, since, &offset, &j->evidence.log_first);
        if (r < 0)
                return r;
        buffer_done(part);
        buffer_bytes(part, log.data + offset, j->log_size - offset);
        j->evidence.log_since = since;
        return buffer_error(part);
}

static int to_memfd(const Buffer *document) {
        _cleanup_close_ int fd = memfd_create("evidence", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        int r = fd < 0 ? -errno : write_all(fd, document->data, document->size);

        if (r < 0)
                return r;
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
                return -errno;
        return TAKE_FD(fd);
}

int evidence_job_document(EvidenceJob *j, uint64_t since, uint64_t ima_since) {
        _cleanup_(buffer_done) Buffer document = {};
        size_t offset = 0;
        int r = put_log(j, since);

        if (r >= 0 && ima_since > 0)
                r = skip_ima(&j->evidence.parts[EVIDENCE_IMA_LIST], ima_since, &offset);
        if (r >= 0)
                r = cut(&j->evidence.parts[EVIDENCE_IMA_LIST], offset);
        j->evidence.ima_since = ima_since;
        if (r >= 0)
                r = evidence_write(&j->evidence, &document);
        return r < 0 ? r : to_memfd(&document);
}
